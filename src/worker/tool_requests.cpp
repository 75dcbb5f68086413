#include "worker/tool_requests.h"

#include <utility>

#include "base/cause.h"
#include "base/text.h"

namespace reliant::worker {

model::ToolResult not_executed(std::string content) {
  model::ToolResult result;
  result.outcome = model::Outcome::kNotExecuted;
  result.is_error = true;
  result.content = std::move(content);
  return result;
}

model::ToolResult given_up(bool sent, std::string_view why) {
  if (!sent) {
    return not_executed(concat("DAEMON_OFFLINE: the tool was not run: ", why,
                               ". Tell the user that the daemon must be connected."));
  }
  model::ToolResult result;
  result.outcome = model::Outcome::kUnknown;
  result.is_error = true;
  result.content = concat("It is not known whether the tool ran: ", why, ". Find out before running it again.");
  return result;
}

// --- recorded --------------------------------------------------------------------------------------------------------

// From here on no gateway sends the request to the daemon any more, so what it was last is what it stays: never sent, or
// sent, and then only the daemon knows.
Task<Result<model::ToolResult>> RecordedRequests::give_up(model::ToolRequest request, bool, Status last, Instant deadline) {
  CO_TRY_ASSIGN(const auto lost, co_await store_.executions().lose(request.id, deadline));
  if (lost.result) co_return *lost.result;
  co_return given_up(lost.dispatched(), message_of(last));
}

Task<bool> RecordedRequests::ask_cancel(RequestId request, Instant deadline) {
  const auto recorded = co_await store_.executions().ask_cancel(std::move(request), std::nullopt, deadline);
  co_return recorded.ok() && recorded->result;
}

Task<std::optional<model::ToolResult>> RecordedRequests::end_of(RequestId request, Instant deadline) {
  const auto recorded = co_await store_.executions().get(std::move(request), deadline);
  if (!recorded.ok()) co_return std::nullopt;
  co_return recorded->result;
}

// --- reads -----------------------------------------------------------------------------------------------------------

void ReadRequests::note_asked_again(const model::ToolRequest& request, const Status& last) {
  log_.info("worker.read.asked_again", {{"user", request.user.str()},
                                        {"daemon", request.daemon.str()},
                                        {"request_id", request.id.str()},
                                        {"error", described(last)}});
}

// That the last one to be asked did not run it says nothing of those before.
model::ToolResult ReadRequests::answered(model::ToolResult result, bool sent) {
  if (result.outcome == model::Outcome::kNotExecuted && sent) result.outcome = model::Outcome::kUnknown;
  return result;
}

Task<Result<model::ToolResult>> ReadRequests::give_up(model::ToolRequest, bool sent, Status last, Instant) {
  co_return given_up(sent, message_of(last));
}

// What only reads is sent by the attempt that hears of the cancel, and no other; it lets go by itself.
Task<bool> ReadRequests::ask_cancel(RequestId, Instant) { co_return false; }

Task<std::optional<model::ToolResult>> ReadRequests::end_of(RequestId, Instant) { co_return std::nullopt; }

}  // namespace reliant::worker
