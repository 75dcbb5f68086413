"""The server that a suite with a real SDK judges: `reliant temporal serve`, a real Temporal server (--real in place of the path of the
binary), or one that runs already (--server ADDRESS)."""

import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
TIMEOUT = 30.0
# A real server deletes a workflow when its queues have noted that it is closed, which they do every 30 s.
PROMPT_DELETION = ['history.transferProcessorUpdateAckInterval="100ms"', 'history.visibilityProcessorUpdateAckInterval="100ms"']


def output_of(tool):
    return subprocess.run([str(TOOLS / tool)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Of the test's own, on a port that it keeps over a restart."""

    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.start()

    def command(self):
        if self.program != "--real":
            return [self.program, "temporal", "serve", "--port", str(self.port), "--data-dir", str(self.directory / "data")]
        return [output_of("temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port),
                "--log-level", "error", "--db-filename", str(self.directory / "temporal.db"),
                *(word for value in PROMPT_DELETION for word in ("--dynamic-config-value", value))]

    def start(self):
        for _ in range(5):  # another process may take a port that a real server has chosen for a service of its own
            if self.becomes_ready():
                return
        raise SystemExit(f"the server is not ready: {self.process.args}")

    def becomes_ready(self):
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.02)
        else:
            return False
        if self.program == "--real":
            time.sleep(1)  # its namespace comes a moment later, or its end
        return self.process.poll() is None

    def restart(self):
        self.process.kill()
        self.process.wait(TIMEOUT)
        self.start()

    def stop(self):
        self.process.terminate()
        ended = self.process.wait(TIMEOUT)
        return ended if self.program != "--real" else 0


def judge(prefix, command_of):
    """Runs `command_of(directory)` against the server that the command line names; "restart" on its output restarts it."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program", nargs="?", help="the path of reliant, or nothing with --real and --server")
    arguments.add_argument("--real", action="store_true", help="against a real Temporal server, which shows that the tests are right")
    arguments.add_argument("--server", metavar="ADDRESS", help="against a server that runs already")
    arguments.add_argument("words", nargs="*", help="only tests whose names have one of these words")
    given = arguments.parse_args()
    if given.real or given.server:  # then the first word is no program
        given.words = ([given.program] if given.program else []) + given.words
        given.program = "--real"
    if not given.program:
        arguments.error("which server? give the path of reliant, --real, or --server ADDRESS")
    directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    try:
        server = None if given.server else Server(given.program, directory)
        environment = {**os.environ, "TEMPORAL_SERVICE_ADDRESS": given.server or server.address, "RESTARTS": "1" if server else "0"}
        command, working_directory = command_of(directory)
        try:
            suite = subprocess.Popen([*command, *given.words], cwd=working_directory, env=environment, stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
            for line in suite.stdout:
                if line != "restart\n":
                    print(line, end="", flush=True)
                    continue
                server.restart()
                suite.stdin.write("restarted\n")
                suite.stdin.flush()
            suite.stdin.close()
            judged = suite.wait(TIMEOUT)
        finally:
            ended = server.stop() if server else 0
        return judged or ended
    finally:
        shutil.rmtree(directory, ignore_errors=True)
