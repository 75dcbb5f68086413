"""Chats of two steps and three tool calls, in a closed loop of clients, through tools/cluster and through the monolith: how many a
second, how long each takes, and what a chat costs each process."""

import contextlib
import datetime
import http.client
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

from processes import BenchCluster, cpu_seconds

CLIENTS = (1, 8, 32)
SECONDS = 12  # of each load, after a warm-up of WARM_CHATS a client
WARM_CHATS = 2
RECORDED_CALLS = 60

SCRIPT = """\
answers:
  - when: one call
    steps:
      - text: Looking.
        calls:
          - {tool: bash, arguments: {command: echo one}}
      - text: Done.
  - steps:
      - text: Looking around.
        calls:
          - {tool: bash, arguments: {command: echo one}}
          - {tool: bash, arguments: {command: echo two}}
          - {tool: bash, arguments: {command: echo three}}
      - text: Done.
"""


class Client:
    """One user's client; its connections stay open between chats."""

    def __init__(self, host, token, project_path):
        self.host = host
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(host)
        self.updates = http.client.HTTPConnection(host)
        self.project = self.ask("POST", "/projects", {"name": "bench", "path": str(project_path)})["id"]

    def ask(self, method, path, body=None):
        while True:
            self.asked = time.monotonic()
            self.connection.request(method, "/api/v2" + path, json.dumps(body) if body is not None else None, self.headers)
            reply = self.connection.getresponse()
            text = reply.read()
            if reply.status < 300:
                return json.loads(text or b"null")
            if reply.status != 429:
                raise SystemExit(f"tools/bench: {method} {path}: {reply.status} {text.decode(errors='replace')}")
            time.sleep(int(reply.headers["Retry-After"]))  # the one user of a monolith may send 600 messages a minute

    def chat(self, text="go"):
        """Its id, and the seconds from the message to the last answer, as seen on the chat's stream of updates."""
        chat = self.ask("POST", "/chats", {"project_id": self.project, "title": "bench"})["id"]
        self.updates.request("GET", f"/api/v2/chats/{chat}/updates?after=0", headers=self.headers)
        stream = self.updates.getresponse()
        self.ask("POST", f"/chats/{chat}/messages", {"text": text})
        begin = self.asked
        for raw in stream:
            line = raw.decode()
            status = json.loads(line[5:]).get("status") if line.startswith("data:") else None
            if status == "failed":
                raise SystemExit(f"tools/bench: chat {chat} has failed: {line}")
            if status == "idle":
                break
        took = time.monotonic() - begin
        self.updates.close()  # the stream would go on
        return chat, took


class ChatCluster(BenchCluster):
    """One of each role, with PostgreSQL, NATS and a Temporal server."""

    def __init__(self, binaries):
        self.files = pathlib.Path(tempfile.mkdtemp(prefix="reliant-bench."))
        (self.files / "script.yaml").write_text(SCRIPT)
        super().__init__(binaries, api=1, worker=1, gateway=1, daemon=1, script=self.files / "script.yaml")
        self.host = f"127.0.0.1:{self.state['api-1']['port']}"
        self.token = (self.directory / "user-1.token").read_text().strip()
        self.watched = {name: self.state[name]["pid"]
                        for name in ("worker-1", "daemon-1", "api-1", "gateway-1", "temporal", "postgres", "nats")}

    def close(self):
        super().close()
        shutil.rmtree(self.files, ignore_errors=True)

    def client(self):
        return Client(self.host, self.token, self.files)

    def temporal_requests(self):
        """Requests that clients and workers have made of the Temporal server, by its own count."""
        text = self.temporal_metrics()
        each = re.findall(r'^service_requests\{[^}]*service_name="frontend"[^}]*\} (\S+)$', text, re.MULTILINE)
        return sum(map(float, each))

    def temporal_metrics(self):
        """From whichever of its ports shows them: the server chooses one."""
        listening = subprocess.run(["ss", "-Hltnp"], stdout=subprocess.PIPE, text=True, check=True).stdout
        for line in listening.splitlines():
            if f"pid={self.state['temporal']['pid']}," not in line:
                continue
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", int(line.split()[3].rpartition(":")[2]), timeout=1)
                connection.request("GET", "/metrics")
                reply = connection.getresponse()
                if reply.status == 200 and b"service_requests" in (text := reply.read()):
                    return text.decode()
        raise SystemExit("tools/bench: the Temporal server shows its metrics on no port")

    def activities(self, chat, kind):
        """Milliseconds from the start of each activity of that kind to its completion, as the history has them."""
        shown = subprocess.run(
            [self.state["temporal"]["program"], "workflow", "show", "--workflow-id", f"chat-{chat}", "--namespace", "reliant",
             "--address", f"127.0.0.1:{self.state['temporal']['port']}", "--output", "json"], stdout=subprocess.PIPE, text=True, check=True)
        scheduled, started, took = {}, {}, []
        for event in json.loads(shown.stdout)["events"]:
            at = datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", event["eventTime"].replace("Z", "+00:00")))
            if "activityTaskScheduledEventAttributes" in event:
                scheduled[event["eventId"]] = event["activityTaskScheduledEventAttributes"]["activityType"]["name"]
            if "activityTaskStartedEventAttributes" in event:
                started[event["activityTaskStartedEventAttributes"]["scheduledEventId"]] = at
            if "activityTaskCompletedEventAttributes" in event:
                of = event["activityTaskCompletedEventAttributes"]["scheduledEventId"]
                if scheduled[of] == kind:
                    took.append((at - started[of]).total_seconds() * 1000)
        return took


