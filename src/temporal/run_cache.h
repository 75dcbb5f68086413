// RunCache: the runs that this worker has in memory, the least recently used first to go. A run is taken out
// while a task works on it; what is missing is built again from its history.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "temporal/workflow_run.h"

namespace reliant::temporal {

class RunCache {
 public:
  explicit RunCache(std::size_t capacity) : capacity_(capacity) {}

  // Null when it is not here.
  std::unique_ptr<WorkflowRun> take(const std::string& run_id);
  // Keeps it unless it has ended, is broken, or one that knows more is here.
  void put(std::unique_ptr<WorkflowRun> run);
  void erase(const std::string& run_id);
  void clear();
  std::size_t size() const { return runs_.size(); }

 private:
  struct Entry {
    std::unique_ptr<WorkflowRun> run;
    std::uint64_t used = 0;
  };
  std::size_t capacity_;
  std::uint64_t uses_ = 0;
  std::map<std::string, Entry> runs_;
  std::map<std::uint64_t, std::string> by_use_;
};

}  // namespace reliant::temporal
