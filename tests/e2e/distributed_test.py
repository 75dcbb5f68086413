"""The distributed system, as real processes: chats whose model requests tools, while the processes are killed, frozen and
restarted."""

import json
import signal
import time
import unittest

from real_cluster import Client, Load, RealCluster, have_chat, wait_until

CALLS = 3  # of tools, in every chat
DAEMONS = 20
# The time until a daemon leaves a frozen gateway: 20 s until the ping, 10 s for its answer (GrpcLinkOptions). A gateway waits
# 120 s for a daemon (frozen_daemon_test), which is stale at 30 s (R79, R80).
KEEPALIVE = 30
STALE = 30
MARGIN = 5  # of a busy machine
GRACE = 10  # of a stop, unless --grace says another one; two seconds after it a process is cut off
# The checks of each role's dependencies, as /ready names them.
NEEDS = {"nats": {"api-1": {"nats", "streaming"}, "worker-1": {"nats"}, "gateway-1": {"nats"}},
         "postgres": {"api-1": {"database"}, "worker-1": {"database"}, "gateway-1": {"database"}},
         "temporal": {"api-1": {"temporal"}, "worker-1": {"temporal"}, "gateway-1": set()}}


class Distributed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = RealCluster(api=2, worker=2, gateway=3, daemon=DAEMONS, users=5)
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.up()

    def tearDown(self):
        self.cluster.heal()

    def load(self):
        return Load(self.cluster)

    def expect_done(self, load, outcomes=("executed",)):
        """Every chat has ended, on its chosen daemon, and no tool ran twice, or ran and was reported as not executed."""
        self.assertEqual(load.problems, [])
        daemons = self.cluster.names("daemon")
        self.assertEqual({chat.daemon for chat in load.done}, set(daemons))
        ran = {name: {event["request_id"] for event in self.cluster.events(name, "tool.effect.started")} for name in daemons}
        for chat in load.done:
            said = [tool["outcome"] for tool in chat.tools]
            about = f"{chat.chat}: {said} {chat.marks} {chat.updates[-1]}"
            self.assertEqual(chat.status, "idle", about)
            self.assertEqual(len(said), CALLS, about)
            self.assertLessEqual(set(said), set(outcomes), about)
            self.assertEqual(len(chat.marks), len(set(chat.marks)), f"a tool ran twice: {about}")
            self.assertLessEqual(set(chat.marks), ran[chat.daemon], f"ran elsewhere than on {chat.daemon}: {about}")
            self.assertGreaterEqual(len(chat.marks), said.count("executed"), about)
            self.assertLessEqual(len(chat.marks), len(said) - said.count("not_executed"), about)

    def strike(self, *names, number=signal.SIGKILL, outcomes=("executed",), before=None, then=None):
        """Sends a signal during tool calls to a process by name, to a daemon that runs a tool ("busy daemon"), or to the gateway that
        holds that daemon. Chats go on; then everything is healed, and more chats end."""
        with self.load() as load:
            load.wait_for(3)
            if before is not None:
                before()
            daemon, gateway = self.cluster.busy()
            for name in names:
                self.cluster.strike({"busy daemon": daemon, "its gateway": gateway}.get(name, name), number)
            try:
                if then is not None:
                    then()
            finally:
                self.cluster.heal()  # or the load would wait for ever
            load.wait_for(8)  # some of which have begun after the fault
            load.wait_for_every_daemon()
        self.expect_done(load, outcomes)
        self.expect_no_oracle_complains()
        return load

    def expect_no_oracle_complains(self):
        """The oracles judge everything since the start of the cluster, once every daemon is back."""
        wait_until("every daemon is connected", self.cluster.whole)
        code, said = self.cluster.judge()
        self.assertEqual(code, 0, said)

    def test_a_chat_with_tools(self):
        chat = have_chat(self.cluster, Client(self.cluster, "user-1"), "one")
        self.assertEqual((chat.status, len(set(chat.marks))), ("idle", CALLS))
        self.assertEqual([tool["outcome"] for tool in chat.tools], ["executed"] * 3)
        texts = [update for update in chat.updates if update["kind"] == "message" and update["payload"]["role"] == "assistant"]
        self.assertEqual(len(texts), 3)

    def test_the_oracles_report_an_effect_that_happened_twice(self):
        chat = have_chat(self.cluster, Client(self.cluster, "user-1"), "seen")
        self.expect_no_oracle_complains()
        marks = self.cluster.directory / "projects" / "seen" / "marks"
        good = marks.read_text()
        marks.write_text(good + chat.marks[0] + "\n")
        code, said = self.cluster.judge()
        self.assertEqual(code, 2)
        self.assertRegex(said, f'(?m)^ *tool.at_most_once: .* happened twice for request {chat.marks[0]}')
        marks.write_text(good.replace(chat.marks[0], ""))
        self.assertIn("the machine shows no effect", self.cluster.judge()[1])
        marks.write_text(good)
        clients = self.cluster.directory / "clients.jsonl"
        lines = clients.read_text().splitlines(keepends=True)
        missing = next(i for i, line in enumerate(lines) if '"client.update"' in line and chat.chat in line)
        clients.write_text("".join(lines[:missing] + lines[missing + 1:]))
        self.assertIn("stream.gap: ", self.cluster.judge()[1])
        clients.write_text("".join(lines))
        self.expect_no_oracle_complains()

    def test_everything_is_ready(self):
        checks = {"api": {"database", "nats", "streaming", "temporal"}, "worker": {"database", "nats", "pollers", "temporal"},
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
        port = self.cluster.port("api-1")
        cut = []

        def in_the_middle(stream):
            kinds = [update["kind"] for update in stream.out]
            return stream.port == port and stream.last is None and len(kinds) > stream.after and kinds.count("tool_finished") < CALLS - 1

        def until_a_stream_is_open():
            cut.extend(wait_until("a stream is open there", lambda: [each for each in self.cluster.streams if in_the_middle(each)]))

        def goes_on(stream):
            return any(each.chat == stream.chat and each.after >= stream.after and each.port != port and each.after < len(each.out)
                       for each in self.cluster.streams if each is not stream)

        def until_they_go_on_elsewhere():
            for stream in cut:
                wait_until(f"the stream of {stream.chat} goes on elsewhere", lambda s=stream: goes_on(s))
        load = self.strike("api-1", before=until_a_stream_is_open, then=until_they_go_on_elsewhere)
        for stream in cut:
            chat, = (chat for chat in load.done if chat.chat == stream.chat)
            self.assertLess(stream.last, len(chat.updates), "its end came by the stream that was cut")
            stored = self.cluster.rows(f"SELECT payload FROM updates WHERE chat_id = '{chat.chat}' ORDER BY sequence")
            self.assertEqual([update["payload"] for update in chat.updates], [json.loads(payload) for payload in stored])

    def test_a_daemon_is_killed_in_the_middle_of_its_tools(self):
        load = self.strike("busy daemon", outcomes=("executed", "unknown", "not_executed"))
        unsure = [tool["outcome"] for chat in load.done for tool in chat.tools if tool["outcome"] == "unknown"]
        self.assertGreater(len(unsure), 0, "what it ran has no known end")

    def test_nats_is_killed_and_comes_back(self):
        self.strike("nats")

    def test_postgres_is_killed_and_comes_back(self):
        self.strike("postgres", number=signal.SIGINT, then=lambda: self.cluster.ends("postgres"))

    def test_temporal_is_killed_and_comes_back(self):
        self.strike("temporal")

    def test_a_gateway_is_frozen_for_longer_than_its_daemons_timeout(self):
        frozen, held, under_way = [], {}, {}

        def until_its_daemons_are_elsewhere():
            frozen.append(self.cluster.frozen("gateway"))
            began = time.monotonic()
            streams = {name: self.cluster.stream(name) for name in self.cluster.names("daemon")}
            held.update({name: (daemon, epoch) for name, (gateway, daemon, epoch) in streams.items() if gateway == frozen[0]})
            under_way.update({name: self.under_way(name) for name in held})
            for name in held:
                wait_until(f"{name} leaves {frozen[0]}", lambda n=name: self.lost(n, held[n]), began + KEEPALIVE + MARGIN - time.monotonic())
            for name in held:
                wait_until(f"{name} is elsewhere", lambda n=name: self.cluster.stream(n)[0] != frozen[0])
            wait_until("the gateway misses its daemons' heartbeats, too", lambda: time.monotonic() > began + KEEPALIVE)
        load = self.strike("its gateway", number=signal.SIGSTOP, then=until_its_daemons_are_elsewhere)
        self.expect_ended_once(load, under_way)
        self.expect_no_detour(held)
        self.expect_no_harm_of(frozen[0], held)

    def under_way(self, daemon):
        """Requests of the daemon whose result no gateway has acknowledged."""
        out = set()
        for event in self.cluster.events(daemon, "tool.effect.started", "daemon.result.acknowledged"):
            (out.add if event["event"] == "tool.effect.started" else out.discard)(event["request_id"])
        return out

    def lost(self, daemon, stream):
        """The reason for which the daemon has given the stream (its id and the epoch) up, once it has."""
        return [event["why"] for event in self.cluster.events(daemon, "daemon.disconnected") if event["epoch"] == stream[1]]

    def expect_ended_once(self, load, under_way):
        self.assertGreater(sum(map(len, under_way.values())), 0)
        for name, requests in under_way.items():
            events = [(event["request_id"], event["event"]) for event in self.cluster.events(name, "tool.effect.started", "tool.effect.finished")]
            for request in requests:
                chat, = (chat for chat in load.done if request in chat.marks)
                self.assertEqual([tool["outcome"] for tool in chat.tools], ["executed"] * CALLS)
                self.assertEqual([what for which, what in events if which == request], ["tool.effect.started", "tool.effect.finished"])

    def expect_no_detour(self, held):
        """The first gateway that the daemon tries is not the frozen one, for whose answer it would wait 10 s."""
        for name, (_, epoch) in held.items():
            events = self.cluster.events(name, "daemon.disconnected", "daemon.connect.failed", "daemon.connected")
            known = [(event["event"], event.get("epoch")) for event in events]
            self.assertEqual(known[known.index(("daemon.disconnected", epoch)) + 1][0], "daemon.connected", name)

    def expect_no_harm_of(self, woken, held):
        """It closes its old streams, and neither a daemon nor the store takes that for the end of the new stream."""
        for daemon, epoch in held.values():
            closed = wait_until(f"{woken} closes its stream of {daemon}", lambda d=daemon, e=epoch: [
                event["why"] for event in self.cluster.events(woken, "gateway.session.closed") if (event["daemon"], event["epoch"]) == (d, e)])
            self.assertEqual(len(closed), 1)
            wait_until(f"the store refuses that {daemon} is away", lambda d=daemon, e=epoch: any(
                f"epoch {e} of daemon {d} was replaced" in event["error"]
                for event in self.cluster.events(woken, "gateway.session.end_not_recorded")))
        self.assertTrue(self.cluster.whole())
        for name, stream in held.items():
            ended = [(event["epoch"], event["why"]) for event in self.cluster.events(name, "daemon.disconnected") if event["epoch"] >= stream[1]]
            self.assertEqual(ended, [(stream[1], "keepalive watchdog timeout")])

    def test_a_daemon_is_frozen_until_it_is_stale(self):
        def until_it_is_idle():
            frozen = self.cluster.frozen("daemon")
            began = time.monotonic()
            user, _ = self.cluster.owner(frozen)

            def status():
                items = Client(self.cluster, user).call("GET", "/daemons").body["items"]
                return next(daemon["status"] for daemon in items if daemon["name"] == frozen)
            self.assertEqual(status(), "active")
            wait_until("the frozen daemon is idle", lambda: status() == "idle", began + STALE + MARGIN - time.monotonic())
        self.strike("busy daemon", number=signal.SIGSTOP, then=until_it_is_idle)

    def test_ready_names_a_frozen_dependency_until_it_resumes(self):
        for service in NEEDS:
            self.cluster.signal_tree(service, signal.SIGSTOP)
            self.expect_named(service)
            self.cluster.signal_tree(service, signal.SIGCONT)
            self.expect_ready()

    def test_ready_names_a_killed_dependency_until_it_restarts(self):
        before = self.cluster.state()
        for service in NEEDS:
            self.cluster.strike(service, signal.SIGKILL)
            self.expect_named(service)
            self.cluster.heal()
            self.expect_ready()
        after = self.cluster.state()
        for name, about in before.items():
            self.assertEqual(about["pid"] == after[name]["pid"], name not in NEEDS, f"{name} was started again, or was not")

    def expect_named(self, service):
        for name, checks in NEEDS[service].items():
            for check in checks:
                wait_until(f"{name} misses {check}", lambda n=name, c=check: self.missing(n, c))

    def expect_ready(self):
        for name in NEEDS["nats"]:
            wait_until(f"{name} is ready again", lambda n=name: self.cluster.ready(n).status == 200)

    def missing(self, name, check):
        began = time.monotonic()
        reply = self.cluster.ready(name)
        self.assertLess(time.monotonic() - began, 2.5)
        if reply.status == 503:  # the library's message, with the address, is in the log
            self.assertNotIn("127.0.0.1", str(reply.body))
        return reply.status == 503 and reply.body["checks"][check] != "ok"

    def test_stops_in_time_though_the_database_hangs(self):
        with self.load() as load:
            load.wait_for(1)
            self.cluster.strike("postgres", signal.SIGSTOP)
            self.cluster.signal_tree("postgres", signal.SIGSTOP)
            began = time.monotonic()
            try:
                for name in ("api-1", "worker-1", "gateway-1"):
                    self.cluster.strike(name, signal.SIGTERM)
                for name in ("api-1", "worker-1", "gateway-1"):
                    self.expect_stopped(name, began, GRACE + 1, in_order=False)
            finally:
                self.cluster.heal()
            load.wait_for(5)
            load.wait_for_every_daemon()
        self.expect_done(load)
        self.expect_no_oracle_complains()

    def test_stops_in_order_with_streams_open(self):
        with self.load() as load:
            load.wait_for(1)
            for name in ("api-1", "worker-1", "gateway-1", "daemon-11"):
                began = time.monotonic()
                self.cluster.strike(name, signal.SIGTERM)
                self.expect_stopped(name, began, MARGIN)
                self.cluster.heal()
            load.wait_for(3)
            load.wait_for_every_daemon()
        self.expect_done(load)
        self.expect_no_oracle_complains()

    def expect_stopped(self, name, began, within, in_order=True):
        """By itself, within that time, with an exit code that shows whether everything was done by then."""
        code = self.cluster.ends(name)
        took = time.monotonic() - began
        self.cluster.record("world", "node.exited", called=name, life=1)
        incomplete = self.cluster.events(name, "process.stop_incomplete")
        self.assertEqual(code, 1 if incomplete else 0, name)
        if in_order:
            self.assertEqual(incomplete, [], name)
        self.assertLess(took, within, name)
        self.assertEqual(self.cluster.events(name, "process.cut_off"), [], name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
