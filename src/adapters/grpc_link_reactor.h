// What the two sides of a stream have in common: of gRPC's reactors, which are two classes without a common base, and of the
// role's links. Included by grpc_link*.cpp only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/support/byte_buffer.h>

#include "adapters/grpc_link_convert.h"
#include "adapters/grpc_link_hub.h"
#include "adapters/grpc_link_stream.h"

namespace reliant::adapters {

// gRPC's threads are in the On… functions and only post; the hub keeps the stream until OnDone was handed over.
template <class Reactor>
class GrpcLinkReactor : public GrpcLinkStream, public Reactor {
 protected:
  GrpcLinkReactor(Side side, std::shared_ptr<GrpcLinkHub> hub)
      : GrpcLinkStream(side, hub->limits()), hub_(std::move(hub)) {}

  GrpcLinkHub& hub() { return *hub_; }
  std::string take_incoming() { return take_bytes(incoming_); }

 private:
  void start_read() override { this->StartRead(&incoming_); }
  void read_soon() override {
    hub_->after_this([self = weak_from_this()] {
      if (const auto stream = self.lock()) stream->on_read_turn();
    });
  }
  void start_write(std::string message) override {
    put_bytes(std::move(message), outgoing_);
    this->StartWrite(&outgoing_);
  }
  void OnWriteDone(bool ok) override {
    outgoing_.Clear();
    if (write_ended(ok)) hub_->post([this] { on_written(); });
  }

  std::shared_ptr<GrpcLinkHub> hub_;
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

  Task<Status> send(std::string message, Instant deadline) override {
    return stream_->send(std::move(message), deadline);
  }
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
