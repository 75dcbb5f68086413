// The two machines on which the process and filesystem contracts are tried: this one, and a simulated one.
#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/posix_filesystem.h"
#include "adapters/posix/posix_process.h"
#include "base/assert.h"
#include "runtime/scope.h"
#include "world/sim_filesystem.h"
#include "world/sim_process.h"

namespace reliant::tests {

class PosixMachine {
 public:
  PosixMachine() {
    std::string name = (std::filesystem::temp_directory_path() / "reliant-XXXXXX").string();
    RELIANT_ASSERT(mkdtemp(name.data()) != nullptr, "the directory for temporary files must be writable");
    directory_ = std::filesystem::canonical(name).string();
  }
  PosixMachine(const PosixMachine&) = delete;
  PosixMachine& operator=(const PosixMachine&) = delete;
  ~PosixMachine() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  adapters::AsioExecutor& executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::Processes& processes() { return processes_; }
  ports::Filesystem& filesystem() { return filesystem_; }
  void close_paths(const std::vector<std::string>& paths) { filesystem_.close_paths(paths); }
  const std::string& directory() const { return directory_; }  // there, empty, of our own
  bool run(const std::function<bool()>& done) { return executor_.run_loop_until(done, std::chrono::seconds(40)); }

 private:
  static std::vector<std::string> environment() {
    std::vector<std::string> all;
    for (char** entry = environ; *entry; ++entry) all.emplace_back(*entry);
    return all;
  }

  std::string directory_;
  adapters::AsioExecutor executor_;
  adapters::PosixProcesses processes_{executor_, environment()};
  adapters::PosixFilesystem filesystem_{executor_};
  TaskScope scope_{executor_, 0};
};

class SimulatedMachine {
 public:
  SimulatedMachine() {
    for (const std::string& path : {directory_, std::string("/dev")})
      RELIANT_ASSERT(machine_.disk.make_directories(path).ok(), "the disk is empty");
  }
  Executor& executor() { return executor_; }
  TaskScope& scope() { return scope_; }
  ports::Processes& processes() { return processes_; }
  ports::Filesystem& filesystem() { return filesystem_; }
  void close_paths(const std::vector<std::string>& paths) { filesystem_.close_paths(paths); }
  const std::string& directory() const { return directory_; }
  bool run(const std::function<bool()>& done) {
    while (!done()) {
      if (!executor_.step()) return done();
    }
    return true;
  }

 private:
  std::string directory_ = "/home/user";
  Executor executor_{7};
  sim::SimMachine machine_;
  sim::SimProcesses processes_{machine_, Random(1)};
  sim::SimFilesystem filesystem_{machine_.disk, machine_.disk_faults, Random(2)};
  TaskScope scope_{executor_, 1};
};

}  // namespace reliant::tests
