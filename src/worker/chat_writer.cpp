#include "worker/chat_writer.h"

#include <utility>

namespace reliant::worker {

ChatWriter::ChatWriter(Context& context, store::Store& store, updates::UpdateHub& hub, Clock& clock, UserId user, ChatId chat,
                       store::UpdateStream stream)
    : store_(store),
      hub_(hub),
      clock_(clock),
      user_(std::move(user)),
      chat_(std::move(chat)),
      stream_(std::move(stream)),
      scope_(context) {}

Task<void> ChatWriter::write(store::NewUpdate update) {
  while (gathered_.size() >= kMaxGathered && status_.ok()) {
    settled_.reset();
    co_await settled_.wait();
  }
  if (!status_.ok()) co_return;  // flush() tells
  gathered_.push_back(std::move(update));
  if (!std::exchange(draining_, true)) scope_.spawn(drain());
}

Task<void> ChatWriter::drain() {
  while (!gathered_.empty() && status_.ok()) {
    const std::int64_t position = gathered_.back().position;
    auto written =
        co_await store_.updates().append(user_, chat_, stream_, std::exchange(gathered_, {}), clock_.now() + kWriteTimeout);
    if (written.ok())
      hub_.publish(user_, chat_, *written);
    else
      status_ = written.status();
    if (written.ok() && told_) told_(position);
    settled_.set();
  }
  draining_ = false;
  settled_.set();
}

Task<Status> ChatWriter::flush() {
  while (draining_) {
    settled_.reset();
    co_await settled_.wait();
  }
  co_return status_;
}

}  // namespace reliant::worker
