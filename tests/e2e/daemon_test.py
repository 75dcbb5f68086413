"""`reliant daemon`: the source of its token, the reaction to a revoked token, its identity (R65 to R78, C10 to C14), and its
status, stop and start without a terminal (R74, R84, C45); the daemon that a chat would use (R90 to R95)."""

import hashlib
import json
import os
import signal
import stat
import subprocess
import time
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
        process = subprocess.Popen(self.words("--log-file", self.log, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment(token), cwd=self.world.project)
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def words(self, *more):
        return [RELIANT, "daemon", "start", "--gateway", self.gateway, "--server", self.server, "--name", "laptop", *map(str, more)]

    def environment(self, token):
        return self.world.environment() | ({} if token is None else {"RELIANT_TOKEN": token})

    def start_in_background(self, *more, token=None):
        self.addCleanup(self.world.run, "daemon", "stop", "--force")
        return subprocess.run(self.words("--background", *more), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=self.environment(token), cwd=self.world.project)

    def status(self):
        done = self.world.run("daemon", "status", "--json")
        return done.returncode, json.loads(done.stdout)

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
        second = self.start()  # the user is logged out: the credentials file suffices
        self.wait_for("daemon.connected", 2)
        self.assertEqual(len(self.recorded("daemon.registered")), 1)
        daemons = {daemon["id"]: daemon for daemon in Client(self.cluster, "user-1").call("GET", "/daemons").body["items"]}
        self.assertEqual(daemons[kept["daemon_id"]]["name"], "laptop")
        self.stop(second)

    def test_replaces_its_own_token_when_it_was_revoked(self):
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        first = json.loads(self.file.read_text())["token"]
        made = Client(self.cluster, "user-1").call("GET", "/tokens").body["items"]
        mine = [token for token in made if self.recorded("daemon.connected")[0]["daemon"] in json.dumps(token) or "laptop" in token["name"]]
        for token in mine:
            if not token.get("revoked_at"):
                self.revoke(token["id"])
        self.wait_for("daemon.registered", 2)  # the gateway checks its tokens every 10 s
        self.wait_for("daemon.connected", 2)
        self.assertNotEqual(json.loads(self.file.read_text())["token"], first)
        self.assertIn(first, self.file.with_suffix(".json.bak").read_text())
        self.stop(process)

    def test_its_token_is_valid_for_this_daemon_only(self):
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        own = json.loads(self.file.read_text())
        client = Client(self.cluster, "user-1")
        client.token = own["token"]
        for method, path, body in (("GET", "/chats", None), ("POST", "/daemons/register", {"daemon_id": own["daemon_id"]})):
            reply = client.call(method, path, body)
            self.assertEqual((reply.status, reply.body["code"], reply.body["reason"]), (403, "PERMISSION_DENIED", "TOKEN_SCOPE"))
        self.stop(process)
        (self.world.root / ".reliant" / "daemon.json").unlink()  # it is another daemon from now on
        self.refused(self.start("--token", given=own["token"] + "\n"), f"bound to daemon {own['daemon_id']}", "--token")

    def test_its_token_is_renewed_before_it_expires(self):
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        self.stop(process)
        first = json.loads(self.file.read_text())["token"]
        digest = hashlib.sha256(first.encode()).hexdigest()
        hour = 3600 * 10**6  # in microseconds, as the database counts
        now = time.time_ns() // 1000
        self.psql(f"UPDATE tokens SET created_at = {now - 9 * hour}, expires_at = {now + hour} WHERE secret_sha256 = '{digest}'")
        process = self.start()
        self.wait_for("daemon.token.renewed")  # the gateway checks its tokens every 10 s
        second = json.loads(self.file.read_text())["token"]
        self.assertNotEqual(second, first)
        self.assertIn(first, self.file.with_suffix(".json.bak").read_text())
        wait_until("the old token is revoked",
                   lambda: self.psql(f"SELECT 1 FROM tokens WHERE secret_sha256 = '{digest}' AND revoked_at IS NOT NULL"))
        self.assertEqual(len(self.recorded("daemon.connected")), 2, "its stream goes on")
        self.stop(process)
        process = self.start()
        self.wait_for("daemon.connected", 3)
        self.assertEqual(len(self.recorded("daemon.registered")), 1)
        self.stop(process)

    def psql(self, statement):
        done = subprocess.run(["psql", "-XtAc", statement, self.cluster.database_url()], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def test_ends_when_a_token_from_a_flag_was_revoked(self):
        done = self.world.run("admin", "token", "create", "user-1", "--json", "--db-url", self.cluster.database_url())
        token = json.loads(done.stdout)
        process = self.start("--token", given=token["token"] + "\n")
        self.wait_for("daemon.connected")
        self.assertFalse(self.file.exists())
        self.revoke(token["token_id"])
        self.refused(process, "--token")
        self.assertFalse(self.file.exists())
        code, told = self.status()
        self.assertEqual((code, told["running"]), (3, False))
        self.assertIn("revoked", told["problem"])  # R84
        self.assertIn("--token", told["problem"])

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

    def test_says_which_daemon_a_chat_would_use_and_why(self):
        client = Client(self.cluster, "user-1")
        chat = client.new_chat(self.world.project, "nowhere")
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        daemon = self.status()[1]["daemon_id"]

        def explain(*more):
            return subprocess.run([RELIANT, "daemon", "explain", "--server", self.server, *more], capture_output=True, text=True,
                                  timeout=60, env=self.environment(self.user_token))

        chosen = json.loads(explain("--chat", chat, "--json").stdout)
        self.assertEqual((chosen["step"], chosen["selector"], chosen["daemon_id"]), ("session", {"id": "nowhere"}, "nowhere"))
        client.call("PATCH", f"/chats/{chat}", {"active_daemon_id": ""})
        text = explain("--last").stdout
        for line in (f"Daemon {daemon} would run the chat's next tool call.", "Decided by default", f"* {daemon}", "connected; the first local one"):
            self.assertIn(line, text)
        refused = explain()
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertIn("give its ID or --last", refused.stderr)
        self.stop(process)

    def test_status_and_stop(self):
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        code, told = self.status()
        self.assertEqual((code, told["running"], told["connected"]), (0, True, True))
        self.assertEqual((told["pid"], told["name"], told["user_id"]), (process.pid, "laptop", "user-1"))
        self.assertEqual(told["gateway"], self.gateway.removeprefix("http://"))
        self.assertEqual(told["gateway_id"], self.recorded("daemon.connected")[0]["gateway"])
        self.assertLessEqual(told["started_at"], told["since"])
        text = self.world.run("daemon", "status").stdout
        for word in ("laptop", told["daemon_id"], "is connected to", told["gateway"], str(process.pid), told["version"], str(self.log)):
            self.assertIn(word, text)
        stopped = self.world.run("daemon", "stop")
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.assertIn(str(process.pid), stopped.stdout)
        self.assertEqual(process.wait(timeout=30), 0)
        self.assertTrue(self.recorded("process.stopping"))
        code, told = self.status()
        self.assertEqual((code, told["running"], told["connected"], told["ended"], told["problem"]), (3, False, False, True, ""))
        again = self.world.run("daemon", "stop")
        self.assertEqual(again.returncode, 0)
        self.assertIn("no daemon runs", again.stdout)

    def test_goes_on_in_the_background_when_it_is_connected(self):
        started = self.start_in_background(token=self.user_token)
        self.assertEqual(started.returncode, 0, started.stderr)
        self.assertIn(f"connected to {self.gateway.removeprefix('http://')}", started.stdout)
        code, told = self.status()
        self.assertEqual((code, told["connected"], told["log"]), (0, True, str(self.world.root / ".reliant" / "daemon.log")))
        self.assertEqual(os.getsid(told["pid"]), told["pid"])
        second = self.start_in_background()
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"in use by process {told['pid']}", second.stderr)
        self.assertEqual(self.status()[1]["pid"], told["pid"])

        lines = self.world.run("daemon", "logs").stdout.splitlines()
        self.assertIn("daemon.connected", [json.loads(line)["event"] for line in lines])
        self.assertEqual(self.world.run("daemon", "logs", "--lines", 1).stdout.splitlines(), lines[-1:])
        followed = self.world.root / "followed"
        with open(followed, "w") as out:
            follower = subprocess.Popen([RELIANT, "daemon", "logs", "--follow", "--lines", "1"], stdout=out, env=self.world.environment())
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        wait_until("the follower shows the last line", lambda: followed.read_text().endswith("\n"))
        self.assertEqual(followed.read_text().splitlines(), lines[-1:])
        self.assertEqual(self.world.run("daemon", "stop").returncode, 0)
        wait_until("the follower shows the end", lambda: "daemon.disconnected" in followed.read_text())
        # A log that has become another file, which is what a start does to a large one.
        (self.world.root / ".reliant" / "daemon.log").rename(self.world.root / ".reliant" / "daemon.log.old")
        self.assertEqual(self.start_in_background().returncode, 0)
        wait_until("the follower goes on with the new one",
                   lambda: "daemon.connected" in followed.read_text().partition("daemon.disconnected")[2])

    def test_in_the_background_says_why_it_is_not_connected(self):
        self.gateway = "http://127.0.0.1:1"
        done = self.start_in_background("--wait", 1, token=self.user_token)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("not connected yet", done.stderr)
        code, told = self.status()
        self.assertEqual((code, told["running"], told["connected"]), (1, True, False))
        self.assertIn("127.0.0.1:1", told["problem"])
        self.assertIn(told["problem"], self.world.run("daemon", "status").stdout)
        self.assertEqual(self.world.run("daemon", "stop").returncode, 0)

    def test_in_the_background_ends_as_it_would_in_a_terminal(self):
        done = self.start_in_background()
        self.assertEqual(done.returncode, 3)
        self.assertIn("RELIANT_TOKEN", done.stderr)
        code, told = self.status()
        self.assertEqual((code, told["running"], told["ended"]), (3, False, True))
        self.assertIn("RELIANT_TOKEN", told["problem"])
        self.assertEqual(self.start_in_background("--log-file", "-").returncode, 2)

    def test_stop_leaves_a_process_with_a_reused_pid_alone(self):
        process = self.start(token=self.user_token)
        self.wait_for("daemon.connected")
        process.kill()
        process.wait()
        stranger = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        folder = self.world.root / ".reliant"
        state = json.loads((folder / "daemon.state").read_text())
        (folder / "daemon.state").write_text(json.dumps(state | {"pid": stranger.pid}))
        (folder / "lock").write_text(f"{stranger.pid}\n")
        code, told = self.status()
        self.assertEqual((code, told["running"], told["connected"]), (3, False, False))
        self.assertIn("did not end in order", self.world.run("daemon", "status").stdout)
        for force in ([], ["--force"]):
            self.assertEqual(self.world.run("daemon", "stop", *force).returncode, 0)
        self.assertIsNone(stranger.poll())
        again = self.start()  # and none of that prevents the start
        self.wait_for("daemon.connected", 2)
        self.assertEqual(self.status()[1]["pid"], again.pid)
        self.stop(again)

    def test_stop_leaves_another_program_on_its_data_directory_alone(self):
        self.world.start()
        for command in ("status", "stop"):
            done = self.world.run("daemon", command, "--data-dir", self.world.data)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"process {self.world.server.pid}, which is no daemon", done.stderr)
        self.assertEqual(self.world.stop(), 0)

    def test_stop_with_force_kills_a_frozen_daemon(self):
        process = self.start("--grace", "1", token=self.user_token)
        self.wait_for("daemon.connected")
        process.send_signal(signal.SIGSTOP)
        asked = self.world.run("daemon", "stop")
        self.assertEqual(asked.returncode, 1)
        self.assertIn("--force", asked.stderr)
        self.assertEqual(self.world.run("daemon", "stop", "--force").returncode, 0)
        self.assertEqual(process.wait(timeout=30), -signal.SIGKILL)

    def test_a_log_that_is_not_there(self):
        done = self.world.run("daemon", "logs")
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no log in", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
