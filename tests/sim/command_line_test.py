"""reliant-sim says what is wrong with its arguments and files in one line, and ends with the right code.

usage: command_line_test.py RELIANT_SIM
"""
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
HEAD = "name: x\nstory: y\n"
# What is added to a good file, the line and column of the complaint, and a part of it.
BAD = {
    "an unknown key": ("topolgy: {}\n", "3:1", 'unknown key "topolgy"'),
    "a repeated key": ("topology: {api: 1}\ntopology: {api: 2}\n", "4:1", "given twice"),
    "a wrong type": ("topology: 3\n", "3:1", "must be a map"),
    "an unknown word": ("topology: {mode: cloud}\n", "3:12", "must be one of distributed, monolith"),
    "no number": ("topology: {api: three}\n", "3:12", "is not a whole number"),
    "a number out of range": ("topology: {api: 100}\n", "3:12", "must be from 1 to 20"),
    "a time without unit": ("phases: {chaos: 30}\n", "3:10", "is not a time with its unit"),
    "a range that runs backwards": ("topology: {api: 3..1}\n", "3:12", "runs backwards"),
    "an unknown fault": ("faults:\n  - crush: {}\n", "4:5", "is not a fault"),
    "an unknown key of a fault": ("faults:\n  - crash: {nod: x}\n", "4:13", 'unknown key "nod"'),
    "no YAML": ("topology: [\n", "4:1", 'expected "," or "]"'),
    "a trigger that no record has": ("faults:\n  - crash: {when: tool.effect.strated}\n", "4:13", 'did you mean "tool.effect.started"?'),
    "a place that does not exist": ("faults:\n  - crash: {node: gatway}\n", "4:13", 'did you mean "gateway"?'),
    "a script with an unknown tool key": ("workload:\n  script:\n    answers:\n      - steps: [{txt: hello}]\n", "6:18", "txt"),
}
failed = False


def check(what, good, detail=""):
    global failed
    failed |= not good
    print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else ': ' + detail}")


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)


def on_terminals(*arguments, **variables):
    """What it writes to its output and to its errors, when each is a terminal."""
    pairs = [pty.openpty() for _ in range(2)]
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=pairs[0][1], stderr=pairs[1][1], env=clean | variables)
    written = ["", ""]
    for _, end in pairs:
        os.close(end)
    open_ends = {pair[0]: number for number, pair in enumerate(pairs)}
    while open_ends:
        for end in select.select(list(open_ends), [], [])[0]:
            try:
                data = os.read(end, 65536)
            except OSError:  # the other end is closed
                data = b""
            written[open_ends[end]] += data.decode()
            if not data:
                os.close(end)
                del open_ends[end]
    process.wait()
    return written[0].replace("\r\n", "\n"), written[1].replace("\r\n", "\n")


with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "x.yaml"
    for what, (text, line, part) in BAD.items():
        file.write_text(HEAD + text)
        done = run("run", str(file))
        said = (done.stderr + done.stdout).strip()
        check(what, done.returncode == 1 and f"{file}:{line}: " in said and part in said, f"exit {done.returncode}, {said}")
    file.write_text(HEAD.replace("name: x", "name: z"))
    done = run("run", str(file))
    check("a name that is not the file's", done.returncode == 1 and f"{file}:1:1: " in done.stderr, done.stderr)

