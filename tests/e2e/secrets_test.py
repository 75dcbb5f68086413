"""The process keeps its secrets: tools, which run as the same user, cannot find them."""

import http.client
import json
import os
import shutil
import time
import unittest

from reliant_process import RELIANT, World

OPEN = """
answers:
  - steps:
      - text: "Opening."
        calls:
          - {tool: bash, arguments: {command: "ln -s DATA/token link; ln -s DATA dir; ls"}}
      - text: "And now."
        calls:
          - {tool: view, arguments: {path: DATA/token}}
          - {tool: view, arguments: {path: link}}
          - {tool: view, arguments: {path: dir/tls.key}}
          - {tool: view, arguments: {path: /proc/self/cwd/data/token}}
          - {tool: edit, arguments: {path: dir/token, old_string: rlnt, new_string: x}}
          - {tool: write, arguments: {path: DATA/daemon.json, content: "{}"}}
          - {tool: glob, arguments: {pattern: "*", path: DATA}}
          - {tool: grep, arguments: {pattern: "rlnt_pat_", path: ROOT}}
      - text: "Seen."
"""

LOOK = """
answers:
  - steps:
      - text: "Looking."
        calls:
          - {tool: bash, arguments: {command: "tr '\\\\0' '\\\\n' < /proc/$PPID/environ; echo shown-by-proc"}}
          - {tool: bash, arguments: {command: "env"}}
          - {tool: view, arguments: {path: /proc/self/environ}}
      - text: "Seen."
"""

SECRETS = {
    "RELIANT_TOKEN": "rlnt_pat_" + "5" * 64,
    "OPENAI_API_KEY": "sk-secret-of-the-model",
    "DATABASE_URL": "postgres://me:secret-of-the-database@host/db",
    "NATS_URL": "nats://me:secret-of-the-bus@host",
    "TEMPORAL_API_KEY": "secret-of-temporal",
    "PGPASSWORD": "secret-of-libpq",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-cloud",
}

NOBODY = 65534


class Secrets(unittest.TestCase):
    def world(self, *more, script=LOOK):
        world = World()
        world.script.write_text(script.replace("DATA", str(world.data)).replace("ROOT", str(world.root)))
        self.addCleanup(world.close)
        world.variables = SECRETS | {"GOPATH": "/go", "TEAM_NAME": "blue", "TEAM_SIZE": "5"}
        if os.getuid() == 0:  # from which nothing is hidden
            world.user = NOBODY
            world.program = shutil.copy(RELIANT, world.root)  # the directory of the other one may be closed to that user
            for path in (world.root, *world.root.rglob("*")):
                shutil.chown(path, NOBODY, NOBODY)
        world.start(*more)
        return world

    def results(self, world, count=3):
        chat = world.new_chat()
        world.send(chat, "look")
        updates = world.updates(chat)
        calls = [u["payload"] for u in updates if u["kind"] == "tool_finished"]
        self.assertEqual(len(calls), count, updates)
        return json.dumps(world.messages(chat))

    def test_tools_see_no_secret_of_the_process(self):
        world = self.world()
        seen = self.results(world)
        self.assertIn("shown-by-proc", seen)
        for name, value in SECRETS.items():
            self.assertNotIn(value, seen, name)
        self.assertIn("GOPATH=/go", seen)
        self.assertIn("RELIANT_REQUEST_ID=", seen)
        self.assertNotIn("TEAM_NAME", seen)
        # An undumpable process's files under /proc belong to root, so that others of its user cannot read them.
        self.assertEqual(os.stat(f"/proc/{world.server.pid}/environ").st_uid, 0)

    def test_tools_receive_the_variables_that_are_passed_by_name(self):
        seen = self.results(self.world("--tool-env", "TEAM_*", "--tool-env", "AWS_SECRET_ACCESS_KEY"))
        self.assertIn("TEAM_NAME=blue", seen)
        self.assertIn("TEAM_SIZE=5", seen)
        self.assertIn("AWS_SECRET_ACCESS_KEY=secret-of-the-cloud", seen)
        self.assertNotIn("PGPASSWORD", seen)


    def test_file_tools_do_not_open_the_servers_own_files(self):
        world = self.world(script=OPEN)
        seen = self.results(world, 9)
        self.assertNotIn(world.token(), seen)
        self.assertNotIn("PRIVATE KEY", seen)
        self.assertEqual(seen.count("belongs to reliant itself"), 7, seen)  # grep passes over it
        self.assertFalse((world.data / "daemon.json").exists())
        self.assertTrue(world.token().startswith("rlnt_pat_"))


class Revocation(unittest.TestCase):
    def test_a_revoked_token_loses_its_open_stream_within_ten_seconds(self):
        world = World()
        self.addCleanup(world.close)
        world.start()
        chat = world.new_chat()
        world.send(chat, "hello")
        world.updates(chat)
        token = world.call("GET", "/tokens").body["items"][0]["id"]
        connection = http.client.HTTPConnection(world.address(), timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", f"/api/v2/chats/{chat}/updates", headers={"authorization": f"Bearer {world.token()}"})
        stream = connection.getresponse()
        self.assertEqual(stream.status, 200)
        self.assertTrue(stream.readline())  # it delivers
        began = time.monotonic()
        self.assertEqual(world.call("DELETE", f"/tokens/{token}").status, 204)
        said = stream.read().decode()  # to its end
        self.assertLess(time.monotonic() - began, 11)
        self.assertIn(": the token was revoked", said)
        refused = world.call("GET", "/chats")
        self.assertEqual((refused.status, refused.body["reason"]), (401, "TOKEN_REVOKED"))


if __name__ == "__main__":
    unittest.main()
