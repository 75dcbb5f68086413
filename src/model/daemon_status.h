// The status of one daemon, as the gateway that holds its stream sees it (R79 to R82, C1, C16, C17).
//
//   state          event           next          public status (projection)
//   disconnected   connected       fresh         active
//   fresh          frame           fresh         active
//   fresh          30 s silent     stale         idle: not routed to by default
//   stale          frame           fresh         active (C17)
//   stale          120 s silent    disconnected  disconnected: the gateway closes the stream
//   fresh, stale   closed          disconnected  disconnected
//   anything else                  unchanged
//
// Silence is measured from the last frame of any kind. The boundaries are exact: at 30 s sharp the daemon is stale, one
// nanosecond before it is not. Pure: no clock, no I/O; the owner asks `next_change()` and calls `advance()` then.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/time.h"

namespace reliant::model {

inline constexpr Duration kDaemonHeartbeat = std::chrono::seconds(15);     // R79
inline constexpr Duration kGatewayHeartbeat = std::chrono::seconds(30);    // R80
inline constexpr Duration kStaleAfter = std::chrono::seconds(30);          // R79
inline constexpr Duration kDisconnectedAfter = std::chrono::seconds(120);  // R80
// What a gateway wrote of its daemons counts as long as it announces itself (C19).
inline constexpr Duration kGatewayLease = std::chrono::seconds(30);

enum class DaemonConnection : std::uint8_t { kDisconnected, kFresh, kStale };
enum class PublicStatus : std::uint8_t { kActive, kIdle, kDisconnected };  // R81

class DaemonStatus {
 public:
  DaemonConnection connection() const { return connection_; }
  PublicStatus public_status() const;
  Instant last_frame() const { return last_frame_; }

  // Each returns whether the connection state changed.
  bool on_connected(Instant now);
  bool on_frame(Instant now);
  bool on_closed();
  bool advance(Instant now);

  // When advance() will change something if no frame comes; kNever when disconnected.
  Instant next_change() const;

 private:
  bool move_to(DaemonConnection next);

  DaemonConnection connection_ = DaemonConnection::kDisconnected;
  Instant last_frame_{};
};

std::string_view to_string(DaemonConnection connection);
std::string_view to_string(PublicStatus status);
DaemonConnection daemon_connection_from(std::string_view word);  // unknown word: kDisconnected
PublicStatus project(DaemonConnection connection);
// Of a record whose writer may have died: without a gateway there is no stream.
DaemonConnection under_lease(DaemonConnection recorded, bool gateway_lives);

}  // namespace reliant::model
