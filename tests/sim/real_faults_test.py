"""tools/real_faults.py, real_clocks.py, real_disks.py: what a fault of a scenario does to a cluster; the cluster here only says what was
asked of it."""

import contextlib
import json
import pathlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from real_clocks import Clocks  # noqa: E402
from real_disks import Disks  # noqa: E402
from real_faults import Faults  # noqa: E402


class Cluster:
    def __init__(self, directory):
        self.directory = directory
        self.links = None
        self.lock = threading.Lock()
        self.down = {}
        self.machines = {"daemon-1": ("user-1", "daemon-1")}
        self.asked = []

    def signal(self, name, number):
        self.down[name] = number

    def running(self, name):
        return name not in self.down

    def temporal(self, *words):
        self.asked.append(words)
        return json.dumps([{"execution": {"workflowId": "chat-1", "runId": "run-1"}}]) if "list" in words else ""

    def psql(self, sql):
        self.asked.append(sql)
        return []

    def credentials_file(self, daemon):
        return self.directory / f"{daemon}.json"


class Trace:
    def __init__(self):
        self.records = []

    def record(self, _node, _level, name, **fields):
        self.records.append((name, fields.get("target"), fields.get("other")))

    def record_life(self, node, what):
        self.records.append((f"node.{what}", node, ""))


class Run:
    def __init__(self, directory):
        self.plan = {"faults": [], "seed": 1}
        self.processes = ["temporal", "daemon-1"]
        self.cluster = Cluster(directory)
        self.trace = Trace()


class FaultsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.run_of = Run(pathlib.Path(folder.name))
        self.cluster, self.faults = self.run_of.cluster, Faults(self.run_of)
        self.addCleanup(self.faults.ended.set)
        self.dice = random.Random(1)

    def records(self):
        return self.run_of.trace.records

    def test_terminates_one_of_the_runs(self):
        self.faults.repeat({"fault": "run_terminated", "times": 1, "at": [0, 0], "when": ""}, self.dice)
        self.assertEqual(self.records(), [("fault.run_terminated", "temporal", "chat-1")])
        self.assertIn("run-1", self.cluster.asked[-1])

    def test_restores_the_engine_to_the_state_before(self):
        database = self.cluster.directory / "temporal.db"
        with contextlib.closing(sqlite3.connect(database)) as engine:
            engine.execute("PRAGMA journal_mode = WAL")
            engine.execute("CREATE TABLE kept (n)")
            engine.commit()

            def write_then_running(name):  # while it waits for the copy to get old
                if name not in self.cluster.down:
                    engine.execute("INSERT INTO kept VALUES (1)")
                    engine.commit()
                return name not in self.cluster.down
            self.cluster.running = write_then_running
            self.faults.engine_restored("temporal", {"age": [0, 0], "restart_after": [10**12, 10**12]}, self.dice)
        with contextlib.closing(sqlite3.connect(database)) as engine:
            self.assertEqual(engine.execute("SELECT COUNT(*) FROM kept").fetchone(), (0,))
        self.assertEqual(self.records(), [("fault.engine_restored", "temporal", ""), ("node.crashed", "temporal", "")])

    def test_takes_a_token_back(self):
        self.faults.revoke_token("daemon-1", {"breaks": 0}, self.dice)
        self.assertEqual(self.records(), [("fault.revoke_token", "daemon-1", "user-1")])
        self.assertIn("daemon_id = 'daemon-1'", self.cluster.asked[0])

    def test_loses_credentials(self):
        file = self.cluster.credentials_file("daemon-1")
        file.write_text("{}")
        self.faults.lose_credentials("daemon-1", {"restart_after": [10**12, 10**12]}, self.dice)
        self.assertFalse(file.exists())
        self.assertEqual(self.cluster.down["daemon-1"], "crashed")
        self.assertEqual([name for name, _, _ in self.records()], ["fault.lose_credentials", "node.crashed"])

    def test_sets_a_calendar(self):
        self.cluster.clocks = Clocks(self.cluster.directory, ["nats", "temporal", "daemon-1"])
        hour = 3600 * 10**9
        self.faults.clock_jump("daemon-1", {"by": [hour, hour], "back": 0}, self.dice)
        self.faults.clock_jump("nats", {"by": [hour, hour], "back": 0}, self.dice)
        self.assertEqual(self.records(), [("fault.clock_jump", "daemon-1", "")])
        environment = os.environ | self.cluster.clocks.variables()["daemon-1"]
        now = int(subprocess.run(["date", "+%s%N"], env=environment, capture_output=True, text=True, check=True).stdout)
        self.assertAlmostEqual(now - time.time_ns(), hour, delta=hour / 60)
        self.assertAlmostEqual(self.cluster.clocks.true_time("daemon-1", now), time.time_ns(), delta=hour / 60)
        self.cluster.clocks.heal()
        healed = int(subprocess.run(["date", "+%s%N"], env=environment, capture_output=True, text=True, check=True).stdout)
        self.assertAlmostEqual(healed, time.time_ns(), delta=hour / 60)
        self.assertAlmostEqual(self.cluster.clocks.true_time("daemon-1", now), time.time_ns(), delta=hour / 60)

    @unittest.skipIf(os.geteuid() != 0, "root alone mounts")
    def test_fills_a_disk(self):
        self.cluster.disks = Disks(self.cluster.directory, ["daemon-1"])
        self.cluster.disks.mount()
        self.addCleanup(self.cluster.disks.unmount)
        kept = self.cluster.directory / "daemon-1" / "kept"
        kept.write_bytes(b"x" * 100_000)
        self.faults.disk_full("daemon-1", {"for": [10**12, 10**12]}, self.dice)
        self.assertEqual(self.records(), [("fault.disk_full", "daemon-1", "")])
        with self.assertRaises(OSError) as full, open(kept, "ab") as more:
            more.write(b"y" * 100_000)
        self.assertIn("No space left", str(full.exception))
        self.cluster.disks.heal()
        kept.write_bytes(b"z" * 200_000)


if __name__ == "__main__":
    unittest.main()
