"""A chat without a running worker: the CLI shows that it waits, and the end of the turn once there is a worker."""

import signal
import subprocess
import threading
import unittest

from real_cluster import RealCluster
from reliant_process import RELIANT


class Waiting(unittest.TestCase):
    def setUp(self):
        self.cluster = RealCluster(log_level="info", api=1, worker=1, gateway=1, daemon=1, users=1)
        self.addCleanup(self.cluster.close)
        self.cluster.up()

    def test_a_missing_worker_is_named_and_the_chat_ends_with_the_next_one(self):
        self.cluster.signal("worker-1", signal.SIGKILL)
        self.cluster.ends("worker-1")
        watching = subprocess.Popen(
            [RELIANT, "chat", "send", "hello", "--watch", "--server", self.cluster.urls["api-1"], "--token-file",
             str(self.cluster.directory / "user-1.token"), "--project", str(self.cluster.directory)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(watching.communicate)
        self.addCleanup(watching.kill)
        limit = threading.Timer(60, watching.kill)
        self.addCleanup(limit.cancel)
        limit.start()
        line = ""
        for line in watching.stdout:
            if line.startswith("waiting: "):
                break
        self.assertRegex(line, r"^waiting: no worker has taken this up for \d+ s$")
        self.cluster.up()
        rest, complaints = watching.communicate(timeout=60)
        self.assertEqual(watching.returncode, 0, complaints)
        self.assertIn("hello", rest)


if __name__ == "__main__":
    unittest.main()
