"""`reliant-sim report`: the page holds the whole trace, needs nothing else, and bears a large one."""

import html.parser
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

SIM = sys.argv.pop(1)
SCENARIO = "scenarios/smoke/chats_with_parallel_tools.yaml"
LARGE = 100_000


class Page(html.parser.HTMLParser):
    """What a browser would make of it: elements, the data, the script."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.ids, self.scripts, self.addresses = [], set(), [], []
        self.inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append(tag)
        self.ids.add(attributes.get("id"))
        self.addresses += [attributes[key] for key in ("src", "href", "action", "data") if key in attributes]
        if tag == "script":
            self.inside = attributes.get("id") or "code"
            self.scripts.append((self.inside, []))

    def handle_endtag(self, tag):
        self.inside = None if tag == "script" else self.inside

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1][1].append(data)

    def script(self, name):
        return "".join(part for given, parts in self.scripts if given == name for part in parts)


def record(step, name, **fields):
    return json.dumps({"step": step, "time_ns": step * 1000, "node": step % 40, "level": "info", "name": name, **fields})


class TracePage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.trace, self.page = pathlib.Path(folder.name, "trace.jsonl"), pathlib.Path(folder.name, "page.html")

    def report(self):
        return subprocess.run([SIM, "report", self.trace, "-o", self.page], capture_output=True, text=True)

    def made(self):
        done = self.report()
        self.assertEqual(done.returncode, 0, done.stderr)
        return Page(self.page.read_text())

    def test_a_run_is_shown_as_it_was_recorded(self):
        subprocess.run([SIM, "run", SCENARIO, "--seed", "3", "--trace", self.trace], check=True, capture_output=True)
        lines = [json.loads(line) for line in self.trace.read_text().splitlines()]
        page = self.made()
        self.assertEqual(json.loads(page.script("trace")), lines)
        shown = {line["name"] for line in lines}
        self.assertLessEqual({"run.begun", "run.node", "run.ended", "net.bus", "net.link", "net.http"}, shown)
        self.assertEqual(len([line for line in lines if line["name"] == "run.begun"]), 1)

    def test_every_line_of_a_trace_is_as_the_schema_says(self):
        subprocess.run([SIM, "run", SCENARIO, "--seed", "4", "--trace", self.trace], check=True, capture_output=True)
        schema = json.loads(subprocess.run([SIM, "schema", "trace"], check=True, capture_output=True, text=True).stdout)
        kinds = {kind["properties"]["name"]["const"]: kind for kind in schema["oneOf"]}
        types = {"integer": int, "string": str}
        for line in map(json.loads, self.trace.read_text().splitlines()):
            kind = kinds[line["name"]]
            self.assertLessEqual(set(kind["required"]), set(line))
            self.assertLessEqual(set(line), set(kind["properties"]) | set(schema["properties"]))
            for key, value in line.items():
                wanted = (kind["properties"].get(key) or schema["properties"][key]).get("type", "string")
                self.assertIsInstance(value, types[wanted], f"{line['name']}.{key}")

    def test_the_page_needs_nothing_else(self):
        self.trace.write_text(record(1, "test.said") + "\n")
        page = self.made()
        self.assertEqual(page.addresses, [])
        self.assertFalse({"link", "img", "iframe", "object", "embed"} & set(page.elements))
        code = page.script("code")
        self.assertNotRegex(code, r"https?:|fetch\(|XMLHttpRequest|WebSocket|import\(|url\(")
        self.assertNotRegex(self.page.read_text(), r"@import|url\(")
        used = set(re.findall(r"chosen\('([a-z]+)'\)", code))
        self.assertTrue(used and used <= page.ids, used - page.ids)

    def test_a_violation_is_in_the_data_and_counted(self):
        self.trace.write_text(record(1, "test.said") + "\n" + record(2, "run.violation", oracle="test.oracle", what="it lied") + "\n")
        done = self.report()
        self.assertIn("2 records, 1 violations", done.stdout)
        self.assertIn("it lied", Page(self.page.read_text()).script("trace"))

    def test_a_text_of_the_trace_cannot_end_the_data(self):
        self.trace.write_text(record(1, "test.said", text="</script><script>alert(1)</script><!--") + "\n")
        page = self.made()
        self.assertEqual(json.loads(page.script("trace"))[0]["text"], "</script><script>alert(1)</script><!--")
        self.assertEqual(page.elements.count("script"), 2)

    def test_a_large_trace_is_borne(self):
        self.trace.write_text("".join(record(step, "net.bus", **{"from": 1, "sent_ns": step * 1000 - 50, "about": "x", "bytes": 9}) + "\n"
                                      for step in range(LARGE)))
        begin = time.monotonic()
        done = self.report()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - begin, 20)
        self.assertIn(f"{LARGE} records", done.stdout)
        self.assertLess(self.page.stat().st_size, self.trace.stat().st_size * 1.1 + 100_000)

    def test_what_is_no_trace_is_refused_with_its_line(self):
        self.trace.write_text(record(1, "test.said") + "\n{\"step\": 1}\n")
        done = self.report()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"trace\.jsonl: line 2: .*time_ns")


if __name__ == "__main__":
    unittest.main()
