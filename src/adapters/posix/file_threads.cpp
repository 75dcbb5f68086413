#include "adapters/posix/file_threads.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace reliant::adapters {

struct FileThreads::Job {
  std::string key;
  std::function<Told()> work;
  bool begun = false;
};

// Owned by the FileThreads and by each thread.
struct FileThreads::Shared {
  const std::shared_ptr<Inbox> inbox;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;                                          // the FileThreads is gone, and so are its callers
  std::map<std::string, std::deque<std::shared_ptr<Job>>> keys;  // the first of each is ready, or has begun
  std::deque<std::shared_ptr<Job>> ready;
  std::size_t threads = 0;
  std::size_t at_work = 0;

  explicit Shared(AsioExecutor& executor) : inbox(Inbox::open(executor)) {}

  // The first of its key has ended or was taken back. Under the mutex.
  void advance(const std::string& key) {
    const auto found = keys.find(key);
    found->second.pop_front();
    if (found->second.empty()) {
      keys.erase(found);
    } else {
      ready.push_back(found->second.front());
    }
  }

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopped || !ready.empty(); });
      if (stopped) return;
      const std::shared_ptr<Job> job = ready.front();
      ready.pop_front();
      job->begun = true;
      ++at_work;
      lock.unlock();
      Told told = job->work();
      job->work = nullptr;
      lock.lock();
      if (!stopped) advance(job->key);  // before its caller goes on, which finds the key free
      changed.notify_all();
      lock.unlock();
      inbox->post(std::move(told));  // may wait for the logic thread, which takes the mutex
      lock.lock();
      --at_work;
      changed.notify_all();
    }
  }
};

FileThreads::FileThreads(AsioExecutor& executor, FileThreadsOptions options)
    : executor_(executor), options_(options), shared_(std::make_shared<Shared>(executor)) {}

FileThreads::~FileThreads() {
  shared_->inbox->close();
  std::unique_lock lock(shared_->mutex);
  shared_->stopped = true;
  shared_->ready.clear();
  shared_->keys.clear();
  shared_->changed.notify_all();
  shared_->changed.wait_for(lock, options_.stop_timeout, [this] { return shared_->at_work == 0; });
}

std::shared_ptr<FileThreads::Job> FileThreads::start(const std::string& key, std::function<Told()> work) {
  Shared& shared = *shared_;
  const std::lock_guard lock(shared.mutex);
  const bool all_busy = shared.at_work + shared.ready.size() >= shared.threads;
  if (all_busy && shared.threads < options_.most) {
    try {
      std::thread([kept = shared_] { kept->serve(); }).detach();
      ++shared.threads;
    } catch (const std::system_error&) {
      if (shared.threads == 0) return nullptr;  // else those that there are take it in turn
    }
  }
  auto job = std::make_shared<Job>(Job{key, std::move(work)});
  auto& of_key = shared.keys[key];
  of_key.push_back(job);
  if (of_key.size() == 1) shared.ready.push_back(job);
  shared.changed.notify_all();
  return job;
}

void FileThreads::take_back(const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(shared_->mutex);
  if (job->begun) return;
  std::erase(shared_->ready, job);
  auto& of_key = shared_->keys.at(job->key);
  if (of_key.front() == job) {
    shared_->advance(job->key);
    shared_->changed.notify_all();
  } else {
    std::erase(of_key, job);
  }
}

bool FileThreads::busy(const std::string& key) const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->keys.contains(key);
}

}  // namespace reliant::adapters
