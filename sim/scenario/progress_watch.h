// ProgressWatch: whether the unfinished chats still make progress, for the message about a run that took too long.
//
// Owner: the run; a sink of its trace.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "kernel/trace.h"

namespace reliant::sim {

class ProgressWatch final : public TraceSink {
 public:
  void on_record(const TraceRecord& record) override;
  // "still progressing (12 updates in the last 60s): raise phases.quiesce", or the last record of the chat that is silent for
  // longest.
  std::string describe(Instant now) const;

 private:
  struct Last {
    std::string name;
    Instant time{};
    std::uint32_t node = 0;
  };

  static constexpr Duration kRecent = std::chrono::minutes(1);

  std::map<std::string, Last> chats_;  // unfinished ones, with their last record
  std::deque<Instant> updates_;        // that clients have seen, of the last minute
};

}  // namespace reliant::sim
