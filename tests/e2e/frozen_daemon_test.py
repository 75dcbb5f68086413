"""A daemon that is frozen while it runs a tool, with real processes and their real clocks: idle 30 s after its last frame,
disconnected 120 s after it (R79 to R82, C1), and back when it runs on."""

import datetime
import signal
import threading
import time
import unittest

from real_cluster import Client, RealCluster, have_chat, wait_until

STALE, DISCONNECTED = 30, 120  # seconds since the daemon's last frame
EARLY = 3  # the last frame came before the signal: when a tool had started, or wrote
MARGIN = 5  # of a busy machine
BACK = 40  # a daemon's reconnect: its backoff is 30 s at most


def moment(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


class FrozenDaemon(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=1, worker=1, gateway=1, daemon=1)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()
        cls.client = Client(cls.cluster, "user-1")

    def status(self):
        daemon, = self.client.call("GET", "/daemons").body["items"]
        return daemon["status"]

    def seconds_until(self, status, began, limit):
        wait_until(f"the daemon is {status}", lambda: self.status() == status, began + limit - time.monotonic())
        return time.monotonic() - began

    def events(self, name):
        _, daemon, epoch = self.stream
        return [event for event in self.cluster.events("gateway-1", name) if (event["daemon"], event["epoch"]) == (daemon, epoch)]

    def test_is_idle_at_30_s_and_disconnected_at_120_s_and_comes_back(self):
        done = []
        chat = threading.Thread(target=lambda: done.append(have_chat(self.cluster, self.client, "frozen", timeout=280)))
        chat.start()
        self.addCleanup(chat.join)
        name, _ = self.cluster.busy()
        self.stream = self.cluster.stream(name)
        self.assertEqual(self.status(), "active")
        self.cluster.signal(name, signal.SIGSTOP)
        began = time.monotonic()
        self.addCleanup(self.cluster.signal, name, signal.SIGCONT)

        idle = self.seconds_until("idle", began, STALE + MARGIN)
        self.assertGreater(idle, STALE - EARLY)
        self.assertEqual(self.events("gateway.session.closed"), [], "the keepalive of the link is no sooner than C1")
        gone = self.seconds_until("disconnected", began, DISCONNECTED + MARGIN)
        self.assertGreater(gone, DISCONNECTED - EARLY)
        stale, = self.events("gateway.session.status")[-2:-1]
        closed, = self.events("gateway.session.closed")
        self.assertEqual((stale["status"], closed["why"]), ("stale", "nothing was heard from the daemon for 120 s"))
        self.assertAlmostEqual(moment(closed) - moment(stale), DISCONNECTED - STALE, delta=1)

        self.cluster.signal(name, signal.SIGCONT)
        self.seconds_until("active", time.monotonic(), BACK)
        wait_until("the daemon has a stream of a newer epoch", lambda: self.cluster.stream(name)[2] > self.stream[2])
        chat.join()
        ended, = done
        self.assertEqual((ended.status, len(ended.marks)), ("idle", len(set(ended.marks))), ended.updates[-1])
        after = have_chat(self.cluster, self.client, "after")
        self.assertEqual([tool["outcome"] for tool in after.tools], ["executed"] * 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
