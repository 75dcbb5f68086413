"""tools/real_world --list: which scenarios the real world can carry out whole, and why not the others. ARGS: reliant-sim."""

import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from real_whole import KINDS, LONGEST_SECONDS, SECOND, TOPOLOGY, reasons  # noqa: E402

SIM = sys.argv.pop(1)


def plan(**changes):
    made = {"name": "made", "topology": {key: possible[0] for key, (possible, _) in TOPOLOGY.items()} | {"daemons": 1},
            "phases": {"chaos": SECOND}, "faults": [{"fault": "crash"}]}
    for key, change in changes.items():
        made[key] = made[key] | change if isinstance(change, dict) else change
    return made


class RealWorldList(unittest.TestCase):
    def run_list(self, *files):
        return subprocess.run([str(ROOT / "tools/real_world"), "--list", "--sim", SIM, *files], cwd=ROOT, capture_output=True, text=True)

    def test_lists_every_scenario_with_its_reasons(self):
        done = self.run_list()
        self.assertEqual(done.returncode, 0, done.stderr)
        *lines, summary = done.stdout.splitlines()
        files = {f"{path.parent.name}/{path.name}" for path in (ROOT / "scenarios").glob("*/*.yaml")}
        self.assertEqual({line.split(" ", 1)[0] for line in lines}, files)
        whole = sum(line.endswith(".yaml whole") for line in lines)
        self.assertEqual(summary, f"{whole} of {len(files)} can be carried out whole")
        self.assertGreaterEqual(whole, 40)
        self.assertIn("topology.daemons is 1000", done.stdout)

    def test_knows_every_kind_of_fault(self):
        schema = json.loads(subprocess.run([SIM, "schema"], capture_output=True, text=True, check=True).stdout)
        kinds = {kind for each in schema["properties"]["faults"]["items"]["oneOf"] for kind in each["properties"]}
        self.assertEqual(set(KINDS), kinds)

    def test_names_what_is_missing(self):
        self.assertEqual(reasons(plan()), [])
        self.assertIn("topology.mode is monolith", reasons(plan(topology={"mode": "monolith"}))[0])
        self.assertIn("silence", reasons(plan(faults=[{"fault": "silence"}, {"fault": "crash"}]))[0])
        self.assertIn("phases.chaos", reasons(plan(phases={"chaos": (LONGEST_SECONDS + 1) * SECOND}))[0])

    def test_file_that_is_no_scenario(self):
        done = self.run_list("/nonexistent.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be read", done.stderr)
        self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
