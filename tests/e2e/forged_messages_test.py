"""The messages of a foreign client of the bus, on a NATS server without authentication: they neither run nor end a tool, unless
a gateway is configured to accept unsigned requests."""

import itertools
import json
import pathlib
import signal
import socket
import subprocess
import unittest

from real_cluster import RealCluster, wait_until
from reliant_process import RELIANT, free_ports

USER = "user-1"


class ForgedMessages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=0, worker=0, gateway=1, daemon=1, users=1)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()
        cls.daemon = json.loads((cls.cluster.directory / "daemon-1" / "daemon.json").read_text())["daemon_id"]
        cls.numbers = itertools.count(1)

    def publish(self, *messages):
        """The NATS protocol by hand; returns when the server has taken them."""
        with socket.create_connection(("127.0.0.1", self.cluster.port("nats")), timeout=10) as client:
            client.sendall(b'CONNECT {"verbose":false,"pedantic":false,"lang":"t","version":"1","protocol":1}\r\n')
            for subject, body in messages:
                data = json.dumps(body).encode()
                client.sendall(f"PUB {subject} {len(data)}\r\n".encode() + data + b"\r\n")
            client.sendall(b"PING\r\n")
            heard = b""
            while b"PONG" not in heard:
                heard += client.recv(4096)

    def request(self, leaves):
        """A request whose tool leaves a file behind."""
        return {"request_id": f"forged-{next(self.numbers)}", "user": USER, "daemon": self.daemon, "chat": "c", "call": "t", "tool": "bash",
                "arguments": json.dumps({"command": f"touch {leaves}"}), "working_directory": "", "effect": "non_idempotent",
                "timeout_ms": 10_000, "deadline_ms": 2**52, "resume_output_after": 0}

    def permissive_gateway(self):
        """A second gateway, which does not hold the daemon; it ends with the test."""
        words = pathlib.Path(f"/proc/{self.cluster.state()['gateway-1']['pid']}/cmdline").read_bytes().decode().split("\0")[:-1]
        home = self.cluster.directory / "permissive"
        home.mkdir()
        ports = free_ports(2)
        for flag, value in (("--daemon-port", ports[0]), ("--health-port", ports[1]), ("--data-dir", home), ("--log-file", home / "log")):
            words[words.index(flag) + 1] = str(value)
        process = subprocess.Popen([RELIANT, *words[1:], "--allow-unsigned-requests"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.send_signal, signal.SIGKILL)
        self.assertIn("is ready", process.stdout.readline())

    def test_forged_messages_have_no_effect_unless_unsigned_requests_are_allowed(self):
        forged, allowed = (self.cluster.directory / name for name in ("forged", "allowed"))
        own = f"{USER}.{self.daemon}"
        for lane in (f"tools.request.sync.{own}", f"tools.request.sync.{USER}", f"tools.request.{own}", f"tools.request.{USER}"):
            self.publish((lane, self.request(forged)))
        accepted = {"user": USER, "daemon": self.daemon, "epoch": 2**62, "gateway": "g"}
        self.publish(("daemon.accepted.x.y", accepted), (f"daemon.accepted.{own}", accepted))
        wait_until("the gateway drops them", lambda: self.cluster.events("gateway-1", "gateway.message.refused"))

        # Otherwise the request is valid: a gateway that accepts it forwards it, signed by itself.
        self.permissive_gateway()

        def runs():
            self.publish((f"tools.request.{USER}", self.request(allowed)))  # one of the two gateways receives each
            return allowed.exists()
        wait_until("an allowed request is run", runs)
        # Both gateways have processed everything that was published before.
        self.assertFalse(forged.exists())
        self.assertEqual(len(self.cluster.events("daemon-1", "daemon.connected")), 1)
        self.publish((f"tools.request.sync.{own}", self.request(forged)))
        before = self.cluster.events("gateway-1", "gateway.request.routed")
        wait_until("another allowed request is run",
                   lambda: runs() and len(self.cluster.events("gateway-1", "gateway.request.routed")) > len(before))
        self.assertFalse(forged.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
