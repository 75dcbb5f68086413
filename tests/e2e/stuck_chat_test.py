"""No chat stays running: the engine's database is gone or older, and the model's provider answers with other bytes than text, or
with large calls."""

import http.server
import shutil
import threading
import unittest

from reliant_process import World, wait_until

SLOW_TOOL = """
answers:
  - when: slow
    steps:
      - text: "Starting."
        calls:
          - {tool: bash, arguments: {command: "echo once >> effect.txt; exec sleep 600"}}
      - text: "It ended so: {{result.0}}"
  - steps:
      - text: hello
"""

MANY = 40
LARGE = 100_000  # bytes of each file that the model writes

# The error pages of a proxy in front of a model: cut within a character, Latin-1, compressed.
PAGES = {
    "accents": (400, "text/html", ("x" + 150 * "é").encode()),
    "latin": (403, "text/html", "Zugriff verweigert für Gerät".encode("latin-1")),
    "gzip": (401, "application/json", bytes([0x1F, 0x8B, 8, 0, 0xFF, 0xFE, 0xE2, 0x82])),
}


class Provider(http.server.BaseHTTPRequestHandler):
    page = None

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        status, kind, body = self.page
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Stuck(unittest.TestCase):
    def world(self, script=SLOW_TOOL):
        world = World(script)
        self.addCleanup(world.close)
        return world

    def engine_files(self, world):
        return sorted(world.data.glob("temporal.db*"))

    def slow_turn(self, world):
        chat = world.new_chat()
        world.send(chat, "slow")
        wait_until("the tool has begun", lambda: (world.project / "effect.txt").exists())
        return chat

    def assert_answered_once(self, world, chat):
        updates = world.updates(chat, timeout=90)
        self.assertEqual(updates[-1]["payload"]["status"], "idle")
        self.assertEqual((world.project / "effect.txt").read_text(), "once\n", "the tool ran once")
        self.assertEqual([u["payload"]["outcome"] for u in updates if u["kind"] == "tool_finished"], ["unknown"])

    def test_a_chat_goes_on_whose_engine_database_was_removed(self):
        world = self.world()
        world.start()
        chat = self.slow_turn(world)
        world.kill()
        for file in self.engine_files(world):
            file.unlink()
        world.start()
        self.assert_answered_once(world, chat)
        self.assertEqual(world.call("DELETE", f"/chats/{chat}").status, 204)

    def test_a_chat_goes_on_whose_engine_database_is_older(self):
        world = self.world()
        world.start()
        chat = world.new_chat()
        world.send(chat, "hi")
        world.updates(chat)
        self.assertEqual(world.stop(), 0)
        kept = world.root / "kept"
        kept.mkdir()
        for file in self.engine_files(world):
            shutil.copy(file, kept)
        world.start()
        sent = world.send(chat, "slow")["sequence"]
        wait_until("the tool has begun", lambda: (world.project / "effect.txt").exists())
        world.kill()
        for file in self.engine_files(world):
            file.unlink()
        for file in kept.iterdir():
            shutil.copy(file, world.data)
        world.start()
        updates = world.updates(chat, after=sent, timeout=90)
        self.assertEqual(updates[-1]["payload"]["status"], "idle")
        self.assertEqual((world.project / "effect.txt").read_text(), "once\n", "the tool ran once")

    def test_cancel_and_delete_work_without_a_run(self):
        world = self.world()
        world.start()
        chat = self.slow_turn(world)
        world.kill()
        for file in self.engine_files(world):
            file.unlink()
        world.start()
        self.assertEqual(world.call("POST", f"/chats/{chat}/cancel").body, {"cancelling": True})
        updates = world.updates(chat, timeout=90)
        self.assertIn(updates[-1]["payload"]["status"], ("cancelled", "idle"))
        self.assertEqual(world.call("DELETE", f"/chats/{chat}").status, 204)

    def test_an_error_page_of_any_bytes_fails_the_turn_with_a_reason(self):
        provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
        self.addCleanup(provider.server_close)
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        self.addCleanup(provider.shutdown)
        world = self.world()
        world.model = ["--model", "m", "--model-url", f"http://127.0.0.1:{provider.server_port}/v1"]
        world.start()
        for name, page in PAGES.items():
            with self.subTest(name):
                Provider.page = page
                chat = world.new_chat()
                world.send(chat, "hi")
                end = world.updates(chat)[-1]["payload"]
                self.assertEqual(end["status"], "failed")
                self.assertIn(f"answered {page[0]}", end["error"]["message"])

    def test_an_answer_with_many_large_calls_is_carried_out(self):
        calls = "".join(f"          - {{tool: write, arguments: {{path: f{i}.txt, content: {'x' * LARGE}}}}}\n" for i in range(MANY))
        world = self.world(f"answers:\n  - steps:\n      - text: writing\n        calls:\n{calls}      - text: done\n")
        world.start()
        chat = world.new_chat()
        world.send(chat, "go")
        self.assertEqual(world.updates(chat, timeout=90)[-1]["payload"]["status"], "idle")
        self.assertEqual([(world.project / f"f{i}.txt").stat().st_size for i in range(MANY)], [LARGE] * MANY)


if __name__ == "__main__":
    unittest.main()