for what, arguments, part in [
    ("no file", ["run"], "FILE... is missing"),
    ("a missing file", ["run", "/nonexistent.yaml"], "cannot be read"),
    ("an unknown flag", ["run", "x.yaml", "--sed", "1"], "unknown flag --sed; did you mean --seed?"),
    ("a flag without its value", ["run", "x.yaml", "--seed"], "--seed needs a value"),
    ("a bad range", ["run", "x.yaml", "--seeds", "5..1"], "--seeds is \"5..1\"; give a range"),
    ("no jobs", ["run", "x.yaml", "--jobs", "0"], "--jobs"),
    ("a trace of many runs", ["run", "x.yaml", "--seeds", "1..2", "--trace", "t"], "--trace"),
    ("no command", [], "reliant-sim run FILE..."),
    ("an unknown command", ["runn"], "unknown command \"runn\"; did you mean \"run\"?"),
    ("an unknown world", ["run", "x.yaml", "--world", "flat"], "--world is \"flat\"; give sim or real"),
    ("a plan without a seed", ["plan", "x.yaml"], "--seed is missing"),
    ("a judgement without evidence", ["judge", "x.yaml"], "TRACE is missing: reliant-sim judge FILE TRACE STORE EFFECTS"),
    ("a flag of the other world", ["run", "x.yaml", "--keep", "k"], "--keep is for --world real only"),
    ("a flag that the real world has not", ["run", "--world", "real", "x.yaml", "--jobs", "2"], "--jobs is not for --world real"),
    ("a page without a name", ["report", "t"], "-o is missing"),
    ("an unknown schema", ["schema", "trase"], "schema: \"trase\" has no schema"),
]:
    done = run(*arguments)
    check(what, done.returncode == 1 and part in done.stderr, f"exit {done.returncode}, {done.stderr}")

for what, arguments, part in [
    ("help", ["--help"], "reliant-sim run FILE..."),
    ("help of a command", ["run", "--help"], "--check-determinism"),
    ("help of a command by its name", ["help", "plan"], "reliant-sim plan FILE [flags]"),
    ("the version", ["--version"], "reliant-sim 0."),
    ("the version of a command", ["run", "--version"], "reliant-sim 0."),
]:
    done = run(*arguments)
    check(what, done.returncode == 0 and part in done.stdout and not done.stderr, f"exit {done.returncode}, {done.stdout}{done.stderr}")

smoke = "scenarios/smoke/gateway_crash_during_tools.yaml"
drawn = [json.loads(run("plan", smoke, "--seed", seed).stdout) for seed in ("7", "7", "8")]
check("a plan has what is drawn", drawn[0] == drawn[1] != drawn[2] and drawn[0]["topology"]["gateways"] == 3
      and drawn[0]["faults"][0]["fault"] == "crash" and "answers" in drawn[0]["workload"]["script"], str(drawn[0]))
for what, file, part in [("monolith", "scenarios/smoke/monolith_crash_and_restart.yaml", "topology.mode is monolith"),
                         ("a scenario by its name", "monolith_crash_and_restart", "topology.mode is monolith"),
                         ("a folder", "scenarios/smoke", "give one of them"),
                         ("a name that is nearly right", "monolith_crash_and_restar", 'did you mean "monolith_crash_and_restart"?'),
                         ("a file that is not there", "/nonexistent.yaml", "cannot be read")]:
    done = run("run", "--world", "real", file)
    check(f"the real world cannot be {what}", done.returncode == 1 and part in done.stderr and "Traceback" not in done.stderr, done.stderr)
