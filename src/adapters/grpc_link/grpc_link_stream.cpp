#include "adapters/grpc_link/grpc_link_stream.h"

#include <utility>

namespace reliant::adapters {
namespace {

// Memory overhead of a message: many small messages must not cost more than a few large ones.
constexpr std::size_t kMessageOverhead = 64;

std::size_t cost(const std::string& message) { return message.size() + kMessageOverhead; }

void wake(Event& event) {
  event.set();
  event.reset();
}

}  // namespace

void GrpcLinkStream::wake_reader() { wake(readable_); }
void GrpcLinkStream::wake_writer() { wake(writable_); }

// --- the role's side ---------------------------------------------------------------------------------------

Task<Status> GrpcLinkStream::send(std::string message, Instant deadline) {
  if (message.size() > limits_.max_message) {
    co_return resource_exhausted("a message of ", message.size(), " bytes is larger than ", limits_.max_message);
  }
  for (;;) {
    on_written();
    if (ended_) co_return ended_->ok() ? unavailable("the stream has ended") : *ended_;
    if (half_closed_) co_return failed_precondition("this side of the stream was half-closed");
    // The final status is known once everything before it has been read. If no task reads, do not wait for it.
    const bool end_unknown = side_ == Side::kOpener && !reading_ && !reads_over_;
    if (writes_over_ && end_unknown) co_return unavailable("the stream has ended");
    const bool fits = unsent_bytes_ == 0 || unsent_bytes_ + cost(message) <= limits_.buffer;
    if (fits && !writes_over_ && !end_started_) break;
    if (write_ != Write::kNone && write_is_over()) {  // since a moment ago
      write_more();
      continue;
    }
    const bool woken = co_await writable_.wait(deadline);
    if (!woken) co_return deadline_exceeded("send timed out: the peer is not reading");
  }
  unsent_bytes_ += cost(message);
  unsent_.push(std::move(message));
  write_more();
  co_return ok_status();
}

Task<Result<std::optional<std::string>>> GrpcLinkStream::receive(Instant deadline) {
  for (;;) {
    if (!unread_.empty()) {
      std::optional<std::string> message = unread_.pop();
      unread_bytes_ -= cost(*message);
      read_more();
      co_return message;
    }
    if (ended_ && !ended_->ok()) co_return *ended_;
    if (ended_ || (reads_over_ && side_ == Side::kAcceptor)) co_return std::nullopt;
    const bool woken = co_await readable_.wait(deadline);
    if (!woken) co_return deadline_exceeded("receive timed out: the peer sent no message");
  }
}

Status GrpcLinkStream::half_close() {
  if (std::exchange(half_closed_, true)) return ok_status();
  wake_writer();
  write_more();
  return ok_status();
}

void GrpcLinkStream::cancel() {
  if (ended_) return;
  drop_unread();
  drop_unsent();
  set_end(cancelled("the stream was cancelled here"));
  break_off();
}

void GrpcLinkStream::finish(Status status) {
  if (ended_) return;
  drop_unread();
  finishing_ = true;
  set_end(std::move(status));
  write_more();
}

void GrpcLinkStream::give_up() {
  // Waiting tasks are not woken: their frames are about to be destroyed, too.
  if (ended_) return drop_unread();
  drop_unread();
  drop_unsent();
  ended_ = cancelled("the stream was given up");
  break_off();
}

// --- gRPC's side -------------------------------------------------------------------------------------------

void GrpcLinkStream::on_open() {
  open_ = true;
  open_known_.set();
  read_more();
  write_more();
}

void GrpcLinkStream::on_read(std::optional<std::string> message) {
  reading_ = false;
  if (!message) {
    reads_over_ = true;
    // The final status is on its way, and arrives once this side drops its reference.
    if (side_ == Side::kOpener) start_end_once(ok_status());
    wake_reader();
    return wake_writer();
  }
  if (ended_) return;
  unread_bytes_ += cost(*message);
  unread_.push(*std::move(message));
  wake_reader();
  read_more();
}

bool GrpcLinkStream::write_ended(bool sent) {
  return write_.exchange(sent ? Write::kSent : Write::kFailed) == Write::kAwaited || !sent;
}

void GrpcLinkStream::on_written() {
  const Write how = write_;
  if (how != Write::kSent && how != Write::kFailed) return;
  end_write(how == Write::kSent);
  write_more();
}

void GrpcLinkStream::end_write(bool sent) {
  write_ = Write::kNone;
  // gRPC also reports a write as done when the stream has ended; only the next write fails. So while there is a
  // next one, its completion frees the room: otherwise a waiting sender would see a false success.
  unsent_bytes_ -= std::exchange(written_bytes_, std::exchange(writing_bytes_, 0));
  if (!sent || unsent_.empty()) unsent_bytes_ -= std::exchange(written_bytes_, 0);
  if (!sent) {
    writes_over_ = true;
    drop_unsent();
  }
  wake_writer();
}

void GrpcLinkStream::on_cancelled() {
  drop_unsent();
  if (!ended_) {
    drop_unread();
    set_end(cancelled("the peer cancelled the stream, or the connection is gone"));
  }
  start_end_once(*ended_);
}

void GrpcLinkStream::on_done(Status status) {
  end_started_ = true;
  reads_over_ = true;
  writes_over_ = true;
  drop_unsent();
  set_end(std::move(status));
  flushed_.set();
}

// --- the transport's ---------------------------------------------------------------------------------------

Task<bool> GrpcLinkStream::opened(Instant deadline) { co_return co_await open_known_.wait(deadline); }

void GrpcLinkStream::break_off() {
  drop_unsent();
  if (end_started_) return;
  start_cancel();
  start_end_once(ended_ ? *ended_ : cancelled("the stream was broken off"));
}

// --- inside ------------------------------------------------------------------------------------------------

// Deferred, so that a role that answers writes first: the window update of the read then travels with the
// written data instead of in a packet of its own.
void GrpcLinkStream::read_more() {
  if (!open_ || reading_ || reads_over_ || ended_ || end_started_ || unread_bytes_ >= limits_.buffer) return;
  reading_ = true;
  executor_.run_at_end_of_batch([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->read_now();
  });
}

void GrpcLinkStream::read_now() {
  if (ended_ || end_started_) {
    reading_ = false;
  } else {
    start_read();
  }
}

void GrpcLinkStream::write_more() {
  for (;;) {
    const bool wanted = !unsent_.empty() || finishing_ || half_closed_;
    if (!open_ || end_started_ || !wanted || !write_is_over()) return;
    if (unsent_.empty() || writes_over_) break;
    write_ = Write::kUnderWay;
    std::string message = unsent_.pop();
    writing_bytes_ = cost(message);
    start_write(std::move(message));
  }
  if (finishing_) return start_end_once(*ended_);
  if (half_closed_ && side_ == Side::kOpener && !writes_over_ && !std::exchange(half_close_sent_, true)) start_half_close();
}

// False: gRPC's thread will say so.
bool GrpcLinkStream::write_is_over() {
  Write how = Write::kUnderWay;
  if (write_.compare_exchange_strong(how, Write::kAwaited) || how == Write::kAwaited) return false;
  if (how != Write::kNone) end_write(how == Write::kSent);
  return true;
}

void GrpcLinkStream::start_end_once(const Status& status) {
  if (std::exchange(end_started_, true)) return;
  start_end(status);
  flushed_.set();
}

void GrpcLinkStream::set_end(Status status) {
  if (!ended_) ended_ = std::move(status);
  open_known_.set();
  wake_reader();
  wake_writer();
}

void GrpcLinkStream::drop_unsent() {
  unsent_.clear();
  written_bytes_ = 0;
  unsent_bytes_ = writing_bytes_;
}

void GrpcLinkStream::drop_unread() {
  unread_.clear();
  unread_bytes_ = 0;
}

}  // namespace reliant::adapters
