// GrpcLinkStream: one side of a stream, without gRPC: what waits to be sent, what waits to be received, and
// how it ends. It starts operations of gRPC by its virtual functions, one of each kind at a time; the on_…
// functions report how they ended.
//
// Owner: GrpcLinkCalls while gRPC may call it, and the role's Link. Executor: the logic thread, for all of
// it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adapters/asio/asio_executor.h"
#include "base/status.h"
#include "runtime/event.h"
#include "runtime/ring.h"
#include "runtime/task.h"
#include "runtime/time.h"

namespace reliant::adapters {

struct GrpcLinkLimits {
  std::size_t max_message = 0;
  std::size_t buffer = 0;
};

class GrpcLinkStream : public std::enable_shared_from_this<GrpcLinkStream> {
 public:
  enum class Side : std::uint8_t { kOpener, kAcceptor };

  GrpcLinkStream(Side side, AsioExecutor& executor, GrpcLinkLimits limits)
      : side_(side), limits_(limits), executor_(executor), open_(side == Side::kAcceptor) {}
  GrpcLinkStream(const GrpcLinkStream&) = delete;
  GrpcLinkStream& operator=(const GrpcLinkStream&) = delete;
  virtual ~GrpcLinkStream() = default;

  // --- the role's; see ports/link.h
  Task<Status> send(std::string message, Instant deadline);
  Task<Result<std::optional<std::string>>> receive(Instant deadline);
  Status half_close();
  void cancel();
  void finish(Status status);  // acceptor
  void give_up();              // its link is destroyed; the tasks that still wait there are about to be
  std::size_t max_message() const { return limits_.max_message; }

  // --- gRPC's
  void on_open();                                     // the peer's transport has the stream; gRPC takes operations
  void on_refused() { start_end_once(ok_status()); }  // opener: the peer does not take it; on_done() says why
  void on_read(std::optional<std::string> message);   // nullopt: nothing more comes
  // From gRPC's thread: the write has ended; false: nothing more can be sent. True asks for a post of
  // on_written(): an end for which nothing waits is seen when the next message is sent, which spares the
  // logic thread half of its wakes.
  [[nodiscard]] bool write_ended(bool sent);
  void on_written();
  void on_cancelled();          // acceptor: by the peer, or the connection is gone
  void on_done(Status status);  // opener: the final status. acceptor: the status is ignored

  // --- the transport's
  Task<bool> opened(Instant deadline);  // false: not known in time. Else open, or ended
  bool is_open() const { return open_; }
  const std::optional<Status>& end() const { return ended_; }
  bool lingers() const { return finishing_ && !end_started_; }  // finished, and not everything is sent
  Event& flushed() { return flushed_; }                         // it lingers no more
  void break_off();                                             // at once, whatever waits
  std::uint64_t number = 0;                                     // in GrpcLinkCalls

 protected:
  virtual void start_read() = 0;
  virtual void start_write(std::string message) = 0;
  virtual void start_half_close() = 0;               // opener
  virtual void start_end(const Status& status) = 0;  // once, and no operation starts after it
  virtual void start_cancel() = 0;                   // before start_end

 private:
  enum class Write : std::uint8_t { kNone, kUnderWay, kAwaited, kSent, kFailed };

  void read_more();
  void read_now();
  void write_more();
  bool write_is_over();
  void end_write(bool sent);
  void start_end_once(const Status& status);
  void set_end(Status status);
  void drop_unsent();
  void drop_unread();
  void wake_reader();
  void wake_writer();

  const Side side_;
  const GrpcLinkLimits limits_;
  AsioExecutor& executor_;
  Ring<std::string> unread_;
  std::size_t unread_bytes_ = 0;
  Ring<std::string> unsent_;      // without the one that is being written
  std::size_t unsent_bytes_ = 0;  // with it, and
  std::size_t writing_bytes_ = 0;
  std::size_t written_bytes_ = 0;            // with the one before it
  bool open_;                                // gRPC takes operations
  bool reading_ = false;                     // or about to
  std::atomic<Write> write_ = Write::kNone;  // gRPC's thread ends it; kAwaited: and says so
  bool reads_over_ = false;
  bool writes_over_ = false;
  bool half_closed_ = false;  // by this side
  bool half_close_sent_ = false;
  bool finishing_ = false;
  bool end_started_ = false;
  std::optional<Status> ended_;  // after what is unread
  Event readable_;
  Event writable_;
  Event open_known_;
  Event flushed_;
};

}  // namespace reliant::adapters
