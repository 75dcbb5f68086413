"""Which scenarios the real world carries out whole, and why not the others: the one place that says so (tools/real_world --list)."""

import os

KINDS = {  # of fault; "": it can be had, otherwise why not
    "crash": "", "stop": "", "pause": "",
    "link_reset": "", "partition": "", "delay": "", "database_lost": "", "temporal_lost": "",
    "half_open": "the proxies answer no keepalive in a peer's place", "commit": "the proxies lose commits by chance, not by number",
    "run_terminated": "", "engine_restored": "",
    "disk_full": "" if os.geteuid() == 0 else "root alone mounts a file system for each daemon", "disk_slow": "no disk of a daemon's own can be slowed down",
    "revoke_token": "", "lose_credentials": "",
    "clock_jump": "", "clock_drift": "the kernel's monotonic clock has one rate",
    "sleep": "a process that is stopped has a monotonic clock that goes on",
    "silence": "no machine ends a silence to the nanosecond", "torn_commit": "only a loss of power tears a write",
    "throw_in_tool": "a process cannot be made to run out of memory in one tool", "bytes": "the scripted model sends UTF-8 only",
    "bus_limits": "nats-server does not drop its limits while it runs",
}
TOPOLOGY = {  # what it may be, and what is missing for all else
    "mode": (("distributed",), "tools/cluster starts the roles as processes of their own"),
    # "mixed": each worker as the seed says; that all of them are like our own programs is one such draw.
    "lane": (("daemon", "mixed"), "no program of ours asks on the user's subjects"),
    "names": (("own", "equal"), ""),
    "credentials": (("given", "own", "none"), ""),
    "token_life": ((0,), "tokens of tools/cluster do not expire"),
    "cloud_daemons": ((0,), "there is no control plane"),
    "suspended_daemons": ((0,), "there is no control plane"),
    "intruders": ((0,), "there is no hostile client of the bus here; tests/e2e/forged_messages_test.py has one"),
    "silent_streams": ((0,), "there is no hostile user here; tests/e2e/hostile_user_test.py has one"),
    "floods": ((0,), "there is no hostile user here; tests/e2e/hostile_user_test.py has one"),
}
SUBJECT = {  # by scenario: the real world would run it, and would not show what it is named after
    "user_lane_request": "it is about the user's subjects, and no program of ours asks on them",
}
MOST_DAEMONS = 50  # a process each
LONGEST_SECONDS = 600  # of chaos, in real time
SECOND = 10**9


def topology_reasons(plan):
    """Without what it asks for, the scenario cannot be run at all."""
    topology = plan["topology"]
    for key, (possible, why) in TOPOLOGY.items():
        if topology[key] not in possible:
            yield f"topology.{key} is {topology[key]}: {why}"
    if topology["daemons"] > MOST_DAEMONS:
        yield f"topology.daemons is {topology['daemons']}: at most {MOST_DAEMONS} processes of them are started"
    if plan["phases"]["chaos"] > LONGEST_SECONDS * SECOND:
        yield f"phases.chaos is {plan['phases']['chaos'] // SECOND} s: at most {LONGEST_SECONDS} s are waited for"


def fault_reasons(plan):
    """Faults of the scenario that are left out: (kind, why)."""
    return sorted({(fault["fault"], KINDS[fault["fault"]]) for fault in plan["faults"] if KINDS[fault["fault"]]})


def reasons(plan):
    """None: the scenario can be carried out whole."""
    subject = [SUBJECT[plan["name"]]] if plan["name"] in SUBJECT else []
    return [*topology_reasons(plan), *(f"{kind}: {why}" for kind, why in fault_reasons(plan)), *subject]
