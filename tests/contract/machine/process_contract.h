// What every Processes promises, as tests. A world gives `executor()`, `scope()`, `processes()` and
// `run(done)`, which lets its time pass until `done()` holds. Only bash scripts that both the real and the
// simulated shell understand.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "ports/process.h"
#include "runtime/executor.h"
#include "runtime/scope.h"

namespace reliant::tests {

using ports::ExitStatus;
using ports::ProcessOutput;
using ports::ProcessSignal;
using ProcessPtr = std::unique_ptr<ports::Process>;
using namespace std::chrono_literals;

template <class World>
class ProcessContract : public ::testing::Test {
 protected:
  static constexpr Duration kLong = 30s;

  template <class T>
  T get(Task<T> task) {
    std::optional<T> value;
    TaskScope scope(world_.scope().context());
    scope.spawn(keep(std::move(task), value));
    EXPECT_TRUE(world_.run([&] { return value.has_value(); })) << "a call of the contract suite did not end";
    return *std::move(value);
  }
  Instant in(Duration duration) { return world_.executor().now() + duration; }

  static ports::ProcessSpec script(std::string text) { return {.argv = {"bash", "-c", std::move(text)}}; }
  Result<ProcessPtr> spawn(ports::ProcessSpec spec) { return get(world_.processes().spawn(std::move(spec))); }
  ProcessPtr start(std::string text) {
    auto process = spawn(script(std::move(text)));
    EXPECT_TRUE(process.ok()) << process.status();
    return *std::move(process);
  }

  struct Outputs {
    std::string out;
    std::string err;
  };
  Outputs read_all(ports::Process& process) { return get(collect(process)); }
  ExitStatus wait(ports::Process& process) {
    auto status = get(process.wait(in(kLong)));
    EXPECT_TRUE(status.ok()) << status.status();
    return status.value_or(ExitStatus{-1, -1});
  }

