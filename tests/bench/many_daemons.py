"""Many daemons of one process (daemon_swarm) on real gateways with a real NATS and PostgreSQL: what an idle stream costs, and what
happens when a gateway dies."""

import collections
import contextlib
import datetime
import json
import os
import pathlib
import signal
import subprocess
import time

from processes import BenchCluster, cpu_seconds, resident

USERS = 60  # 5,000 daemons, of which a user may have 100
BEGIN_A_SECOND = 400
STEADY_SECONDS = 60
STORM_DAEMONS = 1000
CALLS_AT_ONCE = 60
CALLS_BEFORE = 5
STORM_SECONDS = 30
LEAST_SECONDS = 4  # this and what follows from it: as sim/scenario/reconnect_watch.cpp judges


class Gateways(BenchCluster):
    """So many of them, with what they need."""

    def __init__(self, binaries, count):
        super().__init__(binaries, gateway=count, users=USERS, api=0, worker=0, daemon=0)
        self.binaries = binaries

    def pid(self, name):
        return self.state[name]["pid"]

    def address(self, number):
        return f"127.0.0.1:{self.state[f'gateway-{number}']['port']}"

    def users(self):
        return [f"user-{number}" for number in range(1, USERS + 1)]

    @contextlib.contextmanager
    def daemons(self, count, gateways):
        """Connected, all of them. Gives the file of their events."""
        log = self.directory / "swarm.jsonl"
        addresses = ",".join(self.address(number) for number in gateways)
        tokens = [self.directory / f"{user}.token" for user in self.users()]
        with started([self.binaries / "daemon_swarm", "daemons", addresses, str(count), str(BEGIN_A_SECOND), log, *tokens], "open"):
            yield log


@contextlib.contextmanager
def started(command, word):
    """A program that has said the word by which it is ready."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline().strip() != word:
            raise SystemExit(f"tools/bench: {pathlib.Path(command[0]).name} has ended before it was {word}")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def idle_values(binaries, count, bare_kilobytes):
    """One gateway with so many idle daemons. `bare_kilobytes`: a stream of a bare gRPC server, measured by the caller."""
    with Gateways(binaries, 1) as gateways:
        gateway = gateways.pid("gateway-1")
        before = resident(gateway)
        with gateways.daemons(count, [1]):
            time.sleep(5)  # what connecting has taken is given back
            each = (resident(gateway) - before) / count
            watched = {"gateway": gateway, "PostgreSQL": gateways.pid("postgres"), "nats-server": gateways.pid("nats")}
            begin = {name: cpu_seconds(pid) for name, pid in watched.items()}
            time.sleep(STEADY_SECONDS)
            share = {name: (cpu_seconds(pid) - begin[name]) / STEADY_SECONDS * 100 for name, pid in watched.items()}
            after = (resident(gateway) - before) / count
    print(f"  {count} idle daemons: {each:.1f} kB a stream ({after:.1f} a minute later), bare gRPC {bare_kilobytes:.1f} kB; of one core: "
          + ", ".join(f"{name} {percent:.1f} %" for name, percent in share.items()), flush=True)
    return {"memory": max(each, after) / bare_kilobytes, "heartbeats": share["gateway"]}


def events_of(log):
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):  # not the one that is being written
            event = json.loads(line)
            yield datetime.datetime.fromisoformat(event["time"]).timestamp(), event


def came_back(log, killed):
    """Seconds after that, by daemon."""
    back = {}
    for when, event in events_of(log):
        if event["event"] == "daemon.connected" and when > killed:
            back.setdefault(event["daemon"], when - killed)
    return back


def peak_to_mean(back):
    """Of the seconds after the crash in which they came."""
    back = sorted(back)
    peak = max(collections.Counter(int(when) for when in back).values())
    length = max(int(back[len(back) * 95 // 100]) + 1, LEAST_SECONDS)
    return peak * length / len(back)


def storm_values(binaries, count=STORM_DAEMONS):
    """All daemons on the first of three gateways, calls under way; it is killed."""
    with Gateways(binaries, 3) as gateways, gateways.daemons(count, [1]) as log:
        callers = [binaries / "daemon_swarm", "calls", gateways.nats, gateways.database, str(count), str(CALLS_AT_ONCE), *gateways.users()]
        with started(callers, "calling") as calling:
            time.sleep(CALLS_BEFORE)
            killed = time.time()
            os.kill(gateways.pid("gateway-1"), signal.SIGKILL)
            while len(came_back(log, killed)) < count and time.time() < killed + STORM_SECONDS:
                time.sleep(1)  # reading the events takes from those who write them
            said = json.loads(calling.communicate()[0])
        back = came_back(log, killed)
        events = list(events_of(log))
    runs = collections.Counter(event["request_id"] for _, event in events if event["event"] == "tool.effect.started")
    under_way = set()
    for when, event in events:
        if when < killed and event["event"].startswith("tool.effect."):
            under_way ^= {event["request_id"]}
    seconds = collections.Counter(int(when) for when in back.values())
    missing = count - len(back)
    twice = sum(1 for number in runs.values() if number > 1)
    print(f"  {count} daemons: {missing} not back; a second: {[seconds[each] for each in range(max(seconds, default=0) + 1)]}; "
          f"{len(under_way)} tools ran when the gateway was killed; calls: {said}, run twice: {twice}", flush=True)
    return {"back": max(back.values()) if missing == 0 else float("inf"), "peak_to_mean": peak_to_mean(back.values()) if back else float("inf"),
            "lost": said["asked"] - said["executed"] + twice, "under_way": len(under_way)}
