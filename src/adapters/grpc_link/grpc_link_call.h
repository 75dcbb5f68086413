// What the two sides of a stream have in common: a reactor of gRPC's, and the role's link. Included by
// grpc_link*.cpp only.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/support/byte_buffer.h>

#include "adapters/grpc_link/grpc_link_calls.h"
#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/grpc_link/grpc_link_stream.h"

namespace reliant::adapters {

// `Reactor`: of bidirectional streams, of one side. gRPC's threads call the On… functions, which only post.
template <class Reactor>
class GrpcLinkCall : public GrpcLinkStream, public Reactor {
 protected:
  GrpcLinkCall(Side side, GrpcLinkCalls& calls) : GrpcLinkStream(side, calls.executor(), calls.limits()), calls_(calls) {}

  GrpcLinkCalls& calls() const { return calls_; }
  // On gRPC's thread: nothing more comes, as it seems.
  virtual void on_reads_over() = 0;

 private:
  void start_read() final { Reactor::StartRead(&incoming_); }
  void start_write(std::string message) final {
    put_bytes(std::move(message), outgoing_);
    Reactor::StartWrite(&outgoing_);
  }
  void OnReadDone(bool ok) final {
    if (!ok) return on_reads_over();
    calls_.post([this, message = take_bytes(incoming_)]() mutable { on_read(std::move(message)); });
  }
  void OnWriteDone(bool ok) final {
    outgoing_.Clear();
    if (write_ended(ok)) calls_.post([this] { on_written(); });
  }

  GrpcLinkCalls& calls_;
  grpc::ByteBuffer incoming_;
  grpc::ByteBuffer outgoing_;
};

// The role's handle on a stream, as `Port`: ports::Link or ports::AcceptedLink.
template <class Port, class Stream>
class GrpcLinkOf : public Port {
 public:
  explicit GrpcLinkOf(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  GrpcLinkOf(const GrpcLinkOf&) = delete;
  GrpcLinkOf& operator=(const GrpcLinkOf&) = delete;
  ~GrpcLinkOf() override { stream_->give_up(); }

  Task<Status> send(std::string message, Instant deadline) override { return stream_->send(std::move(message), deadline); }
  Task<Result<std::optional<std::string>>> receive(Instant deadline) override { return stream_->receive(deadline); }
  Status half_close() override { return stream_->half_close(); }
  void cancel() override { stream_->cancel(); }
  std::size_t max_message() const override { return stream_->max_message(); }

 protected:
  const std::shared_ptr<Stream>& stream() const { return stream_; }

 private:
  std::shared_ptr<Stream> stream_;
};

}  // namespace reliant::adapters
