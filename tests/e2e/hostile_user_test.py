"""A hostile user beside honest ones, on real processes: floods of huge results, silent streams, large bodies with and without a
token, readers that do not read, many chats. The honest users' time from message to answer is compared with the time beside an
equally busy, well-behaved user; no server's memory grows beyond a bound, and no message is lost.

    hostile_user_test.py RELIANT CLUSTER HOSTILE_PEER [--seconds N]    N: the seconds of load in all (30); tools/sweep: 300

The compared value is the 99th percentile where there are 300 messages of a kind; in 30 seconds it is the highest percentile with
three messages above it. The hostile user's processes run at the lowest priority, as if they ran on another machine.
"""

import argparse
import collections
import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import unittest

parser = argparse.ArgumentParser()
parser.add_argument("binaries", nargs=3)
parser.add_argument("--seconds", type=float, default=30)
OPTIONS, REST = parser.parse_known_args(sys.argv[1:])
PEER = OPTIONS.binaries[2]
sys.argv = [sys.argv[0], *OPTIONS.binaries[:2], *REST]
from real_cluster import TIMEOUT, Client, RealCluster  # noqa: E402

MAX_MEMORY = 300 * 1024  # kB of a server, at most, at any time
FACTOR, MARGIN = 2.0, 0.050  # bound of the honest users' tail: this factor of the other tail, or this many seconds more
JUDGED_SHARE = 0.99
ROUNDS = 2  # of each kind of neighbour, in turn: other load on the machine affects both
WARM_UP = 3.0
HONEST = 2
PACE = 0.4  # seconds between the messages of a user: well below the capacity of Temporal's development server
NICE = 19  # of the hostile user's processes
LARGE = 250 * 1024  # bytes of a message
BODY = 1_900_000  # bytes
SCRIPT = """
answers:
  - when: tool
    steps:
      - calls:
          - {tool: bash, arguments: {command: "true"}}
      - text: "done"
  - steps:
      - text: "hello"
"""


class Talk:
    """A user who sends one message after the other at an even pace, and waits for each answer."""

    def __init__(self, cluster, user):
        self.client = Client(cluster, user)
        project = cluster.directory / "projects" / user
        project.mkdir(parents=True, exist_ok=True)
        self.chats = [self.client.new_chat(project) for _ in range(2)]
        self.numbers = itertools.count(1)
        self.after = dict.fromkeys(self.chats, 0)

    def one(self):
        """Seconds from a message to the end of its answer."""
        number = next(self.numbers)
        chat = self.chats[number % len(self.chats)]
        begun = time.monotonic()
        self.client.send(chat, "tool", f"{self.client.user}-{number}")
        self.until_answered(chat)
        return time.monotonic() - begun

    def until_answered(self, chat):
        connection = http.client.HTTPConnection("127.0.0.1", self.client.ports[0], timeout=TIMEOUT)
        with contextlib.closing(connection):
            connection.request("GET", f"/api/v2/chats/{chat}/updates?after={self.after[chat]}",
                               headers={"authorization": f"Bearer {self.client.token}"})
            response, fields = connection.getresponse(), {}
            assert response.status == 200, response.read()
            for line in iter(response.readline, b""):
                text = line.decode().rstrip("\n")
                if text and not text.startswith(":"):
                    name, _, value = text.partition(": ")
                    fields[name] = value
                elif not text and fields:
                    self.after[chat] = int(fields["id"])
                    if fields["event"] == "status" and json.loads(fields["data"])["status"] != "running":
                        return
                    fields = {}
        raise AssertionError(f"the stream of chat {chat} has ended before the answer")


