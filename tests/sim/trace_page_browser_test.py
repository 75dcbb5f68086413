"""The trace page in headless Chromium, on ten traces: what it draws is compared with what the trace says."""

import html
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SIM = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--window-size=1400,900"]
LANE, LEFT = 20, 130  # as in sim/scenario/trace_page_script.cpp
LASTING = {"clock_drift", "delay", "disk_full", "disk_slow", "half_open", "partition", "pause", "sleep"}
UNTIL_HEALED = {"bus_limits", "temporal_lost"}
NO_FAULTS = {"fault.restarted", "fault.resumed", "fault.stop.killed"}
HELD = [("smoke/api_replica_dies_under_stream", 1), ("smoke/chats_with_parallel_tools", 2), ("smoke/everything_stops_pauses_and_restarts", 3),
        ("smoke/gateway_crash_during_tools", 4), ("smoke/monolith_crash_and_restart", 5), ("smoke/worker_crash_resumes", 6),
        ("soak/everything", 3), ("faults/sleep_and_wake", 8)]

# Before the page's script: keeps what the last drawing has put on the canvas.
SPY = """<script>
window.put = {rects: [], texts: []};
const proto = CanvasRenderingContext2D.prototype;
for (const [name, note] of [['clearRect', () => { put.rects = []; put.texts = []; }],
                            ['fillRect', (c, a) => put.rects.push(a)],
                            ['fillText', (c, a) => put.texts.push([a[0], a[1], a[2], c.measureText(a[0]).width])]]) {
  const draw = proto[name];
  proto[name] = function(...a) { note(this, a); return draw.apply(this, a); };
}
</script>"""
FACTS = """<script>
const facts = () => ({put, view: {...view}, width: canvas.clientWidth, lanes: lanes.map(id => names.get(id)), filter: chosen('filter').value,
  picked: picked && {...picked}, current: [...chosen('violations').children].findIndex(item => item.classList.contains('current')),
  links: [...document.querySelectorAll('#violations a:not(.what)')].map(a => a.textContent), title: chosen('title').textContent,
  torn: chosen('torn').textContent, hash: location.hash, back: getComputedStyle(document.body).backgroundColor,
  options: chosen('options').children.length, counts: (document.querySelector('#counts text') || {}).textContent || '',
  matches: chosen('matches').textContent, help: !chosen('help').hidden, focus: document.activeElement.id,
  bottom: Math.max(0, ...[...chosen('list').children].map(row => parseFloat(row.style.top))), rows: chosen('list').children.length});
const key = key => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
const seen = []; const look_at = () => seen.push(JSON.parse(JSON.stringify(facts())));
look_at();
%s
const out = document.createElement('pre'); out.id = 'facts'; out.textContent = JSON.stringify(seen); document.body.append(out);
</script>"""


def ends_of(lines, name, begin, target):
    return [line["time_ns"] for line in lines if line["name"] == name and line["time_ns"] >= begin and (target is None or line.get("target") == target)]


def spans_of(lines):
    """(lane, from, to), to None for a mark, by the words of the trace alone."""
    names = {line["id"]: line["called"] for line in lines if line["name"] == "run.node"}
    clients = {line["called"] for line in lines if line["name"] == "run.node" and line["role"] == "client"}
    last, spans, down = max(line["time_ns"] for line in lines), [], {}
    for line in lines:
        name, time = line["name"], line["time_ns"]
        if name in ("node.crashed", "node.exited"):
            down.setdefault(names[line["node"]], time)
        back = names.get(line["node"]) if name == "node.started" else line.get("target") if name == "fault.restarted" else None
        if back in down:
            spans.append((back, down.pop(back), time))
        kind = name.removeprefix("fault.")
        if not name.startswith("fault.") or name in NO_FAULTS:
            continue
        lasts = line.get("lasts_us", 0) * 1000 if kind in LASTING else 0
        for lane in {line.get("target"), line.get("other")} & set(names.values()):
            if kind not in UNTIL_HEALED and lasts == 0:
                spans.append((lane, time, None))
                continue
            ends = [last] + ([time + lasts] if kind in LASTING else []) + ends_of(lines, "fault.healed", time, None)
            ends += ends_of(lines, "fault.resumed", time, lane) if kind == "pause" else []
            spans.append((lane, time, min(ends)))
    return spans + [(lane, begin, last) for lane, begin in down.items() if lane not in clients]


class TracePageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = subprocess.run([ROOT / "tools/chromium"], check=True, capture_output=True, text=True).stdout.strip()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.trace, self.page = self.folder / "trace.jsonl", self.folder / "page.html"

    def run_of(self, scenario, seed):
        subprocess.run([SIM, "run", scenario, "--seed", str(seed), "--trace", self.trace], cwd=ROOT, capture_output=True, check=False)
        return [json.loads(line) for line in self.trace.read_text().splitlines()]

    def changed(self, name, *changes):
        text = (ROOT / "scenarios/smoke/chats_with_parallel_tools.yaml").read_text().replace("chats_with_parallel_tools", name)
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        file = self.folder / f"{name}.yaml"
        file.write_text(text)
        return file

    def opened(self, acts="", place="", *flags):
        """What is drawn when the page is open, and after each look_at() of `acts`."""
        subprocess.run([SIM, "report", self.trace, "-o", self.page], check=True, capture_output=True)
        text = self.page.read_text().replace("<head>", "<head>" + SPY, 1)
        before, after = text.rsplit("</body>", 1)
        self.page.write_text(before + FACTS % acts + "</body>" + after)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            done = subprocess.run([self.browser, *FLAGS, *flags, f"--user-data-dir={profile}", "--dump-dom", f"file://{self.page}{place}"],
                                  capture_output=True, text=True, timeout=90)
        found = re.search(r'<pre id="facts">(.*?)</pre>', done.stdout, re.DOTALL)
        self.assertTrue(found, done.stderr[-2000:])
        return json.loads(html.unescape(found.group(1)))

    def assert_spans(self, facts, lines):
        begin, end, width = facts["view"]["from"], facts["view"]["to"], facts["width"]

        def at(time):
            return LEFT + (time - begin) / (end - begin) * (width - LEFT)

        first = next(base for words, left, base, size in facts["put"]["texts"] if words == facts["lanes"][0] and left == 8) - 4 - LANE / 2
        drawn = sorted((facts["lanes"][round((y - first) / LANE)], round(x), round(w)) for x, y, w, h in facts["put"]["rects"] if h == LANE)
        expected = sorted((lane, round(at(start)), 3 if stop is None else round(max(at(stop) - at(start), 2)))
                          for lane, start, stop in spans_of(lines) if start <= end and (start if stop is None else stop) >= begin)
        self.assertEqual([span[0] for span in drawn], [span[0] for span in expected])
        for one, other in zip(drawn, expected):
            self.assertLessEqual(max(abs(one[1] - other[1]), abs(one[2] - other[2])), 1, (one, other))

    def assert_labels_apart(self, facts):
        texts = facts["put"]["texts"]
        for i, (words, left, base, size) in enumerate(texts):
            for other, begin, row, length in texts[:i]:
                self.assertFalse(row == base and left < begin + length and begin < left + size, (words, other))

    def test_what_lasts_is_drawn_from_its_begin_to_its_end(self):
        for scenario, seed in HELD:
            with self.subTest(scenario=scenario, seed=seed):
                lines = self.run_of(f"scenarios/{scenario}.yaml", seed)
                facts = self.opened()[0]
                self.assertEqual((facts["filter"], facts["picked"], facts["view"]["from"]), ("", None, 0))
                self.assert_spans(facts, lines)
                self.assert_labels_apart(facts)
                begun = next(line for line in lines if line["name"] == "run.begun")
                self.assertEqual(facts["options"], len(begun["options"].split()))
                self.assertIn(f"{int(lines[-1]['hash']) % 2**64:016x}", facts["title"])

    def test_an_event_that_was_too_rare_is_counted_over_the_run(self):
        lines = self.run_of(self.changed("rare", ("tool.effect.started: 6", "tool.effect.started: 600000")), 1)
        violation = next(line for line in lines if line["name"] == "run.violation")
        self.assertEqual(violation["event"], "tool.effect.started")
        facts = self.opened()[0]
        count = sum(line["name"] == "tool.effect.started" for line in lines)
        self.assertEqual((facts["filter"], facts["current"], facts["picked"]["name"]), ("name=tool.effect.started", 0, "run.violation"))
        self.assertIn(f"tool.effect.started: {count} times", facts["counts"])
        self.assert_spans(facts, lines)

    def test_it_opens_at_the_last_record_of_a_chat_that_did_not_end(self):
        file = self.changed("late", ("quiesce: 5m", "quiesce: 1s"), ("chaos: 30s", "chaos: 4s"), ("messages: 1..3", "messages: 40, pause: 3s, spread: 1s"))
        lines = self.run_of(file, 1)
        violations = [line for line in lines if line["name"] == "run.violation"]
        about = next((line for line in violations if "chat" in line), None)
        self.assertIsNotNone(about, violations)
        lines.remove(about)
        lines.insert(lines.index(violations[0]) if violations[0] in lines else len(lines) - 1, about)
        self.trace.write_text("".join(json.dumps(line) + "\n" for line in lines))
        key = next(key for key in ("request_id", "message", "chat") if key in about)
        facts = self.opened()[0]
        self.assertEqual((facts["filter"], facts["current"]), (about[key], 0))
        self.assertIn(about["chat"], facts["links"])
        last = [line for line in lines if about[key] in json.dumps(line) and line["name"] not in ("run.violation", "net.http") and
                line["time_ns"] <= about["time_ns"]][-1]
        self.assertEqual((facts["picked"]["step"], facts["picked"]["name"]), (last["step"], last["name"]))
        self.assertTrue(facts["view"]["from"] <= last["time_ns"] <= facts["view"]["to"])

    def test_it_opens_at_the_step_of_a_violation_filtered_on_its_request(self):
        lines = self.run_of("scenarios/smoke/gateway_crash_during_tools.yaml", 4)
        told = [line for line in lines if line["name"] == "worker.tool.finished"][1]
        violation = {"step": told["step"], "time_ns": told["time_ns"], "node": 0, "level": "error", "name": "run.violation", "oracle": "tool.honest",
                     "what": "it is not so", "request_id": told["request_id"], "chat": told["chat"], "user": told["user"]}
        lines.insert(-1, violation)
        self.trace.write_text("".join(json.dumps(line) + "\n" for line in lines))
        facts = self.opened()[0]
        self.assertEqual((facts["filter"], facts["picked"]["step"], facts["picked"]["name"]), (told["request_id"], told["step"], told["name"]))
        self.assertEqual(facts["links"], [told["request_id"], told["chat"], told["user"]])
        self.assert_spans(facts, lines)
        again = self.opened("", facts["hash"])[0]
        self.assertEqual((again["view"], again["filter"], again["picked"], again["put"]["rects"]),
                         (facts["view"], facts["filter"], facts["picked"], facts["put"]["rects"]))

    def test_keys_search_list_and_colours(self):
        lines = self.run_of("scenarios/soak/everything.yaml", 3)
        first, typed, after, back, help_, moved = self.opened("""
          chosen('search').value = 'name=node.started'; select(); look_at();
          key('n'); key('n'); look_at(); key('p'); look_at(); key('?'); look_at(); key('Escape'); key('/');
          document.activeElement.blur(); key('ArrowRight'); chosen('list').scrollTop = 1e9; list(); look_at();""")
        starts = sorted((line["time_ns"], line["step"]) for line in lines if line["name"] == "node.started")
        self.assertEqual(typed["matches"], f"{len(starts)} matches")
        self.assertEqual((after["picked"]["name"], after["matches"]), ("node.started", f"2 of {len(starts)} matches"))
        self.assertEqual(back["matches"], f"1 of {len(starts)} matches")
        self.assertEqual((first["help"], help_["help"], moved["help"]), (False, True, False))
        self.assertGreater(moved["view"]["from"], first["view"]["from"])
        self.assertGreater(first["bottom"], 500 * 18)  # all records are listed, and few of them are elements
        self.assertLess(first["rows"], 100)
        dark = self.opened("", "", "--blink-settings=preferredColorScheme=0")[0]
        self.assertEqual((first["back"], dark["back"]), ("rgb(255, 255, 255)", "rgb(20, 24, 31)"))


if __name__ == "__main__":
    unittest.main()
