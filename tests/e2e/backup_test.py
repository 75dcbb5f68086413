"""The commands of compose/README.md for backup and restore, run verbatim: a monolith that is backed up during a tool call, and the
database of a cluster that goes on after its backup."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import unittest

from real_cluster import Client, RealCluster, have_chat
from reliant_process import World, wait_until

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "compose/README.md"

SCRIPT = """
answers:
  - when: slow
    steps:
      - text: "Starting."
        calls:
          - {tool: bash, arguments: {command: "echo once >> effect.txt; exec sleep 600"}}
      - text: "It ended so: {{result.0}}"
  - steps:
      - text: "hello"
"""


def commands(heading):
    """The indented block below that heading of the guide."""
    section = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^#|\Z)", GUIDE.read_text(), flags=re.M | re.S)
    assert section, f"{GUIDE} has no heading \"{heading}\""
    lines = re.findall(r"^    (.*)$", section[1], flags=re.M)
    assert lines, f"{GUIDE} has no commands below \"{heading}\""
    return "\n".join(lines)


def run(heading, **variables):
    words = {name: str(value) for name, value in variables.items()}
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands(heading)], env=os.environ | words, check=True, timeout=120)


def last_text(messages):
    return [block["text"] for message in messages for block in message["content"] if block["type"] == "text"][-1]


class Backup(unittest.TestCase):
    def test_a_monolith_that_is_backed_up_while_a_tool_runs(self):
        world = World(SCRIPT)
        self.addCleanup(world.close)
        world.start()
        before, slow = world.new_chat(), world.new_chat()
        world.send(before, "hi")
        world.updates(before)
        world.send(slow, "slow")
        wait_until("the tool has begun", lambda: (world.project / "effect.txt").exists())
        backup = world.root / "backup"
        run("Back up a monolith", DATA=world.data, BACKUP=backup)
        token = world.token()
        later = world.new_chat()
        world.send(later, "lost with the machine")
        world.updates(later)
        world.kill()
        shutil.rmtree(world.data)

        run("Restore a monolith", DATA=world.data, BACKUP=backup)
        world.start()
        self.assertEqual(world.token(), token)
        self.assertEqual(world.call("GET", f"/chats/{later}").status, 404)
        self.assertEqual(world.updates(slow, timeout=90)[-1]["payload"]["status"], "idle")
        self.assertIn("It ended so", last_text(world.messages(slow)))
        self.assertEqual((world.project / "effect.txt").read_text(), "once\n", "the tool ran once")
        self.assertEqual(last_text(world.messages(before)), "hello")
        sent = world.send(before, "and again")
        self.assertEqual(world.updates(before, after=sent["sequence"])[-1]["payload"]["status"], "idle")

    def test_the_database_of_a_cluster_that_goes_on(self):
        cluster = RealCluster(api=1, worker=1, gateway=2, daemon=1, users=1)
        self.addCleanup(cluster.close)
        cluster.up()
        user = Client(cluster, "user-1")
        before = have_chat(cluster, user, "before")
        backup = cluster.directory / "backup"
        run("Back up PostgreSQL", DATABASE_URL=cluster.database_url(), BACKUP=backup)
        later = have_chat(cluster, user, "later")
        servers = ["api-1", "worker-1", "gateway-1", "gateway-2"]
        for name in servers:
            cluster.signal(name, signal.SIGTERM)
        for name in servers:
            cluster.ends(name)

        run("Restore PostgreSQL", DATABASE_URL=cluster.database_url(), BACKUP=backup)
        cluster.heal()
        wait_until("the daemon is connected", cluster.whole, 90)
        self.assertEqual(user.call("GET", f"/chats/{later.chat}").status, 404)
        user.send(before.chat, "work", "again")
        again = user.follow(before.chat)
        self.assertEqual(again[:len(before.updates)], before.updates)
        after = have_chat(cluster, user, "after")
        self.assertEqual((after.status, [tool["outcome"] for tool in after.tools]), ("idle", ["executed"] * 3))


if __name__ == "__main__":
    unittest.main()
