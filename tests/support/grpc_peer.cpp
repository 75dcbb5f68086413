// grpc_peer: gRPC and nothing else, for what GrpcLink is judged by: bidirectional streams of bytes, as gRPC's own examples
// write them, in a process of their own.
//
//   grpc_peer serve                          echoes; prints "listening ADDRESS"
//   grpc_peer open ADDRESS COUNT silent      that many streams, each on its own connection, that never
//                                            read; prints "open" when the server has them all
//   grpc_peer open ADDRESS COUNT flood SIZE  … that also write messages of SIZE bytes, for ever
//   grpc_peer ping ADDRESS STREAMS ROUNDS SIZE   prints "p50_us X rate_per_second Y": one message at a time on each stream
//
// It lives until it is killed, or whoever started it ends.
#include <algorithm>
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

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/slice.h>

namespace {

using Clock = std::chrono::steady_clock;
using Stub = grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer>;
constexpr auto kMethod = "/reliant.test.v1.Test/Stream";

grpc::ByteBuffer message_of(std::size_t size) {
  const grpc::Slice slice(std::string(size, 'x'));
  return grpc::ByteBuffer(&slice, 1);
}

[[noreturn]] void wait_for_the_end() {
  for (;;) ::pause();
}

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

class EchoService final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new Echo; }
};

[[noreturn]] void serve() {
  EchoService service;
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

std::shared_ptr<grpc::Channel> connection_to(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // else a stream takes megabytes that nobody reads
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

class Stream : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Stream(const std::string& address) : channel_(connection_to(address)), stub_(channel_) {
    stub_.PrepareBidiStreamingCall(&context_, kMethod, grpc::StubOptions(), this);
    AddHold();
  }

 private:
  std::shared_ptr<grpc::Channel> channel_;
  Stub stub_;
  grpc::ClientContext context_;
};

class Silent final : public Stream {
 public:
  Silent(const std::string& address, std::size_t flood, std::atomic<std::size_t>& missing)
      : Stream(address), flood_(flood), missing_(missing) {
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
    message_ = message_of(flood_);
    StartWrite(&message_);
  }

 private:
  std::size_t flood_;
  std::atomic<std::size_t>& missing_;
  grpc::ByteBuffer message_;
};

[[noreturn]] void open_streams(const std::string& address, std::size_t count, std::size_t flood) {
  std::vector<std::unique_ptr<Silent>> streams;
  streams.reserve(count);
  std::atomic<std::size_t> missing = count;
  for (std::size_t i = 0; i < count; ++i) streams.push_back(std::make_unique<Silent>(address, flood, missing));
  wait_for_the_end();
}

// --- ping ------------------------------------------------------------------------------------------------------------

// The rounds of all streams together.
struct Rounds {
  std::mutex mutex;
  std::condition_variable over;
  std::size_t left = 0;
  std::vector<Clock::duration> taken;
};

class Ping final : public Stream {
 public:
  Ping(const std::string& address, std::size_t size, Rounds& rounds)
      : Stream(address), size_(size), rounds_(rounds) {
    StartCall();
    send();
  }
  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&answer_);
  }
  void OnReadDone(bool ok) override {
    if (!ok) std::abort();
    const std::lock_guard lock(rounds_.mutex);
    rounds_.taken.push_back(Clock::now() - sent_);
    if (rounds_.left == 0) return;
    if (--rounds_.left == 0) rounds_.over.notify_all();
    send();
  }

 private:
  void send() {
    sent_ = Clock::now();
    message_ = message_of(size_);
    StartWrite(&message_);
  }

  std::size_t size_;
  Rounds& rounds_;
  Clock::time_point sent_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer answer_;
};

[[noreturn]] void ping(const std::string& address, std::size_t count, std::size_t total, std::size_t size) {
  Rounds rounds;
  rounds.left = total;
  std::vector<std::unique_ptr<Ping>> streams;
  streams.reserve(count);
  for (std::size_t i = 0; i < count; ++i) streams.push_back(std::make_unique<Ping>(address, size, rounds));
  std::unique_lock lock(rounds.mutex);
  const std::size_t warm = total / 10;  // connections are made meanwhile
  while (rounds.left > total - warm) rounds.over.wait_for(lock, std::chrono::milliseconds(1));
  const Clock::time_point start = Clock::now();
  const std::size_t before = rounds.taken.size();
  while (rounds.left > 0) rounds.over.wait(lock);
  const std::chrono::duration<double> seconds = Clock::now() - start;
  std::vector<Clock::duration> taken(rounds.taken.begin() + static_cast<std::ptrdiff_t>(before), rounds.taken.end());
  std::nth_element(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(taken.size() / 2), taken.end());
  const std::chrono::duration<double, std::micro> p50 = taken[taken.size() / 2];
  std::printf("p50_us %.1f rate_per_second %.0f\n", p50.count(), static_cast<double>(taken.size()) / seconds.count());
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int count, char** values) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::vector<std::string> arguments(values + 1, values + count);
  const auto number = [&](std::size_t at) { return static_cast<std::size_t>(std::strtoull(arguments.at(at).c_str(), nullptr, 10)); };
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "serve") serve();
  if (what == "open" && arguments.size() == 4) open_streams(arguments[1], number(2), 0);
  if (what == "open" && arguments.size() == 5) open_streams(arguments[1], number(2), number(4));
  if (what == "ping" && arguments.size() == 5) ping(arguments[1], number(2), number(3), number(4));
  std::fprintf(stderr, "grpc_peer: say serve, open or ping; see its source\n");
  return 2;
}
