"""`reliant-sim report`: the page holds the whole trace, is self-contained, and works with a large one."""

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


# Runs what the page computes from its trace, and prints it.
COMPUTE = """
const trace = %s, byName = new Map(%s), clients = new Set(%s);
const records = trace.filter(r => r.name !== 'run.violation');
const last = records[records.length - 1].time_ns;
const about = trace.filter(r => r.name === 'run.violation').map(v => subjectOf(v, records)).map(s => [s.id, s.about.map(r => r.step)]);
console.log(JSON.stringify({spans: spansOf(records, byName, last, clients).map(s => [s.lane, s.what, s.from, s.to]), about}));
"""


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

    def drawn(self, nodes, *lines, clients=()):
        """What the page draws of these records: spans (node, what, from, to), and what each violation is about (id, steps)."""
        self.trace.write_text("\n".join(lines) + "\n")
        code = self.made().script("code")
        part = code[code.index("// begin of the drawn data"):code.index("// end of the drawn data")]
        program = part + COMPUTE % (json.dumps([json.loads(line) for line in lines]), json.dumps([[name, id] for id, name in nodes.items()]),
                                    json.dumps(list(clients)))
        done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def test_a_process_is_down_until_it_is_started_again_or_a_fault_ends(self):
        nodes = {1: "bus", 2: "worker", 3: "api"}
        drawn = self.drawn(nodes, record(1, "node.crashed", node=1), record(2, "node.crashed", node=2), record(3, "node.crashed", node=3),
                           record(10, "fault.restarted", node=0, target="bus"), record(20, "node.started", node=2), record(30, "run.ended", node=0))
        self.assertEqual(drawn["spans"], [[1, "down", 1000, 10000], [2, "down", 2000, 20000], [3, "down", 3000, 30000]])

    def test_a_fault_lasts_until_it_is_healed_and_a_jump_is_a_moment(self):
        nodes = {1: "daemon", 2: "gateway"}
        far = 2_099_000_000
        drawn = self.drawn(nodes, record(1, "fault.sleep", node=0, target="daemon", other="", lasts_us=far),
                           record(2, "fault.clock_jump", node=0, target="gateway", other="", lasts_us=far),
                           record(3, "fault.pause", node=0, target="gateway", other="", lasts_us=far),
                           record(4, "fault.partition", node=0, target="daemon", other="gateway", lasts_us=far),
                           record(2000, "fault.resumed", node=0, target="gateway"),
                           record(5000, "fault.healed", node=0), record(9000, "run.ended", node=0))
        self.assertEqual(drawn["spans"], [[1, "sleep", 1000, 5_000_000], [2, "clock_jump", 2000, 2000], [2, "pause", 3000, 2_000_000],
                                          [1, "partition", 4000, 5_000_000], [2, "partition", 4000, 5_000_000]])

    def test_a_violation_leads_to_the_records_that_it_is_about(self):
        drawn = self.drawn({1: "gateway"}, record(1, "gateway.request.routed", request_id="req_3c55ab"), record(2, "run.ended"),
                           record(3, "gateway.result.kept", request_id="req_3c55ab"),
                           record(9, "run.violation", oracle="tool.honest", what="request req_3c55ab (view): begun 2 times"),
                           record(9, "run.violation", oracle="expectation", what="fault.crash happened 0 times"))
        self.assertEqual(drawn["about"], [["req_3c55ab", [1, 3]], ["", []]])

    def test_the_ids_that_a_violation_names_go_before_those_of_its_text(self):
        drawn = self.drawn({1: "gateway"}, record(1, "daemon.connected", daemon="d", user="u"), record(2, "daemon.connected", daemon="d", user="v"),
                           record(3, "client.update", chat="chat-1"), record(4, "fault.crash", target="gateway"), record(5, "run.ended"),
                           record(9, "run.violation", oracle="status.beat", what="v/d is silent", daemon="d", user="v"),
                           record(9, "run.violation", oracle="stream.gap", what="of msg_123456", chat="chat-1", user="u"),
                           record(9, "run.violation", oracle="expectation", what="found 1", event="fault.crash target=gateway"))
        self.assertEqual(drawn["about"], [["daemon=d user=v", [2]], ["chat-1", [3]], ["name=fault.crash target=gateway", [4]]])

    def test_a_client_that_does_not_come_back_is_done(self):
        lines = [record(1, "node.crashed", node=7), record(30, "run.ended", node=0)]
        self.assertEqual(self.drawn({7: "client-1"}, *lines, clients=[7])["spans"], [])
        self.assertEqual(self.drawn({7: "daemon-1"}, *lines)["spans"], [[7, "down", 1000, 30000]])

    def test_a_torn_last_line_is_named_and_left_out(self):
        self.trace.write_text(record(1, "test.said") + "\n" + record(2, "test.said") + "\n" + record(3, "test.said")[:20])
        done = self.report()
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr, r"trace\.jsonl: line 3 is torn")
        self.assertEqual([line["name"] for line in json.loads(Page(self.page.read_text()).script("trace"))],
                         ["test.said", "test.said", "trace.torn"])

    def test_a_trace_of_another_version_is_refused_and_leaves_no_page(self):
        self.trace.write_text(record(1, "trace.version", version=99) + "\n" + record(2, "test.said") + "\n")
        done = self.report()
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"trace\.jsonl: line 1: .*version 99.*version 1")
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertFalse(self.page.exists())


if __name__ == "__main__":
    unittest.main()
