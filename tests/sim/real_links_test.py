"""tools/real_links.py: what its proxies do to connections."""

import pathlib
import random
import socket
import struct
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from real_links import Broken, Calls, Commits, END_STREAM, HEADERS, Links, MILLION, NOT_SERIALIZED, READY, message  # noqa: E402

TIMEOUT = 10
SHORT = 0.3  # in which nothing may come


class Echo:
    """A server that sends back what it receives."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(peer,), daemon=True).start()

    def answer(self, peer):
        with peer:
            try:
                while data := peer.recv(4096):
                    peer.sendall(data)
            except OSError:
                pass


class LinksTest(unittest.TestCase):
    def setUp(self):
        self.server = Echo()
        self.links = Links([("a", "s"), ("b", "s")], {"s": self.server.port}.__getitem__, 1)

    def connect(self, client):
        peer = socket.create_connection(("127.0.0.1", self.links.ports()[client]["s"]), timeout=TIMEOUT)
        self.addCleanup(peer.close)
        return peer

    def echo(self, peer, data=b"x"):
        peer.sendall(data)
        return peer.recv(4096)

    def nothing_comes(self, peer):
        peer.settimeout(SHORT)
        with self.assertRaises(TimeoutError):
            peer.recv(1)
        peer.settimeout(TIMEOUT)

    def test_passes_everything(self):
        self.assertEqual(self.echo(self.connect("a")), b"x")

    def test_end_of_stream_passes(self):
        peer = self.connect("a")
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(peer.recv(1), b"")

    def test_partition_holds_what_is_sent_until_it_is_healed(self):
        a, b = self.connect("a"), self.connect("b")
        self.assertEqual(self.echo(a), b"x")
        self.links.cut("a", None, "both")
        a.sendall(b"held")
        self.nothing_comes(a)
        self.assertEqual(self.echo(b), b"x")
        self.links.cut("a", None, "both", by=-1)
        self.assertEqual(a.recv(4096), b"held")

    def test_partition_of_one_way(self):
        a = self.connect("a")
        self.assertEqual(self.echo(a), b"x")
        self.links.cut("s", "a", "out")
        a.sendall(b"y")
        self.nothing_comes(a)
        self.links.heal()
        self.assertEqual(a.recv(4096), b"y")

    def test_nested_partitions_end_with_the_last(self):
        a = self.connect("a")
        self.links.cut("a", "s", "both")
        self.links.cut("s", None, "both")
        self.links.cut("a", "s", "both", by=-1)
        a.sendall(b"y")
        self.nothing_comes(a)
        self.links.cut("s", None, "both", by=-1)
        self.assertEqual(a.recv(4096), b"y")

    def test_delay_both_ways(self):
        a = self.connect("a")
        self.assertEqual(self.echo(a), b"x")
        self.links.delay("a", "s", SHORT)
        began = time.monotonic()
        self.assertEqual(self.echo(a), b"x")
        self.assertGreaterEqual(time.monotonic() - began, 2 * SHORT)

    def test_reset_breaks_the_connections_of_a_node(self):
        a, b = self.connect("a"), self.connect("b")
        self.assertEqual((self.echo(a), self.echo(b)), (b"x", b"x"))
        self.links.reset("a")
        with self.assertRaises(ConnectionError):
            a.recv(1)
        self.assertEqual(self.echo(b), b"x")
        self.links.reset("s")
        with self.assertRaises(ConnectionError):
            b.recv(1)

    def test_server_that_is_down_resets(self):
        links = Links([("a", "s")], {}.__getitem__, 1)
        with socket.create_connection(("127.0.0.1", links.ports()["a"]["s"]), timeout=TIMEOUT) as peer, self.assertRaises(ConnectionError):
            peer.recv(1)


class CommitsTest(unittest.TestCase):
    START = struct.pack(">II", 8, 196608)
    COMMIT = message(b"Q", b"COMMIT\0")

    def made(self, **chances):
        commits = Commits(chances, random.Random(1))
        ssl = struct.pack(">II", 8, 80877103)
        self.assertEqual(commits.to_server(ssl + self.START), ssl + self.START)
        return commits

    def test_without_chances_all_passes(self):
        commits = self.made()
        self.assertEqual(commits.to_server(self.COMMIT), self.COMMIT)
        self.assertEqual(commits.to_client(b"answer"), b"answer")

    def test_lost_before_it_is_sent(self):
        commits = self.made(before_commit=MILLION)
        self.assertEqual(commits.to_server(message(b"Q", b"SELECT 1\0")), message(b"Q", b"SELECT 1\0"))
        with self.assertRaises(Broken):
            commits.to_server(self.COMMIT)

    def test_lost_after_it_is_written(self):
        commits = self.made(after_commit=MILLION)
        self.assertEqual(commits.to_server(self.COMMIT[:7]) + commits.to_server(self.COMMIT[7:]), self.COMMIT)
        with self.assertRaises(Broken):
            commits.to_client(b"C")

    def test_aborted_is_rolled_back_and_said_so(self):
        commits = self.made(aborted=MILLION)
        self.assertEqual(commits.to_server(self.COMMIT), message(b"Q", b"ROLLBACK\0"))
        self.assertEqual(commits.to_client(b"C..") + commits.to_client(READY), NOT_SERIALIZED)
        self.assertEqual(commits.to_client(b"next"), b"next")


class CallsTest(unittest.TestCase):
    @staticmethod
    def frame(kind, flags, body=b"abc"):
        return len(body).to_bytes(3) + bytes([kind, flags]) + b"\0\0\0\1" + body

    def test_breaks_where_a_call_begins_or_ends(self):
        begins, ends = self.frame(HEADERS, 4), self.frame(HEADERS, 4 | END_STREAM)
        plain = Calls({}, random.Random(1))
        sent = b"P" * 24 + begins
        self.assertEqual(plain.to_server(sent[:30]) + plain.to_server(sent[30:]), sent)
        self.assertEqual(plain.to_client(begins + ends), begins + ends)
        with self.assertRaises(Broken):
            Calls({"request": MILLION}, random.Random(1)).to_server(sent)
        broken = Calls({"response": MILLION}, random.Random(1))
        self.assertEqual(broken.to_server(sent), sent)
        self.assertEqual(broken.to_client(begins + self.frame(0, 0)), begins + self.frame(0, 0))
        with self.assertRaises(Broken):
            broken.to_client(ends)


if __name__ == "__main__":
    unittest.main()
