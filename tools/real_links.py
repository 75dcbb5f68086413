"""Links between real processes: TCP proxies on this machine, one for each client and server, that show what a network can do to
them: connections that break, nothing that passes (one way or both), everything late; commits and calls of Temporal whose outcome
the caller does not learn. tools/cluster configures the processes with the links' ports (--through)."""

import asyncio
import random
import socket
import struct
import threading

CHUNK = 64 * 1024
CHUNKS = 64  # of a direction under way: then the sender waits, as with TCP
MILLION = 10**6
READY = b"Z\x00\x00\x00\x05I"  # PostgreSQL: no transaction is open
ENCRYPTION_REQUESTS = (80877103, 80877104)  # PostgreSQL: SSLRequest and GSSENCRequest; a start-up message follows
PREFACE = 24  # bytes of HTTP/2's connection preface
HEADERS, END_STREAM = 1, 1


def message(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


NOT_SERIALIZED = message(b"E", b"SERROR\0VERROR\0C40001\0Mcould not serialize access: said by a proxy\0\0") + READY


class Broken(Exception):
    """This connection breaks now."""


class Plain:
    """What passes as it is."""

    def to_server(self, data):
        return data

    def to_client(self, data):
        return data


class Commits:
    """A connection to PostgreSQL whose COMMITs meet what `chances` says (of a million, by the names of database_lost)."""

    def __init__(self, chances, dice):
        self.chances = chances
        self.dice = dice
        self.begun = False
        self.sent = b""  # of a message that has not come whole
        self.answer = b""
        self.fate = None  # of the COMMIT under way

    def draw(self):
        drawn = self.dice.randrange(MILLION)
        for fate, chance in self.chances.items():
            if drawn < chance:
                return fate
            drawn -= chance
        return None

    def to_server(self, data):
        self.sent += data
        out = b""
        while (whole := self.take()) is not None:
            if not self.begun:
                self.begun = struct.unpack(">I", whole[4:8])[0] not in ENCRYPTION_REQUESTS
            elif whole[:1] == b"Q" and whole[5:].strip(b"; \0").upper() == b"COMMIT":
                whole = self.commit(whole)
            out += whole
        return out

    def take(self):
        head = 1 if self.begun else 0
        if len(self.sent) < head + 4:
            return None
        length = head + struct.unpack(">I", self.sent[head:head + 4])[0]
        if len(self.sent) < length:
            return None
        whole, self.sent = self.sent[:length], self.sent[length:]
        return whole

    def commit(self, whole):
        self.fate = self.draw()
        if self.fate in ("before_commit", "while_committing"):
            raise Broken
        return message(b"Q", b"ROLLBACK\0") if self.fate == "aborted" else whole

    def to_client(self, data):
        if self.fate is None:
            return data
        if self.fate == "after_commit":
            raise Broken
        self.answer += data
        if not self.answer.endswith(READY):
            return b""
        self.answer, self.fate = b"", None
        return NOT_SERIALIZED


class Calls:
    """A connection to Temporal that breaks in some of its calls (`chances` of a million: request, response)."""

    def __init__(self, chances, dice):
        self.chances = chances
        self.dice = dice
        self.skip = PREFACE
        self.parts = {"request": b"", "response": b""}

    def to_server(self, data):
        if self.skip:
            begin, data = data[:self.skip], data[self.skip:]
            self.skip -= len(begin)
            return begin + self.frames("request", data, 0)
        return self.frames("request", data, 0)

    def to_client(self, data):
        return self.frames("response", data, END_STREAM)

    def frames(self, way, data, flag):
        """Those that are whole. One that begins a call, or ends one, is where the connection may break."""
        part, out = self.parts[way] + data, b""
        while len(part) >= 9 and len(part) >= (length := 9 + int.from_bytes(part[:3])):
            if part[3] == HEADERS and part[4] & flag == flag and self.dice.randrange(MILLION) < self.chances.get(way, 0):
                raise Broken
            out, part = out + part[:length], part[length:]
        self.parts[way] = part
        return out


class Way:
    """One direction of a link."""

    def __init__(self):
        self.cuts = 0
        self.delay = 0.0
        self.opened = asyncio.Event()
        self.opened.set()

    def cut(self, by):
        self.cuts = max(0, self.cuts + by)
        self.opened.clear() if self.cuts else self.opened.set()

    async def passes(self, since):
        """What was sent at that time arrives when this returns."""
        loop = asyncio.get_running_loop()
        while not self.opened.is_set() or loop.time() < since + self.delay:
            await self.opened.wait()
            await asyncio.sleep(max(0, min(0.1, since + self.delay - loop.time())))


class Link:
    def __init__(self, client, server, port_of, talk):
        self.client = client
        self.server = server
        self.port_of = port_of  # where the server listens now
        self.talk = talk  # makes what looks at a connection's bytes
        self.to_server, self.to_client = Way(), Way()
        self.connections = set()  # pairs of writers

    async def listen(self):
        self.listener = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        loop = asyncio.get_running_loop()
        pair = [writer]
        self.connections.add(tuple(pair))
        try:
            await self.to_server.passes(loop.time())
            onward = await asyncio.open_connection("127.0.0.1", self.port_of(self.server))
            self.connections.discard(tuple(pair))
            pair.append(onward[1])
            self.connections.add(tuple(pair))
            talk = self.talk()
            await asyncio.gather(self.pump(reader, onward[1], self.to_server, talk.to_server),
                                 self.pump(onward[0], writer, self.to_client, talk.to_client))
        except (OSError, KeyError, Broken):  # KeyError: that server has never run
            pass
        finally:
            self.connections.discard(tuple(pair))
            reset(pair)

    async def pump(self, reader, writer, way, look):
        under_way = asyncio.Queue(CHUNKS)
        reading = asyncio.create_task(self.read(reader, under_way))
        try:
            while True:
                sent, data = await under_way.get()
                await way.passes(sent)
                if isinstance(data, Exception):
                    raise data
                if not data:
                    writer.write_eof()
                    return
                writer.write(look(data))
                await writer.drain()
        finally:
            reading.cancel()

    async def read(self, reader, under_way):
        loop = asyncio.get_running_loop()
        data = b" "
        while data and not isinstance(data, Exception):
            try:
                data = await reader.read(CHUNK)
            except OSError as error:
                data = error
            await under_way.put((loop.time(), data))

    def break_all(self):
        for pair in list(self.connections):
            reset(pair)


def reset(writers):
    for writer in writers:
        peer = writer.get_extra_info("socket")
        if peer is not None and peer.fileno() >= 0:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


class Links:
    """All of them, in a thread. `pairs`: (client, server); `port_of`: of a server, by its name."""

    def __init__(self, pairs, port_of, seed):
        self.database, self.temporal = {}, {}  # the chances
        dice = random.Random(f"{seed}/links")
        talks = {"postgres": lambda: Commits(self.database, dice), "temporal": lambda: Calls(self.temporal, dice)}
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.links = self.call(self.make(pairs, port_of, talks))

    async def make(self, pairs, port_of, talks):
        links = [Link(client, server, port_of, talks.get(server, Plain)) for client, server in pairs]
        for link in links:
            await link.listen()
        return links

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def ports(self):
        """{client: {server: port}}"""
        out = {}
        for link in self.links:
            out.setdefault(link.client, {})[link.server] = link.port
        return out

    def between(self, node, other):
        """The links of a node with another, or with all (None): each with the direction that leads to the node, and the other."""
        for link in self.links:
            if node == link.client and other in (None, link.server):
                yield link, link.to_client, link.to_server
            elif node == link.server and other in (None, link.client):
                yield link, link.to_server, link.to_client

    def change(self, work):
        async def run():
            work()
        self.call(run())

    def cut(self, node, other, way, by=1):
        def work():
            for _, to_node, from_node in self.between(node, other):
                if way in ("both", "in"):
                    to_node.cut(by)
                if way in ("both", "out"):
                    from_node.cut(by)
        self.change(work)

    def delay(self, node, other, seconds):
        def work():
            for _, to_node, from_node in self.between(node, other):
                to_node.delay = from_node.delay = seconds
        self.change(work)

    def reset(self, node):
        self.change(lambda: [link.break_all() for link, _, _ in self.between(node, None)])

    def heal(self):
        self.database.clear()
        self.temporal.clear()

        def work():
            for link in self.links:
                for way in (link.to_server, link.to_client):
                    way.cut(-way.cuts)
                    way.delay = 0.0
        self.change(work)
