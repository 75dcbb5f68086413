"""The faults of a scenario, on a cluster of real processes (tools/real_world): what sim/faults/fault_engine.h does to simulated ones."""

import contextlib
import json
import random
import signal
import sqlite3
import threading
import time

from real_run import SECOND, SERVICES, Failure
from real_whole import KINDS

GRACE = 10  # seconds that a process of ours takes to end in order; the scenario's own times do not count here
LAST_WORDS = 2  # after it; then kill -9
TWIN_BEGINS, TWIN_LIVES = (1, 20), (5, 30)  # seconds; as sim/cluster/cluster.cpp has them after its warm-up
THROUGH_PROXIES = ("revoke_token", "link_reset", "partition", "delay", "database_lost", "temporal_lost")


class Faults:
    """Carries out what a real machine can show."""

    def __init__(self, run):
        self.run = run
        self.cluster = run.cluster
        self.ended = threading.Event()
        self.begin = time.monotonic()
        self.threads = []
        self.stopping = set()
        self.links = run.cluster.links
        for number, fault in enumerate(run.plan["faults"]):
            if not KINDS[fault["fault"]] and not fault.get("off"):
                self.spawn(self.repeat, fault, random.Random(f"{run.plan['seed']}/fault/{number}"))
        for name in run.processes:
            if name.startswith("twin-"):
                self.spawn(self.live_as_twin, name, random.Random(f"{run.plan['seed']}/{name}"))

    def spawn(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def repeat(self, fault, dice):
        if "times" not in fault:  # during the whole chaos
            getattr(self, fault["fault"])(fault)
            return
        for _ in range(fault["times"]):
            self.ended.wait(max(0, self.begin + dice.uniform(*fault["at"]) / SECOND - time.monotonic()))
            there = self.run.trace.wait_for(fault["when"], self.ended) if fault["when"] else None
            if self.ended.is_set():
                return
            # Some faults are Temporal's, and say so by their kind.
            name = self.pick(fault.get("node", "temporal"), there, dice)
            if name is None:
                continue
            if fault["fault"] in ("partition", "delay"):
                other = None if fault["from"] == "all" else self.pick(fault["from"], there, dice)
                if other == name or (other is None and fault["from"] != "all"):
                    continue
                getattr(self, fault["fault"])(name, other, fault, dice)
            else:
                getattr(self, fault["fault"])(name, fault, dice)

    def pick(self, place, there, dice):
        if place == "there":
            return there if there is not None and self.cluster.running(there) else None
        place = SERVICES.get(place, place)
        fit = [name for name in self.run.processes if place in ("any", name, name.rpartition("-")[0]) and self.cluster.running(name)]
        return dice.choice(fit) if fit else None

    def announce(self, kind, name, lasts=0, other=""):
        self.run.trace.record("", "info", f"fault.{kind}", target=name, other=other, lasts_us=int(lasts * 10**6))

    def crash(self, name, fault, dice):
        down = dice.uniform(*fault["restart_after"]) / SECOND
        self.announce("crash", name, down)
        self.cluster.signal(name, signal.SIGKILL)
        self.gone(name, "crashed")
        self.spawn(self.restart_later, down)

    def stop(self, name, fault, dice):
        if name in self.stopping:
            return
        self.stopping.add(name)
        self.announce("stop", name, GRACE)
        self.cluster.signal(name, signal.SIGINT if name == "postgres" else signal.SIGTERM)
        self.spawn(self.follow_stop, name, dice.uniform(*fault["restart_after"]) / SECOND)

    def follow_stop(self, name, down):
        self.cluster.down[name] = self.end(name)
        self.stopping.discard(name)
        self.restart_later(down)

    def end(self, name):
        """How a process ended that was asked to."""
        deadline = time.monotonic() + GRACE + LAST_WORDS
        while self.cluster.running(name) and time.monotonic() < deadline:
            time.sleep(0.02)
        in_order = not self.cluster.running(name)
        if not in_order:
            self.run.trace.record("", "info", "fault.stop.killed", target=name)
            self.cluster.signal(name, signal.SIGKILL)
        return self.see_end(name, "exited" if in_order else "crashed")

    def see_end(self, name, how):
        while self.cluster.running(name):
            time.sleep(0.01)
        self.run.trace.record_life(name, how)
        return how

    def gone(self, name, how):
        self.cluster.down[name] = self.see_end(name, how)

    def restart_later(self, delay):
        self.ended.wait(delay)
        if not self.ended.is_set():
            with contextlib.suppress(Failure):  # something else is down or frozen, too: heal() starts both
                self.start_again()

    def start_again(self, timeout=60):
        for name in self.cluster.up(timeout):
            began = self.cluster.started(name)
            self.run.trace.record("", "info", "fault.restarted", began, target=name)
            self.run.trace.record_life(name, "started", began)

    def live_as_twin(self, name, dice):
        """A copy of a machine is started, and ends in order."""
        self.ended.wait(dice.uniform(*TWIN_BEGINS))
        began = time.time_ns()
        if self.ended.is_set() or not self.cluster.start(name):
            return
        self.run.trace.record_life(name, "started", began)
        self.ended.wait(dice.uniform(*TWIN_LIVES))
        self.cluster.signal(name, signal.SIGTERM)
        self.end(name)

    def pause(self, name, fault, dice):
        lasts = dice.uniform(*fault["for"]) / SECOND
        self.announce("pause", name, lasts)
        self.cluster.signal(name, signal.SIGSTOP)
        self.spawn(self.resume_later, name, lasts)

    def resume_later(self, name, delay):
        self.ended.wait(delay)
        self.run.trace.record("", "info", "fault.resumed", target=name)
        self.cluster.signal(name, signal.SIGCONT)

    def run_terminated(self, name, _fault, dice):
        """One of those that run, as somebody does it in Temporal's UI."""
        listed = self.cluster.temporal("workflow", "list", "--query", "ExecutionStatus = 'Running'", "--output", "json")
        running = [each["execution"] for each in json.loads(listed or "[]")]
        if running:
            chosen = dice.choice(running)
            self.announce("run_terminated", name, other=chosen["workflowId"])
            self.cluster.temporal("workflow", "terminate", "--workflow-id", chosen["workflowId"], "--run-id", chosen["runId"],
                                  "--reason", "by hand")

    def engine_restored(self, name, fault, dice):
        age, down = dice.uniform(*fault["age"]) / SECOND, dice.uniform(*fault["restart_after"]) / SECOND
        database = self.cluster.directory / "temporal.db"
        copy = database.with_suffix(".copy")
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as now, contextlib.closing(sqlite3.connect(copy)) as then:
            now.backup(then)
        if self.ended.wait(age) or not self.cluster.running(name):
            return
        with self.cluster.lock:  # nothing starts it on the newer state
            self.announce("engine_restored", name, age)
            self.cluster.signal(name, signal.SIGKILL)
            self.gone(name, "crashed")
            for ending in ("-wal", "-shm"):
                database.with_name(database.name + ending).unlink(missing_ok=True)
            copy.replace(database)
        self.spawn(self.restart_later, down)

    def lose_credentials(self, name, fault, dice):
        down = dice.uniform(*fault["restart_after"]) / SECOND
        self.announce("lose_credentials", name, down)
        self.cluster.credentials_file(name).unlink(missing_ok=True)
        self.cluster.signal(name, signal.SIGKILL)
        self.gone(name, "crashed")
        self.spawn(self.restart_later, down)

    def revoke_token(self, name, fault, dice):
        user, daemon = self.cluster.machines[name]
        done = self.cluster.psql("UPDATE tokens SET revoked_at = created_at WHERE revoked_at IS NULL AND kind = 'daemon' AND "
                                 f"user_id = '{user}' AND daemon_id = '{daemon}'")
        if done is None:
            return
        self.announce("revoke_token", name, other=user)  # not before: it may wait for a writer
        if dice.randrange(10**6) < fault["breaks"]:
            self.links.reset(name)

    def link_reset(self, name, _fault, _dice):
        self.announce("link_reset", name)
        self.links.reset(name)

    def partition(self, name, other, fault, dice):
        lasts = dice.uniform(*fault["for"]) / SECOND
        self.announce("partition", name, lasts, other or "all")
        self.links.cut(name, other, fault["way"])
        self.spawn(self.later, lasts, lambda: self.links.cut(name, other, fault["way"], by=-1))

    def delay(self, name, other, fault, dice):
        by, lasts = dice.uniform(*fault["by"]) / SECOND, dice.uniform(*fault["for"]) / SECOND
        self.announce("delay", name, lasts, other)
        self.links.delay(name, other, by)
        self.spawn(self.later, lasts, lambda: self.links.delay(name, other, 0.0))

    def disk_full(self, name, fault, dice):
        if name not in self.cluster.disks.places:
            return
        lasts = dice.uniform(*fault["for"]) / SECOND
        self.announce("disk_full", name, lasts)
        self.cluster.disks.fill(name)
        self.spawn(self.later, lasts, lambda: self.cluster.disks.free(name))

    def clock_jump(self, name, fault, dice):
        if name not in self.cluster.clocks.ahead:
            return
        by, back = dice.uniform(*fault["by"]) / SECOND, dice.randrange(10**6) < fault["back"]
        self.announce("clock_jump", name, by, "back" if back else "")
        self.cluster.clocks.jump(name, -by if back else by)

    def later(self, delay, work):
        if not self.ended.wait(delay):
            work()

    def database_lost(self, fault):
        self.run.trace.record("", "info", "fault.database_lost", databases=1)
        self.links.database |= {key: fault[key] for key in ("before_commit", "while_committing", "after_commit", "aborted")}

    def temporal_lost(self, fault):
        self.announce("temporal_lost", "temporal")
        self.links.temporal |= {key: fault[key] for key in ("request", "response")}

    def heal(self):
        self.ended.set()
        if self.links:
            self.links.heal()
        if self.cluster.disks:
            self.cluster.disks.heal()
        if self.cluster.clocks:
            self.cluster.clocks.heal()
        for name in self.run.processes:
            self.cluster.signal(name, signal.SIGCONT)
        for thread in list(self.threads):
            thread.join()
        self.start_again(timeout=120)
        self.run.trace.record("", "info", "fault.healed")
