// Bus subjects: what is one, what matches, and the subjects that this system uses.
//
// A subject is dot-separated tokens. A pattern may use `*` for one token and `>` for all that are left (one or more).
// Outside text becomes a token only through `encode_token` (C41): `.`, `*`, `>`, white space and control characters
// could otherwise address somebody else's subject, or inject a protocol line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/status.h"

namespace reliant::model {

// Non-empty, printable ASCII without white space, `.`, `*` and `>`.
bool valid_token(std::string_view token);
// Of a message: valid tokens only. Of a subscription: `*` and a last `>` as well. "a*" is neither.
bool valid_subject(std::string_view subject);
bool valid_pattern(std::string_view pattern);
// INVALID_ARGUMENT about `field`, with what is wrong and how it should be.
Status check_subject(std::string_view subject, std::string_view field = "subject");
Status check_pattern(std::string_view pattern, std::string_view field = "subject");

// Both have been checked.
bool subject_matches(std::string_view pattern, std::string_view subject);

// Any text as one valid token, one to one: [A-Za-z0-9_-] stand for themselves, every other byte is `=` and two upper-case
// hexadecimal digits, the empty text is `=`. A valid id is its own token, except "sync", which is a word of the
// subjects below ("=73ync").
std::string encode_token(std::string_view text);
// INVALID_ARGUMENT: encode_token never makes that.
Result<std::string> decode_token(std::string_view token);

// What can be asked of a user's daemon (R59 to R62). `tools.request` is fire-and-forget, the others are answered.
enum class DaemonSubject : std::uint8_t {
  kToolRequest,      // tools.request
  kToolRequestSync,  // tools.request.sync
  kToolCancel,       // tools.cancel
  kToolOnline,       // tools.online
  kCommand,          // daemon.command
};
std::string_view prefix_of(DaemonSubject kind);

// "tools.request.sync.{user}.{daemon}": for the gateway that holds the daemon, subscribed only while it does (C3, C4).
std::string daemon_subject(DaemonSubject kind, const UserId& user, const DaemonId& daemon);
// "tools.request.sync.{user}": the seeds' own lane, where the message itself names the daemon.
std::string user_subject(DaemonSubject kind, const UserId& user);
// "tools.request.sync.*" and "tools.request.sync.*.*": what a bridge subscribes for all users.
std::string every_user_pattern(DaemonSubject kind);
std::string every_daemon_pattern(DaemonSubject kind);
// "tools.response.{user}.{request}" (C5).
std::string tool_response_subject(const UserId& user, const RequestId& request);
// "daemon.accepted.{user}.{daemon}": gateways tell each other of accepted streams (C2).
std::string daemon_accepted_subject(const UserId& user, const DaemonId& daemon);
inline constexpr std::string_view kDaemonAcceptedPattern = "daemon.accepted.*.*";
// "daemon.connect" (C30): one member of the queue group takes it.
inline constexpr std::string_view kDaemonConnectSubject = "daemon.connect";

// Whom a subject of `kind` addresses. `daemon` is empty on the user lane.
struct DaemonAddress {
  UserId user;
  DaemonId daemon;

  friend bool operator==(const DaemonAddress&, const DaemonAddress&) = default;
};
// INVALID_ARGUMENT: not a subject of that kind.
Result<DaemonAddress> parse_daemon_subject(DaemonSubject kind, std::string_view subject);

// Walks the tokens of a subject from the left: `while (tokens.next(token))`.
class Tokens {
 public:
  explicit Tokens(std::string_view subject) : rest_(subject) {}
  bool next(std::string_view& token) {
    if (done_) return false;
    const std::size_t dot = rest_.find('.');
    token = rest_.substr(0, dot);
    done_ = dot == std::string_view::npos;
    if (!done_) rest_.remove_prefix(dot + 1);
    return true;
  }
  bool last() const { return done_; }  // the token handed out last was the last one

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace reliant::model
