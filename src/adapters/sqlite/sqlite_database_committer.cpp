#include "adapters/sqlite/sqlite_database_committer.h"

namespace reliant::adapters {

SqliteCommitter::SqliteCommitter(PostToLogicThread post) : post_(std::move(post)), thread_([this] { work(); }) {}

SqliteCommitter::~SqliteCommitter() {
  *open_ = false;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SqliteCommitter::run(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> told) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(told)});
  }
  changed_.notify_all();
}

void SqliteCommitter::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.work();
    post_([open = open_, told = std::move(job.told)]() mutable {
      if (*open) told();
    });
    lock.lock();
  }
}

}  // namespace reliant::adapters
