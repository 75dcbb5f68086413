// Runs tools on a simulated machine, in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/json.h"
#include "runtime/executor.h"
#include "runtime/scope.h"
#include "tools/standard_tools.h"
#include "world/sim_filesystem.h"
#include "world/sim_process.h"

namespace reliant::tools {

class CollectedOutput final : public ToolOutput {
 public:
  Task<void> write(std::string data) override {
    text += data;
    ++writes;
    co_return;
  }
  std::string text;
  int writes = 0;
};

class ToolWorld : public ::testing::Test {
 protected:
  ToolWorld() { EXPECT_TRUE(machine_.disk.make_directories("/project").ok()); }

  // A tool that runs beside the test. Destroying it cancels the tool.
  struct Running {
    Running(Executor& executor, std::uint32_t node) : scope(executor, node) {}
    CollectedOutput output;
    std::optional<model::ToolResult> result;
    TaskScope scope;
  };
  std::unique_ptr<Running> start(std::string_view tool, std::string_view arguments, Instant deadline = kNever) {
    auto running = std::make_unique<Running>(executor_, 1);
    Tool* found = registry_.find(tool);
    EXPECT_NE(found, nullptr);
    const auto parsed = parse_json(arguments);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    ToolInvocation invocation{RequestId("req_1"), *parsed, "/project", deadline};
    running->scope.spawn(run(*found, std::move(invocation), *running));
    return running;
  }
  model::ToolResult call(std::string_view tool, std::string_view arguments, Instant deadline = kNever) {
    auto running = start(tool, arguments, deadline);
    executor_.run();
    EXPECT_TRUE(running->result.has_value()) << tool << " did not end";
    output_ = running->output.text;
    return running->result.value_or(model::ToolResult{});
  }
  void put(const std::string& path, std::string content) {
    EXPECT_TRUE(machine_.disk.make_directories(path.substr(0, path.rfind('/'))).ok());
    EXPECT_TRUE(machine_.disk.write(path, std::move(content), {}).ok());
  }
  std::string content(const std::string& path) {
    const std::string* found = machine_.disk.content(path);
    return found ? *found : "[missing]";
  }

  Executor executor_{11};
  sim::SimMachine machine_;
  sim::SimProcesses processes_{machine_, Random(1)};
  sim::SimFilesystem filesystem_{machine_.disk, machine_.disk_faults, Random(2)};
  ToolRegistry registry_ = make_standard_tools(processes_, filesystem_);
  std::string output_;  // of the last call

 private:
  static Task<void> run(Tool& tool, ToolInvocation invocation, Running& running) {
    running.result = co_await tool.run(std::move(invocation), running.output);
  }
};

}  // namespace reliant::tools
