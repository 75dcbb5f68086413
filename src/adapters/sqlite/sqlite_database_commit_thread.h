// SqliteCommitThread: a thread that waits for the disk, so that the logic thread does not: it makes the commits of a SqliteDatabase.
//
// Owner: the SqliteDatabase. run() is for the logic thread, where `told` runs too, as long as this lives. The destructor
// ends what was begun, and joins the thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include <absl/functional/any_invocable.h>

#include "adapters/asio/inbox.h"
#include "adapters/sqlite/sqlite_database.h"

namespace reliant::adapters {

class SqliteCommitThread final : public SqliteCommitter {
 public:
  explicit SqliteCommitThread(AsioExecutor& executor);
  SqliteCommitThread(const SqliteCommitThread&) = delete;
  SqliteCommitThread& operator=(const SqliteCommitThread&) = delete;
  ~SqliteCommitThread() override;

  void run(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> told) override;

 private:
  struct Job {
    absl::AnyInvocable<void()> work;
    absl::AnyInvocable<void()> told;
  };
  void work();

  const std::shared_ptr<Inbox> inbox_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace reliant::adapters
