"""The embedded engine, judged by a client that nobody here wrote: Temporal's TypeScript SDK, run.js against `reliant temporal
serve`. With --real instead of the path of the binary: against a real server, which shows that the test is right."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOOLS = HERE.parent.parent.parent / "tools"
PATIENCE = 30.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def output_of(tool):
    return subprocess.run([str(TOOLS / tool)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def command(program, port, directory):
    if program != "--real":
        return [program, "temporal", "serve", "--port", str(port), "--data-dir", str(directory / "data")]
    return [output_of("temporal"), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "error",
            "--db-filename", str(directory / "temporal.db")]


def wait_ready(server, port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"the server is not ready: {server.args}")


def main():
    program, words = sys.argv[1], sys.argv[2:]
    sdk = pathlib.Path(output_of("typescript"))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="reliant-typescript."))
    try:
        # The SDK's bundler looks for its packages beside the workflows.
        for file in HERE.glob("*.js"):
            shutil.copy(file, directory)
        (directory / "node_modules").symlink_to(sdk / "node_modules")
        port = free_port()
        server = subprocess.Popen(command(program, port, directory), stdin=subprocess.DEVNULL)
        try:
            wait_ready(server, port)
            if program == "--real":
                time.sleep(1)  # its namespace comes a moment later
            environment = {**os.environ, "TEMPORAL_SERVICE_ADDRESS": f"127.0.0.1:{port}"}
            judged = subprocess.run([str(sdk / "bin" / "node"), "run.js", *words], cwd=directory, env=environment)
        finally:
            server.terminate()
            ended = server.wait(PATIENCE)
        return judged.returncode or (ended if program != "--real" else 0)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
