// What the two sides of a stream have in common: how operations of gRPC are started and told, which are methods of two classes
// without a common base, and the role's links. Included by grpc_link*.cpp only.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <grpcpp/support/byte_buffer.h>

#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/grpc_link/grpc_link_hub.h"
#include "adapters/grpc_link/grpc_link_queue.h"
#include "adapters/grpc_link/grpc_link_stream.h"

namespace reliant::adapters {

// `Rpc`: gRPC's asynchronous reader and writer of one side. The …_told functions are for any thread and only post; the
// hub keeps the stream until every operation has ended, the one that ends the stream among them.
template <class Rpc>
class GrpcLinkCall : public GrpcLinkStream {
 protected:
  GrpcLinkCall(Side side, std::shared_ptr<GrpcLinkHub> hub)
      : GrpcLinkStream(side, hub->limits()), hub_(std::move(hub)) {}

  GrpcLinkHub& hub() { return *hub_; }
  void set_queue(grpc::CompletionQueue& queue) { queue_ = &queue; }  // of its operations, before the first
  virtual Rpc& rpc() = 0;
  // On any thread: nothing more comes, as it seems.
  virtual void reads_told_over() = 0;
  // On any thread, at last.
  virtual void all_told() = 0;

  // Around each operation that is started besides the one that ends the stream.
  void* begun(GrpcLinkTag& tag) {
    begin_one();
    return tag.start();
  }
  void begin_one() { operations_.fetch_add(1, std::memory_order_relaxed); }
  void ended() {
    if (operations_.fetch_sub(1, std::memory_order_acq_rel) == 1) all_told();
  }

 private:
  void start_read() override {
    start_at(*queue_, [this] { rpc().Read(&incoming_, begun(read_)); });
  }
  void read_soon() override {
    hub_->when_idle([self = weak_from_this()] {
      if (const auto stream = self.lock()) stream->on_read_turn();
    });
  }
  void start_write(std::string message) override {
    grpc::ByteBuffer outgoing;
    put_bytes(std::move(message), outgoing);
    start_at(*queue_, [this, &outgoing] { rpc().Write(outgoing, begun(write_)); });
  }

  void read_told(bool ok) {
    if (ok) {
      message_ = take_bytes(incoming_);
      hub_->post([this] { on_read(std::move(message_)); });
    } else {
      reads_told_over();
    }
    ended();
  }
  void write_told(bool ok) {
    if (write_ended(ok)) hub_->post([this] { on_written(); });
    ended();
  }

  std::shared_ptr<GrpcLinkHub> hub_;
  grpc::CompletionQueue* queue_ = nullptr;
  std::atomic<int> operations_ = 1;  // that have begun, and the one that ends the stream
  grpc::ByteBuffer incoming_;
  std::string message_;  // on its way to the logic thread; one is read at a time
  GrpcLinkTagOf<GrpcLinkCall> read_{*this, &GrpcLinkCall::read_told};
  GrpcLinkTagOf<GrpcLinkCall> write_{*this, &GrpcLinkCall::write_told};
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
