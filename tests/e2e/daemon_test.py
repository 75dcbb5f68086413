"""`reliant daemon start`: where its token comes from, what becomes of one that is taken back, and who it is (R65 to R78, C10 to C14)."""

import json
import os
import stat
import subprocess
import unittest

from real_cluster import Client, RealCluster, wait_until
from reliant_process import RELIANT, World


class Daemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=1, worker=0, gateway=1, daemon=0)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()
        cls.user_token = cls.cluster.token("user-1")

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)
        self.log = self.world.root / "daemon.jsonl"
        self.file = self.world.root / ".config" / "reliant" / "auth" / "reliant-daemon.json"
        self.server = f"http://127.0.0.1:{self.cluster.port('api-1')}"
        self.gateway = f"http://127.0.0.1:{self.cluster.port('gateway-1')}"

    def start(self, *more, given="", token=None):
        environment = self.world.environment() | ({} if token is None else {"RELIANT_TOKEN": token})
        process = subprocess.Popen([RELIANT, "daemon", "start", "--gateway", self.gateway, "--server", self.server, "--name", "laptop",
                                    "--log-file", str(self.log), *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment, cwd=self.world.project)
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def stop(self, process):
        process.terminate()
        self.assertEqual(process.wait(timeout=30), 0)

    def recorded(self, event):
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [record for record in map(json.loads, lines) if record["event"] == event]

    def wait_for(self, event, count=1):
        wait_until(f"{event}, {count}", lambda: len(self.recorded(event)) >= count)

    def refused(self, process, *words):
        self.assertEqual(process.wait(timeout=30), 3)
        said = process.stderr.read()
        self.assertEqual(len(said.splitlines()), 1, said)
        for word in words:
            self.assertIn(word, said)

    def revoke(self, token_id):
        reply = Client(self.cluster, "user-1").call("DELETE", f"/tokens/{token_id}")
        self.assertLess(reply.status, 300)

    def test_registers_itself_and_keeps_its_credentials(self):
        first = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        kept = json.loads(self.file.read_text())
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        self.assertNotEqual(kept["token"], self.user_token)
        identity = json.loads((self.world.root / ".reliant" / "daemon.json").read_text())
        self.assertEqual(identity["daemon_id"], kept["daemon_id"])
        self.stop(first)
        second = self.start()  # nobody is logged in any more: the file does
        self.wait_for("daemon.connected", 2)
        self.assertEqual(len(self.recorded("daemon.registered")), 1)
        daemons = {daemon["id"]: daemon for daemon in Client(self.cluster, "user-1").call("GET", "/daemons").body["items"]}
        self.assertEqual(daemons[kept["daemon_id"]]["name"], "laptop")
        self.stop(second)

    def test_a_token_of_its_own_that_was_taken_back_is_replaced(self):
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        first = json.loads(self.file.read_text())["token"]
        made = Client(self.cluster, "user-1").call("GET", "/tokens").body["items"]
        mine = [token for token in made if self.recorded("daemon.connected")[0]["daemon"] in json.dumps(token) or "laptop" in token["name"]]
        for token in mine:
            if not token.get("revoked_at"):
                self.revoke(token["id"])
        self.wait_for("daemon.registered", 2)  # within the gateway's look at its tokens, every 10 s
        self.wait_for("daemon.connected", 2)
        self.assertNotEqual(json.loads(self.file.read_text())["token"], first)
        self.assertIn(first, self.file.with_suffix(".json.bak").read_text())
        self.stop(process)

    def test_a_token_that_was_given_by_hand_is_the_end(self):
        made = self.cluster.state()["postgres"]["port"]
        url = f"postgres://reliant@127.0.0.1:{made}/reliant"
        done = self.world.run("admin", "token", "create", "user-1", "--json", "--db-url", url)
        token = json.loads(done.stdout)
        process = self.start("--token", given=token["token"] + "\n")
        self.wait_for("daemon.connected")
        self.assertFalse(self.file.exists())
        self.revoke(token["token_id"])
        self.refused(process, "--token")
        self.assertFalse(self.file.exists())

    def test_says_what_is_missing(self):
        self.refused(self.start(), str(self.file), "--token", "--token-file", "RELIANT_TOKEN")
        for given in ("", "nonsense\n"):
            process = self.start("--token", given=given)
            self.assertEqual(process.wait(timeout=30), 2)
            self.assertIn("--token: there is no token in the standard input", process.stderr.read())

    def test_labels_come_from_the_identity_file(self):
        folder = self.world.root / ".reliant"
        folder.mkdir()
        (folder / "daemon.json").write_text('{"labels": {"gpu": "yes"}}')
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        identity = json.loads((folder / "daemon.json").read_text())
        self.assertEqual(identity["labels"], {"gpu": "yes"})
        self.assertTrue(identity["daemon_id"])
        self.stop(process)
        (folder / "daemon.json").write_text('{"lables": {}}')
        process = self.start(token=self.user_token)
        self.assertNotEqual(process.wait(timeout=30), 0)
        self.assertIn("lables", process.stderr.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)
