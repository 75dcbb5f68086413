// A stream of GrpcLink without gRPC: under the thread sanitizer nothing is left out here, while the callbacks on gRPC's threads
// are (tools/tsan.supp).
#include "adapters/grpc_link/grpc_link_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/asio/inbox.h"
#include "runtime/scope.h"

namespace reliant::tests {
namespace {

using adapters::AsioExecutor;
using adapters::GrpcLinkStream;
using adapters::Inbox;

// Its gRPC is one thread, which takes a write at a time, and has so many messages to read.
class FakeStream final : public GrpcLinkStream {
 public:
  FakeStream(AsioExecutor& executor, std::shared_ptr<Inbox> inbox, std::size_t buffer, int to_read = 0)
      : GrpcLinkStream(Side::kAcceptor, executor, {.max_message = 1000, .buffer = buffer}),
        inbox_(std::move(inbox)),
        to_read_(to_read) {
    wire_ = std::thread([this] { carry(); });
  }
  ~FakeStream() override {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    asked_.notify_one();
    wire_.join();
  }

  std::vector<std::string> carried;  // when it is over
  bool end_started = false;
  std::atomic<int> read = 0;

 private:
  void start_read() override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(reading_) << "one read at a time";
    reading_ = true;
    asked_.notify_one();
  }
  void start_half_close() override {}
  void start_cancel() override {}
  void start_end(const Status&) override { end_started = true; }
  void start_write(std::string message) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(message_.has_value()) << "one write at a time";
    message_ = std::move(message);
    asked_.notify_one();
  }
  void carry() {
    std::unique_lock lock(mutex_);
    for (;;) {
      asked_.wait(lock, [this] { return over_ || message_.has_value() || reading_; });
      const bool read_now = std::exchange(reading_, false);
      std::optional<std::string> message = std::exchange(message_, std::nullopt);
      if (!read_now && !message) return;
      lock.unlock();
      if (message) {
        carried.push_back(*std::move(message));
        if (write_ended(true)) inbox_->post([this] { on_written(); });
      }
      if (read_now) inbox_->post([this, incoming = next_to_read()] { on_read(incoming); });
      lock.lock();
    }
  }
  std::optional<std::string> next_to_read() {
    if (read == to_read_) return std::nullopt;
    return std::to_string(read++);
  }

  std::shared_ptr<Inbox> inbox_;
  const int to_read_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::optional<std::string> message_;
  bool reading_ = false;
  bool over_ = false;
  std::thread wire_;
};

class GrpcLinkStreamWrites : public ::testing::TestWithParam<std::size_t> {};

// Whether there is room for one message, for a few, or for all.
TEST_P(GrpcLinkStreamWrites, KeepTheirOrderWithASmallBuffer) {
  constexpr int kMessages = 3000;
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor);
  auto stream = std::make_shared<FakeStream>(executor, inbox, GetParam());
  TaskScope scope(executor, 0);
  const auto send_all = [](GrpcLinkStream& to) -> Task<void> {
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE((co_await to.send(std::to_string(i), kNever)).ok());
    to.finish(ok_status());
  };
  scope.spawn(send_all(*stream));
  EXPECT_TRUE(executor.run_loop_until([&] { return stream->end_started; }, std::chrono::seconds(20)));
  ASSERT_EQ(stream->carried.size(), static_cast<std::size_t>(kMessages));
  for (int i = 0; i < kMessages; ++i) EXPECT_EQ(stream->carried[static_cast<std::size_t>(i)], std::to_string(i));
  inbox->close();
}

INSTANTIATE_TEST_SUITE_P(Buffers, GrpcLinkStreamWrites, ::testing::Values(1, 200, 1'000'000));

class GrpcLinkStreamReads : public ::testing::TestWithParam<std::size_t> {};

Task<void> receive_all(GrpcLinkStream& from, int& received) {
  for (;;) {
    const auto message = co_await from.receive(kNever);
    EXPECT_TRUE(message.ok());
    if (!message.ok() || !*message) co_return;
    EXPECT_EQ(**message, std::to_string(received++));
  }
}

TEST_P(GrpcLinkStreamReads, StopAtTheBufferLimitUntilTheRoleReceives) {
  constexpr int kMessages = 3000;
  AsioExecutor executor;
  const auto inbox = Inbox::open(executor);
  auto stream = std::make_shared<FakeStream>(executor, inbox, GetParam(), kMessages);
  executor.post([&] { stream->on_open(); });
  // Each costs a few bytes of its own, and some more.
  const int most = static_cast<int>(GetParam() / 64) + 1;
  const int least = std::min(kMessages, static_cast<int>(GetParam() / 128) + 1);
  EXPECT_TRUE(executor.run_loop_until([&] { return stream->read >= least; }, std::chrono::seconds(20)));
  EXPECT_FALSE(executor.run_loop_until([] { return false; }, std::chrono::milliseconds(20)));
  EXPECT_LE(stream->read, most);
  TaskScope scope(executor, 0);
  int received = 0;
  scope.spawn(receive_all(*stream, received));
  EXPECT_TRUE(executor.run_loop_until([&] { return scope.size() == 0; }, std::chrono::seconds(20)));
  EXPECT_EQ(received, kMessages);
  inbox->close();
}

INSTANTIATE_TEST_SUITE_P(Buffers, GrpcLinkStreamReads, ::testing::Values(1, 1000, 1'000'000));

}  // namespace
}  // namespace reliant::tests
