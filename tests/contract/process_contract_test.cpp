#include "contract/process_contract.h"

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
  EXPECT_EQ(read_all(*process).out, "");  // at its end: nobody holds the pipe any more
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
    auto process = co_await all.spawn(
        {.argv = {"bash", "-c", "append /log one; effect mail && touch /x; false && touch /y"},
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
