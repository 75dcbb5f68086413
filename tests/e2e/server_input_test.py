"""Servers of the distributed mode that cannot start report the reason in one line, with the flag, its value and the remedy, within
10 s; /ready names a dependency that fails later; and TLS on every port."""

import concurrent.futures
import contextlib
import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from real_cluster import TIMEOUT, RealCluster, wait_until
from reliant_process import RELIANT, World, free_ports

PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "grpc_proxy", "all_proxy")


class Slow:
    """A proxy of a local server that serves each connection some seconds late."""

    def __init__(self, port, seconds):
        self.server, self.seconds, self.served = port, seconds, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                threading.Thread(target=self.serve, args=[self.listener.accept()[0]], daemon=True).start()

    def serve(self, client):
        time.sleep(self.seconds)  # the delay is the purpose of the proxy
        self.served += 1
        with client, socket.create_connection(("127.0.0.1", self.server)) as server:
            back = threading.Thread(target=self.copy, args=[server, client], daemon=True)
            back.start()
            self.copy(client, server)
            back.join()

    def copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


class ServerInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=1, worker=0, gateway=0, daemon=0)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()
        cls.nats = f"nats://127.0.0.1:{cls.cluster.port('nats')}"
        cls.database = f"postgres://reliant@127.0.0.1:{cls.cluster.port('postgres')}/reliant"
        maker = World()  # a monolith makes a certificate of its own
        cls.addClassCleanup(maker.close)
        maker.start()
        maker.stop()
        cls.certificate, cls.key = (str(cls.cluster.directory / name) for name in ("tls.crt", "tls.key"))
        shutil.copy(maker.data / "tls.crt", cls.certificate)
        shutil.copy(maker.data / "tls.key", cls.key)

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def environment(self, **more):
        return self.world.environment() | {"DATABASE_URL": self.database, "NATS_URL": self.nats, "TEMPORAL_HOST": "127.0.0.1",
                                           "TEMPORAL_PORT": str(self.cluster.port("temporal")), "BIND_ADDRESS": "127.0.0.1"} | more

    def words(self, role, **given):
        """A valid command line, apart from the given flags."""
        flags = {"--data-dir": self.world.data, "--log-file": "-"}
        ports = {"api": ("--api-port", "--health-port", "--pprof-port"), "worker": ("--health-port",),
                 "gateway": ("--daemon-port", "--health-port")}[role]
        flags |= dict(zip(ports, free_ports(len(ports))))
        if role == "worker":
            flags["--model-script"] = self.world.script
        flags |= {f"--{name.replace('_', '-')}": value for name, value in given.items()}
        tls = ["--disable-tls"] if role != "worker" and "--tls-cert" not in flags and "--tls-key" not in flags else []
        return ["server", role, *tls, *(str(word) for pair in flags.items() for word in pair)]

    def fails(self, role, *expected, environment=None, within=10, **given):
        began = time.monotonic()
        done = subprocess.run([RELIANT, *self.words(role, **given)], capture_output=True, text=True, timeout=30,
                              env=environment or self.environment(), cwd=self.world.project)
        self.assertLess(time.monotonic() - began, within)
        self.assertNotEqual(done.returncode, 0)
        said = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # the log goes there, too
        self.assertEqual(len(said), 1, done.stderr)
        self.assertTrue(said[0].startswith("reliant: "), said)
        for word in expected:
            self.assertIn(str(word), said[0])

    def test_a_database_that_is_not_there(self):
        for role in ("api", "worker", "gateway"):
            self.fails(role, "--db-url", "me:***@127.0.0.1:1/x", "start PostgreSQL there, or correct --db-url",
                       db_url="postgres://me:s3cret@127.0.0.1:1/x")
            self.fails(role, "--db-url", "nosuch", "correct --db-url", db_url=self.database.replace("/reliant", "/nosuch"))
            self.fails(role, "--db-url", "postgres://", db_url="mysql://x/y")
        self.fails("api", "DATABASE_URL", "or correct DATABASE_URL",
                   environment=self.environment(DATABASE_URL="postgres://me@127.0.0.1:1/x"))

    def test_a_nats_server_that_is_not_there(self):
        for role in ("api", "worker", "gateway"):
            self.fails(role, "--nats-url nats://me:***@127.0.0.1:1", "start NATS there, or correct --nats-url",
                       nats_url="nats://me:s3cret@127.0.0.1:1")
        self.fails("api", "--nats-url", "nats://", nats_url="http://127.0.0.1:1")
        without = self.environment()
        del without["NATS_URL"]
        self.fails("gateway", "--nats-url is missing", "NATS_URL", environment=without)

    def test_a_temporal_that_is_not_there(self):
        for role in ("api", "worker"):
            self.fails(role, "TEMPORAL_HOST 127.0.0.1:1", "start Temporal there", "--temporal-port", temporal_port=1)
            self.fails(role, "--temporal-namespace nowhere", "operator namespace create", temporal_namespace="nowhere")

    def test_unusable_certificates(self):
        broken = self.world.root / "broken.pem"
        broken.write_text("nonsense")
        for role in ("api", "worker", "gateway"):
            self.fails(role, "--tls-cert", "no certificate in PEM", tls_cert=broken, tls_key=self.key)
            self.fails(role, "--tls-cert", "/nowhere.pem", "cannot be read", tls_cert="/nowhere.pem", tls_key=self.key)
            self.fails(role, "--tls-key is missing", tls_cert=self.certificate)
            self.fails(role, "--tls-cert", "key", tls_cert=self.certificate, tls_key=broken)
        done = subprocess.run([RELIANT, "server", "api"], capture_output=True, text=True, timeout=30, env=self.environment())
        self.assertIn("--disable-tls", done.stderr)
        secure = self.environment(TEMPORAL_TLS="true")
        for role in ("api", "worker"):
            self.fails(role, "--temporal-tls-ca", broken, "no certificate in PEM", environment=secure, temporal_tls_ca=broken)
            self.fails(role, "--temporal-tls-cert", broken, "no certificate in PEM", environment=secure,
                       temporal_tls_cert=broken, temporal_tls_key=self.key)
            self.fails(role, "--temporal-tls-key is missing", environment=secure, temporal_tls_cert=self.certificate)

    def test_a_dependency_that_accepts_and_says_nothing(self):
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(100)
            port = mute.getsockname()[1]
            nats = (f"--nats-url nats://127.0.0.1:{port}", "start NATS there, or correct --nats-url")
            database = ("--db-url", f"me:***@127.0.0.1:{port}/x", "start PostgreSQL there, or correct --db-url")
            temporal = (f"TEMPORAL_HOST 127.0.0.1:{port}", "start Temporal there", "--temporal-port")
            cases = [(role, expected, given) for role in ("api", "worker", "gateway") for expected, given in (
                (nats, {"nats_url": f"nats://127.0.0.1:{port}"}),
                (database, {"db_url": f"postgres://me:s3cret@127.0.0.1:{port}/x"}))]
            cases += [(role, temporal, {"temporal_port": port}) for role in ("api", "worker")]
            with concurrent.futures.ThreadPoolExecutor(len(cases)) as at_once:  # each of them only waits
                for done in [at_once.submit(self.fails, role, *expected, **given) for role, expected, given in cases]:
                    done.result()

    def test_dependencies_that_are_slow_before_one_that_says_nothing(self):
        """All dependencies share one timeout of 6 s, so that 10 s suffice with slow ones, too."""
        database, nats = (Slow(self.cluster.port(name), seconds) for name, seconds in (("postgres", 2.5), ("nats", 1)))
        self.addCleanup(database.close)
        self.addCleanup(nats.close)
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(100)
            port = mute.getsockname()[1]
            for role in ("api", "worker"):
                self.fails(role, f"TEMPORAL_HOST 127.0.0.1:{port}", "start Temporal there", within=8, temporal_port=port,
                           nats_url=f"nats://127.0.0.1:{nats.port}",
                           db_url=self.database.replace(str(self.cluster.port("postgres")), str(database.port)))
        self.assertGreaterEqual(min(database.served, nats.served), 2)

    def test_reports_a_database_that_is_down_in_time_without_its_address(self):
        words = self.words("api")
        self.serve(*words)
        api, health = self.port(words, "--api-port"), self.port(words, "--health-port")

        def asked(port, path):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
            try:
                connection.request("GET", path, headers={"authorization": "Bearer rlnt_pat_" + "0" * 64})
                response = connection.getresponse()
                return response.status, response.read().decode()
            finally:
                connection.close()

        self.assertEqual(asked(api, "/api/v2/chats")[0], 401)
        for number in (signal.SIGSTOP, signal.SIGKILL):
            self.cluster.signal_tree("postgres", number)
            try:
                for port, path in ((api, "/api/v2/chats"), (api, "/ready"), (health, "/ready")):
                    began = time.monotonic()
                    status, said = asked(port, path)
                    self.assertLess(time.monotonic() - began, 2.5, path)
                    self.assertEqual(status, 503, said)
                    if "/api/" in path:
                        self.assertEqual(json.loads(said)["reason"], "DATABASE_DOWN")
                    for word in ("127.0.0.1", str(self.cluster.port("postgres")), "connection to server", "libpq"):
                        self.assertNotIn(word, said, path)
            finally:
                self.cluster.heal()
            wait_until("the api serves again", lambda: asked(api, "/api/v2/chats")[0] == 401)

    def test_ports_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            for role, flags in (("api", ("api_port", "health_port", "pprof_port")), ("worker", ("health_port",)),
                                ("gateway", ("daemon_port", "health_port"))):
                for flag in flags:
                    self.fails(role, f"--{flag.replace('_', '-')}: ", port, "already in use", "choose another port", **{flag: port})

    def begin(self, *words, environment=None):
        """Runs until the test ends."""
        process = subprocess.Popen([RELIANT, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   env=environment or self.environment(), cwd=self.world.project)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process

    def serve(self, *words, environment=None):
        """Runs until the test ends; the line that says that it is ready."""
        line = self.begin(*words, environment=environment).stdout.readline()
        self.assertIn("starts" if "daemon" in words else "ready", line)
        return line

    def get(self, port, path, context=None):
        """The status, and the JSON; over TLS if there is a CA. None: the port has no listener."""
        connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=context) if context
                      else http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT))
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except ConnectionRefusedError:
            return None
        finally:
            connection.close()

    def port(self, words, flag):
        return int(words[words.index(flag) + 1])

    def test_ready_names_a_temporal_that_goes_away(self):
        port, = free_ports(1)
        engine = ["temporal", "serve", "--port", port, "--namespace", "reliant", "--data-dir", self.world.root / "engine"]
        first = self.begin(*engine)
        self.assertIn("ready", first.stdout.readline())
        for role in ("api", "worker"):
            with self.subTest(role):
                words = self.words(role, temporal_port=port)
                self.serve(*words)
                health = self.port(words, "--health-port")
                self.assertEqual(self.get(health, "/ready")[1]["checks"]["temporal"], "ok")
                first.kill()
                first.wait()
                wait_until("/ready names it", lambda at=health: self.get(at, "/ready")[1]["checks"]["temporal"] != "ok", 5)
                status, said = self.get(health, "/ready")
                self.assertEqual(status, 503)
                for word in ("127.0.0.1", str(port), "grpc", "connect to all addresses"):
                    self.assertNotIn(word, str(said))
                self.assertEqual(self.get(health, "/health")[0], 200)
                first = self.begin(*engine)
                wait_until("it is ready again", lambda at=health: self.get(at, "/ready")[0] == 200)

    def test_a_gateway_is_not_ready_before_it_listens(self):
        lock = subprocess.Popen(["psql", "-qAtX", "-d", self.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(lock.stdout.close)
        self.addCleanup(lock.wait)
        self.addCleanup(lock.stdin.close)
        # The gateway's write before it listens has to wait.
        lock.stdin.write("BEGIN; LOCK TABLE daemons IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n")
        lock.stdin.flush()
        self.assertEqual(lock.stdout.readline(), "locked\n")
        words = self.words("gateway")
        gateway = self.begin(*words)
        health = self.port(words, "--health-port")
        status, said = wait_until("the health port is open", lambda: self.get(health, "/ready"))
        self.assertEqual(status, 503)
        self.assertEqual(said["checks"], {"database": "ok", "nats": "ok", "listener": "it does not listen for daemons yet"})
        with socket.socket() as daemon, self.assertRaises(ConnectionRefusedError):
            daemon.connect(("127.0.0.1", self.port(words, "--daemon-port")))
        lock.stdin.close()
        self.assertIn("ready", gateway.stdout.readline())
        self.assertEqual(self.get(health, "/ready")[0], 200)

    def test_clients_are_served_with_tls(self):
        words = self.words("api", tls_cert=self.certificate, tls_key=self.key, cors_origins="https://app.example")
        self.assertIn("https://127.0.0.1:", self.serve(*words))
        port = self.port(words, "--api-port")
        trusting = ssl.create_default_context(cafile=self.certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=trusting)
        self.addCleanup(connection.close)
        connection.request("GET", "/health", headers={"origin": "https://app.example"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.getheader("access-control-allow-origin")), (200, "https://app.example"))
        answer.read()
        connection.request("OPTIONS", "/api/v2/chats", headers={"origin": "https://app.example",
                                                               "access-control-request-method": "POST"})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 204)
        self.assertIn("POST", answer.getheader("access-control-allow-methods"))
        answer.read()
        connection.request("GET", "/health", headers={"origin": "https://elsewhere.example"})
        self.assertIsNone(connection.getresponse().getheader("access-control-allow-origin"))
        plain = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        with self.assertRaises((OSError, http.client.HTTPException)):
            plain.request("GET", "/health")
            plain.getresponse()
        stranger = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=ssl.create_default_context())
        with self.assertRaises(ssl.SSLCertVerificationError):
            stranger.request("GET", "/health")

    def test_health_and_pprof_are_served_with_tls_and_in_plain_text(self):
        trusting = ssl.create_default_context(cafile=self.certificate)
        for role, flag, path in (("api", "--health-port", "/ready"), ("worker", "--health-port", "/ready"),
                                 ("gateway", "--health-port", "/ready"), ("api", "--pprof-port", "/debug/db")):
            with self.subTest(role, path=path):
                words = self.words(role, tls_cert=self.certificate, tls_key=self.key)
                self.serve(*words)
                port = self.port(words, flag)
                self.assertEqual(self.get(port, path, trusting)[0], 200)
                self.assertEqual(self.get(port, path)[0], 200)
                with self.assertRaises(ssl.SSLCertVerificationError):
                    self.get(port, path, ssl.create_default_context())

    def test_daemons_are_served_with_tls(self):
        words = self.words("gateway", tls_cert=self.certificate, tls_key=self.key)
        self.serve(*words)
        gateway = f"https://127.0.0.1:{self.port(words, '--daemon-port')}"
        tokens = self.cluster.directory / "user-1.token"
        for name, more, event in (("trusts", ["--tls-ca", self.certificate], "daemon.connected"),
                                  ("anybody", ["--tls-mode", "insecure_tls_skip_verify"], "daemon.connected"),
                                  ("stranger", [], "daemon.connect.failed"),
                                  ("plain", ["--tls-mode", "h2c"], "daemon.connect.failed")):
            log = self.world.root / f"{name}.jsonl"
            self.serve("daemon", "start", "--gateway", gateway, "--token-file", tokens, "--data-dir", self.world.root / name,
                       "--log-file", log, *more)
            wait_until(f"{name}: {event}", lambda file=log, what=event: f'"{what}"' in file.read_text())
            if event != "daemon.connected":
                self.assertNotIn('"daemon.connected"', log.read_text(), name)

    def test_a_proxy_in_the_environment_changes_nothing(self):
        with socket.socket() as proxy:
            proxy.bind(("127.0.0.1", 0))
            proxy.listen()
            url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
            through = self.environment(**dict.fromkeys(PROXY_VARIABLES, url))
            for exceptions in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
                through.pop(exceptions, None)
            words = self.words("gateway")
            log = self.world.root / "daemon.jsonl"
            self.serve(*words, environment=through)
            self.serve("daemon", "start", "--gateway", f"http://127.0.0.1:{self.port(words, '--daemon-port')}",
                       "--token-file", self.cluster.directory / "user-1.token", "--data-dir", self.world.root / "daemon",
                       "--log-file", log, environment=through)
            wait_until("the daemon is connected", lambda: '"daemon.connected"' in log.read_text())
            for role in ("api", "worker"):
                self.serve(*self.words(role), environment=through)
            proxy.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                proxy.accept()


if __name__ == "__main__":
    unittest.main(verbosity=2)
