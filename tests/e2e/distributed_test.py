"""The distributed system, as real processes: chats whose model asks for tools, while what they run on is killed, frozen and
started again."""

import pathlib
import signal
import time
import unittest

from real_cluster import Client, Crowd, RealCluster, have_chat, wait_until

CALLS = 3  # of tools, in every chat


class Distributed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=2, worker=2, gateway=3, daemon=20, users=5)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()

    def tearDown(self):
        self.cluster.heal()

    def crowd(self):
        return Crowd(self.cluster, [f"user-{number}" for number in range(1, 6)], at_once=1)

    def expect_done(self, crowd, outcomes=("executed",)):
        """Every chat has come to its end, and no tool ran twice, or ran and was said not to have."""
        self.assertEqual(crowd.problems, [])
        self.assertGreater(len(crowd.done), 0)
        for chat in crowd.done:
            said = [tool["outcome"] for tool in chat.tools]
            about = f"{chat.chat}: {said} {chat.marks} {chat.updates[-1]}"
            self.assertEqual(chat.status, "idle", about)
            self.assertEqual(len(said), CALLS, about)
            self.assertLessEqual(set(said), set(outcomes), about)
            self.assertEqual(len(chat.marks), len(set(chat.marks)), f"a tool ran twice: {about}")
            self.assertGreaterEqual(len(chat.marks), said.count("executed"), about)
            self.assertLessEqual(len(chat.marks), len(said) - said.count("not_executed"), about)

    def strike(self, *names, number=signal.SIGKILL, outcomes=("executed",), then=None):
        """It happens in the middle of tools, to some process by name, or to the daemon that runs one ("busy daemon"), or to the
        gateway that holds that. Chats go on; afterwards everything is whole again, and more chats come to their end."""
        with self.crowd() as crowd:
            crowd.wait_for(3)
            daemon, gateway = self.cluster.busy()
            for name in names:
                self.cluster.strike({"busy daemon": daemon, "its gateway": gateway}.get(name, name), number)
            if then is not None:
                then()
            self.cluster.heal()
            crowd.wait_for(8)
        self.expect_done(crowd, outcomes)
        self.expect_no_oracle_complains()
        return crowd

    def expect_no_oracle_complains(self):
        """They judge all that has happened since the cluster was started, once every daemon is back."""
        wait_until("every daemon is connected", self.cluster.whole)
        code, said = self.cluster.judge()
        self.assertEqual(code, 0, said)

    def test_a_chat_with_tools(self):
        chat = have_chat(self.cluster, Client(self.cluster, "user-1"), "one")
        self.assertEqual((chat.status, len(set(chat.marks))), ("idle", CALLS))
        self.assertEqual([tool["outcome"] for tool in chat.tools], ["executed"] * 3)
        texts = [update for update in chat.updates if update["kind"] == "message" and update["payload"]["role"] == "assistant"]
        self.assertEqual(len(texts), 3)

    def test_the_oracles_see_what_is_wrong(self):
        chat = have_chat(self.cluster, Client(self.cluster, "user-1"), "seen")
        self.expect_no_oracle_complains()
        marks = self.cluster.directory / "projects" / "seen" / "marks"
        good = marks.read_text()
        marks.write_text(good + chat.marks[0] + "\n")
        code, said = self.cluster.judge()
        self.assertEqual(code, 2)
        self.assertRegex(said, f'(?m)^ *tool.at_most_once: .* happened twice for request {chat.marks[0]}')
        marks.write_text(good.replace(chat.marks[0], ""))
        self.assertIn("the machine shows nothing", self.cluster.judge()[1])
        marks.write_text(good)
        clients = self.cluster.directory / "clients.jsonl"
        lines = clients.read_text().splitlines(keepends=True)
        missing = next(i for i, line in enumerate(lines) if '"client.update"' in line and chat.chat in line)
        clients.write_text("".join(lines[:missing] + lines[missing + 1:]))
        self.assertIn("stream.gap: ", self.cluster.judge()[1])
        clients.write_text("".join(lines))
        self.expect_no_oracle_complains()

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
        self.strike("its gateway")

    def test_all_workers_are_killed(self):
        self.strike("worker-1", "worker-2")

    def test_an_api_replica_is_killed_under_its_streams(self):
        self.strike("api-1")

    def test_a_daemon_is_killed_in_the_middle_of_its_tools(self):
        crowd = self.strike("busy daemon", outcomes=("executed", "unknown", "not_executed"))
        unsure = [tool["outcome"] for chat in crowd.done for tool in chat.tools if tool["outcome"] == "unknown"]
        self.assertGreater(len(unsure), 0, "what it ran has no known end")

    def test_nats_is_killed_and_comes_back(self):
        self.strike("nats")

    def test_postgres_is_killed_and_comes_back(self):
        self.strike("postgres", number=signal.SIGINT, then=lambda: self.cluster.ends("postgres"))

    def test_temporal_is_killed_and_comes_back(self):
        self.strike("temporal")

    def test_a_gateway_is_frozen_for_longer_than_its_daemons_bear(self):
        # Longer than the 30 s after which a daemon that is heard no more is stale: real time is what is tested.
        self.strike("its gateway", number=signal.SIGSTOP, then=lambda: time.sleep(45))

    def test_a_daemon_is_frozen_until_it_is_taken_for_stale(self):
        def wait_until_it_is_stale():
            frozen, = wait_until("a daemon is frozen", lambda: [name for name in self.cluster.names("daemon") if self.frozen(name)])
            client = Client(self.cluster, next(self.cluster.events(frozen, "daemon.connected"))["user"])

            def statuses():
                return {daemon["name"]: daemon["status"] for daemon in client.call("GET", "/daemons").body["items"]}
            self.assertEqual(statuses()[frozen], "active")
            wait_until("the frozen daemon is not active", lambda: statuses()[frozen] != "active", 60)
        self.strike("busy daemon", number=signal.SIGSTOP, outcomes=("executed", "unknown", "not_executed"), then=wait_until_it_is_stale)

    def frozen(self, name):
        stat = pathlib.Path(f"/proc/{self.cluster.state()[name]['pid']}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

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

    def test_stops_in_time_though_the_database_hangs(self):
        with self.crowd() as crowd:
            crowd.wait_for(1)
            self.cluster.strike("postgres", signal.SIGSTOP)
            self.cluster.signal_tree("postgres", signal.SIGSTOP)
            for name in ("api-1", "worker-1", "gateway-1"):
                self.cluster.strike(name, signal.SIGTERM)
            began = time.monotonic()
            for name in ("api-1", "worker-1", "gateway-1"):
                self.cluster.ends(name)
                self.assertLess(time.monotonic() - began, 12, name)  # --grace is 10
                self.cluster.record("world", "node.exited", called=name, life=1)
            self.cluster.heal()
            crowd.wait_for(5)
        self.expect_done(crowd)
        self.expect_no_oracle_complains()

    def test_stops_in_order_with_streams_open(self):
        with self.crowd() as crowd:
            crowd.wait_for(1)
            for name in ("api-1", "worker-1", "gateway-1", "daemon-11"):
                began = time.monotonic()
                self.cluster.strike(name, signal.SIGTERM)
                self.cluster.ends(name)
                self.assertLess(time.monotonic() - began, 12, name)
                self.assertNotIn("process.cut_off", [event["event"] for event in self.cluster.events(name)], name)
                self.cluster.record("world", "node.exited", called=name, life=1)
                self.cluster.heal()
            crowd.wait_for(3)
        self.expect_done(crowd)
        self.expect_no_oracle_complains()


if __name__ == "__main__":
    unittest.main(verbosity=2)
