"""The same seed gives the same hash: in another process, with another layout of addresses, at another place of a batch.

usage: same_hash_test.py RELIANT_SIM
"""
import json
import shutil
import subprocess
import sys

PROGRAM = sys.argv[1]
SCENARIOS = ["scenarios/smoke/gateway_crash_during_tools.yaml", "scenarios/smoke/monolith_crash_and_restart.yaml"]
SEED = 11


def hashes(*arguments, before=()):
    done = subprocess.run([*before, PROGRAM, "run", *arguments, "--json", "-"], capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if not lines:
        sys.exit(f"reliant-sim {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return {(line["scenario"], line["seed"]): (line["hash"], line["events"]) for line in lines}


failed = False
for scenario in SCENARIOS:
    alone = hashes(scenario, "--seed", str(SEED))
    name, first = next(iter(alone.items()))
    others = {
        "another process": hashes(scenario, "--seed", str(SEED))[name],
        "the last of a batch": hashes(scenario, "--seeds", f"{SEED - 3}..{SEED}")[name],
        "the first of a batch": hashes(scenario, "--seeds", f"{SEED}..{SEED + 1}", "--jobs", "2")[name],
        "with a trace": hashes(scenario, "--seed", str(SEED), "--trace", "/dev/null")[name],
    }
    if shutil.which("setarch"):
        others["without random addresses"] = hashes(scenario, "--seed", str(SEED), before=("setarch", "-R"))[name]
    for where, other in others.items():
        same = other == first
        print(f"{'ok  ' if same else 'FAIL'} {name[0]} seed {SEED}, {where}: {other[0]} after {other[1]} events")
        failed |= not same
sys.exit(failed)