  World world_;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
  Task<Outputs> collect(ports::Process& process) {
    Outputs all;
    for (;;) {
      auto output = co_await process.read(in(kLong));
      EXPECT_TRUE(output.ok()) << output.status();
      if (!output.ok() || !output->has_value()) co_return all;
      ((*output)->stream == ProcessOutput::Stream::kStdout ? all.out : all.err) += (*output)->bytes;
    }
  }
};

TYPED_TEST_SUITE_P(ProcessContract);

TYPED_TEST_P(ProcessContract, TellsTheExitCodeAndBothOutputs) {
  auto process = this->start("echo out; echo err >&2; exit 3");
  const auto outputs = this->read_all(*process);
  EXPECT_EQ(outputs.out, "out\n");
  EXPECT_EQ(outputs.err, "err\n");
  EXPECT_EQ(this->wait(*process).code, 3);
  EXPECT_EQ(this->wait(*process).signal, 0);
  EXPECT_GT(process->pid(), 0);
}

TYPED_TEST_P(ProcessContract, AnswersTheSameAtTheEndHoweverOftenAsked) {
  auto process = this->start("echo once");
  EXPECT_EQ(this->read_all(*process).out, "once\n");
  EXPECT_EQ(this->read_all(*process).out, "");
  EXPECT_EQ(this->wait(*process).code, 0);
  EXPECT_EQ(this->wait(*process).code, 0);
}

TYPED_TEST_P(ProcessContract, MayBeWaitedForBeforeItsOutputIsRead) {
  auto process = this->start("echo kept");
  EXPECT_EQ(this->wait(*process).code, 0);
  EXPECT_EQ(this->read_all(*process).out, "kept\n");
}

TYPED_TEST_P(ProcessContract, FeedsStandardInputAndEndsIt) {
  auto spec = this->script("cat");
  spec.standard_input = std::string(300'000, 'x') + "\n";
  auto process = this->spawn(spec);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(this->read_all(**process).out, spec.standard_input);
}

TYPED_TEST_P(ProcessContract, HasNoStandardInputUnlessGiven) {
  auto process = this->start("cat; echo end");
  EXPECT_EQ(this->read_all(*process).out, "end\n");
}

TYPED_TEST_P(ProcessContract, AddsToTheEnvironment) {
  auto spec = this->script("echo $RELIANT_REQUEST_ID");
  spec.environment["RELIANT_REQUEST_ID"] = "req_1";
  auto process = this->spawn(spec);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(this->read_all(**process).out, "req_1\n");
}

TYPED_TEST_P(ProcessContract, RunsInTheWorkingDirectory) {
  auto spec = this->script("pwd; echo text > made; cat made");
  spec.working_directory = this->world_.directory();
  auto process = this->spawn(spec);
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ(this->read_all(**process).out, spec.working_directory + "\ntext\n");
}

TYPED_TEST_P(ProcessContract, RefusesAMissingProgramAndAMissingDirectory) {
  EXPECT_EQ(this->spawn({.argv = {"no-such-program-at-all"}}).status().code(), StatusCode::kNotFound);
  auto spec = this->script("pwd");
  spec.working_directory = "/no/such/directory";
  EXPECT_EQ(this->spawn(spec).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(this->spawn({}).status().code(), StatusCode::kInvalidArgument);
}

TYPED_TEST_P(ProcessContract, KeepsToItsDeadlines) {
  auto process = this->start("sleep 20");
  EXPECT_EQ(this->get(process->read(this->in(20ms))).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(this->get(process->wait(this->in(20ms))).status().code(), StatusCode::kDeadlineExceeded);
}

TYPED_TEST_P(ProcessContract, IsEndedByASignal) {
  auto process = this->start("echo up; sleep 20");
  ASSERT_TRUE(this->get(process->read(this->in(this->kLong))).ok());
  EXPECT_TRUE(process->signal(ProcessSignal::kTerminate).ok());
  EXPECT_EQ(this->wait(*process).signal, 15);
  EXPECT_EQ(this->read_all(*process).out, "");
}

TYPED_TEST_P(ProcessContract, SaysThatThereIsNothingLeftToSignal) {
  auto process = this->start("exit 0");
  EXPECT_EQ(this->wait(*process).code, 0);
  EXPECT_EQ(process->signal(ProcessSignal::kKill).code(), StatusCode::kNotFound);
}

TYPED_TEST_P(ProcessContract, SlowsDownAProcessThatNobodyReads) {
  auto process = this->start("seq 50000; echo text > /dev/null");
  EXPECT_EQ(this->get(process->wait(this->in(300ms))).status().code(), StatusCode::kDeadlineExceeded);
  const std::string out = this->read_all(*process).out;
  EXPECT_EQ(out.size(), 288'894u);
  EXPECT_TRUE(out.ends_with("\n49999\n50000\n"));
  EXPECT_EQ(this->wait(*process).code, 0);
}

TYPED_TEST_P(ProcessContract, LosesNothingWhenAReaderIsDestroyed) {
  auto process = this->start("sleep 0.05; echo one; sleep 0.05; echo two");
  std::string out;
  for (int i = 0; i < 400 && out.size() < 8; ++i) {
    auto output = this->get(process->read(this->in(1ms)));
    if (output.ok() && output->has_value()) out += (*output)->bytes;
  }
  EXPECT_EQ(out, "one\ntwo\n");
}

TYPED_TEST_P(ProcessContract, CanRunManyAtOnce) {
  std::vector<ProcessPtr> all;
  all.reserve(8);
  for (int i = 0; i < 8; ++i) all.push_back(this->start(concat("sleep 0.05; echo ", i)));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(this->read_all(*all[static_cast<std::size_t>(i)]).out, concat(i, "\n"));
}

TYPED_TEST_P(ProcessContract, EndsAProcessThatIsDestroyed) {
  const std::string mark = this->world_.directory() + "/mark";
  this->start(concat("sleep 0.2; echo late > ", mark)).reset();
  auto other = this->start(concat("sleep 0.5; cat ", mark, " > /dev/null"));
  EXPECT_EQ(this->wait(*other).code, 1) << "it ran on after its owner had gone";
}

TYPED_TEST_P(ProcessContract, KillsTheProcessesThatHaveAVariableInTheirEnvironment) {
  const std::string name = "RELIANT_REQUEST_ID";
  const std::string wanted = concat("req_of_", this->world_.directory());  // of this test alone
  auto spec = this->script("sleep 20");
  spec.environment[name] = wanted;
  auto marked = this->spawn(spec);
  auto marked_too = this->spawn(spec);
  spec.environment[name] = wanted + "_not";
  auto other = this->spawn(spec);
  ASSERT_TRUE(marked.ok() && marked_too.ok() && other.ok());
  const auto kill = [&] {
    return this->get(this->world_.processes().kill_by_environment(name, {wanted, "req_of_none"}, this->in(this->kLong)));
  };
  EXPECT_EQ(kill().value_or(std::set<std::string>{"failed"}), std::set<std::string>{wanted});
  EXPECT_EQ(this->wait(**marked).signal, 9);
  EXPECT_EQ(this->wait(**marked_too).signal, 9);
  EXPECT_EQ(this->get((*other)->wait(this->in(20ms))).status().code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(kill().value_or(std::set<std::string>{"failed"}), std::set<std::string>{});
}

REGISTER_TYPED_TEST_SUITE_P(ProcessContract, TellsTheExitCodeAndBothOutputs, AnswersTheSameAtTheEndHoweverOftenAsked,
                            MayBeWaitedForBeforeItsOutputIsRead, FeedsStandardInputAndEndsIt, HasNoStandardInputUnlessGiven,
                            AddsToTheEnvironment, RunsInTheWorkingDirectory, RefusesAMissingProgramAndAMissingDirectory,
                            KeepsToItsDeadlines, IsEndedByASignal, SaysThatThereIsNothingLeftToSignal,
                            SlowsDownAProcessThatNobodyReads, LosesNothingWhenAReaderIsDestroyed, CanRunManyAtOnce,
                            EndsAProcessThatIsDestroyed, KillsTheProcessesThatHaveAVariableInTheirEnvironment);

}  // namespace reliant::tests
