// What travels over the bus between a router and the gateway that holds a daemon (R47 to R49, R61, C3 to C5, C9). JSON.
// Fields that a reader does not know are ignored, since its peer may be a newer version; a command that it does not know
// is answered with an error that says so.
//
//   router  -> tools.request.sync.{user}.{daemon}   ToolExecutionRequest       reply: the router's inbox
//   gateway -> inbox   accepted     the gateway has the request; said on the user lane only, where others could have it
//   gateway -> inbox   output       one numbered chunk, or a piece of one that is too large for one message (C42)
//   gateway -> inbox   alive        nothing new, still running: silence means that the gateway is gone
//   gateway -> inbox   result       the end; large content comes in parts before it
//   gateway -> inbox   error        the request was not taken: code, message, reason
//   router  -> daemon.command.{user}.{daemon}       DaemonCommand              reply: one DaemonCommandReply
//
// That is the per-daemon lane. On the user lane, the seeds' own, the same messages go to subjects without {daemon}:
//
//   tools.request.{user}       queue group: one gateway takes it, and passes it on once, to the holder (kHopsHeader)
//   tools.cancel.{user}        likewise, a DaemonCommand
//   tools.request.sync.{user}  every gateway hears it, the holder answers, the others stay silent
//   daemon.command.{user}      likewise, a DaemonCommand; "accepted" comes before the reply, so silence means no holder
//   tools.online.{user}        likewise, a question; each gateway that holds daemons of the user answers with a list
//
// Gateways announce every stream that they accept (kDaemonAcceptedPattern): the holder of an older one releases it (C2).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "model/daemon_status.h"
#include "model/tool.h"

namespace reliant::model {

struct ToolExecutionRequest {
  ToolRequest request;
  std::int64_t deadline_ms = 0;           // wall time, since 1970: past it no daemon starts the request
  std::uint64_t resume_output_after = 0;  // the last chunk the router has
};

struct ToolAccepted {};
struct ToolAlive {};
struct ToolOutputChunk {
  std::uint64_t chunk = 0;
  std::string data;
  bool gap = false;
  bool more = false;     // `data` goes on in the next message
  std::uint64_t at = 0;  // bytes of it that came before
};
struct ToolResultPart {  // content of a result too large for one message, in order
  std::string data;
  std::uint64_t at = 0;  // bytes of it that came before
};
struct ToolDone {
  ToolResult result;     // its content follows the parts, if there were any
  std::uint64_t at = 0;  // bytes of those
};
struct ToolRefused {
  Status status;
};
using ToolReply = std::variant<ToolAccepted, ToolAlive, ToolOutputChunk, ToolResultPart, ToolDone, ToolRefused>;

// How often a message was passed on by a gateway that does not hold its daemon, and how often that may be (C3).
inline constexpr std::string_view kHopsHeader = "Reliant-Hops";
inline constexpr int kMaxHops = 1;
using Headers = std::map<std::string, std::string>;
int hops_of(const Headers& headers);  // what cannot be read counts as kMaxHops: never passed on
// tools.response.{user}.{request} is heard by every attempt of a request: answers carry the header of the attempt that they
// answer, and the others leave them alone.
inline constexpr std::string_view kAttemptHeader = "Reliant-Attempt";
std::string attempt_of(const Headers& headers);  // "": none

// kCancel and kOnline say what they are. kKill ends what a running request has started, at once and without grace;
// kReload has the daemon read again what it can of its configuration; kUnknown is a command of a newer version, which only the
// holder of the daemon rejects as unknown.
enum class DaemonCommandKind : std::uint8_t { kCancel, kOnline, kKill, kReload, kUnknown };

struct DaemonCommand {
  DaemonCommandKind kind = DaemonCommandKind::kOnline;
  UserId user;
  DaemonId daemon;
  RequestId request;  // kCancel, kKill
  std::string word;   // kUnknown
};

// A daemon that a gateway holds, as it answers on tools.online.{user} (C19).
struct HeldDaemon {
  DaemonId daemon;
  std::int64_t epoch = 0;
  GatewayId gateway;
  DaemonConnection connection = DaemonConnection::kDisconnected;

  friend bool operator==(const HeldDaemon&, const HeldDaemon&) = default;
};

// "I have accepted a stream of this daemon": older epochs are over (C2).
struct DaemonAccepted {
  UserId user;
  DaemonId daemon;
  std::int64_t epoch = 0;
  GatewayId gateway;
};

std::string encode(const ToolExecutionRequest& message);
std::string encode(const ToolReply& message);
std::string encode(const DaemonCommand& message);
std::string encode_command_accepted();
std::string encode_command_reply(const Status& status);
std::string encode(const std::vector<HeldDaemon>& held);
std::string encode_held_question(const UserId& user);
std::string encode(const DaemonAccepted& notice);

Result<ToolExecutionRequest> decode_tool_request(std::string_view text);
Result<ToolReply> decode_tool_reply(std::string_view text);
Result<DaemonCommand> decode_daemon_command(std::string_view text);
bool is_command_accepted(std::string_view text);
// The status that the holder answered; INTERNAL-free: an unreadable reply is UNAVAILABLE.
Status decode_command_reply(std::string_view text);
Result<std::vector<HeldDaemon>> decode_held_daemons(std::string_view text);
// Whose daemons are asked for; "": the question does not say, as those of clients that do not sign.
Result<UserId> decode_held_question(std::string_view text);
Result<DaemonAccepted> decode_daemon_accepted(std::string_view text);
Status unknown_command(const DaemonCommand& command);  // INVALID_ARGUMENT

}  // namespace reliant::model
