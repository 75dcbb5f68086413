// One tool call over the bus, as its caller sees it: the request as it is published, and the answer, which is a stream of
// messages (model/tool_messages.h). For every client of the gateways, whichever subject it asks on.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "ports/bus.h"
#include "router/daemon_router.h"
#include "runtime/clock.h"
#include "store/executions.h"

namespace reliant::router {

// `clock` tells the database's time (store/database_clock.h): gateways of other machines judge the deadline by it.
std::string encode_call(const model::ToolRequest& request, const OutputSink& sink, const Clock& clock, Instant deadline);

// Puts an answer together from the messages of its subscription. `messages` and `sink`, which takes the output, outlive it.
class ToolAnswer {
 public:
  ToolAnswer(const ports::BusSubscription& messages, DaemonId daemon, OutputSink& sink)
      : messages_(messages), daemon_(std::move(daemon)), sink_(sink) {}
  // The end of the call: its result, or an error as of DaemonRouter::execute. Nullopt: more messages follow.
  Task<std::optional<Result<model::ToolResult>>> add(ports::BusMessage message);

 private:
  const ports::BusSubscription& messages_;
  DaemonId daemon_;
  OutputSink& sink_;
  // What came in several messages, so far.
  std::string chunk_;
  std::string content_;
};

// `answer`, or what the request's row says when the answer was lost (C5). A call that only reads has no row.
Task<Result<model::ToolResult>> read_again(store::Executions& executions, model::ToolRequest request,
                                           Result<model::ToolResult> answer, const Clock& clock);

}  // namespace reliant::router
