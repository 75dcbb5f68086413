#include "adapters/grpc_link_queue.h"

#include <utility>

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

}  // namespace reliant::adapters
