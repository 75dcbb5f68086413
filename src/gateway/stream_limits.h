// The bounds of what a daemon's stream may say to a gateway (src/api/README.md, "Limits"): a shared server holds what it is
// sent, so each field of a frame, and each frame, has a largest size.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/status.h"
#include "model/daemon_status.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/time.h"

namespace reliant::gateway {

namespace proto = ::reliant::tools::v1;

// Bytes of a result's content: what the daemon itself keeps of one, with its note of what was left out. Larger content
// travels as ToolOutput, in numbered chunks.
inline constexpr std::size_t kMaxContent = (std::size_t{1} << 20) + (std::size_t{4} << 10);
// Bytes of a message: a result and its framing. The listener refuses larger ones before it has read them.
inline constexpr std::size_t kMaxMessage = (std::size_t{1} << 20) + (std::size_t{64} << 10);
inline constexpr std::size_t kMaxChunk = std::size_t{256} << 10;  // bytes of one ToolOutput
inline constexpr std::size_t kMaxComplaint = 4096;                // bytes of CommandDone's message

// Of the link's keepalive, on the gateway's side: longer than a session waits for a silent daemon, so that it is the session
// that ends the stream (C1). The daemon's side keeps the link's default.
inline constexpr Duration kKeepaliveTimeout = model::kDisconnectedAfter + std::chrono::seconds(10);

inline constexpr std::size_t kMaxName = 200;      // bytes of the daemon's name, its version and its journal's id
inline constexpr std::size_t kMaxLabels = 64;     // of a daemon
inline constexpr std::size_t kMaxLabel = 256;     // bytes of a label's key, and of its value
inline constexpr std::size_t kMaxTools = 256;     // of a daemon
inline constexpr std::size_t kMaxToolName = 128;  // bytes

// `local`, `cloud`, `any` and their aliases are the kinds of daemons that a chat may ask for (C21), and no ids or names. The monolith's
// own daemon is `local`.
enum class KindsAsIds : std::uint8_t { kRefused, kAllowed };

// INVALID_ARGUMENT names the field of Register, what it has and what it may have.
Status check_registration(const proto::Register& registration, KindsAsIds kinds);
// RESOURCE_EXHAUSTED: the message, or the chunk of output in it, is larger than it may be.
Status check_message_size(std::size_t bytes);
Status check_chunk(const proto::ToolOutput& output);

// Content above kMaxContent becomes the content of an error result: its beginning, and how much is missing.
void bound_content(proto::ToolFinished& finished);
// At most `limit` bytes, cut between two characters of UTF-8.
std::string beginning_of(const std::string& text, std::size_t limit);

}  // namespace reliant::gateway