class Crew:
    """Threads that repeat an action until they are stopped. The test reports their exceptions."""

    def __init__(self):
        self.stopping = threading.Event()
        self.problems = []
        self.threads = []

    def add(self, act, pace=0.0):
        def live():
            while not self.stopping.is_set():
                begun = time.monotonic()
                try:
                    act()
                except Exception as problem:  # noqa: BLE001: the test shows it
                    self.problems.append(problem)
                    return
                self.stopping.wait(max(0.0, pace - (time.monotonic() - begun)))

        self.threads.append(threading.Thread(target=live))
        self.threads[-1].start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Hostile:
    """The hostile user's load on the API, in a process of its own; it expects refusals."""

    def __init__(self, cluster, user):
        self.client = Client(cluster, user)
        self.port = self.client.ports[0]
        self.project = self.client.call("POST", "/projects", {"name": "p", "path": "/tmp"}).body["id"]
        self.chat, self.busy_chat = self.new_chat(), self.new_chat()
        for number in range(12):  # a chat of some megabytes, for readers that do not read
            self.client.send(self.chat, "x" * LARGE, f"large-{number}")
        self.sockets = []

    def new_chat(self):
        return self.client.call("POST", "/chats", {"project_id": self.project}).body["id"]

    def head(self, method, path, token, length=None):
        body = "" if length is None else f"content-length: {length}\r\n"
        return f"{method} /api/v2{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{body}\r\n".encode()

    def connected(self):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(5)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def do_not_read(self, path):
        """Opens a stream or asks for a page, and reads nothing."""
        with contextlib.suppress(OSError):
            connection = self.connected()
            connection.sendall(self.head("GET", path, self.client.token))
            self.sockets.append(connection)

    def send_body(self, token):
        with contextlib.suppress(OSError), self.connected() as connection:
            connection.sendall(self.head("POST", "/projects", token, BODY) + b"x" * BODY)
            connection.recv(4096)

    def work(self):
        """As busy as the well-behaved user, which waits for the answers."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.client.cluster.ask(self.port, "POST", f"/api/v2/chats/{self.busy_chat}/messages", {"text": "tool"},
                                    {"authorization": f"Bearer {self.client.token}"})

    def make_chats(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.client.cluster.ask(self.port, "POST", "/api/v2/chats", {"project_id": self.project},
                                    {"authorization": f"Bearer {self.client.token}"})

    @contextlib.contextmanager
    def attacking(self):
        forked = multiprocessing.get_context("fork")
        over = forked.Event()
        process = forked.Process(target=self.attack_until, args=(over,))
        process.start()
        try:
            yield
            assert process.is_alive(), "the hostile user has ended"
        finally:
            over.set()
            process.join()

    def attack_until(self, over):
        os.nice(NICE)
        crew = Crew()
        self.begin(crew)
        over.wait()
        crew.stop()
        self.end()
        sys.exit(1 if crew.problems else 0)

    def begin(self, crew):
        for _ in range(32):
            self.do_not_read(f"/chats/{self.chat}/updates?after=0")
            self.do_not_read(f"/chats/{self.chat}/messages?limit=200")
        stranger = "rlnt_pat_" + "f" * 64
        for token in (self.client.token, stranger):
            crew.add(lambda token=token: self.send_body(token), pace=0.05)
        crew.add(self.make_chats, pace=0.02)
        crew.add(self.work, pace=PACE)

    def end(self):
        for connection in self.sockets:
            connection.close()
        self.sockets.clear()


class HostileUser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.users = HONEST + 2
        cls.cluster = RealCluster(SCRIPT, log_level="info", api=1, worker=1, gateway=1, daemon=cls.users, users=cls.users)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()

    def test_a_hostile_user_hardly_slows_honest_users(self):
        honest = [Talk(self.cluster, f"user-{number + 1}") for number in range(HONEST)]
        neighbour = Talk(self.cluster, f"user-{self.users - 1}")
        hostile = Hostile(self.cluster, f"user-{self.users}")
        self.side_by_side(honest, lambda crew: crew.add(neighbour.one, PACE), WARM_UP)
        slice_of_time = OPTIONS.seconds / (2 * ROUNDS)
        beside_busy, beside_hostile = [], []
        for _ in range(ROUNDS):
            with self.cpu("beside a busy user"):
                beside_busy += self.side_by_side(honest, lambda crew: crew.add(neighbour.one, PACE), slice_of_time)
            with self.attack(hostile), hostile.attacking(), self.cpu("beside a hostile one"):
                beside_hostile += self.side_by_side(honest, lambda crew: None, slice_of_time)
        memory = {name: self.most_memory(name) for kind in ("api", "worker", "gateway") for name in self.cluster.names(kind)}
        share = min(tail_share(beside_busy), tail_share(beside_hostile))
        busy, bad = quantile(beside_busy, share), quantile(beside_hostile, share)
        print(f"p{100 * share:.0f} from message to answer: {1000 * busy:.0f} ms beside a busy user ({len(beside_busy)} messages), "
              f"{1000 * bad:.0f} ms beside a hostile one ({len(beside_hostile)}); memory at most "
              + ", ".join(f"{name} {kb // 1024} MB" for name, kb in memory.items()), file=sys.stderr)
        self.assertGreater(len(beside_hostile), OPTIONS.seconds / 3, "the honest users were hardly served at all")
        self.assertLessEqual(bad, max(FACTOR * busy, busy + MARGIN))
        for name, kb in memory.items():
            self.assertLess(kb, MAX_MEMORY, name)

    def side_by_side(self, honest, begin, seconds):
        """The latencies of the honest users' messages beside others; each was answered."""
        took, crew, others = [], Crew(), Crew()
        begin(others)
        for user in honest:
            crew.add(lambda user=user: took.append(user.one()), PACE)
        crew.stopping.wait(seconds)  # the duration of the load
        crew.stop()
        others.stop()
        self.assertEqual((crew.problems, others.problems), ([], []))
        return took

    @contextlib.contextmanager
    def cpu(self, when):
        """Prints the CPU share of each process during the load."""
        def used():
            names = {about["pid"]: name for name, about in self.cluster.state().items()}
            ticks = collections.Counter()
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    owner = names.get(int(entry.name)) or names.get(int(fields[1]))  # PostgreSQL has a child for each connection
                    if owner is not None:
                        ticks[owner] += int(fields[11]) + int(fields[12])
            return ticks
        begun, before = time.monotonic(), used()
        yield
        seconds = time.monotonic() - begun
        print(f"CPU {when}: " + ", ".join(f"{name} {(ticks - before[name]) / seconds:.0f} %"
              for name, ticks in used().items()), file=sys.stderr)

    @contextlib.contextmanager
    def attack(self, hostile):
        gateway = f"127.0.0.1:{self.cluster.port('gateway-1')}"
        token = self.cluster.directory / f"{hostile.client.user}.token"
        peer = subprocess.Popen(["nice", "-n", str(NICE), PEER, gateway, "100", "8", token], stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(peer.stdout.readline(), "at it\n")
            yield
            self.assertIsNone(peer.poll(), "the hostile peer has ended")
        finally:
            peer.kill()
            peer.wait()
            peer.stdout.close()

    def most_memory(self, name):
        """kB, over the life of the process."""
        status = pathlib.Path(f"/proc/{self.cluster.state()[name]['pid']}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def tail_share(values):
    """JUDGED_SHARE, or a lower share with at least three of the values above it."""
    return min(JUDGED_SHARE, 1 - 3 / len(values))


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


if __name__ == "__main__":
    unittest.main()