class ChatMonolith:
    """The monolith, alone on its databases."""

    def __init__(self, binaries):
        self.files = pathlib.Path(tempfile.mkdtemp(prefix="reliant-bench."))
        (self.files / "script.yaml").write_text(SCRIPT)
        self.process = subprocess.Popen(
            [binaries / "reliant", "monolith", "--port", "0", "--tls-port", "0", "--data-dir", self.files / "data",
             "--model-script", self.files / "script.yaml"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "HOME": str(self.files)})
        address = self.files / "data" / "address"
        while not address.exists():
            if self.process.poll() is not None:
                raise SystemExit("tools/bench: the monolith ended at its start")
            time.sleep(0.01)
        self.host = address.read_text().strip().removeprefix("http://")
        self.watched = {"monolith": self.process.pid}

    def client(self):
        return Client(self.host, (self.files / "data" / "token").read_text().strip(), self.files)

    def temporal_requests(self):
        return 0.0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.files, ignore_errors=True)


def load(system, clients):
    """So many clients at once: chats a second, p50 and p99 in milliseconds, milliseconds of each process a chat."""
    took, begun, over = [], threading.Barrier(clients + 1), threading.Event()
    failures = []

    def work():
        try:
            client = system.client()
            for _ in range(WARM_CHATS):
                client.chat()
            begun.wait()
            while not over.is_set():
                took.append(client.chat()[1] * 1000)
        except BaseException as error:
            failures.append(error)
            begun.abort()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    with contextlib.suppress(threading.BrokenBarrierError):
        begun.wait()
        cpu = {name: cpu_seconds(pid) for name, pid in system.watched.items()}
        asked, begin = system.temporal_requests(), time.monotonic()
        time.sleep(SECONDS)
        over.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    seconds, count = time.monotonic() - begin, len(took)
    took.sort()
    each = {name: (cpu_seconds(pid) - cpu[name]) * 1000 / count for name, pid in system.watched.items()}
    asked = (system.temporal_requests() - asked) / count
    return {"rate": count / seconds, "p50": took[count // 2], "p99": took[min(count - 1, count * 99 // 100)], "cpu": each, "requests": asked}


def told(name, clients, values):
    print(f"  {name}, {clients} at once: {values['rate']:.1f} chats/s, p50 {values['p50']:.0f} ms, p99 {values['p99']:.0f} ms; ms of a "
          "processor a chat: " + ", ".join(f"{each} {cpu:.1f}" for each, cpu in values["cpu"].items())
          + (f"; {values['requests']:.1f} requests to Temporal a chat" if values["requests"] else ""), flush=True)


def chat_values(binaries):
    with ChatCluster(binaries) as cluster:
        client = cluster.client()
        recorded = [took for _ in range(RECORDED_CALLS) for took in cluster.activities(client.chat("one call")[0], "run_tool")]
        loads = {clients: load(cluster, clients) for clients in CLIENTS}
    with ChatMonolith(binaries) as monolith:
        alone = {clients: load(monolith, clients) for clients in CLIENTS}
    for clients in CLIENTS:
        told("a cluster", clients, loads[clients])
    for clients in CLIENTS:
        told("a monolith", clients, alone[clients])
    values = {"recorded": statistics.median(recorded)}
    for clients in CLIENTS:
        values |= {f"rate/{clients}": loads[clients]["rate"], f"p50/{clients}": loads[clients]["p50"], f"p99/{clients}": loads[clients]["p99"],
                   f"monolith_p50/{clients}": alone[clients]["p50"], f"monolith_p99/{clients}": alone[clients]["p99"]}
    cost = loads[8]
    values |= {"worker": cost["cpu"]["worker-1"], "daemon": cost["cpu"]["daemon-1"], "api": cost["cpu"]["api-1"],
               "gateway": cost["cpu"]["gateway-1"], "temporal": cost["cpu"]["temporal"], "requests": cost["requests"],
               "monolith": alone[8]["cpu"]["monolith"]}
    return values
