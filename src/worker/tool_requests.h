// ToolRequests: what an attempt of run_tool writes down of its request, so that the attempts after it, and the gateways, know
// what was asked of whom. There are two ways, and the tool's effect decides which one is taken:
//
//   RecordedRequests   a row in the outbox (store/executions.h): once a daemon was given the request, only that daemon is asked
//                      again, and the tool runs once or its outcome is honestly unknown (C6, C7)
//   ReadRequests       what only reads may run again: no row, no daemon that must be asked again, nothing that a gateway replays.
//                      What is written is who asked for what where (C50)
//
// Owner: ChatActivities. Executor: the logic thread. References outlive it. Failures are the store's.
#pragma once

#include <optional>
#include <string_view>

#include "base/event_log.h"
#include "base/ids.h"
#include "base/status.h"
#include "model/tool.h"
#include "runtime/task.h"
#include "store/store.h"

namespace reliant::worker {

class ToolRequests {
 public:
  virtual ~ToolRequests() = default;

  // Whether the request has a row, which is written before anybody is asked.
  virtual bool recorded() const = 0;
  // `last` says why it is asked for again. `sent`: some daemon may have it.
  virtual void note_asked_again(const model::ToolRequest& request, const Status& last) = 0;
  // What a daemon's answer means when others may have been sent the request before.
  virtual model::ToolResult answered(model::ToolResult result, bool sent) = 0;
  // The wait is over: what is told instead of a result, or the result that came in the meantime.
  virtual Task<Result<model::ToolResult>> give_up(model::ToolRequest request, bool sent, Status last, Instant deadline) = 0;
  // The user's cancel is written down, for whoever holds the daemon next (C9). True: the request has ended already.
  virtual Task<bool> ask_cancel(RequestId request, Instant deadline) = 0;
  // The result that is written down by now, if there is one.
  virtual Task<std::optional<model::ToolResult>> end_of(RequestId request, Instant deadline) = 0;
  // Where the result may still come to when its outcome is unknown. Empty: nowhere.
  virtual RequestId row_of(RequestId request) const = 0;
};

class RecordedRequests final : public ToolRequests {
 public:
  explicit RecordedRequests(store::Store& store) : store_(store) {}

  bool recorded() const override { return true; }
  void note_asked_again(const model::ToolRequest&, const Status&) override {}
  model::ToolResult answered(model::ToolResult result, bool) override { return result; }
  Task<Result<model::ToolResult>> give_up(model::ToolRequest request, bool sent, Status last, Instant deadline) override;
  Task<bool> ask_cancel(RequestId request, Instant deadline) override;
  Task<std::optional<model::ToolResult>> end_of(RequestId request, Instant deadline) override;
  RequestId row_of(RequestId request) const override { return request; }

 private:
  store::Store& store_;
};

class ReadRequests final : public ToolRequests {
 public:
  explicit ReadRequests(EventLog& log) : log_(log) {}

  bool recorded() const override { return false; }
  void note_asked_again(const model::ToolRequest& request, const Status& last) override;
  model::ToolResult answered(model::ToolResult result, bool sent) override;
  Task<Result<model::ToolResult>> give_up(model::ToolRequest request, bool sent, Status last, Instant deadline) override;
  Task<bool> ask_cancel(RequestId request, Instant deadline) override;
  Task<std::optional<model::ToolResult>> end_of(RequestId request, Instant deadline) override;
  RequestId row_of(RequestId) const override { return {}; }

 private:
  EventLog& log_;
};

// Told of a request that was given up; of a recorded one the same in every attempt.
model::ToolResult given_up(bool sent, std::string_view why);
model::ToolResult not_executed(std::string content);

}  // namespace reliant::worker
