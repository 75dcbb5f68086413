// SessionStream: what the parts of a session may do with its stream. Owner: the Session, which is it, and outlives its parts.
// Executor: the logic thread. Nothing waits, nothing fails: what cannot be sent ends the stream.
#pragma once

#include "base/ids.h"
#include "base/status.h"
#include "reliant/tools/v1/daemon.pb.h"
#include "runtime/task.h"

namespace reliant::gateway {

namespace proto = ::reliant::tools::v1;

class SessionStream {
 public:
  virtual void send(proto::GatewayFrame frame) = 0;
  // The daemon may forget the result of an unrecorded request; sent with the next frame.
  virtual void send_answered(const RequestId& request) = 0;
  // Ends the stream with `why`; the first end stands.
  virtual void close(Status why) = 0;
  virtual bool ended() const = 0;
  // Runs beside the stream, and is destroyed with the session.
  virtual void spawn(Task<void> task) = 0;
  // Asks the store whether this stream still is the newest, and ends it if not (C2).
  virtual void check_epoch() = 0;

  // `written`: how a write under the stream's epoch ended.
  void close_if_superseded(const Status& written) {
    if (reason_of(written) == kReasonSuperseded) close(written);
  }

 protected:
  ~SessionStream() = default;
};

inline Status stream_lost(const DaemonId& daemon) {
  return unavailable("the stream of daemon ", daemon.str(), " ended; the tool may still be running there");
}

}  // namespace reliant::gateway
