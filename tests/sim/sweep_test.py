"""tools/sweep: it says what does not hold, and with which seed."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SIM = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
QUIET = """name: quiet
story: nothing happens
topology: {{api: 1, workers: 1, gateways: 1, daemons: 1, users: 1}}
workload: {{chats: 1, messages: 1, spread: 1s}}
at_least: {{client.message.accepted: {least}}}
phases: {{warm_up: 2s, chaos: 5s, quiesce: {quiesce}}}
"""


DRAWING = """
add_test(good sh -c "test \\"$RC_PARAMS\\" = seed=4711")
add_test(bad sh -c "echo bad has $RC_PARAMS; exit 1")
add_test(other false)
set_tests_properties(good bad PROPERTIES LABELS drawn)
"""


class Sweep(unittest.TestCase):
    def sweep(self, least, *more, quiesce="2m"):
        with tempfile.TemporaryDirectory() as folder:
            scenario = pathlib.Path(folder, "quiet.yaml")
            scenario.write_text(QUIET.format(least=least, quiesce=quiesce))
            return subprocess.run([ROOT / "tools/sweep", "--program", SIM, "--jobs", "2", "--minutes", "0.02", *more, scenario],
                                  capture_output=True, text=True)

    def test_what_holds_passes(self):
        done = self.sweep(1)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("all held", done.stdout)

    def test_what_does_not_hold_is_told_with_the_command_that_repeats_it(self):
        done = self.sweep(1, "--seed", "4711", quiesce="1ms")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"again: /\S*reliant-sim run /\S*quiet\.yaml --seed 4711")
        self.assertIn("not held", done.stdout)

    def test_runs_that_show_nothing_are_no_failure_unless_they_are_many(self):
        done = self.sweep(99)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("again:", done.stdout)
        self.assertIn("lack the events of at_least", done.stdout)

    def test_the_seeds_are_those_of_the_commit(self):
        first = [re.match(r"seeds from (\d+) on", self.sweep(1).stdout)[1] for _ in range(2)]
        self.assertEqual(first[0], first[1])

    def test_real_processes_run_what_can_be_real(self):
        program = f"""#!/bin/sh
[ "$1" = plan ] && exec "{pathlib.Path(SIM).absolute()}" "$@"
echo "said of $*"; case "$*" in *bad.yaml*) exit 2;; esac
"""
        monolith = QUIET.format(least=1, quiesce="2m").replace("{", "{mode: monolith, ", 1)
        with tempfile.TemporaryDirectory() as folder:
            fake = pathlib.Path(folder, "program")
            fake.write_text(program)
            fake.chmod(0o755)
            files = [pathlib.Path(folder, f"{name}.yaml") for name in ("good", "bad", "monolith")]
            for file in files:
                text = monolith if file.stem == "monolith" else QUIET.format(least=1, quiesce="2m")
                file.write_text(text.replace("quiet", file.stem))
            done = subprocess.run([ROOT / "tools/sweep", "--real", "--program", fake, "--seed", "7", *files], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("2 of 3 scenarios can be carried out whole", done.stdout)
        self.assertRegex(done.stdout, r"1/2 .*good\.yaml held")
        self.assertRegex(done.stdout, r"2/2 .*bad\.yaml not held")
        self.assertRegex(done.stdout, r"again: .*run --world real .*bad\.yaml --seed 7")
        self.assertNotIn("said of run --world real good", done.stdout)

    def test_tests_that_draw_get_the_seed(self):
        with tempfile.TemporaryDirectory() as build:
            pathlib.Path(build, "CTestTestfile.cmake").write_text(DRAWING)
            done = self.sweep(1, "--seed", "4711", "--properties", "--build", build)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("2 tests that draw their inputs, seed 4711", done.stdout)
        self.assertIn("bad has seed=4711\n", done.stdout)
        self.assertRegex(done.stdout, r'again: RC_PARAMS="seed=4711" \S*sh -c')
        self.assertIn("not held: bad\n", done.stdout)

    def test_a_build_without_tests_that_draw_is_none(self):
        with tempfile.TemporaryDirectory() as build:
            done = self.sweep(1, "--properties", "--build", build)
        self.assertEqual(done.returncode, 1)
        self.assertIn("configure and build it", done.stderr)

    def test_a_scenario_that_is_not_there_fails(self):
        done = subprocess.run([ROOT / "tools/sweep", "--program", SIM, "--minutes", "0.01", "scenarios/none.yaml"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("scenarios/none.yaml", done.stdout)


if __name__ == "__main__":
    unittest.main()
