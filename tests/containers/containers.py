"""Images and containers for the tests of this folder: made by tools/containers and podman, and all of them gone at the end."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from reliant_process import RELIANT, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
IMAGE = "localhost/reliant-test"  # of compose/Dockerfile
STAND_INS = ("postgres", "nats", "temporal")
SCRIPT = """
answers:
  - when: work
    steps:
      - text: "first"
        calls:
          - {tool: bash, arguments: {command: "echo $RELIANT_REQUEST_ID >> /data/marks; sleep 2; echo one"}}  # the sleep is the tool's duration: services restart while it runs
      - text: "second"
        calls:
          - {tool: bash, arguments: {command: "echo $RELIANT_REQUEST_ID >> /data/marks; sleep 2; echo two"}}  # the same
      - text: "all is done"
  - steps:
      - text: "hello"
"""


class Containers:
    """A scratch directory, and the environment in which podman runs."""

    def __init__(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="reliant-containers."))
        self.name = self.scratch.name.replace(".", "-").lower()
        self.undo = contextlib.ExitStack()
        self.undo.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        try:
            made = subprocess.run([ROOT / "tools/containers"], stdout=subprocess.PIPE, text=True, check=True)
            # Without systemd on the machine podman has no timers for health checks: the tests run the checks.
            self.environment = os.environ | {"CONTAINERS_CONF": made.stdout.strip(), "DISABLE_HC_SYSTEMD": "true"}
            self.build_images()
        except BaseException:
            self.close()
            raise

    def close(self):
        self.undo.close()

    def podman(self, *arguments, check=True, timeout=300):
        done = subprocess.run(["podman", *map(str, arguments)], capture_output=True, text=True, env=self.environment, timeout=timeout)
        assert not check or done.returncode == 0, f"podman {' '.join(map(str, arguments))}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def build_images(self):
        """compose/Dockerfile from its last stage on, with the program of this build in the place of its first stage, whose build of the
        whole tree takes an hour and more."""
        context = self.scratch / "context"
        context.mkdir()
        last_stage = (ROOT / "compose/Dockerfile").read_text().rpartition("\nFROM ")[2]
        (context / "Dockerfile").write_text(f"FROM scratch AS build\nCOPY reliant /build/bin/reliant\n\nFROM {last_stage}")
        subprocess.run(["strip", "-o", context / "reliant", RELIANT], check=True)
        temporal = subprocess.run([ROOT / "tools/temporal"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        shutil.copy(temporal, context / "temporal")
        shutil.copy(HERE / "postgres_entrypoint", context)
        build = ["build", "--quiet", "--isolation", "chroot", "--pull=never"]
        self.podman(*build, "--tag", IMAGE, context, timeout=600)
        for target in (*STAND_INS, "systemd"):
            self.podman(*build, "--file", HERE / "Dockerfile", "--target", target, "--build-arg", f"RELIANT={IMAGE}",
                        "--tag", f"{IMAGE}-{target}", context, timeout=600)
        shutil.rmtree(context)

    def serve_docker_api(self):
        """The path of a socket that docker-compose uses."""
        socket = self.scratch / "docker.sock"
        log = self.undo.enter_context(open(self.scratch / "podman.log", "w"))
        process = subprocess.Popen(["podman", "system", "service", "--time", "0", f"unix://{socket}"], stdout=log, stderr=log,
                                   env=self.environment)
        self.undo.callback(process.wait)
        self.undo.callback(process.send_signal, signal.SIGTERM)
        wait_until("podman serves the Docker API", socket.exists)
        return socket


def until(what, condition, seconds=90):
    """As wait_until, with a pause between calls that start a process each."""
    def paced():
        found = condition()
        if not found:
            time.sleep(0.3)
        return found
    return wait_until(what, paced, seconds)
