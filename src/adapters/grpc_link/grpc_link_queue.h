// GrpcLinkQueue: a completion queue of gRPC's, and the one thread that waits at it. gRPC's callback API has a pool of threads of
// its own, which hand the turn to wait from one to the other for every event (a wake each), and which sleep for 100 ms a second
// when nothing comes: a message may have to wait for that.
//
// Owner: whoever starts operations there. Executor: tags are told on the queue's thread, which must not wait, or on the one that
// is in start_at(). The destructor waits for the queue's thread; what was asked for must have ended by then.
#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include <absl/functional/function_ref.h>

namespace grpc {
class CompletionQueue;
}

namespace reliant::adapters {

// What an operation is started with, and told by. It outlives the operation.
class GrpcLinkTag {
 public:
  GrpcLinkTag() = default;
  GrpcLinkTag(const GrpcLinkTag&) = delete;
  GrpcLinkTag& operator=(const GrpcLinkTag&) = delete;

  // What gRPC takes, for each operation anew.
  void* start() {
    started_.store(true, std::memory_order_release);
    return this;
  }
  void tell(bool ok) {
    // What was before start() is known here. gRPC sees to that, too, but the thread sanitizer does not see into gRPC.
    (void)started_.load(std::memory_order_acquire);
    told(ok);
  }

 protected:
  ~GrpcLinkTag() = default;

 private:
  virtual void told(bool ok) = 0;

  std::atomic<bool> started_ = false;
};

// Tells a member function of its owner.
template <class Owner>
class GrpcLinkTagOf final : public GrpcLinkTag {
 public:
  using Told = void (Owner::*)(bool ok);

  GrpcLinkTagOf(Owner& owner, Told which) : owner_(owner), told_(which) {}

 private:
  void told(bool ok) override { (owner_.*told_)(ok); }

  Owner& owner_;
  const Told told_;
};

// Calls `start`, which starts an operation at the queue. Of what ends within that call, the first is told here, before this
// returns: mostly the very same, a write that the socket has taken. The queue's thread then has not to wake for it.
void start_at(grpc::CompletionQueue& queue, absl::FunctionRef<void()> start);

class GrpcLinkQueue final {
 public:
  explicit GrpcLinkQueue(std::unique_ptr<grpc::CompletionQueue> queue);
  GrpcLinkQueue(const GrpcLinkQueue&) = delete;
  GrpcLinkQueue& operator=(const GrpcLinkQueue&) = delete;
  ~GrpcLinkQueue();

  grpc::CompletionQueue& get() { return *queue_; }

 private:
  void run();

  std::unique_ptr<grpc::CompletionQueue> queue_;
  std::thread thread_;
};

}  // namespace reliant::adapters
