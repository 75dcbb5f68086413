"""A distributed system of real processes, started by tools/cluster, and clients that tolerate its faults."""

import contextlib
import ctypes
import http.client
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from reliant_process import RELIANT, Reply, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from real_run import addresses_of, events_in, rows_of, write_trace  # noqa: E402

# NATS and PostgreSQL with TLS and authentication, Temporal behind nginx: of every cluster of this run.
SECURE = "--secure" in sys.argv
if SECURE:
    sys.argv.remove("--secure")
CLUSTER = sys.argv.pop(1) if len(sys.argv) > 1 else str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "cluster")
TIMEOUT = 60.0
COUNT = itertools.count(1)  # of chats: each has a name of its own
UNREACHED = (OSError, http.client.HTTPException)

# Each call leaves a mark with its request id, so that a second run shows, and keeps its output. The sleeps are the duration of the
# tools: no test waits by them, but a process that is killed during them is killed in the middle of a tool.
SCRIPT = """
answers:
  - when: work
    steps:
      - text: "first"
        calls:
          - {tool: bash, arguments: {command: "echo $RELIANT_REQUEST_ID >> marks; sleep 1; echo one | tee -a out.$RELIANT_REQUEST_ID"}}  # the duration of the tool
          - {tool: bash, arguments: {command: "echo $RELIANT_REQUEST_ID >> marks; sleep 0.6; echo two | tee -a out.$RELIANT_REQUEST_ID"}}  # likewise
      - text: "second"
        chunk_delay_ms: 20
        calls:
          - {tool: bash, arguments: {command: "echo $RELIANT_REQUEST_ID >> marks; sleep 1.2; seq 1 200 | tee -a out.$RELIANT_REQUEST_ID"}}  # likewise
      - text: "all is done"
  - steps:
      - text: "hello"
"""
SIM = pathlib.Path(RELIANT).parent / "reliant-sim"
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def port_of(gateway):
    """A gateway's id: host, port, incarnation."""
    return int(gateway.rsplit("-", 2)[1])


