#include "worker/chat_writer.h"

#include <algorithm>
#include <utility>

namespace reliant::worker {

ChatWriter::ChatWriter(Context& context, store::Store& store, updates::UpdateHub& hub, Clock& clock, UserId user,
                       ChatId chat)
    : store_(store), hub_(hub), clock_(clock), user_(std::move(user)), chat_(std::move(chat)), scope_(context) {}

Task<void> ChatWriter::write(store::NewUpdate update, std::uint64_t mark) {
  while (gathered_.size() >= kMaxGathered && status_.ok()) {
    settled_.reset();
    co_await settled_.wait();
  }
  if (!status_.ok()) co_return;  // flush() tells
  gathered_.push_back(std::move(update));
  mark_ = std::max(mark_, mark);
  if (!std::exchange(draining_, true)) scope_.spawn(drain());
}

Task<void> ChatWriter::drain() {
  while (!gathered_.empty() && status_.ok()) {
    const std::uint64_t mark = mark_;
    auto written = co_await store_.updates().append(user_, chat_, std::exchange(gathered_, {}),
                                                    clock_.now() + kPatience);
    if (written.ok())
      hub_.publish(user_, chat_, *written);
    else
      status_ = written.status();
    if (written.ok() && told_ && mark > 0) told_(mark);
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
