"""`reliant workflow` on files: what it says of good and of bad ones, and that the schema fits the examples."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.append("/usr/lib/python3/dist-packages")  # Debian's, for a Python that is not Debian's
import jsonschema  # noqa: E402
import yaml  # noqa: E402

from reliant_process import RELIANT  # noqa: E402

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "tools/demo/workflows"
GOOD = "name: good\nnodes: [{id: a, run: {command: make}}]\n"


def reliant(*words, directory="."):
    return subprocess.run([pathlib.Path(RELIANT).resolve(), "workflow", *map(str, words)], cwd=directory, capture_output=True, text=True, timeout=60)


class WorkflowCommand(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.directory = pathlib.Path(held.name)
        self.workflows = self.directory / ".reliant/workflows"
        (self.workflows / "tests").mkdir(parents=True)

    def write(self, name, text):
        (self.workflows / name).write_text(text)

    def test_the_examples_are_valid_and_pass_their_tests(self):
        done = reliant("validate", EXAMPLES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreaterEqual(done.stdout.count("ok "), 10)
        done = reliant("test", EXAMPLES / "tests", "--seeds", 20)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(" passed, 0 failed", done.stdout)

    def test_a_broken_file_leaves_the_others_valid(self):
        self.write("good.yaml", GOOD)
        self.write("bad.yaml", "name: bad\nnodes: [{id: a, type: agnet}]\n")
        done = reliant("validate", directory=self.directory)
        self.assertEqual(done.returncode, 1)
        self.assertIn("ok      .reliant/workflows/good.yaml", done.stdout)
        self.assertRegex(done.stderr, r'\.reliant/workflows/bad\.yaml:2:\d+: "agnet" is no type of node; did you mean "agent"\?')
        done = reliant("validate", ".reliant/workflows/good.yaml", directory=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_each_problem_is_one_line_with_its_place(self):
        self.write("w.yaml", "name: w\nnodes:\n  - {id: a, run: {command: 'x {{ inputs.dir }}'}}\n  - {id: b, condition: nodes.c.x, agent: {preset: gone}}\n")
        done = reliant("validate", directory=self.directory)
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3, done.stderr)
        for line in lines:
            self.assertRegex(line, r"^reliant: \.reliant/workflows/w\.yaml:\d+:\d+: ")

    def test_a_test_that_fails_names_its_seed_and_its_line(self):
        self.write("good.yaml", GOOD)
        self.write("tests/good.yaml", "workflow: good\ntests:\n  - name: t\n    events: [{node: a, type: command, exit_code: 1}]\n    expect: {outcome: COMPLETED}\n")
        done = reliant("test", directory=self.directory)
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED  good: t (--seed 1)", done.stdout)
        self.assertIn(".reliant/workflows/tests/good.yaml:3:", done.stdout)
        self.assertIn("0 passed, 1 failed", done.stdout)

    def test_what_is_not_there_is_said(self):
        for words in (["validate", "gone.yaml"], ["test", "gone"], ["graph", "gone.yaml"]):
            done = reliant(*words, directory=self.directory)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("gone", done.stderr)
        self.assertEqual(reliant("graph", EXAMPLES / "review-change.yaml", "--format", "png").returncode, 2)

    def test_the_drawings_name_every_node(self):
        for language, head in (("mermaid", "flowchart TD"), ("dot", "digraph")):
            done = reliant("graph", EXAMPLES / "plan-with-approval.yaml", "--format", language)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith(head))
            for node in ("plan", "approve", "gate", "work", "stop"):
                self.assertIn(f"{node}: ", done.stdout)

    def test_the_schema_takes_the_examples_and_refuses_what_validate_refuses(self):
        schema = json.loads(reliant("schema").stdout)
        validator = jsonschema.Draft202012Validator(schema)
        validator.check_schema(schema)
        for file in EXAMPLES.glob("*.yaml"):
            problems = list(validator.iter_errors(yaml.safe_load(file.read_text())))
            self.assertEqual(problems, [], file)
        for bad in ({"name": "w"}, {"name": "w", "nodes": []}, {"name": "w", "nodes": [{"id": "a", "type": "agnet"}]},
                    {"name": "w", "nodes": [{"id": "a", "type": "run", "command": "x", "promt": "y"}]},
                    {"name": "w", "nodes": {"a": {"loop": {"while": "true"}}}}):
            self.assertFalse(validator.is_valid(bad), bad)
        preset = jsonschema.Draft202012Validator(json.loads(reliant("schema", "--preset").stdout))
        for file in (EXAMPLES.parent / "presets").glob("*.yaml"):
            self.assertTrue(preset.is_valid(yaml.safe_load(file.read_text())), file)


if __name__ == "__main__":
    unittest.main()
