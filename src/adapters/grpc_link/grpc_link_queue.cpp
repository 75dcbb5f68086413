#include "adapters/grpc_link/grpc_link_queue.h"

#include <utility>

#include <grpc/grpc.h>
#include <grpcpp/completion_queue.h>

namespace reliant::adapters {

GrpcLinkQueue::GrpcLinkQueue(std::unique_ptr<grpc::CompletionQueue> queue) : queue_(std::move(queue)) {
  thread_ = std::thread([this] { run(); });
}

GrpcLinkQueue::~GrpcLinkQueue() {
  queue_->Shutdown();
  thread_.join();
}

void GrpcLinkQueue::run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) static_cast<GrpcLinkTag*>(tag)->tell(ok);
}

// As grpc::CompletionQueue::DoThenAsyncNext does it, which would then also look at the queue.
void start_at(grpc::CompletionQueue& queue, absl::FunctionRef<void()> start) {
  grpc_completion_queue_thread_local_cache_init(queue.cq());
  start();
  void* ended = nullptr;
  int result = 0;
  if (grpc_completion_queue_thread_local_cache_flush(queue.cq(), &ended, &result) == 0) return;
  void* tag = nullptr;
  bool ok = result != 0;
  if (static_cast<grpc::internal::CompletionQueueTag*>(ended)->FinalizeResult(&tag, &ok)) {
    static_cast<GrpcLinkTag*>(tag)->tell(ok);
  }
}

}  // namespace reliant::adapters
