#include "model/daemon_status.h"

namespace reliant::model {

PublicStatus project(DaemonConnection connection) {
  switch (connection) {
    case DaemonConnection::kFresh:
      return PublicStatus::kActive;
    case DaemonConnection::kStale:
      return PublicStatus::kIdle;
    case DaemonConnection::kDisconnected:
      return PublicStatus::kDisconnected;
  }
  return PublicStatus::kDisconnected;
}

PublicStatus DaemonStatus::public_status() const { return project(connection_); }

DaemonConnection under_lease(DaemonConnection recorded, bool gateway_lives) {
  return gateway_lives ? recorded : DaemonConnection::kDisconnected;
}

bool DaemonStatus::move_to(DaemonConnection next) {
  const bool changed = connection_ != next;
  connection_ = next;
  return changed;
}

bool DaemonStatus::on_connected(Instant now) {
  last_frame_ = now;
  return move_to(DaemonConnection::kFresh);
}

bool DaemonStatus::on_frame(Instant now) {
  if (connection_ == DaemonConnection::kDisconnected) return false;  // a frame of a stream already given up
  last_frame_ = now;
  return move_to(DaemonConnection::kFresh);
}

bool DaemonStatus::on_closed() { return move_to(DaemonConnection::kDisconnected); }

bool DaemonStatus::advance(Instant now) {
  if (connection_ == DaemonConnection::kDisconnected) return false;
  const Duration silent = now - last_frame_;
  if (silent >= kDisconnectedAfter) return move_to(DaemonConnection::kDisconnected);
  if (silent >= kStaleAfter) return move_to(DaemonConnection::kStale);
  return false;
}

Instant DaemonStatus::next_change() const {
  switch (connection_) {
    case DaemonConnection::kFresh:
      return last_frame_ + kStaleAfter;
    case DaemonConnection::kStale:
      return last_frame_ + kDisconnectedAfter;
    case DaemonConnection::kDisconnected:
      return kNever;
  }
  return kNever;
}

std::string_view to_string(DaemonConnection connection) {
  switch (connection) {
    case DaemonConnection::kFresh:
      return "connected";
    case DaemonConnection::kStale:
      return "stale";
    case DaemonConnection::kDisconnected:
      return "disconnected";
  }
  return "disconnected";
}

std::string_view to_string(PublicStatus status) {
  switch (status) {
    case PublicStatus::kActive:
      return "active";
    case PublicStatus::kIdle:
      return "idle";
    case PublicStatus::kDisconnected:
      return "disconnected";
  }
  return "disconnected";
}

DaemonConnection daemon_connection_from(std::string_view word) {
  if (word == "connected") return DaemonConnection::kFresh;
  if (word == "stale") return DaemonConnection::kStale;
  return DaemonConnection::kDisconnected;
}

}  // namespace reliant::model
