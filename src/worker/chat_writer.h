// ChatWriter: writes updates of one chat while an answer or output streams, in batches: the first at once, then everything
// gathered since the last commit. A slow database makes fewer, larger writes; a fast one shows every word at once. Written
// first, published second (R58).
//
// Owner: one attempt of one activity. Executor: the logic thread. A write that takes longer than kWriteTimeout fails
// the activity, which is retried; the stream keeps a repeated update from being written twice.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/status.h"
#include "model/update.h"
#include "runtime/clock.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "store/store.h"
#include "updates/update_hub.h"

namespace reliant::worker {

class ChatWriter {
 public:
  static constexpr Duration kWriteTimeout = std::chrono::seconds(30);
  static constexpr std::size_t kMaxGathered = 256;  // then the producer waits

  // References outlive it.
  ChatWriter(Context& context, store::Store& store, updates::UpdateHub& hub, Clock& clock, UserId user, ChatId chat,
             store::UpdateStream stream);

  // Waits only while too much has gathered.
  Task<void> write(store::NewUpdate update);
  // Told the last position of each batch once it is written.
  void on_written(std::function<void(std::int64_t position)> told) { told_ = std::move(told); }
  // Everything written and published, or why not.
  Task<Status> flush();

 private:
  Task<void> drain();

  store::Store& store_;
  updates::UpdateHub& hub_;
  Clock& clock_;
  UserId user_;
  ChatId chat_;
  store::UpdateStream stream_;
  std::vector<store::NewUpdate> gathered_;
  std::function<void(std::int64_t)> told_;
  bool draining_ = false;
  Event settled_;  // set whenever a batch has ended
  Status status_;
  TaskScope scope_;
};

}  // namespace reliant::worker