done = run("schema")
check("the schema is JSON", done.returncode == 0 and "topology" in json.loads(done.stdout)["properties"], done.stderr)
SMALL = """name: small
story: nothing happens
topology: {api: 1, workers: 1, gateways: 1, daemons: 1, users: 1}
workload: {chats: 1, messages: 1, spread: 1s}
phases: {warm_up: 2s, chaos: 5s, quiesce: 2m}
"""
with tempfile.TemporaryDirectory() as folder:
    place = pathlib.Path(folder, "some where")
    place.mkdir()
    small = place / "small.yaml"
    small.write_text(SMALL)
    done = run("run", str(small), "--seed", "7")
    first = done.stdout.splitlines()[0]
    check("a run that held is one short line with the seed", done.returncode == 0 and re.match(
        r"held some where/small seed 7 hash [0-9a-f]{16} [0-9.]+ s in [0-9.]+ s$", first), done.stdout)
    check("no counter and no colour in a pipe", not done.stderr and "\033" not in done.stdout, repr(done.stderr + done.stdout))
    out, counter = on_terminals("run", str(small), "--seeds", "1..2")
    check("colours on a terminal", out.startswith("\033[32mheld\033[0m some where/small seed 1 "), repr(out))
    check("the counter on a terminal, on one line", re.match(
        r"\r\033\[K1 of 2 runs, 0 failed, [0-9.]+ seeds/s, \d+ s left\r\033\[K2 of 2 runs, 0 failed, [0-9.]+ seeds/s, 0 s left\r\033\[K$",
        counter), repr(counter))
    for what, flags, variables in (("NO_COLOR", [], {"NO_COLOR": "1"}), ("--no-color", ["--no-color"], {})):
        out, counter = on_terminals("run", str(small), "--seeds", "1..2", *flags, **variables)
        check(f"no colours with {what}", out.startswith("held some where/small seed 1 ") and "\033" not in out, repr(out))
        check(f"the counter with {what}", "2 of 2 runs" in counter, repr(counter))
    check("a folder is all its scenarios", run("run", str(place)).returncode == 0)
    check("a scenario by its name", "held smoke/worker_crash_resumes seed 1 " in run("run", "worker_crash_resumes").stdout)
    done = run("run", "worker_crash_resume")
    check("a name that is nearly right", done.returncode == 1 and 'did you mean "worker_crash_resumes"?' in done.stderr, done.stderr)

    small.write_text(SMALL + "faults:\n  - crash: {when: fault.pause, node: worker, at: 0s}\nat_least: {fault.crash: 1}\n")
    done = run("run", str(small), "--seeds", "1..3")
    check("a failed run has what was drawn", done.stdout.startswith("broken some where/small seed 1 ") and "  drawn: topology.mode=" in done.stdout, done.stdout)
    check("failures are grouped by property", "  expectation: 3 of 3 runs of some where/small: seeds 1 2 3\n" in done.stdout, done.stdout)
    check("what no run has reached", 'none of 3 runs reached "fault.crash"' in done.stdout, done.stdout)
    check("a fault that never fired", 'fault 0 (crash of worker) fired in none of 3 runs: no "fault.pause" came' in done.stdout, done.stdout)
    again = re.search(r"again: (.*)", done.stdout)[1]
    done = subprocess.run(again, shell=True, cwd=folder, capture_output=True, text=True)
    check("the command that repeats works from any folder", "broken some where/small seed 1 " in done.stdout
          and pathlib.Path(folder, "trace.jsonl").exists(), done.stdout + done.stderr)
    done = run("run", str(small), "--until-failure", "--seed", "5", "--report", str(place / "page.html"))
    check("until the first failure", done.stdout.count("broken ") == 1 and "seed 5 " in done.stdout and done.returncode == 2, done.stdout)
    check("with its page", "<html" in (place / "page.html").read_text() and not (place / "page.html.trace").exists())

    small.write_text(SMALL.replace("quiesce: 2m", "quiesce: 1ms"))
    done = run("run", str(small))
    check("what follows from a first violation is folded under it", done.returncode == 3 and "  liveness.workload: 1 chats" in done.stdout
          and ("still progressing (" in done.stdout or "stuck (" in done.stdout)
          and "\n  stream.complete" not in done.stdout and "\n  liveness.answered" not in done.stdout, done.stdout)

    new = place / "mine.yaml"
    done = run("new", str(place / "mine"))
    check("a new scenario", done.returncode == 0 and new.exists(), done.stderr)
    check("a new scenario is good", run("check", str(new)).returncode == 0)
    done = run("run", str(new), "--seeds", "1..20", "--quiet")
    check("a new scenario holds", done.returncode == 0, done.stdout)
    check("a scenario is not overwritten", run("new", str(new)).returncode == 1)
    new.write_text(SMALL.replace("small", "mine") + "faults: 3\n")
    small.write_text(SMALL.replace("spread: 1s", "script: {answers: [{steps: [{txt: a}]}]}"))
    done = run("check", folder)
    check("check says what is wrong in each file", done.returncode == 1 and f"{new}:6:1: " in done.stderr and f"{small}:4:" in done.stderr,
          done.stderr)
check("the scenarios of the tree are good", run("check", "scenarios").returncode == 0)

done = run("list")
check("the scenarios are listed", done.returncode == 0 and "gateway_crash_during_tools" in done.stdout, done.stderr)
sys.exit(failed)
