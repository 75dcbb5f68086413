"""Runs what targets.toml names and prints a line each: name, value, unit, target, ok or short."""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

import chats
import many_daemons
from processes import BenchCluster, cpu_seconds, resident

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
CHATS = 20  # measured; the median counts
LINK_TURNS = 3
MESSAGE_SIZE = 200
TOOL_TURNS = 12  # short ones: the host is slower from one second to the next
TOOL_CALLS_AT_ONCE = 32  # as many tools as a daemon runs at a time
IDLE_STREAMS = 5000

SCRIPT = """\
answers:
  - steps:
      - text: Looking around.
        calls:
          - {tool: bash, arguments: {command: echo one}}
          - {tool: bash, arguments: {command: echo two}}
          - {tool: bash, arguments: {command: echo three}}
      - text: Done.
"""


def benchmark_lines(binaries, lines):
    """One run a program; yields (line, value)."""
    for program in dict.fromkeys(line["program"] for line in lines):
        wanted = [line for line in lines if line["program"] == program]
        names = "|".join(f"^{line['benchmark']}(/.*)?$" for line in wanted)
        command = [binaries / program, f"--benchmark_filter={names}", "--benchmark_format=json", "--benchmark_repetitions=3"]
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for line in wanted:
            runs = [b for b in report["benchmarks"] if b["name"].startswith(line["benchmark"]) and b.get("run_type") == "iteration"]
            if not runs:
                raise SystemExit(f"tools/bench: {program} has no benchmark {line['benchmark']}")
            yield line, statistics.median(b[line["counter"]] for b in runs) * line.get("scale", 1)


def scenario_values(binaries, scenario, seeds):
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as out:
        command = [binaries / "reliant-sim", "run", scenario, "--seeds", seeds, "--json", out.name]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)  # with the processes of the runs, which it waits for
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"tools/bench: {scenario} did not hold: tools/sim run {scenario} --seeds {seeds}")
        runs = [json.loads(text) for text in pathlib.Path(out.name).read_text().splitlines()]
    real = sum(run["wall_seconds"] for run in runs)
    return {
        "simulated_per_real": sum(run["sim_seconds"] for run in runs) / real,
        "events_per_second": sum(run["events"] for run in runs) / real / 1000,
        "resident_megabytes": usage.ru_maxrss / 1024,
    }


