"""The real server under attacks and faults: random crashes, full disks, damaged files, hostile clients."""

import contextlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import unittest

from reliant_process import TIMEOUT, RELIANT, World, wait_until

TOOLS = """
answers:
  - steps:
      - calls:
          - {tool: bash, arguments: {command: "echo {{message}} >> effects.txt; sleep 0.05"}}
          - {tool: glob, arguments: {pattern: "*"}}
      - text: "done"
"""
SETTLED = ("idle", "failed", "cancelled")
DATABASES = ("reliant.db", "temporal.db", "journal.db")


class Robustness(unittest.TestCase):
    def world(self, *script):
        world = World(*script)
        self.addCleanup(world.close)
        return world

    def every_call_has_one_result(self, world, chat):
        blocks = [block for message in world.messages(chat) for block in message["content"]]
        calls = [block["id"] for block in blocks if block["type"] == "tool_call"]
        results = [block["id"] for block in blocks if block["type"] == "tool_result"]
        self.assertEqual(sorted(calls), sorted(results))

    def test_survives_being_killed_at_random_moments(self):
        """Accepted messages are stored, the updates have no gap, each turn ends, and no tool that writes ran twice."""
        draw = random.Random(18)
        world = self.world(TOOLS.replace("{{message}}", "ran"))
        world.start()
        chats = []
        for _ in range(8):
            chat = world.new_chat()
            chats.append((chat, [world.send(chat, text)["message_id"] for text in ("one", "two")]))
            moment = draw.uniform(0, 0.4)
            with contextlib.suppress(subprocess.TimeoutExpired):
                world.server.wait(timeout=moment)  # a moment of the work
            world.kill()
            world.start()
        for chat, accepted in chats:
            world.updates(chat, timeout=90)  # without a gap, up to its end
            wait_until("the chat has settled", lambda at=chat: world.call("GET", f"/chats/{at}").body["status"] in SETTLED, 90)
            ids = {message["id"] for message in world.messages(chat)}
            self.assertLessEqual(set(accepted), ids)
            self.every_call_has_one_result(world, chat)
        effects = (world.project / "effects.txt").read_text().splitlines()
        steps = sum(1 for chat, _ in chats for message in world.messages(chat) for block in message["content"]
                    if block["type"] == "tool_call" and block["tool"] == "bash")
        self.assertLessEqual(len(effects), steps, "no tool ran twice")

    def test_turns_go_on_after_a_full_disk(self):
        world = self.world(TOOLS.replace("{{message}}", "ran"))
        world.start()
        chats = [world.new_chat() for _ in range(4)]
        largest = max((world.data / name).stat().st_size for name in os.listdir(world.data) if ".db" in name)
        resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, (largest + 8192, resource.RLIM_INFINITY))
        accepted = [chat for chat in chats if world.call("POST", f"/chats/{chat}/messages", {"text": "go"}).status == 202]
        refused = wait_until("there is no room", lambda: world.call("POST", "/projects", {"name": "p" * 200, "path": "/" + "p" * 900}).status == 507)
        self.assertTrue(refused)
        self.assertEqual(world.call("GET", "/chats").status, 200)
        resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        for chat in accepted:
            wait_until("the turn ends", lambda at=chat: world.call("GET", f"/chats/{at}").body["status"] in SETTLED, 90)
            self.every_call_has_one_result(world, chat)
        self.assertEqual(world.stop(), 0)

    def damaged(self, world, name, damage):
        """The server refuses in one line that names the file, or serves the intact data; it never crashes."""
        path = world.data / name
        whole = path.read_bytes()
        for suffix in ("-wal", "-shm"):
            (world.data / (name + suffix)).unlink(missing_ok=True)
        path.write_bytes(damage(whole))
        with open(world.root / "out", "w") as out:
            server = subprocess.Popen([RELIANT, *map(str, world.monolith("--log-file", "-"))], stdout=out, stderr=out,
                                      env=world.environment(), cwd=world.project)
        (world.data / "address").unlink(missing_ok=True)
        try:
            wait_until("it is ready or has ended", lambda: server.poll() is not None or (world.data / "address").exists())
            if server.poll() is None:
                for path_of in ("/chats", "/projects", "/daemons"):
                    self.assertIn(world.call("GET", path_of).status, (200, 500, 503, 507))
                server.send_signal(signal.SIGTERM)
                server.wait(timeout=TIMEOUT)
            self.assertIn(server.returncode, (0, 1), f"{name}: {(world.root / 'out').read_text()[-2000:]}")
            said = [line for line in (world.root / "out").read_text().splitlines() if line.startswith("reliant: ")]
            if server.returncode == 1 and said:
                self.assertIn(name, said[0])
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()
            path.write_bytes(whole)
            for suffix in ("-wal", "-shm"):
                (world.data / (name + suffix)).unlink(missing_ok=True)

    def test_damaged_databases_are_named_and_crash_nothing(self):
        world = self.world(TOOLS.replace("{{message}}", "ran"))
        world.start()
        chat = world.new_chat()
        world.send(chat, "go")
        world.updates(chat)
        self.assertEqual(world.stop(), 0)
        noise = random.Random(18).randbytes(1 << 20)
        for name in DATABASES:
            with self.subTest(name):
                self.damaged(world, name, lambda whole: noise[:len(whole)])
                self.damaged(world, name, lambda whole: whole[:len(whole) // 2])
                self.damaged(world, name, lambda whole: whole[:4096] + noise[:max(0, len(whole) - 4096)])
                self.damaged(world, name, lambda whole: whole[:len(whole) // 2] + noise[:2048] + whole[len(whole) // 2 + 2048:])
        world.start()
        self.assertEqual(world.call("GET", f"/chats/{chat}").status, 200)

    def raw(self, world, request):
        host, _, port = world.address().rpartition(":")
        with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            out = b""
            try:
                while part := connection.recv(65536):
                    out += part
            except ConnectionResetError:
                pass
            return out

    def test_answers_malformed_json_bodies(self):
        world = self.world()
        world.start()
        for body, status in ((b"[" * 100_000, 400), (b'{"name":' * 100_000, 400), (b'{"name":"\\ud800"}', 400), (b'{"name":"a\x00b"}', 400),
                             (b'{"name":1e999999}', 400), (b'{"name":' + b"9" * 100_000 + b"}", 400), (b'{"name":"a","name":"b"}', 400),
                             (b'"just text"', 400), (b"null", 400), (b"", 400), (b'{"name":"\xff"}', 400), (b'{"name":"a"}}', 400)):
            reply = world.call("POST", "/projects", body)
            self.assertEqual(reply.status, status, (body[:40], reply.body))
            self.assertEqual(reply.body["code"], "INVALID_ARGUMENT", body[:40])
        self.assertEqual(world.call("GET", "/projects").body["items"], [])

    def test_answers_malformed_paths_and_heads(self):
        world = self.world()
        world.start()
        for path in ("/api/v2/%ff", "/api/v2/chats/%c3%28", "/api/v2/%e2%82", "/%f0%90"):
            reply = world.call("GET", path, prefix="")  # its body is JSON, or this raises
            self.assertEqual(reply.status, 404, path)
        self.assertIn(b" 431 ", self.raw(world, b"GET / HTTP/1.1\r\nhost: x\r\nx-long: " + b"a" * 70_000 + b"\r\n\r\n").split(b"\r\n")[0])
        answers = self.raw(world, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
        self.assertEqual(answers.count(b"HTTP/1.1 200 OK\r\n"), 1000)
        self.assertEqual(world.call("GET", "", prefix="/health").status, 200)

    def test_idle_and_slow_connections_do_not_disturb_other_clients(self):
        world = self.world()
        world.start()
        host, _, port = world.address().rpartition(":")
        held = []
        for number in range(200):
            connection = socket.create_connection((host, int(port)), timeout=TIMEOUT)
            if number % 2:
                connection.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\nx-slow: ")
            held.append(connection)
        self.assertEqual(world.call("GET", "/chats").status, 200)
        for connection in held:
            connection.close()

    def test_users_cannot_see_each_other(self):
        world = self.world()
        words = ("--db-driver", "sqlite", "--data-dir", world.data, "--json")
        world.start()
        world.stop()
        for command in (("user", "add", "Bob", "--id", "bob"),):
            self.assertEqual(world.run("admin", *command, *words).returncode, 0)
        bob = json.loads(world.run("admin", "token", "create", "bob", *words).stdout)["token"]
        world.start()
        chat = world.new_chat()
        project = world.call("GET", "/projects").body["items"][0]["id"]
        world.send(chat, "a secret")
        world.updates(chat)
        token = world.call("GET", "/tokens").body["items"][0]["id"]
        for method, path, body in (("GET", f"/chats/{chat}", None), ("PATCH", f"/chats/{chat}", {"title": "x"}), ("DELETE", f"/chats/{chat}", None),
                                   ("GET", f"/chats/{chat}/messages", None), ("POST", f"/chats/{chat}/messages", {"text": "x"}),
                                   ("POST", f"/chats/{chat}/cancel", None), ("GET", f"/chats/{chat}/updates", None),
                                   ("GET", f"/chats/{chat}/daemon", None), ("GET", f"/projects/{project}", None),
                                   ("PATCH", f"/projects/{project}", {"name": "x"}), ("DELETE", f"/projects/{project}", None),
                                   ("POST", "/chats", {"project_id": project}), ("DELETE", f"/tokens/{token}", None)):
            self.assertEqual(world.call(method, path, body, token=bob).status, 404, (method, path))
        for path in ("/chats", "/projects", "/daemons"):
            self.assertEqual(world.call("GET", path, token=bob).body["items"], [], path)
        self.assertEqual(len(world.messages(chat)), 2)

    def test_logs_hold_no_secrets(self):
        world = self.world()
        with socket.socket() as closed:  # bound, without a listener: the provider is unreachable
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
            environment = world.environment() | {"OPENAI_API_KEY": "sk-do-not-tell-anybody", "OPENAI_BASE_URL": url}
            with open(world.log, "w") as log:
                world.server = subprocess.Popen([RELIANT, "monolith", "--port", "0", "--tls-port", "0", "--data-dir", str(world.data),
                                                 "--log-level", "debug", "--log-file", "-"], stdout=log, stderr=log, env=environment)
            wait_until("the server is ready", lambda: (world.data / "address").exists() and world.address())
            chat = world.new_chat()
            world.send(chat, "go")
            world.updates(chat, until=lambda update: update["kind"] != "message", timeout=60)
            world.call("GET", "/chats", token="rlnt_pat_" + "1" * 64)
            token = world.token()
            world.stop()
        said = world.log.read_text()
        for secret in ("sk-do-not-tell-anybody", token, "1" * 64):
            self.assertNotIn(secret, said)
        with open(world.data / "token") as file:
            self.assertEqual(os.fstat(file.fileno()).st_mode & 0o777, 0o600)


if __name__ == "__main__":
    unittest.main(verbosity=2)
