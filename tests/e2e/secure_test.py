"""The distributed system on servers that require a certificate, an NKey or a password (tools/cluster up --secure): chats with
tools, before and after NATS, PostgreSQL, nginx and a gateway were killed; and refused clients."""

import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import unittest

sys.argv.append("--secure")
from real_cluster import Client, RealCluster, have_chat, wait_until  # noqa: E402
from reliant_process import RELIANT  # noqa: E402

CALLS = 3  # of tools, in every chat


class Secure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=1, worker=1, gateway=2, daemon=2, users=1)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()

    def secret(self, name):
        return str(self.cluster.directory / "secure" / name)

    def chat(self, name):
        chat = have_chat(self.cluster, Client(self.cluster, "user-1"), name)
        self.assertEqual((chat.status, len(set(chat.marks)), [tool["outcome"] for tool in chat.tools]), ("idle", CALLS, ["executed"] * CALLS))

    def test_chats_go_on_when_servers_come_back(self):
        self.chat("before")
        for name in ("nats", "postgres", "temporal-proxy", "gateway-1", "worker-1"):
            self.cluster.signal(name, signal.SIGQUIT if name == "postgres" else signal.SIGKILL)
            self.cluster.ends(name)
            self.cluster.heal()
            wait_until("every daemon is connected", self.cluster.whole)
            self.chat(f"after-{name}")

    def test_permissions_cover_everything_that_a_role_does(self):
        self.chat("permitted")
        log = (self.cluster.directory / "nats.log").read_text()
        self.assertNotIn("Permissions Violation", log)
        for role in ("api-1", "worker-1", "gateway-1", "gateway-2"):
            self.assertEqual(self.cluster.events(role, "bus.complaint"), [], role)

    def test_roles_refuse_unverified_servers(self):
        for role in ("api-1", "worker-1", "gateway-1"):
            self.assertEqual(self.cluster.events(role, "process.database.unverified"), [], role)

    def nats(self, *, certificate, connect, then):
        """The answer of nats-server to such a client."""
        context = ssl.create_default_context(cafile=self.secret("ca.crt"))
        if certificate:
            context.load_cert_chain(self.secret(f"{certificate}.crt"), self.secret(f"{certificate}.key"))
        heard = b""
        with socket.create_connection(("127.0.0.1", self.cluster.port("nats")), timeout=10) as plain:
            plain.recv(4096)  # INFO
            try:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as client:
                    client.sendall(b"CONNECT " + connect + b"\r\n" + then + b"PING\r\n")
                    while b"PONG" not in heard and (more := client.recv(4096)):
                        heard += more
            except ssl.SSLError as error:
                return str(error)
        return heard.decode()

    def test_nats_requires_certificate_and_key(self):
        anybody = b'{"verbose":false,"pedantic":false,"tls_required":true,"lang":"t","version":"1","protocol":1}'
        self.assertRegex(self.nats(certificate=None, connect=anybody, then=b""), "(?i)certificate")
        refused = self.nats(certificate="worker", connect=anybody, then=b"PUB tools.request.sync.user-1.x 2\r\n{}\r\n")
        self.assertIn("Authorization Violation", refused)
        self.assertNotIn("PONG", refused)

    def starts_not(self, role, **changes):
        """The last line of a role with other flags."""
        pid = self.cluster.state()[role]["pid"]
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
        environment = {"DATABASE_URL": self.cluster.database_url(), "PATH": "/usr/bin:/bin", "HOME": str(self.cluster.directory)}
        for flag, value in changes.items():
            at = words.index("--" + flag.replace("_", "-"))
            if value is None:
                del words[at:at + 2]
            else:
                words[at + 1] = value
        words[words.index("--health-port") + 1] = "0"
        words[words.index("--log-file") + 1] = "-"
        done = subprocess.run([RELIANT, *words[1:]], capture_output=True, text=True, timeout=60, env=environment)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr.strip().splitlines()[-1]

    def test_a_role_names_missing_credentials(self):
        self.assertRegex(self.starts_not("worker-1", nats_nkey=None), "--nats-url.*--nats-nkey")
        self.assertRegex(self.starts_not("worker-1", nats_ca=self.secret("worker.crt")), "--nats-url.*--nats-ca")
        self.assertRegex(self.starts_not("worker-1", temporal_tls_cert=self.secret("server.crt"), temporal_tls_key=self.secret("server.key")),
                         "--temporal-host")

    def test_postgres_requires_tls_and_password(self):
        url = self.cluster.database_url()
        for wrong, why in ((url.replace("sslmode=verify-full", "sslmode=disable"), "no pg_hba.conf entry|no encryption"),
                           (re.sub(r":[0-9a-f]{64}@", ":guess@", url), "password authentication failed")):
            done = subprocess.run(["psql", "-qAtX", "-d", wrong, "-c", "SELECT 1"], capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, why)


if __name__ == "__main__":
    unittest.main(verbosity=2)
