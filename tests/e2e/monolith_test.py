"""The monolith serves chats with real tools, and resumes them after the end of its process."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import stat
import time
import unittest

from reliant_process import World, wait_until

THREE_TOOLS = """
answers:
  - steps:
      - text: "Looking."
        calls:
          - {tool: bash, arguments: {command: "echo shell says $((6 * 7))"}}
          - {tool: write, arguments: {path: made.txt, content: "made by a tool\\n"}}
          - {tool: glob, arguments: {pattern: "*.md"}}
      - text: "The shell said: {{result.0}}"
"""

# A line is written, then the process dies while the command is still running.
SLOW_TOOL = """
answers:
  - when: slow
    steps:
      - text: "Starting."
        calls:
          - {tool: bash, arguments: {command: "echo once >> effect.txt; echo started; exec sleep 600"}}
          - {tool: view, arguments: {path: README.md}}
      - text: "It ended so: {{result.0}}"
"""

BUSY_MODEL = """
answers:
  - steps:
      - error: {code: RESOURCE_EXHAUSTED, message: "too many requests", times: 2, retry_after_ms: 1200}
        text: "at last"
"""

# Two processes that would run on: one in the tool's process group, and one outside of it.
ESCAPING_TOOL = """
answers:
  - steps:
      - calls:
          - {tool: bash, arguments: {command: "echo $$ >> pids.txt; setsid sh -c 'echo $$ >> pids.txt; exec sleep 600' & sleep 600"}}
      - text: "It ended so: {{result.0}}"
