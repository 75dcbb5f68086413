// grpc_peer: gRPC and nothing else, for what GrpcLink is judged by: bidirectional streams of bytes, as gRPC's own examples
// write them, in a process of their own.
//
//   grpc_peer serve                          echoes; prints "listening ADDRESS"
//   grpc_peer serve flood SIZE               reads nothing, and writes messages of SIZE bytes, for ever
//   grpc_peer open ADDRESS COUNT silent      that many streams, each on its own connection, that never
//                                            read; prints "open" when the server has them all
//   grpc_peer open ADDRESS COUNT flood SIZE  … that also write messages of SIZE bytes, for ever
//   grpc_peer open_tls …                     the same with TLS, and anybody
//   grpc_peer ping ADDRESS STREAMS ROUNDS SIZE   prints "p50_us X rate_per_second Y": one message at a time on each stream
//
// It lives until it is killed, or its parent process ends.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_callback.h>

#include "support/bare_grpc.h"
#include "support/peer.h"

namespace reliant::tests {
namespace {

// --- serve -----------------------------------------------------------------------------------------------------------

class Echo final : public grpc::ServerGenericBidiReactor {
 public:
  Echo() {
    StartSendInitialMetadata();
    StartRead(&message_);
  }
  void OnReadDone(bool ok) override { ok ? StartWrite(&message_) : Finish(grpc::Status::OK); }
  void OnWriteDone(bool ok) override { ok ? StartRead(&message_) : Finish(grpc::Status::OK); }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
};

class Flood final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Flood(std::size_t size) : size_(size) { OnWriteDone(true); }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    message_ = bare_message(std::string(size_, 'x'));
    StartWrite(&message_);
  }
  void OnDone() override { delete this; }

 private:
  std::size_t size_;
  grpc::ByteBuffer message_;
};

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(std::size_t flood) : flood_(flood) {}

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    if (flood_ > 0) return new Flood(flood_);
    return new Echo;
  }

  std::size_t flood_;
};

[[noreturn]] void serve(std::size_t flood) {
  Service service(flood);
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  std::printf("listening 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  wait_for_the_end();
}

// --- the other end ---------------------------------------------------------------------------------------------------

class Silent final : public BareGrpcStream {
 public:
  Silent(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials, std::size_t flood,
         std::atomic<std::size_t>& missing)
      : BareGrpcStream(address, credentials), flood_(flood), missing_(missing) {
    StartCall();
    OnWriteDone(flood > 0);
  }
  void OnReadInitialMetadataDone(bool ok) override {
    if (!ok || --missing_ > 0) return;
    std::printf("open\n");
    std::fflush(stdout);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return;
    message_ = bare_message(std::string(flood_, 'x'));
    StartWrite(&message_);
  }

 private:
  std::size_t flood_;
  std::atomic<std::size_t>& missing_;
  grpc::ByteBuffer message_;
};

[[noreturn]] void open_streams(const std::string& address, std::size_t count, std::size_t flood, bool tls) {
  const auto credentials = tls ? bare_tls() : grpc::InsecureChannelCredentials();
  std::vector<std::unique_ptr<Silent>> streams;
  streams.reserve(count);
  std::atomic<std::size_t> missing = count;
  for (std::size_t i = 0; i < count; ++i) streams.push_back(std::make_unique<Silent>(address, credentials, flood, missing));
  wait_for_the_end();
}

// --- ping ------------------------------------------------------------------------------------------------------------

// The rounds of all streams together.
struct Shared {
  explicit Shared(std::size_t total) : rounds(total) {}
  std::mutex mutex;
  std::condition_variable over;
  PeerRounds rounds;
};

class Ping final : public BareGrpcStream {
 public:
  Ping(const std::string& address, std::size_t size, Shared& shared) : BareGrpcStream(address), size_(size), shared_(shared) {
    StartCall();
    send();
  }
  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&answer_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) std::abort();
    const std::lock_guard lock(shared_.mutex);
    shared_.rounds.end_one(sent_);
    if (shared_.rounds.over()) return shared_.over.notify_all();
    send();
  }

 private:
  void send() {
    sent_ = PeerRounds::Clock::now();
    message_ = bare_message(std::string(size_, 'x'));
    StartWrite(&message_);
  }

  std::size_t size_;
  Shared& shared_;
  PeerRounds::Clock::time_point sent_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
};

[[noreturn]] void ping(const std::string& address, std::size_t count, std::size_t total, std::size_t size) {
  Shared shared(total);
  std::vector<std::unique_ptr<Ping>> streams;
  streams.reserve(count);
  for (std::size_t i = 0; i < count; ++i) streams.push_back(std::make_unique<Ping>(address, size, shared));
  std::unique_lock lock(shared.mutex);
  shared.over.wait(lock, [&shared] { return shared.rounds.over(); });
  shared.rounds.print();
  std::_Exit(0);
}

}  // namespace
}  // namespace reliant::tests

int main(int count, char** values) {
  using namespace reliant::tests;
  const PeerArguments asked(count, values);
  if (asked.say("serve", 0)) serve(0);
  if (asked.say("serve", 2)) serve(asked.number(2));
  for (const bool tls : {false, true}) {
    const std::string_view open = tls ? "open_tls" : "open";
    if (asked.say(open, 3)) open_streams(asked.text(1), asked.number(2), 0, tls);
    if (asked.say(open, 4)) open_streams(asked.text(1), asked.number(2), asked.number(4), tls);
  }
  if (asked.say("ping", 4)) ping(asked.text(1), asked.number(2), asked.number(3), asked.number(4));
  std::fprintf(stderr, "grpc_peer: say serve, open or ping; see its source\n");
  return 2;
}
