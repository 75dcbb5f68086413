"""Bad input is answered with one clear line, or an error object with the field, and has no other effect."""

import os
import socket
import time
import unittest

from reliant_process import World, free_ports


class BadInput(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.addCleanup(self.world.close)

    def fails(self, code, *words, arguments):
        """One line on the standard error that holds all of `words`."""
        done = self.world.run(*arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("reliant: "), lines[0])
        for word in words:
            self.assertIn(str(word), lines[0])

    def error(self, reply, status, code, field):
        self.assertEqual((reply.status, reply.body["code"], reply.body["field"]), (status, code, field), reply.body)
        self.assertTrue(reply.body["message"])
        self.assertEqual(reply.body["request_id"], reply.headers["x-request-id"])

    def test_unknown_commands_and_flags(self):
        self.fails(2, "monolit", "did you mean \"monolith\"", arguments=["monolit"])
        self.fails(2, "chta", "did you mean \"chat\"", arguments=["chta"])
        self.fails(2, "chat lst", "did you mean \"chat list\"", arguments=["chat", "lst"])
        self.fails(2, "--prot", "did you mean --port?", arguments=["monolith", "--prot", "1"])
        self.fails(2, "--port", "0 to 65535", arguments=self.world.monolith("--port=99999")[:1] + ["--port", "99999"])
        self.fails(2, "--port needs a value", arguments=["monolith", "--port"])
        self.fails(2, "TEXT is missing", arguments=["chat", "send"])
        self.fails(2, "TEXT is empty", arguments=["chat", "send", "", "--server", "http://127.0.0.1:1", "--token-file", self.world.script])
        self.fails(2, "one argument too many", arguments=["chat", "list", "x"])
        self.fails(2, "--log-level", "debug", arguments=self.world.monolith("--log-level", "loud"))

    def test_a_server_that_is_not_there(self):
        token = self.world.root / "token"
        token.write_text("rlnt_pat_x\n")
        begun = time.monotonic()
        self.fails(1, "cannot find the host no-such-host.invalid",
                   arguments=["chat", "list", "--server", "https://no-such-host.invalid", "--token-file", token])
        self.assertLess(time.monotonic() - begun, 5)
        away = f"https://127.0.0.1:{free_ports(1)[0]}"
        done = self.world.run("chat", "list", "--server", away, "--token-file", token, "--timeout", "3")
        self.assertEqual(done.returncode, 1)
        waiting, failed = done.stderr.splitlines()
        self.assertRegex(waiting, f"^reliant: waiting for {away} \\(.*refused.*\\); giving up in 2 s$")
        self.assertIn("refused", failed)
        self.assertLess(time.monotonic() - begun, 9)
        self.fails(2, "--timeout", arguments=["chat", "list", "--timeout", "soon"])

    def test_one_chat_or_the_last_one(self):
        for arguments in (["show"], ["cancel", "x", "--last"]):
            self.fails(2, "--last", arguments=["chat", *arguments, "--server", "http://127.0.0.1:1", "--token-file", self.world.script])

    def test_help_is_no_error(self):
        for arguments in (["help"], ["--help"], ["chat", "--help"], ["help", "admin", "user"], ["monolith", "--help"],
                          ["help", "chat", "send"], ["version"], ["--version"], ["daemon", "--version"], ["daemon", "start", "--version"]):
            done = self.world.run(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout)

    def test_no_model(self):
        self.fails(1, "OPENAI_API_KEY", "--model-script", arguments=["monolith", "--data-dir", self.world.data])

    def test_a_bad_script(self):
        self.world.script.write_text("answers:\n  - steps:\n      - txet: hello\n")
        done = self.world.run(*self.world.monolith())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("script.yaml:3:", done.stderr)
        self.assertIn("txet", done.stderr)
        self.world.script.unlink()
        done = self.world.run(*self.world.monolith())
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("cannot read the script", done.stderr)

    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.fails(1, port, "in use", arguments=[*self.world.monolith()[:1], "--port", port, "--data-dir", self.world.data,
                                                     "--model-script", self.world.script])

    def test_a_data_directory_in_use(self):
        self.world.start()
        self.fails(1, self.world.data, f"process {self.world.server.pid}", "--data-dir", arguments=self.world.monolith())

    def test_a_data_directory_that_cannot_be_written(self):
        (self.world.root / "file").write_text("")
        self.fails(1, "--data-dir", arguments=["monolith", "--data-dir", self.world.root / "file", "--model-script",
                                               self.world.script])
        if os.geteuid() != 0:  # root may write everywhere
            self.world.data.mkdir(mode=0o500)
            self.fails(1, "not writable", arguments=self.world.monolith())
        self.fails(1, "--data-dir", arguments=["monolith", "--data-dir", "/proc/reliant", "--model-script", self.world.script])

    def test_no_server(self):
        self.fails(1, "reliant monolith", "--server", arguments=["chat", "list"])

    def test_wrong_tokens(self):
        self.world.start()
        reply = self.world.call("GET", "/chats", token="rlnt_pat_" + "0" * 64)
        self.error(reply, 401, "UNAUTHENTICATED", "")
        self.assertEqual(reply.body["reason"], "TOKEN_INVALID")
        self.error(self.world.call("GET", "/chats", token="nonsense"), 401, "UNAUTHENTICATED", "")

    def test_malformed_bodies_and_unknown_fields(self):
        self.world.start()
        chat = self.world.new_chat()
        path = f"/chats/{chat}/messages"
        self.error(self.world.call("POST", path, "{"), 400, "INVALID_ARGUMENT", "")
        self.error(self.world.call("POST", path, b"\xff\xfe"), 400, "INVALID_ARGUMENT", "")
        self.error(self.world.call("POST", path, {}), 400, "INVALID_ARGUMENT", "text")
        self.error(self.world.call("POST", path, {"text": 7}), 400, "INVALID_ARGUMENT", "text")
        self.error(self.world.call("POST", path, {"text": "x", "colour": "red"}), 400, "INVALID_ARGUMENT", "colour")
        self.error(self.world.call("POST", path, {"text": "x" * 300_000}), 400, "INVALID_ARGUMENT", "text")
        self.assertEqual(self.world.call("POST", path, {"text": "x" * 5_000_000}).status, 413)
        self.assertEqual(self.world.messages(chat), [])

    def test_foreign_ids_and_wrong_paths(self):
        self.world.start()
        self.error(self.world.call("GET", "/chats/chat_of_nobody"), 404, "NOT_FOUND", "")
        self.error(self.world.call("POST", "/chats/chat_of_nobody/messages", {"text": "x"}), 404, "NOT_FOUND", "")
        self.error(self.world.call("GET", "/chats/chat_of_nobody/updates"), 404, "NOT_FOUND", "")
        self.error(self.world.call("GET", "/chats/a%2Fb"), 404, "NOT_FOUND", "")
        self.error(self.world.call("GET", "/chats/a.b"), 404, "NOT_FOUND", "")
        self.error(self.world.call("PUT", "/chats"), 405, "UNIMPLEMENTED", "")
        self.fails(1, "does not exist", arguments=["chat", "show", "chat_of_nobody", "--data-dir", self.world.data])


if __name__ == "__main__":
    unittest.main(verbosity=2)