class Monolith:
    """The real server in a folder of its own."""

    def __init__(self, binaries):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="reliant-bench."))
        self.data = self.root / "data"
        (self.root / "script.yaml").write_text(SCRIPT)
        (self.root / "project").mkdir()
        begin = time.monotonic()
        self.server = subprocess.Popen(
            [binaries / "reliant", "monolith", "--port", "0", "--tls-port", "0", "--data-dir", self.data,
             "--model-script", self.root / "script.yaml"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(self.root)})
        address = self.data / "address"
        while not self.answers(address):
            if self.server.poll() is not None:
                raise SystemExit("tools/bench: the monolith ended at its start")
            time.sleep(0.001)
        self.ready = (time.monotonic() - begin) * 1000

    def answers(self, address):
        try:
            self.host = address.read_text().strip().removeprefix("http://")
            self.connection = http.client.HTTPConnection(self.host)
            self.connection.request("GET", "/health")
            return self.connection.getresponse().read() is not None
        except OSError:
            return False

    def resident(self):
        return resident(self.server.pid) / 1024

    def ask(self, method, path, body=None):
        token = (self.data / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.connection.request(method, "/api/v2" + path, json.dumps(body) if body is not None else None, headers)
        reply = self.connection.getresponse()
        return json.loads(reply.read() or b"null")

    def chat(self):
        """Milliseconds from POST to the chat's last answer, as seen on its stream of updates."""
        project = self.ask("POST", "/projects", {"name": "bench", "path": str(self.root / "project")})
        times = []
        for _ in range(CHATS + 1):
            chat = self.ask("POST", "/chats", {"project_id": project["id"], "title": "bench"})
            stream = http.client.HTTPConnection(self.host)
            token = (self.data / "token").read_text().strip()
            stream.request("GET", f"/api/v2/chats/{chat['id']}/updates?after=0", headers={"Authorization": f"Bearer {token}"})
            updates = stream.getresponse()
            begin = time.monotonic()
            self.ask("POST", f"/chats/{chat['id']}/messages", {"text": "go"})
            for raw in updates:
                text = raw.decode()
                if text.startswith("data:") and json.loads(text[5:]).get("status") in ("idle", "failed"):
                    break
            times.append((time.monotonic() - begin) * 1000)
            stream.close()
        return statistics.median(times[1:])  # the first one starts the daemon

    def close(self):
        self.server.kill()
        self.server.wait()
        shutil.rmtree(self.root, ignore_errors=True)


def monolith_values(binaries):
    monolith = Monolith(binaries)
    try:
        time.sleep(0.5)  # let it settle: resident memory when idle
        values = {"ready": monolith.ready, "resident": monolith.resident()}
        values["chat"] = monolith.chat()
        return values
    finally:
        monolith.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Killed:
    """A process that ends with its use."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Peer(Killed):
    """grpc_peer, link_peer, nats_peer or bus_peer, as a server: what it prints first says that it is there, and perhaps where."""

    def __init__(self, binaries, program, *words):
        self.process = subprocess.Popen([binaries / program, *(words or ["serve"])], stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[-1]

    def resident(self):
        return resident(self.process.pid)


def pace(binaries, program, *words):
    """Microseconds a round, and rounds a second."""
    done = subprocess.run([binaries / program, *map(str, words)], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"tools/bench: {program} failed")
    told = done.stdout.split()
    return float(told[1]), float(told[3])


def ping(binaries, program, streams, rounds):
    with Peer(binaries, program) as server:
        return pace(binaries, program, "ping", server.address, streams, rounds, MESSAGE_SIZE)


def kilobytes_a_stream(binaries, program):
    with Peer(binaries, program) as server:
        before = server.resident()
        command = [binaries / "grpc_peer", "open", server.address, str(IDLE_STREAMS), "silent"]
        streams = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if streams.stdout.readline().strip() != "open":
            raise SystemExit("tools/bench: the streams did not open")
        time.sleep(1)  # what connecting has taken is given back
        each = (server.resident() - before) / IDLE_STREAMS
        streams.kill()
        streams.wait()
    return each


def link_values(binaries):
    """GrpcLink beside bare gRPC, in turns."""
    ratios = {"latency": [], "throughput": [], "memory": []}
    for _ in range(LINK_TURNS):
        bare, ours = ping(binaries, "grpc_peer", 1, 10_000), ping(binaries, "link_peer", 1, 10_000)
        ratios["latency"].append(ours[0] / bare[0])
        bare, ours = ping(binaries, "grpc_peer", 64, 100_000), ping(binaries, "link_peer", 64, 100_000)
        ratios["throughput"].append(ours[1] / bare[1])
    ratios["memory"].append(kilobytes_a_stream(binaries, "link_peer") / kilobytes_a_stream(binaries, "grpc_peer"))
    return {name: statistics.median(values) for name, values in ratios.items()}


class NatsUnderTest(Killed):
    """A nats-server on a free port."""

    def __init__(self):
        port = free_port()
        self.process = subprocess.Popen(["nats-server", "--addr", "127.0.0.1", "--port", str(port)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"nats://127.0.0.1:{port}"
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.01)
        raise SystemExit("tools/bench: nats-server does not listen")


def bus_values(binaries):
    """NatsBus beside bare nats.c, in turns: a request and its answer between two processes."""
    ratios = {"latency": [], "throughput": []}
    with NatsUnderTest() as nats, contextlib.ExitStack() as echoes:
        for program in ("nats_peer", "bus_peer"):
            echoes.enter_context(Peer(binaries, program, "echo", nats.url, program))
        turn = lambda program, at_once, rounds: pace(binaries, program, "ping", nats.url, program, at_once, rounds, MESSAGE_SIZE)
        for _ in range(LINK_TURNS):
            bare, ours = (turn(program, 1, 10_000) for program in ("nats_peer", "bus_peer"))
            ratios["latency"].append(ours[0] / bare[0])
            bare, ours = (turn(program, 64, 100_000) for program in ("nats_peer", "bus_peer"))
            ratios["throughput"].append(ours[1] / bare[1])
    return {name: statistics.median(values) for name, values in ratios.items()}


class ToolsCluster(BenchCluster):
    """nats-server, PostgreSQL, a gateway and a tools daemon."""

    def __init__(self, binaries):
        super().__init__(binaries, api=0, worker=0, gateway=1, daemon=1)
        self.file = self.directory / "empty"
        self.file.touch()
        self.daemon = json.loads((self.directory / "daemon-1" / "daemon.json").read_text())["daemon_id"]

    def calls(self, binaries, at_once, many):
        return pace(binaries, "tool_peer", self.nats, self.database, "user-1", self.daemon, self.file, at_once, many)

    def recorded_calls(self, binaries, at_once, many):
        return pace(binaries, "tool_peer", self.nats, self.database, "user-1", self.daemon, "", at_once, many)


def toolcall_values(binaries):
    """Tool calls from a worker's process through NATS and the gateway to the daemon, and back; beside the floor, in turns. The tool
    only reads; one that does more is printed, too: that goes through the store and the daemon's journal, and starts a shell.

    The floor is a chain of bare programs: NATS, one gRPC stream, and back."""
    throughput, told, recorded = [], [], []
    with (ToolsCluster(binaries) as cluster, Peer(binaries, "grpc_peer") as end,
          Peer(binaries, "nats_peer", "echo", cluster.nats, "bare.echo"),
          Peer(binaries, "nats_peer", "bridge", cluster.nats, "bare.chain", end.address)):
        floor = lambda subject, at_once, rounds: pace(binaries, "nats_peer", "ping", cluster.nats, subject, at_once, rounds, MESSAGE_SIZE)
        for _ in range(TOOL_TURNS):
            nats, _ = floor("bare.echo", 1, 3_000)
            grpc, _ = pace(binaries, "grpc_peer", "ping", end.address, 1, 3_000, MESSAGE_SIZE)
            chain, _ = floor("bare.chain", 1, 3_000)
            ours, _ = cluster.calls(binaries, 1, 2_000)
            _, chain_rate = floor("bare.chain", TOOL_CALLS_AT_ONCE, 15_000)
            _, rate = cluster.calls(binaries, TOOL_CALLS_AT_ONCE, 5_000)
            recorded.append((cluster.recorded_calls(binaries, 1, 50)[0], cluster.recorded_calls(binaries, TOOL_CALLS_AT_ONCE, 300)[1]))
            throughput.append(rate / chain_rate)
            told.append((ours, chain, nats, grpc, ours / chain, rate, chain_rate))
    ours, chain, nats, grpc, of_the_chain, rate, chain_rate = map(statistics.median, zip(*told))
    print(f"  a tool call: {ours / 1000:.2f} ms, bare NATS {nats / 1000:.3f} ms and bare gRPC {grpc / 1000:.3f} ms, the bare chain "
          f"{chain / 1000:.3f} ms (the call is {of_the_chain:.2f} times that); "
          f"{TOOL_CALLS_AT_ONCE} at a time: {rate:.0f}/s, the bare chain {chain_rate:.0f}/s", flush=True)
    one, many = map(statistics.median, zip(*recorded))
    print(f"  a call of a shell, which is recorded: {one / 1000:.2f} ms; {TOOL_CALLS_AT_ONCE} at a time: {many:.0f}/s", flush=True)
    return {"latency": ours / 1000, "of_the_chain": of_the_chain, "throughput": statistics.median(throughput)}


class TemporalUnderTest(Killed):
    """`reliant temporal serve`, or a real Temporal server, on a free port; both with WAL and synchronous = NORMAL."""

    def __init__(self, command):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="reliant-bench."))
        self.port = free_port()
        self.process = subprocess.Popen(command(self.port, self.directory), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __exit__(self, *error):
        super().__exit__(*error)
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, binaries, workflows, at_once):
        """Seconds for all, milliseconds for one, milliseconds of the server's processors a workflow."""
        for _ in range(200):  # until it is ready
            before = cpu_seconds(self.process.pid)
            done = subprocess.run([binaries / "temporal_peer", str(self.port), str(workflows), str(at_once)], capture_output=True, text=True)
            if done.returncode == 0:
                told = json.loads(done.stdout)
                return told["seconds"], told["median_ms"], (cpu_seconds(self.process.pid) - before) * 1000 / workflows
            time.sleep(0.05)
        raise SystemExit(f"tools/bench: no Temporal server on port {self.port}: {done.stderr}")


def temporal_values(binaries):
    """The embedded engine over gRPC beside a real server, the same client, 50 workflows at once."""
    temporal = subprocess.run([ROOT / "tools" / "temporal"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    real = lambda port, directory: [
        temporal, "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port), "--log-level", "error",
        "--db-filename", str(directory / "temporal.db"), "--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"]
    ours = lambda port, directory: [binaries / "reliant", "temporal", "serve", "--port", str(port), "--data-dir", str(directory)]
    speed, values = {}, {}
    for name, command, many in (("real", real, 600), ("ours", ours, 5000)):
        with TemporalUnderTest(command) as server:
            server.run(binaries, 50, 50)  # warm
            seconds, _, cpu = server.run(binaries, many, 50)
            speed[name] = many / seconds
            values[name + "_cpu"] = cpu
            values[name + "_single"] = server.run(binaries, 30, 1)[1]
    print(f"  workflows/s: {speed['ours']:.0f}, real server {speed['real']:.0f}; server CPU a workflow: {values['ours_cpu']:.2f} ms, "
          f"{values['real_cpu']:.2f} ms; one workflow: {values['ours_single']:.1f} ms, {values['real_single']:.1f} ms", flush=True)
    return {"throughput": speed["ours"] / speed["real"], "cpu": values["ours_cpu"], "single": values["ours_single"]}


def measured(binaries, lines):
    yield from benchmark_lines(binaries, [line for line in lines if "program" in line])
    cache = {}
    for line in lines:
        if "scenario" in line:
            key = (line["scenario"], line["seeds"])
            cache[key] = cache.get(key) or scenario_values(binaries, *key)
            yield line, cache[key][line["value"]]
        if "monolith" in line:
            cache["monolith"] = cache.get("monolith") or monolith_values(binaries)
            yield line, cache["monolith"][line["monolith"]]
        if "temporal" in line:
            cache["temporal"] = cache.get("temporal") or temporal_values(binaries)
            yield line, cache["temporal"][line["temporal"]]
        if "link" in line:
            cache["link"] = cache.get("link") or link_values(binaries)
            yield line, cache["link"][line["link"]]
        if "bus" in line:
            cache["bus"] = cache.get("bus") or bus_values(binaries)
            yield line, cache["bus"][line["bus"]]
        if "toolcall" in line:
            cache["toolcall"] = cache.get("toolcall") or toolcall_values(binaries)
            yield line, cache["toolcall"][line["toolcall"]]
        if "idle" in line:
            cache["idle"] = cache.get("idle") or many_daemons.idle_values(
                binaries, IDLE_STREAMS, kilobytes_a_stream(binaries, "grpc_peer"))
            yield line, cache["idle"][line["idle"]]
        if "storm" in line:
            cache["storm"] = cache.get("storm") or many_daemons.storm_values(binaries)
            yield line, cache["storm"][line["storm"]]
        if "chats" in line:
            cache["chats"] = cache.get("chats") or chats.chat_values(binaries)
            yield line, cache["chats"][line["chats"]]


KINDS = ("program", "scenario", "monolith", "temporal", "link", "bus", "toolcall", "idle", "storm", "chats")


def reaches(line, value, bound):
    return value >= bound if line["better"] == "higher" else value <= bound


def show(line, value):
    """Whether the value reaches the line's target. A line without one is there to be compared."""
    good = "target" not in line or reaches(line, value, line["target"])
    target = f"target {line['target']:8} {'ok' if good else 'short'}" if "target" in line else ""
    print(f"{line['name']:24} {value:10.2f} {line['unit']:5} {target}", flush=True)
    return good


def compare(line, value, other):
    ratio = value / other if other else float("inf")
    good = "against" not in line or reaches(line, ratio, line["against"])
    bound = f"must be {'>=' if line['better'] == 'higher' else '<='} {line['against']:.2f} {'ok' if good else 'short'}" if "against" in line else ""
    print(f"{line['name']:24} {value:10.2f} {line['unit']:5} against {other:10.2f} {line['unit']:5} x {ratio:.2f} {bound}", flush=True)
    return good


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it has started is ended first
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("binaries", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only the lines that begin with one of them")
    parser.add_argument("--against", type=pathlib.Path, metavar="DIR",
                        help="another checkout, built in DIR/build/release: each line beside its own, the same measurement in the same run")
    given = parser.parse_args()
    binaries = given.binaries.absolute()
    lines = tomllib.loads((HERE / "targets.toml").read_text())["line"]
    if given.names:
        lines = [line for line in lines if line["name"].startswith(tuple(given.names))]
    if not lines:
        raise SystemExit("tools/bench: no line has such a name; see tests/bench/targets.toml")
    if given.against is None:
        return 0 if all([show(line, value) for line, value in measured(binaries, lines)]) else 1
    other = given.against.absolute() / "build" / "release" / "bin"
    if not (other / "reliant").exists():
        raise SystemExit(f"tools/bench: {other} has no reliant: build it there (cmake --build build/release)")
    good = True
    for kind in KINDS:
        some = [line for line in lines if kind in line and (kind != "program" or (other / line["program"]).exists())]
        if not any("against" in line for line in some):  # nothing is asked of the comparison, and the other's programs may take other arguments
            good &= all([show(line, value) for line, value in measured(binaries, some)])
            continue
        ours, theirs = (list(measured(each, some)) for each in (binaries, other))
        good &= all([compare(line, value, reference) for (line, value), (_, reference) in zip(ours, theirs)])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
