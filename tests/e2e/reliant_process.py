"""The real `reliant` in a directory of its own: started, called, killed, restarted."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

RELIANT = sys.argv.pop(1) if len(sys.argv) > 1 else "build/release/bin/reliant"
TIMEOUT = 30.0


def wait_until(what, condition, timeout=TIMEOUT):
    """Polls until the condition returns a true value; returns that value."""
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(0.01)


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


class Reply:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body


class World:
    """A data directory, a project, a script, and the server that uses them."""

    def __init__(self, script="answers:\n  - steps:\n      - text: hello\n"):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="reliant-e2e."))
        self.data = self.root / "data"
        self.project = self.root / "project"
        self.project.mkdir()
        self.script = self.root / "script.yaml"
        self.script.write_text(script)
        self.model = ["--model-script", self.script]
        self.server = None
        self.port = 0
        self.tls_port = 0
        self.log = self.root / "server.log"
        self.variables = {}  # of the environment, besides the test's own
        self.user = None  # number of the user that the server runs as; None: the test's
        self.program = RELIANT

    def close(self):
        if self.server and self.server.poll() is None:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "RELIANT_", "API_", "BIND_", "DATA_", "DATABASE_", "TLS_"))}
        clean["HOME"] = str(self.root)
        clean.pop("XDG_DATA_HOME", None)
        return clean | self.variables

    def popen(self, *arguments):
        return subprocess.Popen([RELIANT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env=self.environment(), cwd=self.project)

    def run(self, *arguments, timeout=TIMEOUT, **more):
        return subprocess.run([RELIANT, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                              env=self.environment(), cwd=self.project, **more)

    def monolith(self, *more):
        return ["monolith", "--port", self.port, "--tls-port", self.tls_port, "--data-dir", self.data,
                *self.model, *more]

    def start(self, *more):
        """Returns when the server is ready; the result is the seconds that took."""
        (self.data / "address").unlink(missing_ok=True)
        began = time.monotonic()
        with open(self.log, "a") as log:
            self.server = subprocess.Popen([self.program, *map(str, self.monolith("--log-file", "-", *more))], stdout=log, stderr=log,
                                           env=self.environment(), cwd=self.root, user=self.user, group=self.user,
                                           extra_groups=None if self.user is None else [])

        def ready():
            assert self.server.poll() is None, f"the server ended:\n{self.log.read_text()[-3000:]}"
            return (self.data / "address").exists() and self.address()

        wait_until("the server is ready", ready)
        return time.monotonic() - began

    def kill(self):
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        return self.server.wait(timeout=TIMEOUT)

    def address(self):
        return (self.data / "address").read_text().strip()

    def token(self):
        return (self.data / "token").read_text().strip()

    def call(self, method, path, body=None, token=None, prefix="/api/v2"):
        connection = http.client.HTTPConnection(self.address(), timeout=TIMEOUT)
        try:
            headers = {"authorization": f"Bearer {token if token is not None else self.token()}"}
            text = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, prefix + path, body=text, headers=headers)
            response = connection.getresponse()
            raw = response.read()
            return Reply(response.status, dict(response.getheaders()), json.loads(raw) if raw else None)
        finally:
            connection.close()

    def new_chat(self):
        project = self.call("POST", "/projects", {"name": "p", "path": str(self.project)}).body["id"]
        return self.call("POST", "/chats", {"project_id": project}).body["id"]

    def send(self, chat, text):
        return self.call("POST", f"/chats/{chat}/messages", {"text": text}).body

    def updates(self, chat, after=0, until=lambda update: update["kind"] == "status" and update["payload"]["status"] != "running",
                timeout=TIMEOUT):
        """Reads the stream up to the first update for which `until` holds."""
        connection = http.client.HTTPConnection(self.address(), timeout=timeout)
        deadline = time.monotonic() + timeout  # keepalives come for ever
        out = []
        try:
            connection.request("GET", f"/api/v2/chats/{chat}/updates?after={after}",
                               headers={"authorization": f"Bearer {self.token()}"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            fields = {}
            while True:
                line = response.readline().decode()
                assert line, "the stream ended early"
                line = line.rstrip("\n")
                if line.startswith(":"):
                    assert time.monotonic() < deadline, f"not within {timeout} s; so far: {out[-3:]}"
                    continue
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if not fields:
                    continue
                update = {"sequence": int(fields["id"]), "kind": fields["event"], "payload": json.loads(fields["data"])}
                fields = {}
                assert update["sequence"] == after + len(out) + 1, f"a gap before {update}"
                out.append(update)
                if until(update):
                    return out
        finally:
            connection.close()

    def messages(self, chat):
        return self.call("GET", f"/chats/{chat}/messages").body["items"]
