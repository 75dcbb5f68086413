"""tools/cluster starts real servers, finds them again, and leaves nothing behind."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

CLUSTER = sys.argv.pop(1) if len(sys.argv) > 1 else "tools/cluster"
BINARY = sys.argv.pop(1) if len(sys.argv) > 1 else "build/release/bin/reliant"


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reliant-cluster."))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self.cluster, "down")

    def cluster(self, *arguments, **more):
        return subprocess.run([CLUSTER, *arguments, "--dir", str(self.directory)], capture_output=True, text=True, timeout=60, **more)

    def urls(self, *arguments):
        done = self.cluster(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return dict(line.split() for line in done.stdout.splitlines())

    def rows(self):
        """Of status, by name."""
        return {row["name"]: row for row in map(json.loads, self.cluster("status", "--json").stdout.splitlines())}

    def accepts(self, url):
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def psql(self, url, sql):
        done = subprocess.run(["psql", "-qAtX", url, "-c", sql], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def test_starts_both_once_and_stops_them(self):
        urls = self.urls("up", "--bare")
        self.assertEqual(set(urls), {"nats", "postgres"})
        self.assertTrue(self.accepts(urls["nats"]))
        self.psql(urls["postgres"], "CREATE TABLE kept (n BIGINT)")
        self.assertEqual(self.urls("up", "--bare"), urls)
        rows = self.rows()
        self.assertEqual({name: row["address"] for name, row in rows.items()}, urls)
        self.assertEqual({row["state"] for row in rows.values()}, {"ready"})
        self.assertEqual(self.cluster("down").returncode, 0)
        self.assertFalse(self.accepts(urls["nats"]) or self.accepts(urls["postgres"]))
        self.assertEqual(self.cluster("status").returncode, 1)
        self.assertEqual(self.urls("up", "--bare"), urls)
        self.assertEqual(self.psql(urls["postgres"], "SELECT COUNT(*) FROM kept"), "0")
        self.assertEqual(self.cluster("down", "--remove").returncode, 0)
        self.assertFalse(self.directory.exists())

    def test_starts_again_what_has_died(self):
        urls = self.urls("up", "--bare")
        state = json.loads((self.directory / "cluster.json").read_text())
        for service in ("nats", "postgres"):
            os.kill(state[service]["pid"], signal.SIGKILL)
            status = self.cluster("status")
            while status.stdout.count("down") == 0:  # a signal takes a moment
                status = self.cluster("status")
            self.assertEqual(status.returncode, 1)
            self.assertEqual(self.urls("up", "--bare"), urls)

    def test_strikes_one_of_them_and_starts_it_again(self):
        urls = self.urls("up", "--bare")
        before = self.rows()["nats"]["pid"]
        self.assertEqual(self.cluster("restart", "nats").stdout.split(), ["nats", urls["nats"]])
        after = self.rows()["nats"]
        self.assertNotEqual(after["pid"], before)
        self.assertLess(after["age_seconds"], 60)
        self.assertEqual(self.cluster("kill", "nats", "--signal", "STOP").returncode, 0)
        self.assertEqual(self.cluster("kill", "nats").returncode, 0)
        while self.rows()["nats"]["state"] != "down":  # a signal takes a moment
            pass
        table = self.cluster("status")
        self.assertEqual(table.returncode, 1)
        self.assertRegex(table.stdout, r"(?m)^NAME +STATE +PID +AGE +ADDRESS +HEALTH$")
        self.assertRegex(table.stdout, r"(?m)^nats +down +- +- +- +-$")
        self.assertRegex(table.stdout, r"(?m)^postgres +ready +\d+ +\d+s +postgres://\S+ +-$")
        self.assertIn("Server is ready", self.cluster("logs", "nats").stdout)
        for words, complaint in ((("kill", "nats"), "nats is down"), (("restart", "gateway-1"), "there is no gateway-1"),
                                 (("kill",), "kill needs a name"), (("kill", "nats", "--signal", "SOON"), "there is no signal SOON"),
                                 (("down", "nats"), "down takes no names")):
            done = self.cluster(*words)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(complaint, done.stderr)

    def test_restarts_a_role_one_process_at_a_time(self):
        urls = self.urls("up", "--api", "0", "--worker", "0", "--gateway", "2", "--daemon", "0", "--binary", BINARY)
        before = self.rows()
        gateways = [name for name in before if name.startswith("gateway-")]
        for name in gateways:
            self.assertRegex(before[name]["address"], r"^grpc://127\.0\.0\.1:\d+$")
        restart = subprocess.Popen([CLUSTER, "restart", "gateway", "gateway-2", "--dir", str(self.directory)], stdout=subprocess.PIPE, text=True)
        while restart.poll() is None:  # the first one once more: it may have come back while the second one was looked at
            self.assertTrue(any(self.accepts(urls[name]) for name in [*gateways, gateways[0]]))
        printed = [line.split() for line in restart.communicate()[0].splitlines()]
        self.assertEqual(printed, [[name, urls[name]] for name in gateways])
        after = self.rows()
        for name in gateways:
            self.assertNotEqual(after[name]["pid"], before[name]["pid"])
            self.assertEqual(after[name]["state"], "ready")

    def test_equal_ids_and_a_copied_machine(self):
        urls = self.urls("up", "--binary", BINARY, "--api", "0", "--worker", "0", "--gateway", "1", "--daemon", "3", "--users", "2",
                         "--daemon-ids", "equal", "--twin", "1")
        ids = "SELECT user_id || ' ' || id || ' ' || name FROM daemons ORDER BY user_id, id"
        known = ["user-1 laptop-1 daemon-1", "user-1 laptop-2 daemon-3", "user-2 laptop-1 daemon-2"]
        self.assertEqual(self.psql(urls["postgres"], ids).splitlines(), known)
        self.assertEqual(urls["twin-1"], "down")
        before = self.psql(urls["postgres"], "SELECT epoch FROM daemons WHERE name = 'daemon-1'")
        self.assertEqual(self.cluster("restart", "twin-1").returncode, 0)
        self.assertGreater(int(self.psql(urls["postgres"], "SELECT epoch FROM daemons WHERE name = 'daemon-1'")), int(before))
        self.assertEqual(self.psql(urls["postgres"], ids).splitlines(), known)
        self.assertIn("there are 3 daemons", self.cluster("up", "--twin", "4").stderr)

    def test_variables_of_one_server(self):
        file = self.directory / "variables.json"
        file.write_text(json.dumps({"nats": {"RELIANT_TEST": "here"}}))
        self.urls("up", "--bare", "--variables", str(file))
        found = {name: pathlib.Path(f"/proc/{row['pid']}/environ").read_bytes().split(b"\0") for name, row in self.rows().items()}
        self.assertIn(b"RELIANT_TEST=here", found["nats"])
        self.assertNotIn(b"RELIANT_TEST=here", found["postgres"])

    def test_two_at_a_time_start_everything_once(self):
        both = [subprocess.Popen([CLUSTER, "up", "--bare", "--dir", str(self.directory)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
        printed = [each.communicate(timeout=60)[0] for each in both]
        self.assertEqual([each.returncode for each in both], [0, 0])
        self.assertEqual(printed[0], printed[1])

    def test_says_what_is_missing(self):
        done = self.cluster("status")
        self.assertEqual((done.returncode, done.stdout), (1, f"nothing has been started in {self.directory}\n"))
        (self.directory / "cluster.json").write_text("{")
        done = self.cluster("up")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cluster.json is damaged", done.stderr)


if __name__ == "__main__":
    unittest.main()
