#include "contract/machine/process_contract.h"

#include "kernel/simulation.h"
#include "support/machine_worlds.h"

namespace reliant::tests {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Posix, ProcessContract, PosixMachine);
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, ProcessContract, SimulatedMachine);

class PosixProcess : public ProcessContract<PosixMachine> {};

TEST_F(PosixProcess, SignalsEverythingThatTheChildHasStarted) {
  auto process = start("sleep 20 & sleep 20 & echo up; wait");
  ASSERT_TRUE(get(process->read(in(kLong))).ok());
  EXPECT_TRUE(process->signal(ProcessSignal::kKill).ok());
  EXPECT_EQ(wait(*process).signal, 9);
  const Instant before = world_.executor().now();
  EXPECT_EQ(read_all(*process).out, "");  // at its end: no process holds the pipe any more
  EXPECT_LT(world_.executor().now() - before, 10s);
}

TEST_F(PosixProcess, DoesNotWaitForAGrandchildThatKeepsThePipe) {
  auto process = start("sleep 20 & echo done");
  EXPECT_EQ(read_all(*process).out, "done\n");
  EXPECT_EQ(wait(*process).code, 0);
  EXPECT_TRUE(process->signal(ProcessSignal::kKill).ok());  // it is still there
}

TEST_F(PosixProcess, IsNotHeldUpByAGrandchildThatWritesForEver) {
  auto process = start("yes & exit 4");
  EXPECT_EQ(get(process->wait(in(kLong)))->code, 4);
  EXPECT_TRUE(read_all(*process).out.starts_with("y\n"));
}

TEST_F(PosixProcess, LetsABackgroundProcessLiveAfterACleanEnd) {
  const std::string mark = world_.directory() + "/mark";
  {
    auto process = start(concat("(sleep 0.3; echo late > ", mark, ") > /dev/null 2>&1 & exit 0"));
    read_all(*process);
    wait(*process);
  }
  EXPECT_EQ(wait(*start(concat("sleep 1; cat ", mark, " > /dev/null"))).code, 0);
}

TEST_F(PosixProcess, KillsWhatHasLeftItsGroupByItsEnvironment) {
  auto spec = script("setsid sleep 30 > /dev/null 2>&1 & exit 0");
  spec.environment["RELIANT_REQUEST_ID"] = world_.directory();
  {
    auto process = spawn(spec);
    ASSERT_TRUE(process.ok());
    read_all(**process);
    wait(**process);
  }
  const auto kill = [&] {
    return get(world_.processes().kill_by_environment("RELIANT_REQUEST_ID", {world_.directory()}, in(kLong)));
  };
  EXPECT_EQ(kill().value_or(std::set<std::string>{"failed"}), std::set<std::string>{world_.directory()});
  EXPECT_EQ(kill().value_or(std::set<std::string>{"failed"}), std::set<std::string>{});
}

TEST_F(PosixProcess, ChildrenSeeNoDescriptorOfOurs) {
  const auto outputs = read_all(*start("ls /proc/self/fd | wc -l"));
  EXPECT_EQ(outputs.out, "4\n");  // 0, 1, 2 and the directory that ls reads
}

TEST_F(PosixProcess, RefusesAFileThatIsNotAProgram) {
  const std::string file = world_.directory() + "/text";
  EXPECT_TRUE(get(world_.filesystem().write(file, "text", 0644)).ok());
  EXPECT_EQ(spawn({.argv = {file}}).status().code(), StatusCode::kPermissionDenied);
}

TEST(SimulatedProcess, RecordsEveryEffectWithItsRequest) {
  Executor executor(3);
  sim::SimMachine machine;
  sim::SimProcesses processes(machine, Random(1));
  TaskScope scope(executor, 1);
  scope.spawn([](sim::SimProcesses& all) -> Task<void> {
    auto process = co_await all.spawn({.argv = {"bash", "-c", "append /log one; effect mail && touch /x; false && touch /y"},
                                       .environment = {{"RELIANT_REQUEST_ID", "req_7"}}});
    (void)co_await (*process)->wait(kNever);
  }(processes));
  executor.run();
  EXPECT_EQ(machine.effects.count("req_7"), 3u);
  EXPECT_EQ(machine.effects.count("req_7", "append /log one"), 1u);
  EXPECT_EQ(machine.effects.count("req_7", "effect mail"), 1u);
  EXPECT_EQ(machine.effects.count("req_7", "touch /y"), 0u);
  EXPECT_EQ(*machine.disk.content("/log"), "one\n");
  EXPECT_EQ(machine.running, 0u);
}

Task<void> run_a_slow_tool(sim::Node& node, sim::SimMachine& machine) {
  sim::SimProcesses processes(machine, Random(1), node.incarnation());
  auto process = co_await processes.spawn(
      {.argv = {"bash", "-c", "seq 1 100000; sleep 10; touch /late"}, .environment = {{"RELIANT_REQUEST_ID", "req_7"}}});
  (void)co_await (*process)->wait(kNever);
}

TEST(SimulatedProcess, GoesOnWhenItsDaemonIsKilledUntilTheNextLifeEndsIt) {
  for (const bool ended : {false, true}) {
    sim::SimMachine machine;
    sim::Simulation simulation(3);
    sim::Node& node = simulation.add_node("daemon");
    node.start([&](sim::Node& self) { return run_a_slow_tool(self, machine); });
    simulation.run_for(1s);
    node.crash();
    simulation.run_for(1s);
    EXPECT_EQ(machine.running, 1u);
    std::optional<Result<std::set<std::string>>> killed;
    const auto end = [](sim::SimMachine& of, auto& out) -> Task<void> {
      sim::SimProcesses next_life(of, Random(2));
      out = co_await next_life.kill_by_environment("RELIANT_REQUEST_ID", {"req_7"}, kNever);
    };
    if (ended) simulation.world().spawn(end(machine, killed));
    simulation.run_for(20s);
    if (ended) EXPECT_EQ(**killed, std::set<std::string>{"req_7"});
    EXPECT_EQ(machine.disk.content("/late") != nullptr, !ended);
    EXPECT_EQ(machine.running, 0u);
    machine.processes.clear();  // before the executor
  }
}

// The disk and the record outlive the node; its processes do not, and none acts after the crash.
TEST(SimulatedProcess, DiesWithItsNodeBetweenTwoCommands) {
  bool saw_half = false;
  for (int steps = 1; steps < 12; ++steps) {
    Executor executor(3);
    sim::SimMachine machine;
    {
      sim::SimProcesses processes(machine, Random(1));
      TaskScope scope(executor, 1);
      scope.spawn([](sim::SimProcesses& all) -> Task<void> {
        auto process = co_await all.spawn({.argv = {"bash", "-c", "touch /a; sleep 1; touch /b"}});
        (void)co_await (*process)->wait(kNever);
      }(processes));
      executor.run(static_cast<std::uint64_t>(steps));
    }
    executor.run();
    EXPECT_EQ(machine.running, 0u);
    saw_half = saw_half || (machine.disk.content("/a") != nullptr && machine.disk.content("/b") == nullptr);
  }
  EXPECT_TRUE(saw_half);
}

}  // namespace
}  // namespace reliant::tests
