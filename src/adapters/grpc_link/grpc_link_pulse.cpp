#include "adapters/grpc_link/grpc_link_pulse.h"

#include <chrono>
#include <optional>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "runtime/sleep.h"

namespace reliant::adapters {
namespace {

constexpr Duration kInterval = std::chrono::milliseconds(500);

}  // namespace

// Without credentials a channel has no connection, and all its calls fail.
struct GrpcLinkPulse::Call {
  grpc::GenericStub stub{grpc::CreateCustomChannel("", nullptr, grpc::ChannelArguments())};
  std::optional<grpc::ClientContext> context;
  const grpc::Slice nothing;
  const grpc::ByteBuffer request{&nothing, 1};
  grpc::ByteBuffer response;
};

GrpcLinkPulse::GrpcLinkPulse() : call_(std::make_unique<Call>()) {}

GrpcLinkPulse::~GrpcLinkPulse() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return !under_way_; });
}

Task<void> GrpcLinkPulse::beat() {
  for (;;) {
    start_call();
    co_await sleep_for(kInterval);  // waits for no event: it is the beat that keeps gRPC's threads awake
  }
}

void GrpcLinkPulse::start_call() {
  {
    const std::lock_guard lock(mutex_);
    if (under_way_) return;
    under_way_ = true;
  }
  call_->context.emplace();
  call_->stub.UnaryCall(&*call_->context, "/pulse", grpc::StubOptions(), &call_->request, &call_->response,
                        [this](const grpc::Status&) { on_done(); });
}

// On gRPC's thread.
void GrpcLinkPulse::on_done() {
  const std::lock_guard lock(mutex_);
  under_way_ = false;
  done_.notify_all();  // under the lock: the destructor may then go on
}

}  // namespace reliant::adapters
