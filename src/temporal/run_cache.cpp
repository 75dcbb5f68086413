#include "temporal/run_cache.h"

#include <utility>

namespace reliant::temporal {

std::unique_ptr<WorkflowRun> RunCache::take(const std::string& run_id) {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return nullptr;
  std::unique_ptr<WorkflowRun> run = std::move(found->second.run);
  by_use_.erase(found->second.used);
  runs_.erase(found);
  return run;
}

void RunCache::put(std::unique_ptr<WorkflowRun> run) {
  if (capacity_ == 0 || run->ended() || run->broken()) return;
  const std::string run_id = run->run_info().run_id;
  const auto found = runs_.find(run_id);
  if (found != runs_.end() && found->second.run->last_event_id() > run->last_event_id()) return;
  erase(run_id);
  if (runs_.size() == capacity_) erase(std::string(by_use_.begin()->second));
  const std::uint64_t use = ++uses_;
  by_use_.emplace(use, run_id);
  runs_.emplace(run_id, Entry{std::move(run), use});
}

void RunCache::erase(const std::string& run_id) { take(run_id); }

void RunCache::clear() {
  runs_.clear();
  by_use_.clear();
}

}  // namespace reliant::temporal
