#include "adapters/grpc_link/grpc_link_calls.h"

#include <chrono>

#include "runtime/sleep.h"

namespace reliant::adapters {

namespace {

constexpr Duration kSettled = std::chrono::milliseconds(20);

}  // namespace

GrpcLinkCalls::GrpcLinkCalls(AsioExecutor& executor, GrpcLinkOptions options)
    : executor_(executor), options_(std::move(options)), inbox_(Inbox::open(executor, Inbox::kNoLimit)) {
  scope_.emplace(executor, 0);
  scope_->spawn(pulse_.beat());
}

// --- any thread --------------------------------------------------------------------------------------------

bool GrpcLinkCalls::add(std::shared_ptr<GrpcLinkStream> stream) {
  const std::lock_guard lock(mutex_);
  if (closing_) return false;
  ++called_;
  stream->number = ++last_number_;
  streams_.emplace(stream->number, std::move(stream));
  return true;
}

void GrpcLinkCalls::ended(GrpcLinkStream& stream, Inbox::Work last) {
  post([this, &stream, last = std::move(last)]() mutable {
    last();
    remove(stream);
  });
  const std::lock_guard lock(mutex_);
  if (--called_ == 0) all_ended_.notify_all();  // under the lock: close() may then destroy it
}

// --- the logic thread --------------------------------------------------------------------------------------

void GrpcLinkCalls::remove(const GrpcLinkStream& stream) {
  std::shared_ptr<GrpcLinkStream> removed;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const auto at = streams_.find(stream.number);
  removed = std::move(at->second);
  streams_.erase(at);
}

void GrpcLinkCalls::watch(std::shared_ptr<GrpcLinkStream> stream) {
  if (stream->lingers()) scope_->spawn(end_in_time(std::move(stream), after(executor_.now(), options_.linger)));
}

Task<void> GrpcLinkCalls::end_in_time(std::shared_ptr<GrpcLinkStream> stream, Instant deadline) {
  const bool in_time = co_await stream->flushed().wait(deadline);
  if (!in_time) stream->break_off();
}

void GrpcLinkCalls::settle(std::shared_ptr<GrpcLinkStream> stream) {
  if (stream->end()) return stream->on_read(std::nullopt);
  scope_->spawn(end_reads(std::move(stream), after(executor_.now(), kSettled)));
}

Task<void> GrpcLinkCalls::end_reads(std::shared_ptr<GrpcLinkStream> stream, Instant when) {
  co_await sleep_until(when);
  stream->on_read(std::nullopt);
}

// The inbox goes first: from then on gRPC's threads need nothing from the logic thread, which waits for them.
// The streams, and with them their connections, are destroyed here: one of gRPC's threads that destroyed the
// last would join itself.
void GrpcLinkCalls::close() {
  inbox_->close();
  scope_.reset();
  std::map<std::uint64_t, std::shared_ptr<GrpcLinkStream>> left;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    left = streams_;
  }
  for (const auto& [number, stream] : left) {
    stream->give_up();
    stream->break_off();  // one that lingers, too
  }
  for (Inbox::Work& work : at_close_) work();
  std::unique_lock lock(mutex_);
  all_ended_.wait(lock, [this] { return called_ == 0; });
  left = std::exchange(streams_, {});  // destroyed without the lock
}

}  // namespace reliant::adapters
