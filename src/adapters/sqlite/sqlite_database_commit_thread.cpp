#include "adapters/sqlite/sqlite_database_commit_thread.h"

#include <utility>

namespace reliant::adapters {

SqliteCommitThread::SqliteCommitThread(AsioExecutor& executor) : inbox_(Inbox::open(executor)), thread_([this] { work(); }) {}

SqliteCommitThread::~SqliteCommitThread() {
  inbox_->close();
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SqliteCommitThread::run(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> told) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({std::move(work), std::move(told)});
  }
  changed_.notify_all();
}

void SqliteCommitThread::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.work();
    inbox_->post(std::move(job.told));
    lock.lock();
  }
}

}  // namespace reliant::adapters
