"""`reliant admin` on a real PostgreSQL and on SQLite: the same words, the same rows; databases that cannot be used; and the
chats and daemons of a disabled user."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from reliant_process import World, wait_until
from real_cluster import CLUSTER, Client, RealCluster

# The sleep is how long the tool takes; the chat is cancelled in the middle of it.
LONG = """
answers:
  - when: long
    steps:
      - text: "at work"
        calls:
          - {tool: bash, arguments: {command: "echo begun >> begun; sleep 300"}}  # the duration of this tool
  - steps:
      - text: "hello"
"""
CANCELLED_SECONDS = 120  # the api looks every half minute; the tool's own end is waited for


class Admin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="reliant-admin."))
        cls.directory.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.addClassCleanup(cls.cluster, "down")
        up = cls.cluster("up", "--bare")
        cls.url = dict(line.split() for line in up.stdout.splitlines())["postgres"]

    @classmethod
    def cluster(cls, *command):
        return subprocess.run([CLUSTER, *command, "--dir", str(cls.directory)], capture_output=True, text=True, timeout=60, check=True)

    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def admin(self, *arguments):
        return self.world.run("admin", *arguments)

    def lines(self, *arguments):
        done = self.admin(*arguments, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def fails(self, code, *words, arguments):
        began = time.monotonic()
        done = self.admin(*arguments)
        self.assertLess(time.monotonic() - began, 10)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(str(word), done.stderr)
        return done.stderr

    def test_users_and_tokens_on_both_databases(self):
        for database in (["--db-url", self.url], ["--db-driver", "sqlite", "--data-dir", self.world.data]):
            ann, = self.lines("user", "add", "Ann Ü", "--id", "ann", *database)
            self.assertEqual((ann["user_id"], ann["name"]), ("ann", "Ann Ü"))
            self.assertEqual(self.lines("user", "add", "another", "--id", "ann", *database), [ann])
            bob, = self.lines("user", "add", "Bob", *database)
            self.assertEqual(self.lines("user", "list", *database), [ann, bob])
            made, = self.lines("token", "create", "ann", "--name", "laptop", *database)
            self.assertTrue(made["token"].startswith("rlnt_pat_"))
            token, = self.lines("token", "list", "ann", *database)
            self.assertEqual((token["token_id"], token["name"], token["revoked_at"]), (made["token_id"], "laptop", None))
            self.assertEqual(self.lines("token", "revoke", "ann", made["token_id"], *database), [])
            self.assertTrue(self.lines("token", "list", "ann", *database)[0]["revoked_at"])
            self.fails(1, "Bob", bob["user_id"], "give another name", arguments=["user", "add", "Bob", *database])
            self.fails(2, "NAME", arguments=["user", "add", "", *database])
            made, = self.lines("token", "create", "Bob", *database)
            self.assertEqual(made["user_id"], bob["user_id"])
            self.assertEqual(self.lines("token", "list", "Bob", *database)[0]["token_id"], made["token_id"])
            self.assertEqual(self.lines("token", "revoke", "Bob", made["token_id"], *database), [])
            self.fails(1, "no-such-user", arguments=["token", "create", "no-such-user", *database])
            self.fails(1, "nope", arguments=["token", "revoke", "ann", "nope", *database])
            self.fails(1, "admin user list", arguments=["token", "create", "no id", *database])
            self.fails(2, "--id", arguments=["user", "add", "x", "--id", "a.b", *database])
            disabled, = self.lines("user", "disable", "Bob", *database)
            self.assertEqual((disabled["user_id"], disabled["name"]), (bob["user_id"], "Bob"))
            self.assertTrue(disabled["disabled_at"])
            self.assertEqual(self.lines("user", "disable", "Bob", *database), [disabled])
            self.assertEqual(self.lines("user", "list", *database), [ann, disabled])
            self.assertEqual(self.lines("user", "enable", bob["user_id"], *database), [bob])
            self.fails(1, "no-such-user", "admin user list", arguments=["user", "disable", "no-such-user", *database])

    def test_a_database_that_cannot_be_used(self):
        with socket.socket() as closed:  # bound, without a listener
            closed.bind(("127.0.0.1", 0))
            dead = f"postgres://me:s3cret@127.0.0.1:{closed.getsockname()[1]}/x"
            said = self.fails(1, "--db-url", "me:***@127.0.0.1", "refused", "start PostgreSQL",
                              arguments=["user", "list", "--db-url", dead])
            self.assertNotIn("s3cret", said)
        self.assertNotIn("Is the server running", said)
        missing = self.url.replace("/reliant", "/nowhere")
        self.fails(1, "--db-url", '"nowhere" does not exist', arguments=["user", "list", "--db-url", missing])
        self.fails(2, "--db-url is missing", "DATABASE_URL", "--db-driver sqlite", arguments=["user", "list"])
        self.fails(2, "--db-url", "mysql", "postgres://", arguments=["user", "list", "--db-url", "mysql://x"])
        self.fails(2, "--db-driver", "oracle", "postgres or sqlite", arguments=["user", "list", "--db-driver", "oracle"])

    def test_a_database_that_hangs(self):
        server = json.loads((self.directory / "cluster.json").read_text())["postgres"]["pid"]
        children = pathlib.Path(f"/proc/{server}/task/{server}/children").read_text()
        family = [server, *map(int, children.split())]
        for process in family:
            os.kill(process, signal.SIGSTOP)
        try:
            self.fails(1, "--db-url", arguments=["user", "list", "--db-url", self.url])
        finally:
            for process in family:
                os.kill(process, signal.SIGCONT)

    def test_a_data_directory_in_use(self):
        self.world.start()
        self.fails(1, "in use", arguments=["user", "list", "--db-driver", "sqlite", "--data-dir", self.world.data])

    def test_a_disabled_user_of_a_monolith(self):
        database = ["--db-driver", "sqlite", "--data-dir", self.world.data]
        for disabled, answer in (("disable", (401, "USER_DISABLED")), ("enable", (200, None))):
            self.world.start()
            self.assertEqual(self.world.stop(), 0)
            self.lines("user", disabled, "local", *database)
            self.world.start()
            reply = self.world.call("GET", "/chats")
            self.assertEqual((reply.status, reply.body.get("reason")), answer)
            self.assertEqual(self.world.stop(), 0)


class DisabledUser(unittest.TestCase):
    def setUp(self):
        self.cluster = RealCluster(LONG, api=1, worker=1, gateway=1, daemon=2, users=2)
        self.addCleanup(self.cluster.close)
        self.cluster.up()
        self.world = World()
        self.addCleanup(self.world.close)

    def admin(self, *words):
        done = self.world.run("admin", *words, "--db-url", self.cluster.database_url())
        self.assertEqual(done.returncode, 0, done.stderr)

    def chat(self, client, name):
        project = self.cluster.directory / "projects" / name
        project.mkdir(parents=True)
        return client.new_chat(project), project

    def connected(self, user):
        return self.cluster.rows(f"SELECT 1 FROM daemons WHERE user_id = '{user}' AND connection = 'connected'") == ["1"]

    def test_is_refused_and_cancelled_and_comes_back(self):
        one, two = Client(self.cluster, "user-1"), Client(self.cluster, "user-2")
        chat, project = self.chat(one, "one")
        one.send(chat, "long", "one-1")
        wait_until("the tool runs", (project / "begun").exists)
        self.admin("user", "disable", "user-1")
        refused = one.call("GET", f"/chats/{chat}")
        self.assertEqual((refused.status, refused.body["reason"]), (401, "USER_DISABLED"))
        self.assertIn("the user user-1 is disabled", refused.body["message"])
        wait_until("the daemon's stream ends", lambda: not self.connected("user-1"))
        wait_until("the chat is cancelled",
                   lambda: self.cluster.rows(f"SELECT status FROM chats WHERE id = '{chat}'") == ["cancelled"], CANCELLED_SECONDS)
        other, _ = self.chat(two, "two")
        two.send(other, "hello", "two-1")
        self.assertEqual(two.follow(other)[-1]["payload"]["status"], "idle")
        self.assertTrue(self.connected("user-2"))
        self.admin("user", "enable", "user-1")
        wait_until("the daemon connects", lambda: self.connected("user-1"), CANCELLED_SECONDS)
        one.send(chat, "hello", "one-2")
        wait_until("the chat answers", lambda: self.cluster.rows(f"SELECT status FROM chats WHERE id = '{chat}'") == ["idle"])


if __name__ == "__main__":
    unittest.main()
