"""A process and its environment: signals, standard streams, limits, modes of files."""

import http.client
import os
import resource
import signal
import stat
import subprocess
import unittest

from reliant_process import TIMEOUT, RELIANT, World, wait_until

LOOK_AROUND = """
answers:
  - steps:
      - calls:
          - {tool: bash, arguments: {command: "umask; ulimit -Sn; cat /proc/self/status > status; mkdir made; touch made/file"}}
          - {tool: write, arguments: {path: "written/deep/file", content: "x"}}
      - text: "{{result.0}}"
"""


THREADS = {32, 33}  # of the C library alone


def ignored_signals(path):
    """The numbers of the signals that a process ignores, from its status in /proc."""
    with open(path) as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn"))
    return {number for number in range(1, 65) if mask & (1 << (number - 1))}


class ProcessHygiene(unittest.TestCase):
    def world(self, *script):
        world = World(*script)
        self.addCleanup(world.close)
        return world

    def start(self, world, *more, stdout=subprocess.PIPE, stderr=subprocess.PIPE, command=None, before=None):
        """A server with pipes; returns when it is ready."""
        (world.data / "address").unlink(missing_ok=True)
        arguments = command or world.monolith("--log-file", "-", *more)
        world.server = subprocess.Popen([RELIANT, *map(str, arguments)], stdout=stdout, stderr=stderr, env=world.environment(),
                                        cwd=world.project, preexec_fn=before, restore_signals=True)
        if command is None:
            wait_until("the server is ready", lambda: (world.data / "address").exists() and world.address())
        else:
            self.assertIn(b"is ready", world.server.stdout.readline())
        return world.server

    def stops_in_order(self, world, number=signal.SIGTERM):
        world.server.send_signal(number)
        self.assertEqual(world.server.wait(timeout=TIMEOUT), 0)
        self.assertFalse((world.data / "address").exists())

    def test_goes_on_when_the_reader_of_its_log_ends(self):
        world = self.world()
        server = self.start(world, "--log-level", "debug")
        server.stderr.close()
        server.stdout.close()
        for _ in range(3):  # each is a line of the log
            self.assertEqual(world.call("GET", "/chats").status, 200)
        self.stops_in_order(world)

    def test_stops_in_order_when_its_output_has_no_reader(self):
        world = self.world()
        server = self.start(world)
        server.stdout.close()  # the write of its last log line fails
        server.stderr.close()
        self.stops_in_order(world)

    def test_a_workflow_engine_alone_goes_on_as_well(self):
        world = self.world()
        server = self.start(world, command=["temporal", "serve", "--port", "0", "--data-dir", world.data, "--log-file", "-"])
        server.stdout.close()
        server.stderr.close()
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(timeout=TIMEOUT), 0)

    def test_starts_with_its_standard_streams_closed(self):
        world = self.world()

        def close_all():
            for descriptor in (0, 1, 2):
                os.close(descriptor)

        self.start(world, stdout=None, stderr=None, before=close_all)
        for descriptor in (0, 1, 2):  # printed text must not end up in a database
            self.assertNotIn(str(world.root), os.readlink(f"/proc/{world.server.pid}/fd/{descriptor}"))
        self.assertEqual(world.call("GET", "/chats").status, 200)
        self.stops_in_order(world)

    def test_stops_in_order_at_a_hang_up(self):
        world = self.world()
        self.start(world)
        self.stops_in_order(world, signal.SIGHUP)

    def test_outlives_a_hang_up_that_its_starter_ignores(self):
        world = self.world()
        self.start(world, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))  # nohup
        world.server.send_signal(signal.SIGHUP)
        self.assertEqual(world.call("GET", "/chats").status, 200)
        self.stops_in_order(world)

    def test_a_file_that_has_reached_its_limit_is_an_error_of_the_call(self):
        world = self.world()
        limit = 512 * 1024
        server = self.start(world, "--log-level", "warning",
                            before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)))
        project = world.call("POST", "/projects", {"name": "p", "path": str(world.project)}).body["id"]

        def refused():
            reply = world.call("PATCH", f"/projects/{project}", {"name": "x" * 100})
            return reply if reply.status != 200 else None

        reply = wait_until("a write is refused", refused)
        self.assertEqual((reply.status, reply.body["code"], reply.body["reason"]), (507, "RESOURCE_EXHAUSTED", "DISK_FULL"))
        for text in ("sqlite", "reliant.db", str(world.data)):
            self.assertNotIn(text, reply.body["message"])
        self.assertIn(str(world.data / "reliant.db"), server.stderr.readline().decode())
        self.assertEqual(world.call("GET", f"/projects/{project}").status, 200)
        wait_until("it says that it is not ready", lambda: world.call("GET", "", prefix="/ready").status == 503)
        resource.prlimit(world.server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_until("it is ready again", lambda: world.call("GET", "", prefix="/ready").status == 200)
        self.assertEqual(world.call("PATCH", f"/projects/{project}", {"name": "q"}).status, 200)
        self.stops_in_order(world)

    def test_a_command_ends_with_the_reader_of_its_output(self):
        world = self.world()
        world.start()
        for _ in range(3):
            world.new_chat()
        command = world.popen("chat", "list", "--data-dir", world.data)
        command.stdout.close()
        self.assertIn(command.wait(timeout=TIMEOUT), (-signal.SIGPIPE, 0, 1))

    def test_servers_ignore_failed_writes_and_take_all_files(self):
        world = self.world()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.start(world, before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
        self.assertLessEqual({signal.SIGPIPE, signal.SIGXFSZ}, ignored_signals(f"/proc/{world.server.pid}/status"))
        self.assertEqual(resource.prlimit(world.server.pid, resource.RLIMIT_NOFILE), (hard, hard))
        with open(f"/proc/{world.server.pid}/status") as status:
            self.assertIn("Umask:\t0077\n", status.readlines())

    def test_tools_inherit_umask_and_limits_of_the_server(self):
        world = self.world(LOOK_AROUND)
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

        def given():
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
            os.umask(0o027)

        self.start(world, before=given)
        chat = world.new_chat()
        world.send(chat, "look")
        self.assertEqual(world.updates(chat)[-1]["payload"]["status"], "idle")
        said = world.messages(chat)[-1]["content"][0]["text"]
        self.assertIn("0027\n256\n", said)
        self.assertEqual(ignored_signals(world.project / "status") - THREADS, set())
        modes = {name: stat.S_IMODE((world.project / name).stat().st_mode)
                 for name in ("made", "made/file", "written", "written/deep", "written/deep/file")}
        self.assertEqual(modes, {"made": 0o750, "made/file": 0o640, "written": 0o750, "written/deep": 0o750,
                                 "written/deep/file": 0o644})

    def modes(self, directory):
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}

    def test_everything_in_the_data_directory_is_its_users_alone(self):
        """Also in a directory that an older version, or `mkdir`, has left open to others."""
        world = self.world()
        self.start(world, before=lambda: os.umask(0))
        project = world.call("POST", "/projects", {"name": "p", "path": str(world.project)}).status
        self.assertEqual(project, 201)
        self.assertEqual(stat.S_IMODE(world.data.stat().st_mode), 0o700)
        found = self.modes(world.data)
        self.assertLessEqual({"reliant.db", "reliant.db-wal", "reliant.db-shm", "temporal.db", "journal.db", "token", "lock"}, set(found))
        self.assertEqual({name for name, mode in found.items() if mode & 0o077}, {"tls.crt"})
        world.stop()
        world.data.chmod(0o755)
        for name in found:
            if (world.data / name).exists():
                (world.data / name).chmod(0o644)
        self.start(world)
        self.assertEqual(stat.S_IMODE(world.data.stat().st_mode), 0o700)
        self.assertEqual({name for name, mode in self.modes(world.data).items() if mode & 0o077}, {"tls.crt"})

    def test_a_workflow_engine_alone_keeps_its_database_to_itself(self):
        world = self.world()
        world.data.mkdir(mode=0o755)
        world.data.chmod(0o755)
        server = self.start(world, command=["temporal", "serve", "--port", "0", "--data-dir", world.data],
                            before=lambda: os.umask(0o022))
        self.assertEqual(stat.S_IMODE(world.data.stat().st_mode), 0o700)
        found = self.modes(world.data)
        self.assertLessEqual({"temporal.db", "temporal.log"}, set(found))
        self.assertEqual({name for name, mode in found.items() if mode & 0o077}, set())
        server.stdout.close()

    def test_refuses_a_directory_with_unrelated_files(self):
        world = self.world()
        (world.project / "README.md").write_text("x")
        world.project.chmod(0o755)
        done = world.run("monolith", "--data-dir", world.project, "--model-script", world.script)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (1, 1), done.stderr)
        for words in (str(world.project), "README.md", "chmod 700", "--data-dir"):
            self.assertIn(words, done.stderr)
        self.assertEqual(stat.S_IMODE(world.project.stat().st_mode), 0o755)

    def test_a_second_server_does_not_start_when_the_lock_is_removed(self):
        world = self.world()
        self.start(world)
        (world.data / "lock").unlink()
        done = world.run(*world.monolith("--log-file", "-"))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("is in use", done.stderr)

    def test_its_log_is_bounded_while_it_runs(self):
        world = self.world()
        log = world.root / "bounded.log"
        arguments = world.monolith("--log-file", log, "--log-level", "debug", "--log-size", "1", "--log-files", "3")
        world.server = subprocess.Popen([RELIANT, *map(str, arguments)], stdout=subprocess.DEVNULL, env=world.environment())
        wait_until("the server is ready", lambda: (world.data / "address").exists() and world.address())
        connection = http.client.HTTPConnection(world.address(), timeout=TIMEOUT)
        for _ in range(400):  # each writes its path
            connection.request("GET", "/api/v2/" + "x" * 15_000)
            connection.getresponse().read()
        connection.close()
        files = sorted(path for path in world.root.iterdir() if path.name.startswith("bounded.log"))
        self.assertEqual([path.name for path in files], ["bounded.log", "bounded.log.1", "bounded.log.2"])
        for path in files:
            self.assertLessEqual(path.stat().st_size, 1024 * 1024)
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.stops_in_order(world)

    def test_warns_of_a_low_limit_of_open_files(self):
        world = self.world()
        for files in (16, 40):
            done = world.run(*world.monolith("--log-file", "-"),
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files)))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"may open only {files} files", done.stderr)
            self.assertIn("ulimit -Hn", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
