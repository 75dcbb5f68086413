"""Records histories of chats for tests/replay: run it with a build of the state whose histories are to be kept.

    python3 tests/replay/record.py build/release/bin/reliant tests/replay/histories/STATE

A cluster with a real Temporal server runs chats of each kind: tools side by side, messages that come during a turn, cancellations,
models that fail, a worker that is killed, a conversation that goes on as a new run. Temporal's command line writes each run down;
what names a machine or a process is left out. STATE is a word for the state ("hard-coded-chat"), never used again.
"""

import json
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = pathlib.Path(sys.argv.pop(2))
sys.path.insert(0, str(ROOT / "tests/e2e"))
from real_cluster import Client, RealCluster  # noqa: E402

NAMESPACE = "reliant"
LEFT_OUT = {"identity", "binaryChecksum", "workerVersion", "sdkMetadata", "meteringMetadata", "taskId", "historySizeBytes"}
SCRIPT = """
answers:
  - when: work
    steps:
      - text: "first"
        calls:
          - {tool: bash, arguments: {command: "sleep 0.5; echo one"}}
          - {tool: glob, arguments: {pattern: "*"}}
      - text: "second"
        calls: [{tool: bash, arguments: {command: "sleep 2; echo two"}}]
      - text: "done"
  - when: refuse
    steps:
      - error: {code: INVALID_ARGUMENT, message: "no such model"}
  - when: overloaded
    steps:
      - {error: {code: UNAVAILABLE, message: "overloaded", times: 2}, text: "at last"}
  - steps:
      - text: "hello"
"""


def temporal(address, *words):
    binary = subprocess.run([ROOT / "tools/temporal"], capture_output=True, text=True, check=True).stdout.split()[-1]
    done = subprocess.run([binary, "workflow", *words, "--namespace", NAMESPACE, "--address", address, "--output", "json"],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def without_names(value):
    if isinstance(value, dict):
        if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
            return value | {"name": "sticky"}
        return {key: without_names(each) for key, each in value.items() if key not in LEFT_OUT}
    if isinstance(value, list):
        return [without_names(each) for each in value]
    return value


def chats(cluster):
    client = Client(cluster, "user-1")
    project = cluster.directory / "projects" / "p"
    project.mkdir(parents=True, exist_ok=True)

    def chat(*texts):
        made = client.new_chat(project)
        for number, text in enumerate(texts):
            client.send(made, text, f"{made}-{number}")
        return made

    yield "answer", client, chat("say hello")
    yield "tools", client, chat("work")
    yield "messages_during_a_turn", client, chat("work", "and hello", "and work")
    yield "refused", client, chat("refuse")
    yield "retried", client, chat("overloaded")
    cancelled = chat("work", "hello")
    cluster.busy()
    client.call("POST", f"/chats/{cancelled}/cancel")
    yield "cancelled", client, cancelled
    killed = chat("work")
    cluster.busy()
    for name in cluster.names("worker"):
        cluster.strike(name, signal.SIGKILL)
    cluster.heal()
    yield "worker_killed", client, killed
    long = chat("hello 0")
    client.follow(long)
    for number in range(1, 53):
        client.send(long, f"hello {number}", f"{long}-{number}")
    yield "continued_as_new", client, long


def main():
    OUT.mkdir(parents=True)
    cluster = RealCluster(SCRIPT, log_level="debug", api=1, worker=1, gateway=1, daemon=1, users=1)
    try:
        cluster.up()
        address = cluster.urls["temporal"].removeprefix("http://")
        for name, client, chat in chats(cluster):
            client.follow(chat, 120)
            for number, run in enumerate(reversed([each for each in temporal(address, "list") if each["execution"]["workflowId"].endswith(chat)]), 1):
                shown = temporal(address, "show", "--workflow-id", run["execution"]["workflowId"], "--run-id", run["execution"]["runId"])
                kept = {"workflow_id": run["execution"]["workflowId"], "run_id": run["execution"]["runId"],
                        "type": run["type"]["name"], "events": without_names(shown["events"])}
                (OUT / f"{name}.{number}.json").write_text(json.dumps(kept, separators=(",", ":")) + "\n")
                print(f"{name}.{number}: {len(kept['events'])} events")
    finally:
        cluster.close()


main()