"""


def runs(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def outcomes(updates):
    return {u["payload"]["id"]: u["payload"] for u in updates if u["kind"] == "tool_finished"}


class Monolith(unittest.TestCase):
    def world(self, script):
        world = World(script)
        self.addCleanup(world.close)
        (world.project / "README.md").write_text("read me\n")
        return world

    def test_answers_a_chat_with_three_tools_in_parallel(self):
        world = self.world(THREE_TOOLS)
        world.start()
        chat = world.new_chat()
        sent = world.send(chat, "go")
        updates = world.updates(chat)
        self.assertEqual(updates[-1]["payload"]["status"], "idle")
        self.assertEqual(sent["sequence"], 1)
        kinds = [u["kind"] for u in updates]
        last_start = max(i for i, kind in enumerate(kinds) if kind == "tool_started")
        self.assertEqual(kinds.count("tool_finished"), 3)
        self.assertEqual((world.project / "made.txt").read_text(), "made by a tool\n")
        self.assertGreater(last_start, 0)
        last = world.messages(chat)[-1]
        self.assertEqual(last["role"], "assistant")
        self.assertIn("shell says 42", last["content"][0]["text"])
        for finished in outcomes(updates).values():
            self.assertEqual(finished["outcome"], "executed")
            self.assertFalse(finished["is_error"])
        again = world.updates(chat, after=updates[-3]["sequence"])
        self.assertEqual(again, updates[-2:])

    def test_resumes_after_kill_9_during_a_tool_call(self):
        world = self.world(SLOW_TOOL)
        world.start()
        chat = world.new_chat()
        world.send(chat, "slow")
        effect = world.project / "effect.txt"
        wait_until("the tool has begun", lambda: effect.exists() and effect.read_text())
        world.updates(chat, until=lambda u: u["kind"] == "tool_finished")  # the quick tool is done before the end
        world.kill()
        world.start()
        updates = world.updates(chat, timeout=90)
        self.assertEqual(updates[-1]["payload"]["status"], "idle")
        self.assertEqual(effect.read_text(), "once\n", "the tool ran once")
        by_outcome = sorted(finished["outcome"] for finished in outcomes(updates).values())
        self.assertEqual(by_outcome, ["executed", "unknown"])
        results = [block for message in world.messages(chat) for block in message["content"]
                   if block["type"] == "tool_result"]
        self.assertEqual(len(results), 2, "every call has one result")
        self.assertEqual(sum(1 for m in world.messages(chat) if m["role"] == "assistant"), 2)

    def begin_escaping_tool(self):
        world = self.world(ESCAPING_TOOL)
        world.start()
        chat = world.new_chat()
        world.send(chat, "go")
        file = world.project / "pids.txt"
        wait_until("both processes run", lambda: file.exists() and len(file.read_text().split()) == 2)
        pids = [int(word) for word in file.read_text().split()]
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in pids if runs(pid)])
        return world, chat, pids

    def test_ends_the_processes_of_a_killed_server(self):
        world, chat, pids = self.begin_escaping_tool()
        world.kill()
        self.assertTrue(all(runs(pid) for pid in pids), "kill -9 of the server does not reach them")
        world.start()
        updates = world.updates(chat, timeout=90)
        self.assertEqual([finished["outcome"] for finished in outcomes(updates).values()], ["unknown"])
        self.assertEqual([pid for pid in pids if runs(pid)], [])

    def test_cancel_ends_processes_outside_of_the_process_group(self):
        world, chat, pids = self.begin_escaping_tool()
        self.assertEqual(world.call("POST", f"/chats/{chat}/cancel").body, {"cancelling": True})
        self.assertEqual(world.updates(chat)[-1]["payload"]["status"], "cancelled")
        wait_until("nothing of it runs", lambda: not any(runs(pid) for pid in pids))

    def test_stops_in_order_while_a_tool_runs(self):
        world = self.world(SLOW_TOOL)
        world.start("--grace", "1")
        chat = world.new_chat()
        world.send(chat, "slow")
        wait_until("the tool has begun", lambda: (world.project / "effect.txt").exists())
        self.assertEqual(world.stop(), 0)
        world.start()
        self.assertEqual(world.updates(chat, timeout=90)[-1]["payload"]["status"], "idle")
        self.assertEqual((world.project / "effect.txt").read_text(), "once\n")

    def test_a_watching_client_comes_back_after_a_crash_of_the_server(self):
        world = self.world(SLOW_TOOL)
        world.start()
        world.port = int(world.address().rpartition(":")[2])
        watching = world.popen("chat", "send", "slow", "--watch", "--json", "--data-dir", world.data)
        wait_until("the tool has begun", lambda: (world.project / "effect.txt").exists())
        world.kill()
        world.start()
        out, err = watching.communicate(timeout=90)
        self.assertEqual(watching.returncode, 0, err)
        updates = [json.loads(line) for line in out.splitlines()[1:]]
        self.assertEqual([u["sequence"] for u in updates], list(range(1, len(updates) + 1)))
        self.assertEqual(updates[-1]["payload"], {"status": "idle"})

    def test_the_same_message_again_is_one_message(self):
        world = self.world("answers:\n  - steps:\n      - text: hello\n")
        world.start()
        chat = world.new_chat()
        body = {"text": "x", "client_message_id": "m1"}
        first = world.call("POST", f"/chats/{chat}/messages", body)
        world.updates(chat)
        again = world.call("POST", f"/chats/{chat}/messages", body)
        self.assertEqual((first.status, first.body), (202, again.body))
        self.assertEqual(len(world.messages(chat)), 2)

    def test_cancel_ends_a_running_tool(self):
        world = self.world(SLOW_TOOL)
        world.start()
        chat = world.new_chat()
        world.send(chat, "slow")
        wait_until("the tool has begun", lambda: (world.project / "effect.txt").exists())
        self.assertEqual(world.call("POST", f"/chats/{chat}/cancel").body, {"cancelling": True})
        updates = world.updates(chat)
        self.assertEqual(updates[-1]["payload"]["status"], "cancelled")

    def test_the_command_line_sends_watches_shows_and_lists(self):
        world = self.world(THREE_TOOLS)
        world.start()
        sent = world.run("chat", "send", "go", "--watch", "--data-dir", world.data)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertIn("shell says 42", sent.stdout)
        self.assertRegex(sent.stdout, r"\[bash \d\] \| shell says 42")
        chat = sent.stdout.split()[1]
        listed = world.run("chat", "list", "--json", "--data-dir", world.data)
        self.assertEqual([json.loads(line)["id"] for line in listed.stdout.splitlines()], [chat])
        self.assertEqual(listed.stderr, "")
        port = world.address().rpartition(":")[2]
        elsewhere = world.run("chat", "list", "--server", f"http://0.0.0.0:{port}", "--data-dir", world.data)  # this machine, by chance
        self.assertEqual((elsewhere.returncode, elsewhere.stderr),
                         (0, f"reliant: warning: the token goes to http://0.0.0.0:{port} in plain text; use https://\n"))
        self.assertRegex(world.run("chat", "list", "--data-dir", world.data).stdout, rf"ID +STATUS +AGE +TITLE\n{chat} +idle +\d+s +go\n")
        shown = world.run("chat", "show", "--last", "--data-dir", world.data)
        self.assertRegex(shown.stdout, r"\[bash \d\] \| shell says 42")
        self.assertIn("> go", shown.stdout)
        self.assertIn("The shell said", shown.stdout)
        watched = world.run("chat", "watch", chat, "--json", "--data-dir", world.data)
        lines = [json.loads(line) for line in watched.stdout.splitlines()]
        self.assertEqual([line["sequence"] for line in lines], list(range(1, len(lines) + 1)))
        self.assertEqual(lines[-1]["payload"], {"status": "idle"})

    def test_allows_cross_origin_calls_from_local_pages(self):
        world = self.world("answers:\n  - steps:\n      - text: hello\n")
        world.start()
        for origin, allowed in (("http://localhost:5173", "http://localhost:5173"), ("https://elsewhere.example", None)):
            connection = http.client.HTTPConnection(world.address())
            with contextlib.closing(connection):
                connection.request("OPTIONS", "/api/v2/chats", headers={"origin": origin, "access-control-request-method": "POST"})
                self.assertEqual(connection.getresponse().getheader("access-control-allow-origin"), allowed)

    def test_shows_a_busy_model_and_honours_its_retry_after(self):
        world = self.world(BUSY_MODEL)
        world.start()
        sent = world.run("chat", "send", "go", "--watch", "--data-dir", world.data)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        for attempt in (1, 2):
            self.assertIn(f"the model did not answer (RESOURCE_EXHAUSTED: too many requests); attempt {attempt}, the next one in 1 s", sent.stdout)
        self.assertTrue(sent.stdout.rstrip().endswith("at last"), sent.stdout)
        chat = json.loads(world.run("chat", "list", "--json", "--data-dir", world.data).stdout.splitlines()[0])["id"]
        retries = [update["payload"] for update in world.updates(chat) if update["kind"] == "model_retry"]
        self.assertEqual([(retry["attempt"], retry["next_in_ms"]) for retry in retries], [(1, 1200), (2, 1200)])

    def test_keeps_its_files_private_and_its_user_over_a_restart(self):
        world = self.world("answers:\n  - steps:\n      - text: hello\n")
        world.start()
        self.assertEqual(stat.S_IMODE(os.stat(world.data).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(world.data / "token").st_mode), 0o600)
        self.assertRegex(world.token(), "^rlnt_pat_[0-9a-f]{64}$")
        self.assertIn(str(world.data / "token"), world.log.read_text())
        chat, token = world.new_chat(), world.token()
        self.assertEqual(world.stop(), 0)
        self.assertFalse((world.data / "address").exists())
        world.start()
        self.assertEqual(world.token(), token)
        self.assertEqual(world.call("GET", f"/chats/{chat}").status, 200)

    def test_starts_its_daemon_with_the_first_request(self):
        world = self.world("answers:\n  - steps:\n      - text: hello\n")
        world.start()
        self.assertEqual(world.call("GET", "", prefix="/health").status, 200)
        self.assertNotIn("daemon.connected", world.log.read_text())
        wait_until("the daemon is active",
                   lambda: [d for d in world.call("GET", "/daemons").body["items"] if d["status"] == "active"])
        world.stop()
        world.log.write_text("")
        world.start("--start-daemon")
        wait_until("the daemon is connected", lambda: "daemon.connected" in world.log.read_text())

    def test_is_quick_and_small(self):
        world = self.world(THREE_TOOLS)
        ready = world.start()
        chat = world.new_chat()
        wait_until("the daemon is active",
                   lambda: [d for d in world.call("GET", "/daemons").body["items"] if d["status"] == "active"])
        times = []
        for _ in range(5):
            last = world.call("GET", f"/chats/{chat}").body["last_sequence"]
            began = time.monotonic()
            world.send(chat, "go")
            world.updates(chat, after=last)
            times.append(time.monotonic() - began)
        status = pathlib.Path(f"/proc/{world.server.pid}/status").read_text()
        memory = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        print(f"ready {ready * 1000:.0f} ms, chat with 3 tool calls {min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms, "
              f"resident {memory // 1024} MB")
        # Far above the targets (tests/bench measures those): a loaded machine must not fail this.
        self.assertLess(ready, 10)
        self.assertLess(min(times), 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
