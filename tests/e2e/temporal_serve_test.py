"""`reliant temporal serve`, called by Temporal's own command line, an API server and a worker: namespaces, durability over a
restart, TLS, and the errors when it cannot start."""

import http.client
import json
import pathlib
import shutil
import subprocess
import time
import unittest

from real_cluster import TIMEOUT, RealCluster, wait_until
from reliant_process import RELIANT, World, free_ports

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
GREETING = "answers:\n  - steps:\n      - text: hello\n"


class Serving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporal = subprocess.run([str(TOOLS / "temporal")], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    def setUp(self):
        self.world = World(GREETING)
        self.addCleanup(self.world.close)
        self.kept = self.world.root / "temporal"

    def start(self, *words, environment=None):
        """Runs until the test ends, or until it is stopped; the process and the line that says that it is ready."""
        errors = open(self.world.root / "errors", "a+")
        self.addCleanup(errors.close)
        process = subprocess.Popen([RELIANT, *map(str, words)], stdout=subprocess.PIPE, stderr=errors, text=True,
                                   env=environment or self.world.environment(), cwd=self.world.project)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        self.assertIn(" is ready", line, (self.world.root / "errors").read_text()[-2000:])
        return process, line

    def serve(self, *words, port=0):
        process, line = self.start("temporal", "serve", "--port", port, "--data-dir", self.kept, *words)
        return process, int(line.strip().rpartition(":")[2])

    def ask(self, port, *words):
        return subprocess.run([self.temporal, *map(str, words), "--address", f"127.0.0.1:{port}", "--output", "json"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def told(self, port, *words):
        done = self.ask(port, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def fails(self, code, *words, arguments, environment=None):
        """One line on the standard error that holds all of `words`, within 10 s."""
        began = time.monotonic()
        done = subprocess.run([RELIANT, *map(str, arguments)], capture_output=True, text=True, timeout=30,
                              env=environment or self.world.environment(), cwd=self.world.project)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual(done.returncode, code, done.stderr)
        said = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # the log of a server goes there, too
        self.assertEqual(len(said), 1, done.stderr)
        self.assertTrue(said[0].startswith("reliant: "), said)
        for word in words:
            self.assertIn(str(word), said[0])
        self.assertEqual(done.stdout, "")


class Alone(Serving):
    def begin(self, port, workflow, *words):
        return self.told(port, "workflow", "start", "--task-queue", "unserved", "--type", "any", "--workflow-id", workflow, *words)

    def test_has_the_configured_namespaces_and_default(self):
        _, port = self.serve("--namespace", "orders", "--namespace", "bills")
        for name in ("default", "orders", "bills"):
            about = self.told(port, "operator", "namespace", "describe", "--namespace", name)
            self.assertEqual(about["namespaceInfo"]["name"], name)
            self.begin(port, f"of {name}", "--namespace", name)
        listed = self.told(port, "operator", "namespace", "list")
        self.assertEqual(sorted(about["namespaceInfo"]["name"] for about in listed), ["bills", "default", "orders"])
        described = self.ask(port, "workflow", "describe", "--workflow-id", "of orders", "--namespace", "bills")
        self.assertIn("workflow not found", described.stderr)  # each has its own workflows
        for words in (("operator", "namespace", "describe"), ("workflow", "describe", "--workflow-id", "x"),
                      ("workflow", "start", "--task-queue", "q", "--type", "t", "--workflow-id", "x")):
            done = self.ask(port, *words, "--namespace", "nowhere")
            self.assertNotEqual(done.returncode, 0, words)
            self.assertIn("Namespace nowhere is not found", done.stderr, words)

    def test_what_was_stored_is_there_after_a_restart(self):
        server, port = self.serve("--namespace", "orders")
        run = self.begin(port, "kept", "--namespace", "orders")["runId"]
        server.kill()  # what has been acknowledged is on the disk
        server.wait()
        server, again = self.serve("--namespace", "orders", port=port)
        self.assertEqual(again, port)
        of_it = ("--workflow-id", "kept", "--namespace", "orders")
        self.assertEqual(self.told(port, "workflow", "describe", *of_it)["workflowExecutionInfo"]["execution"]["runId"], run)
        self.assertEqual(self.ask(port, "workflow", "signal", "--name", "news", "--input", "7", *of_it).returncode, 0)
        server.terminate()
        self.assertEqual(server.wait(timeout=TIMEOUT), 0)
        self.serve("--namespace", "orders", port=port)
        events = [event["eventType"] for event in self.told(port, "workflow", "show", *of_it)["events"]]
        self.assertEqual(events[0], "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED")
        self.assertIn("EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED", events)

    def test_says_why_it_cannot_start(self):
        _, port = self.serve()
        another = ("temporal", "serve", "--data-dir", self.world.root / "another")
        self.fails(1, "--port", f"127.0.0.1:{port}", "choose another port", arguments=[*another, "--port", port])
        self.fails(1, "TEMPORAL_PORT", f"127.0.0.1:{port}", "choose another port", arguments=another,
                   environment=self.world.environment() | {"TEMPORAL_PORT": str(port)})
        self.fails(1, self.kept, "in use", "--data-dir", arguments=["temporal", "serve", "--port", 0, "--data-dir", self.kept])
        self.fails(2, "--port", "0 to 65535", arguments=[*another, "--port", 70000])
        self.fails(2, "--namespace", '"a b"', "without blanks", arguments=[*another, "--namespace", "a b"])
        self.fails(2, "--tls-key is missing", arguments=[*another, "--tls-cert", "some.pem"])


class WithServers(Serving):
    """An API server and a worker that use it as Temporal, on a real NATS and PostgreSQL."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = RealCluster()
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.run("up", "--bare", "--binary", RELIANT)
        maker = World()  # a monolith makes a certificate of its own
        cls.addClassCleanup(maker.close)
        maker.start()
        maker.stop()
        cls.certificate, cls.key = (cls.cluster.directory / name for name in ("tls.crt", "tls.key"))
        shutil.copy(maker.data / "tls.crt", cls.certificate)
        shutil.copy(maker.data / "tls.key", cls.key)

    def setUp(self):
        super().setUp()
        self.backbone = ["--db-url", self.cluster.database_url(), "--nats-url", f"nats://127.0.0.1:{self.cluster.port('nats')}",
                         "--bind-address", "127.0.0.1", "--log-file", "-"]

    def words(self, role, temporal, *more):
        self.ports = free_ports(3)
        flags = {"api": ["--api-port", self.ports[1], "--pprof-port", self.ports[2], "--disable-tls"],
                 "worker": ["--model-script", self.world.script]}[role]
        return ["server", role, *self.backbone, *flags, "--health-port", self.ports[0], "--data-dir", self.world.root / role,
                "--temporal-host", "127.0.0.1", "--temporal-port", temporal, *more]

    def ready(self, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/ready")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def admin(self, *words):
        done = self.world.run("admin", *words, "--db-url", self.cluster.database_url(), "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def have_chat(self, temporal, *more):
        """With an api server and a worker that are started for it."""
        self.start(*self.words("worker", temporal, *more))
        self.assertEqual(self.ready(self.ports[0])[0], 200)
        self.start(*self.words("api", temporal, *more))
        status, checks = self.ready(self.ports[0])
        self.assertEqual(status, 200, checks)
        user = self._testMethodName
        self.admin("user", "add", user, "--id", user)
        self.world.data.mkdir()
        (self.world.data / "token").write_text(self.admin("token", "create", user)["token"])
        (self.world.data / "address").write_text(f"127.0.0.1:{self.ports[1]}")
        chat = self.world.new_chat()
        self.world.send(chat, "go")
        self.assertEqual(self.world.updates(chat)[-1]["payload"]["status"], "idle")
        self.assertEqual([message["role"] for message in self.world.messages(chat)], ["user", "assistant"])

    def test_serves_chats_in_a_namespace(self):
        _, port = self.serve("--namespace", "orders")
        for role in ("api", "worker"):
            self.fails(1, "--temporal-namespace other", "Namespace other is not found", "create it",
                       arguments=self.words(role, port, "--temporal-namespace", "other"))
        self.have_chat(port, "--temporal-namespace", "orders")

    def test_a_worker_whose_namespace_is_gone_ends(self):
        """A minute after the server has begun to refuse it: its supervisor restarts it, and the namespace may be back."""
        server, port = self.serve("--namespace", "orders")
        worker, _ = self.start(*self.words("worker", port, "--temporal-namespace", "orders"))
        health = self.ports[0]
        server.kill()
        server.wait()
        self.serve(port=port)
        began = time.monotonic()
        def refused():
            status, checks = self.ready(health)  # at first perhaps that the connection was lost
            return status == 503 and "Namespace orders is not found" in checks

        wait_until("the worker says that it is refused", refused, 40)
        self.assertEqual(worker.wait(timeout=120), 1)
        self.assertGreater(time.monotonic() - began, 50)
        said = [line for line in (self.world.root / "errors").read_text().splitlines() if line.startswith("reliant: ")]
        self.assertEqual(len(said), 1, said)
        for word in ("--temporal-namespace orders", "Namespace orders is not found", "create it"):
            self.assertIn(word, said[0])

    def test_serves_chats_over_tls(self):
        _, port = self.serve("--tls-cert", self.certificate, "--tls-key", self.key)
        for role in ("api", "worker"):
            for wrong in ((), ("--temporal-tls",)):  # in plain text; trusting those of the system
                self.fails(1, f"--temporal-host 127.0.0.1:{port}", "--temporal-port",
                           arguments=self.words(role, port, "--temporal-namespace", "default", *wrong))
        self.have_chat(port, "--temporal-namespace", "default", "--temporal-tls", "--temporal-tls-ca", self.certificate)


if __name__ == "__main__":
    unittest.main(verbosity=2)