def adopt_orphans():
    """tools/cluster starts servers and ends: they become children of this process, which so receives their exit codes."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


class RealCluster:
    def __init__(self, script=SCRIPT, log_level="debug", **counts):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reliant-real."))
        self.directory.chmod(0o755)
        self.script = self.directory / "script.yaml"
        self.script.write_text(script)
        self.log_level = log_level
        self.counts = counts
        self.urls = {}  # of what runs, by name
        self.recording = threading.Lock()
        self.reading = threading.Lock()
        self.read = {}  # by process: the offset in its event log, and the events
        self.streams = []  # that clients have opened
        adopt_orphans()

    def run(self, *arguments, check=True):
        done = subprocess.run([CLUSTER, *map(str, arguments), "--dir", str(self.directory)], capture_output=True, text=True, timeout=180)
        assert not check or done.returncode == 0, f"tools/cluster {arguments}: {done.stdout}{done.stderr}"
        if arguments[0] == "up" and done.returncode == 0:
            self.urls = dict(line.split() for line in done.stdout.splitlines())
        return done

    def up(self):
        counts = [word for name, count in self.counts.items() for word in (f"--{name}", count)]
        secure = ["--secure"] if SECURE else []
        self.run("up", "--binary", RELIANT, "--script", self.script, "--log-level", self.log_level, *counts, *secure)

    def close(self):
        for name in self.state():
            self.signal_tree(name, signal.SIGCONT)
        self.run("down", check=False)
        kept = os.environ.get("RELIANT_KEEP_CLUSTER")
        if kept:  # to look at the logs of a test that has failed
            shutil.copytree(self.directory, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("postgres"))
        shutil.rmtree(self.directory, ignore_errors=True)

    def state(self):
        state = json.loads((self.directory / "cluster.json").read_text())
        return {name: about for name, about in state.items() if isinstance(about, dict) and "pid" in about}

    def names(self, kind):
        return sorted(name for name in self.state() if name.rpartition("-")[0] == kind)

    def signal(self, name, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.state()[name]["pid"], number)

    def signal_tree(self, name, number):
        """Its children, too: PostgreSQL has one for each connection."""
        pid = self.state()[name]["pid"]
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    os.kill(int(entry.name), number)
        self.signal(name, number)

    def ends(self, name):
        """Its exit code; of a signal: its number, negative."""
        pid = self.state()[name]["pid"]
        _, status = wait_until(f"{name} ends", lambda: [found for found in [os.waitpid(pid, os.WNOHANG)] if found[0]], TIMEOUT)[0]
        return os.waitstatus_to_exitcode(status)

    def token(self, user):
        return (self.directory / f"{user}.token").read_text().strip()

    def port(self, name, which="port"):
        return self.state()[name][which]

    def ready(self, name):
        """The answer of /ready."""
        return self.ask(self.port(name, "health_port"), "GET", "/ready")

    def ask(self, port, method, path, body=None, headers=None, timeout=10):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers or {})
            response = connection.getresponse()
            raw = response.read()
            return Reply(response.status, dict(response.getheaders()), json.loads(raw) if raw else None)
        finally:
            connection.close()

    def record(self, log, event, level="info", **fields):
        """As the processes do: for the oracles."""
        now = time.time_ns() // 1000
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 1_000_000)) + f".{now % 1_000_000:06}Z"
        with self.recording, open(self.directory / f"{log}.jsonl", "a") as out:
            out.write(json.dumps({"time": stamp, "level": level, "event": event} | fields) + "\n")

    def busy(self):
        """A daemon that runs a tool right now, and the gateway that holds its stream."""
        def find():
            for name in self.names("daemon"):
                running, gateway = set(), ""
                for event in self.events(name, "tool.effect.started", "tool.effect.finished", "daemon.connected"):
                    if event["event"] == "daemon.connected":
                        running, gateway = set(), event["gateway"]
                    elif event["event"] == "tool.effect.started":
                        running.add(event["request_id"])
                    else:
                        running.discard(event["request_id"])
                if running:
                    port = port_of(gateway)
                    return name, next(each for each in self.names("gateway") if self.port(each) == port)
            return None
        return wait_until("a daemon runs a tool", find, TIMEOUT)

    def stream(self, daemon):
        """The daemon's newest stream: the gateway, the daemon's id and the epoch."""
        *_, last = self.events(daemon, "daemon.connected")
        port = port_of(last["gateway"])
        gateway, = (each for each in self.names("gateway") if self.port(each) == port)
        return gateway, last["daemon"], last["epoch"]

    def frozen(self, kind):
        """The process of that kind that has received SIGSTOP."""
        def stopped(name):
            stat = pathlib.Path(f"/proc/{self.state()[name]['pid']}/stat").read_text()
            return stat.rpartition(")")[2].split()[0] == "T"
        return wait_until(f"a {kind} is frozen", lambda: [name for name in self.names(kind) if stopped(name)])[0]

    def strike(self, name, number):
        """Records a fault for the oracles."""
        fault = {signal.SIGSTOP: "fault.pause", signal.SIGTERM: "fault.stop"}.get(number, "fault.crash")
        self.record("world", fault, target=name, other="", lasts_us=3_600_000_000)  # until it is healed
        self.signal(name, number)
        if number == signal.SIGKILL:
            self.ends(name)
            self.record("world", "node.crashed", called=name, life=1)

    def heal(self):
        for name in self.state():
            self.signal_tree(name, signal.SIGCONT)
        self.up()
        self.record("world", "fault.healed")

    def database_url(self):
        return self.urls["postgres"]

    def rows(self, sql):
        """One text each; none while the database is away."""
        done = subprocess.run(["psql", "-qAtX", "-d", self.database_url(), "-c", sql], capture_output=True, text=True)
        return done.stdout.splitlines()

    def whole(self):
        """Every daemon has its stream, also according to the store."""
        return self.rows("SELECT COUNT(*) FROM daemons WHERE connection = 'connected'") == [str(len(self.names("daemon")))]

    def judge(self):
        """The verdict of the simulator's oracles on the record so far. (exit code, text)"""
        files = {name: self.directory / f"judged.{name}" for name in ("yaml", "trace", "store", "effects")}
        files["yaml"].write_text("name: judged\nstory: what the processes of a test have recorded\n")
        records = self.all_records()
        write_trace(files["trace"], records, min(record[0] for record in records),
                    addresses_of({name: self.port(name) for name in self.names("gateway")}))
        files["store"].write_text(rows_of(self.database_url()))
        files["effects"].write_text("".join(json.dumps({"user": "", "daemon": "all"} | seen) + "\n" for seen in self.effects()))
        done = subprocess.run([SIM, "judge", *files.values()], capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def effects(self):
        """The files that the model's scripts have left behind."""
        for project in (self.directory / "projects").glob("*"):
            if (project / "marks").exists():
                yield from ({"request": mark, "effect": "mark"} for mark in (project / "marks").read_text().split())
            for file in project.glob("out.*"):
                yield {"request": file.name.removeprefix("out."), "out": file.read_text()}

    def all_records(self):
        """The records of the processes, the clients and the faults, and the names of the nodes."""
        called = {name: number for number, name in enumerate(["clients", *sorted(self.state())], 1)}
        records = []
        for name in ["world", *called]:
            file = self.directory / f"{name}.jsonl"
            for when, level, event, fields in events_in(file.read_bytes() if file.exists() else b""):
                node = called[fields["called"]] if event.startswith("node.") else called.get(name, 0)
                records.append((when, node, level, event, fields))
        first = min(record[0] for record in records)
        for name, number in called.items():
            kind = {"clients": "client", "nats": "bus", "postgres": "database", "temporal-proxy": "proxy"}.get(name, name.rpartition("-")[0] or name)
            user, daemon = self.owner(name) if kind == "daemon" else ("", "")
            records.insert(0, (first, 0, "info", "run.node", {"id": number, "called": name, "role": kind, "user": user, "daemon": daemon}))
        return records

    def owner(self, name):
        identity = json.loads((self.directory / name / "daemon.json").read_text())
        return self.events(name, "daemon.connected")[0]["user"], identity["daemon_id"]

    def events(self, name, *wanted):
        """The records of a process, over all its incarnations."""
        with self.reading:
            size, known = self.read.setdefault(name, (0, []))
            with contextlib.suppress(FileNotFoundError), open(self.directory / f"{name}.jsonl", "rb") as log:
                log.seek(size)
                for line in log:
                    if not line.endswith(b"\n"):  # it is being written
                        break
                    size += len(line)
                    with contextlib.suppress(ValueError):  # the last line of one that was killed
                        known.append(json.loads(line))
            self.read[name] = (size, known)
            return [event for event in known if not wanted or event["event"] in wanted]


class Stream:
    """One stream of a chat's updates from a replica of the API. `out`: all updates of the chat so far, a growing list."""

    def __init__(self, chat, port, out):
        self.chat = chat
        self.port = port
        self.out = out
        self.after = len(out)
        self.last = None  # that came by this stream; None: it is open


class Client:
    """A user with one replica of the API; with another one when that does not answer (R27)."""

    def __init__(self, cluster, user):
        self.cluster = cluster
        self.user = user
        self.token = cluster.token(user)
        self.ports = [cluster.port(name) for name in cluster.names("api")]
        self.random = random.Random(user)

    def call(self, method, path, body=None, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        while True:
            try:
                reply = self.cluster.ask(self.random.choice(self.ports), method, f"/api/v2{path}", body,
                                         {"authorization": f"Bearer {self.token}"})
                if reply.status < 500 and reply.status != 429:
                    return reply
                problem = reply.body
            except UNREACHED as error:
                problem = error
            assert time.monotonic() < deadline, f"{method} {path}: {problem}"
            time.sleep(0.1)

    def daemons(self):
        """The ids of the user's daemons, by name."""
        return {daemon["name"]: daemon["id"] for daemon in self.call("GET", "/daemons").body["items"]}

    def new_chat(self, project, daemon=""):
        """`daemon`: the id of the one that runs its tools; "": the user's default one."""
        made = self.call("POST", "/projects", {"name": "p", "path": str(project)})
        chat = self.call("POST", "/chats", {"project_id": made.body["id"], "active_daemon_id": daemon}).body["id"]
        self.record("client.chat.created", chat=chat)
        return chat

    def record(self, event, level="info", **fields):
        self.cluster.record("clients", event, level, user=self.user, **fields)

    def send(self, chat, text, key):
        reply = self.call("POST", f"/chats/{chat}/messages", {"text": text, "client_message_id": key})
        assert reply.status == 202, reply.body
        self.record("client.message.accepted", chat=chat, message=reply.body["message_id"], sequence=reply.body["sequence"], key=key)
        return reply.body

    def follow(self, chat, timeout=TIMEOUT):
        """All updates up to the end of the turn, from any replica; none is missing, none comes twice."""
        deadline = time.monotonic() + timeout
        out = []
        while not (out and out[-1]["kind"] == "status" and out[-1]["payload"]["status"] != "running"):
            assert time.monotonic() < deadline, f"chat {chat} has not ended after {out[-3:]}"
            with contextlib.suppress(UNREACHED):
                self.read_stream(chat, out, deadline)
        self.record("client.chat.done", chat=chat)
        return out

    def read_stream(self, chat, out, deadline):
        port = self.random.choice(self.ports)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        stream = Stream(chat, port, out)
        try:
            connection.request("GET", f"/api/v2/chats/{chat}/updates?after={len(out)}",
                               headers={"authorization": f"Bearer {self.token}"})
            response = connection.getresponse()
            if response.status != 200:
                time.sleep(0.1)
                return
            self.cluster.record("clients", "client.stream.opened", "debug", chat=chat, after=len(out))
            self.cluster.streams.append(stream)
            fields = {}
            while time.monotonic() < deadline:
                line = response.readline().decode()
                if not line:
                    return
                line = line.rstrip("\n")
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif not line and fields:
                    update = {"sequence": int(fields["id"]), "kind": fields["event"], "payload": json.loads(fields["data"])}
                    self.record("client.update", "debug", chat=chat, sequence=update["sequence"], kind=update["kind"],
                                shown=fields["data"], foreign="")
                    fields = {}
                    assert update["sequence"] == len(out) + 1, f"a gap in chat {chat} before {update}"
                    out.append(update)
                    if update["kind"] == "status" and update["payload"]["status"] != "running":
                        return
        finally:
            stream.last = len(out)
            connection.close()


class Finished:
    """A chat that has ended."""

    def __init__(self, chat, updates, project, daemon):
        self.chat = chat
        self.daemon = daemon  # by name; "": the user's default one
        self.updates = updates
        self.status = updates[-1]["payload"]["status"]
        self.tools = [update["payload"] for update in updates if update["kind"] == "tool_finished"]
        marks = project / "marks"
        self.marks = sorted(marks.read_text().split()) if marks.exists() else []


def have_chat(cluster, client, key, timeout=TIMEOUT, daemon=""):
    project = cluster.directory / "projects" / key
    project.mkdir(parents=True)
    chat = client.new_chat(project, client.daemons()[daemon] if daemon else "")
    client.send(chat, "work", key)
    return Finished(chat, client.follow(chat, timeout), project, daemon)


class Load:
    """Each user has one chat after the other, on each of its daemons in turn, during faults of the cluster. Not on all of them at
    once: Temporal's development server fails then, since its SQLite is interrupted for ever when one of many calls is cancelled
    at the wrong instant (modernc.org/sqlite before 1.44)."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.done = []
        self.problems = []
        self.stopping = threading.Event()
        self.daemons = {}
        for name in cluster.names("daemon"):
            self.daemons.setdefault(cluster.owner(name)[0], []).append(name)
        self.threads = [threading.Thread(target=self.live, args=each) for each in self.daemons.items()]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            if thread.is_alive():
                thread.join()

    def live(self, user, daemons):
        client = Client(self.cluster, user)
        try:
            for daemon in itertools.cycle(daemons):
                if self.stopping.is_set():
                    return
                self.done.append(have_chat(self.cluster, client, f"{daemon}-{next(COUNT)}", timeout=120, daemon=daemon))
        except Exception as problem:  # noqa: BLE001: the test shows it
            self.problems.append(problem)
            self.stopping.set()

    def wait_for(self, more):
        """Waits until that many more chats have ended."""
        goal = len(self.done) + more
        wait_until(f"{more} chats more have ended", lambda: len(self.done) >= goal or self.problems, 120)
        assert not self.problems, self.problems

    def wait_for_every_daemon(self):
        missing = lambda: set().union(*self.daemons.values()) - {chat.daemon for chat in self.done}
        wait_until("chats have ended on every daemon", lambda: not missing() or self.problems, 120)
        assert not self.problems, self.problems
