// What travels over the bus between a router and the gateway that holds a daemon (R61, C3, C4, C9). JSON, strictly read.
//
//   router  -> tools.request.sync.{user}.{daemon}   ToolExecutionRequest       reply: the router's inbox
//   gateway -> inbox   accepted     the daemon has the request: it will be run, or is running, or was run
//   gateway -> inbox   output       one numbered chunk (C42: chunks keep every message below the bus's payload limit)
//   gateway -> inbox   alive        nothing new, still running: silence means that the gateway is gone
//   gateway -> inbox   result       the end; large content comes in parts before it
//   gateway -> inbox   error        the request was not taken: code, message, reason
//   router  -> daemon.command.{user}.{daemon}       DaemonCommand              reply: one DaemonCommandReply
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/status.h"
#include "model/tool.h"

namespace reliant::model {

struct ToolExecutionRequest {
  ToolRequest request;
  std::int64_t deadline_ms = 0;           // wall time, since 1970: past it nobody starts the request
  std::uint64_t resume_output_after = 0;  // the last chunk the router has
};

struct ToolAccepted {};
struct ToolAlive {};
struct ToolOutputChunk {
  std::uint64_t chunk = 0;
  std::string data;
  bool gap = false;
};
struct ToolResultPart {  // content of a result too large for one message, in order
  std::string data;
};
struct ToolDone {
  ToolResult result;  // its content follows the parts, if there were any
};
struct ToolRefused {
  Status status;
};
using ToolReply = std::variant<ToolAccepted, ToolAlive, ToolOutputChunk, ToolResultPart, ToolDone, ToolRefused>;

enum class DaemonCommandKind : std::uint8_t { kCancel, kOnline };

struct DaemonCommand {
  DaemonCommandKind kind = DaemonCommandKind::kOnline;
  UserId user;
  DaemonId daemon;
  RequestId request;  // kCancel
};

std::string encode(const ToolExecutionRequest& message);
std::string encode(const ToolReply& message);
std::string encode(const DaemonCommand& message);
std::string encode_command_reply(const Status& status);

Result<ToolExecutionRequest> decode_tool_request(std::string_view text);
Result<ToolReply> decode_tool_reply(std::string_view text);
Result<DaemonCommand> decode_daemon_command(std::string_view text);
// The status that the holder answered; INTERNAL-free: an unreadable reply is UNAVAILABLE.
Status decode_command_reply(std::string_view text);

}  // namespace reliant::model
