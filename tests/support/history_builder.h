// HistoryBuilder: writes the history of one run as a server would, event by event, from commands and from
// what happens outside. For tests of what reads histories.
#pragma once

#include <temporal/api/command/v1/message.pb.h>
#include <temporal/api/history/v1/message.pb.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/status.h"
#include "runtime/time.h"

namespace reliant::tests {

using HistoryEvent = ::temporal::api::history::v1::HistoryEvent;
using Command = ::temporal::api::command::v1::Command;

class HistoryBuilder {
 public:
  explicit HistoryBuilder(std::string workflow_type = "Test", std::string input = "");

  const std::vector<HistoryEvent>& events() const { return events_; }
  std::int64_t last_id() const { return static_cast<std::int64_t>(events_.size()); }
  // Of the commands that were applied: what is open now.
  std::vector<std::string> open_activities() const;  // ids, in the order scheduled
  std::vector<std::string> cancelling_activities() const;
  std::vector<std::string> open_timers() const;
  bool closed() const { return closed_; }

  void advance(Duration by) { now_ += by; }
  void task_scheduled();
  void task_started(bool suggest_continue_as_new = false);
  void task_failed();
  void task_timed_out();
  // WorkflowTaskCompleted and one event for each command.
  void task_completed(const std::vector<Command>& commands);

  void activity_completed(const std::string& id, const std::string& result);
  void activity_failed(const std::string& id, const Status& status);
  void activity_timed_out(const std::string& id);
  void activity_cancelled(const std::string& id);
  void timer_fired(const std::string& id);
  void signalled(const std::string& name, const std::string& input);
  void cancel_requested();
  void terminated();

 private:
  struct Activity {
    std::int64_t scheduled = 0;
    bool cancelling = false;
  };
  HistoryEvent& add(::temporal::api::enums::v1::EventType type);
  std::int64_t activity_started(const std::string& id);
  void apply(const Command& command);

  std::vector<HistoryEvent> events_;
  std::map<std::int64_t, std::string> activity_ids_;
  std::map<std::string, Activity> activities_;  // open ones
  std::map<std::string, std::int64_t> timers_;  // open ones
  std::int64_t task_scheduled_ = 0;
  std::int64_t task_started_ = 0;
  WallTime now_{std::chrono::hours(24 * 365 * 50)};
  bool closed_ = false;
};

}  // namespace reliant::tests
