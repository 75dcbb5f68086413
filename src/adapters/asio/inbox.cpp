#include "adapters/asio/inbox.h"

#include <algorithm>
#include <utility>

#include "base/finally.h"

namespace reliant::adapters {

namespace {

// Items that run in one go before the logic's other work, which may be what consumes their results.
constexpr std::size_t kAtOnce = 64;

}  // namespace

std::shared_ptr<Inbox> Inbox::open(AsioExecutor& executor, std::size_t limit) {
  return std::shared_ptr<Inbox>(new Inbox(executor, limit));
}

bool Inbox::post(Work work) {
  std::unique_lock lock(mutex_);
  const auto may_add = [this] { return executor_ == nullptr || waiting_.size() < limit_; };
  if (executor_ != nullptr && !executor_->runs_here()) room_.wait(lock, may_add);
  if (executor_ == nullptr) return false;
  waiting_.push(std::move(work));
  if (!called_) run_later();
  return true;
}

void Inbox::run_later() {
  called_ = true;
  executor_->post([self = shared_from_this()] { self->run(); });
}

// Work that is posted while this runs waits until the logic's other work has run.
void Inbox::run() {
  std::size_t left = 0;
  {
    const std::lock_guard lock(mutex_);
    left = std::min(waiting_.size(), kAtOnce);
  }
  const Finally run_the_rest_later([this] {
    const std::lock_guard lock(mutex_);
    called_ = false;
    if (executor_ != nullptr && !waiting_.empty()) run_later();
  });
  for (; left > 0; --left) {
    Work work = next();
    if (!work) return;
    work();
  }
}

Inbox::Work Inbox::next() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return nullptr;
  if (waiting_.size() == limit_) room_.notify_all();
  return waiting_.pop();
}

void Inbox::close() {
  Ring<Work> dropped;  // destroyed without the lock: what it holds may post
  const std::lock_guard lock(mutex_);
  executor_ = nullptr;
  std::swap(dropped, waiting_);
  room_.notify_all();
}

}  // namespace reliant::adapters
