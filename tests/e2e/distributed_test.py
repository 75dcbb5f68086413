"""The distributed system, as real processes: chats whose model asks for tools, while what they run on is killed, frozen and
started again."""

import signal
import time
import unittest

from real_cluster import Client, Crowd, RealCluster, have_chat, wait_until

ALL_MARKS = ["a", "b", "c"]


class Distributed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=2, worker=2, gateway=2, daemon=4, users=2)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()

    def tearDown(self):
        self.cluster.up()  # whole again

    def crowd(self):
        return Crowd(self.cluster, ["user-1", "user-2"])

    def expect_done(self, crowd, outcomes=("executed",)):
        """Every chat has come to its end, and no tool ran twice, or ran and was said not to have."""
        self.assertEqual(crowd.problems, [])
        self.assertGreater(len(crowd.done), 0)
        for chat in crowd.done:
            said = [tool["outcome"] for tool in chat.tools]
            about = f"{chat.chat}: {said} {chat.marks} {chat.updates[-1]}"
            self.assertEqual(chat.status, "idle", about)
            self.assertEqual(len(said), len(ALL_MARKS), about)
            self.assertLessEqual(set(said), set(outcomes), about)
            self.assertEqual(len(chat.marks), len(set(chat.marks)), f"a tool ran twice: {about}")
            self.assertGreaterEqual(len(chat.marks), said.count("executed"), about)
            self.assertLessEqual(len(chat.marks), len(said) - said.count("not_executed"), about)

    def strike(self, *names, number=signal.SIGKILL, outcomes=("executed",), then=None):
        """It happens in the middle of chats, which go on; afterwards everything is whole again, and more chats come to
        their end."""
        with self.crowd() as crowd:
            crowd.wait_for(2)
            for name in names:
                self.cluster.signal(name, number)
            if then is not None:
                then()
            self.cluster.up()
            crowd.wait_for(6)
        self.expect_done(crowd, outcomes)

    def test_a_chat_with_tools(self):
        chat = have_chat(self.cluster, Client(self.cluster, "user-1"), "one")
        self.assertEqual((chat.status, chat.marks), ("idle", ALL_MARKS))
        self.assertEqual([tool["outcome"] for tool in chat.tools], ["executed"] * 3)
        texts = [update for update in chat.updates if update["kind"] == "message" and update["payload"]["role"] == "assistant"]
        self.assertEqual(len(texts), 3)

    def test_everything_is_ready(self):
        checks = {"api": {"database", "nats", "streaming", "temporal"}, "worker": {"database", "nats", "pollers"},
                  "gateway": {"database", "nats", "listener"}}
        for kind, expected in checks.items():
            for name in self.cluster.names(kind):
                reply = self.cluster.ready(name)
                self.assertEqual((reply.status, set(reply.body["checks"])), (200, expected))
                port = self.cluster.port(name, "health_port")
                self.assertEqual(self.cluster.ask(port, "GET", "/health").status, 200)
        load = self.cluster.ask(self.cluster.port("api-1", "pprof_port"), "GET", "/debug/db").body
        self.assertEqual((load["driver"], load["write_queue_depth"]), ("postgres", 0))

    def test_a_gateway_is_killed_in_the_middle_of_tool_calls(self):
        self.strike("gateway-1")

    def test_a_worker_is_killed(self):
        self.strike("worker-1")

    def test_an_api_replica_is_killed_under_its_streams(self):
        self.strike("api-1")

    def test_a_daemon_is_killed_in_the_middle_of_its_tools(self):
        self.strike("daemon-1", outcomes=("executed", "unknown", "not_executed"))

    def test_nats_is_killed_and_comes_back(self):
        self.strike("nats")

    def test_postgres_is_killed_and_comes_back(self):
        self.strike("postgres", number=signal.SIGINT, then=lambda: self.cluster.ends("postgres"))

    def test_temporal_is_killed_and_comes_back(self):
        self.strike("temporal")

    def test_a_gateway_is_frozen_for_longer_than_its_daemons_bear(self):
        def thaw():
            time.sleep(45)
            self.cluster.signal("gateway-1", signal.SIGCONT)
        self.strike("gateway-1", number=signal.SIGSTOP, then=thaw)

    def test_what_is_away_is_named_and_comes_back(self):
        for service, checks in (("nats", {"nats"}), ("postgres", {"database"}), ("temporal", {"temporal", "pollers"})):
            self.cluster.signal_tree(service, signal.SIGSTOP)
            for name in ("api-1", "worker-1", "gateway-1"):
                has = checks & set(self.cluster.ready(name).body.get("checks", {}))
                for check in has - {"pollers"}:  # these look at what they have met for 20 s
                    wait_until(f"{name} misses {check}", lambda n=name, c=check: self.missing(n, c))
            self.cluster.signal_tree(service, signal.SIGCONT)
            for name in ("api-1", "worker-1", "gateway-1"):
                wait_until(f"{name} is ready again", lambda n=name: self.cluster.ready(n).status == 200)

    def missing(self, name, check):
        reply = self.cluster.ready(name)
        return reply.status == 503 and reply.body["checks"][check] != "ok"

    def test_stops_in_order_with_streams_open(self):
        with self.crowd() as crowd:
            crowd.wait_for(1)
            for name in ("api-1", "worker-1", "gateway-1", "daemon-3"):
                began = time.monotonic()
                self.cluster.signal(name, signal.SIGTERM)
                self.cluster.ends(name)
                self.assertLess(time.monotonic() - began, 12, name)
                self.assertNotIn("process.cut_off", [event["event"] for event in self.cluster.events(name)], name)
                self.cluster.up()
            crowd.wait_for(3)
        self.expect_done(crowd)


if __name__ == "__main__":
    unittest.main(verbosity=2)
