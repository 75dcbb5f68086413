// SqliteCommitter: a thread that waits for the disk, so that the logic thread does not: it makes the commits of a SqliteDatabase.
//
// Owner: the SqliteDatabase. run() is for the logic thread, where the answers are told too, as long as it lives. The destructor
// ends what was begun, and joins the thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <absl/functional/any_invocable.h>

namespace reliant::adapters {

// Has work done on the logic thread; may be called from any thread.
using PostToLogicThread = std::function<void(absl::AnyInvocable<void()>)>;

class SqliteCommitter {
 public:
  explicit SqliteCommitter(PostToLogicThread post);
  SqliteCommitter(const SqliteCommitter&) = delete;
  SqliteCommitter& operator=(const SqliteCommitter&) = delete;
  ~SqliteCommitter();

  // `work` on the thread, and then `told` on the logic thread.
  void run(absl::AnyInvocable<void()> work, absl::AnyInvocable<void()> told);

 private:
  struct Job {
    absl::AnyInvocable<void()> work;
    absl::AnyInvocable<void()> told;
  };
  void work();

  const PostToLogicThread post_;
  const std::shared_ptr<bool> open_ = std::make_shared<bool>(true);  // of the logic thread
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace reliant::adapters
