// FileThreads: where calls run that may block for as long as a disk or a network file system likes. Calls of one key, a path,
// run one after the other in the order in which they came, even if their callers have been destroyed by then; calls of
// different keys run side by side, on up to `most` threads. So a path that hangs holds one thread, and the others go on.
//
// A caller waits for at most the timeout: DEADLINE_EXCEEDED. A call that has not begun by then is taken back; one that has
// goes on, and its outcome is not known.
//
// Owner: PosixFilesystem. Executor: the logic thread. The destructor drops what has not begun, waits a moment for what has,
// and leaves a thread that still hangs to the end of the process: it touches nothing of ours any more.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/asio/inbox.h"
#include "base/status.h"
#include "base/text.h"
#include "runtime/one_shot.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct FileThreadsOptions {
  std::size_t most = 8;                             // threads; made when they are needed
  Duration timeout = std::chrono::seconds(30);      // for one call, with its wait for a thread
  Duration stop_timeout = std::chrono::seconds(2);  // the destructor's, for calls that have begun
};

class FileThreads {
 public:
  explicit FileThreads(AsioExecutor& executor, FileThreadsOptions options = {});
  FileThreads(const FileThreads&) = delete;
  FileThreads& operator=(const FileThreads&) = delete;
  ~FileThreads();

  // T: a Status or a Result. RESOURCE_EXHAUSTED: the system gives us no thread.
  template <class T>
  Task<T> run(std::string key, std::function<T()> work);
  bool busy(const std::string& key) const;  // a call of this key has not ended

 private:
  using Told = std::function<void()>;  // runs on the logic thread
  struct Job;
  struct Shared;

  std::shared_ptr<Job> start(const std::string& key, std::function<Told()> work);  // nullptr: there is no thread
  void take_back(const std::shared_ptr<Job>& job);                                 // unless it has begun

  AsioExecutor& executor_;
  FileThreadsOptions options_;
  std::shared_ptr<Shared> shared_;  // with the threads
};

template <class T>
Task<T> FileThreads::run(std::string key, std::function<T()> work) {
  // Shared with the work: the caller may be gone when it is done.
  auto answer = std::make_shared<OneShot<T>>();
  const auto job = start(key, [answer, work = std::move(work)]() -> Told {
    auto result = std::make_shared<T>(work());
    return [answer, result] { answer->set(std::move(*result)); };
  });
  if (!job)
    co_return resource_exhausted("the system has no thread left for ", key, "; raise the limit of processes (ulimit -u)");
  std::optional<T> result = co_await answer->wait(after(executor_.now(), options_.timeout));
  if (result) co_return *std::move(result);
  take_back(job);
  co_return deadline_exceeded(key, ": the file system has not answered within ",
                              std::chrono::ceil<std::chrono::seconds>(options_.timeout).count(),
                              " s; if it is mounted over a network, see whether its server is there");
}

}  // namespace reliant::adapters
