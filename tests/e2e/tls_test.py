"""HTTPS: the monolith makes a certificate of its own, and only clients that have it trust it (R12)."""

import http.client
import os
import socket
import ssl
import stat
import subprocess
import unittest

from reliant_process import TIMEOUT, World


def trusting(*files):
    """Trusts these certificates only, with strict checks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for file in files:
        context.load_verify_locations(cafile=file)
    return context


class Tls(unittest.TestCase):
    def world(self):
        world = World()
        self.addCleanup(world.close)
        return world

    def address(self, world):
        return (world.data / "tls-address").read_text().strip()

    def url(self, world, host="localhost"):
        return f"https://{host}:{self.address(world).rpartition(':')[2]}"

    def health(self, world, context, host="localhost"):
        port = int(self.address(world).rpartition(":")[2])
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=context)
        try:
            connection.request("GET", "/health")
            self.version = connection.sock.version()
            return connection.getresponse().status
        finally:
            connection.close()

    def test_serves_only_clients_that_trust_its_certificate(self):
        world = self.world()
        world.start()
        certificate = world.data / "tls.crt"
        for host in ("localhost", "127.0.0.1"):
            self.assertEqual(self.health(world, trusting(certificate), host), 200)
        self.assertEqual(self.version, "TLSv1.3")
        stranger = self.world()
        stranger.start()
        for context in (trusting(stranger.data / "tls.crt"), ssl.create_default_context()):
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.health(world, context)
        self.assertEqual(self.health(world, trusting(certificate)), 200)
        self.assertEqual(world.call("GET", "", prefix="/health").status, 200)

    def test_a_client_in_plain_text_does_not_disturb_others(self):
        world = self.world()
        world.start("--log-level", "debug")
        host, _, port = self.address(world).rpartition(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT) as plain:
            plain.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1", self.rest(plain))
        self.assertEqual(self.health(world, trusting(world.data / "tls.crt")), 200)
        noted = [line for line in world.log.read_text().splitlines() if "http_server.handshake.failed" in line]
        self.assertEqual(len(noted), 1)
        self.assertIn('"debug"', noted[0])

    @staticmethod
    def rest(connection):
        out = b""
        try:
            while part := connection.recv(4096):
                out += part
        except ConnectionResetError:  # its last bytes were not read
            pass
        return out

    def test_keeps_its_certificate_and_replaces_one_of_its_own_that_is_broken(self):
        world = self.world()
        world.start()
        certificate, key = world.data / "tls.crt", world.data / "tls.key"
        self.assertEqual(stat.S_IMODE(os.stat(certificate).st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        first = certificate.read_text()
        self.assertEqual(world.stop(), 0)
        self.assertFalse((world.data / "tls-address").exists())
        world.start()
        self.assertEqual(certificate.read_text(), first)
        world.stop()
        certificate.write_text(first[:200])
        world.start()
        self.assertEqual((world.data / "tls.crt.bak").read_text(), first[:200])
        self.assertNotEqual(certificate.read_text(), first)
        self.assertEqual(self.health(world, trusting(certificate)), 200)
        said = [line for line in world.log.read_text().splitlines() if line.startswith("replaced ")]
        self.assertEqual(len(said), 1, said)
        self.assertIn(f"{certificate}, since it is no certificate in PEM", said[0])

    def test_leaves_a_certificate_of_the_user_alone(self):
        """Expired, with a passphrase, of another key: the server stops, with the reason and the remedy."""
        world = self.world()
        world.data.mkdir(mode=0o700)
        certificate, key = world.data / "tls.crt", world.data / "tls.key"
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=example.org",
                "-keyout", str(key), "-out", str(certificate)]

        def refused(why):
            before = (certificate.read_bytes(), key.read_bytes())
            done = world.run(*world.monolith())
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
            for words in (str(certificate), why, "stays as it is", "--tls-port off"):
                self.assertIn(words, done.stderr)
            self.assertEqual((certificate.read_bytes(), key.read_bytes()), before)
            self.assertFalse((world.data / "address").exists())

        subprocess.run([*make, "-nodes"], check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-in", str(certificate), "-signkey", str(key), "-days", "-1", "-out", str(certificate)],
                       check=True, capture_output=True)
        refused("it expired on")
        subprocess.run([*make, "-passout", "pass:secret"], check=True, capture_output=True)
        refused("its key has a passphrase")
        subprocess.run([*make, "-nodes"], check=True, capture_output=True)
        theirs = key.read_bytes()
        subprocess.run([*make, "-nodes"], check=True, capture_output=True)
        key.write_bytes(theirs)
        refused("its private key does not match the certificate")

    def test_the_command_line_speaks_it(self):
        world = self.world()
        world.start()
        by_default = world.run("chat", "send", "go", "--watch", "--server", self.url(world), "--data-dir", world.data)
        self.assertEqual(by_default.returncode, 0, by_default.stderr)
        self.assertIn("hello", by_default.stdout)
        elsewhere = ["chat", "list", "--server", self.url(world, "127.0.0.1"), "--token-file", world.data / "token",
                     "--data-dir", world.root / "elsewhere"]
        told = world.run(*elsewhere, "--tls-ca", world.data / "tls.crt")
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertTrue(told.stdout)
        refused = world.run(*elsewhere)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertRegex(refused.stderr, r"^reliant: the certificate of .* is not trusted: .*--tls-ca FILE\n$")
        unreadable = world.run(*elsewhere, "--tls-ca", world.root / "nowhere.pem")
        self.assertEqual(unreadable.returncode, 1)
        self.assertRegex(unreadable.stderr, r"^reliant: .*nowhere\.pem.*\n$")

    def test_the_tls_port_can_be_set_or_off(self):
        world = self.world()
        world.tls_port = "off"
        world.start()
        self.assertFalse((world.data / "tls-address").exists())
        self.assertFalse((world.data / "tls.key").exists())
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            other = self.world()
            other.tls_port = taken.getsockname()[1]
            done = other.run(*other.monolith())
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn(f"127.0.0.1:{other.tls_port} is already in use", done.stderr)
        self.assertIn("--tls-port", done.stderr)
        self.assertFalse((other.data / "address").exists())
        wrong = other.run("monolith", "--tls-port", "on", "--data-dir", other.data)
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("0 to 65535, or off", wrong.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
