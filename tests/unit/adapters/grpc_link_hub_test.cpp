// The threads of GrpcLink without gRPC: under the thread sanitizer nothing is left out here, while all that gRPC's threads
// do is (tools/tsan.supp).
#include "adapters/grpc_link/grpc_link_hub.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/grpc_link/grpc_link_stream.h"
#include "runtime/event.h"
#include "runtime/scope.h"

namespace reliant::tests {
namespace {

using adapters::AsioExecutor;
using adapters::GrpcLinkHub;
using adapters::GrpcLinkStream;

TEST(GrpcLinkHub, HandsOverWhatManyThreadsPostInTheOrderOfEach) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 5000;
  AsioExecutor executor;
  const auto hub = std::make_shared<GrpcLinkHub>(executor, adapters::GrpcLinkOptions{});
  std::vector<int> next(kThreads, 0);
  int seen = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEvents; ++i) {
        hub->post([&, thread, i] {
          EXPECT_EQ(next[static_cast<std::size_t>(thread)]++, i);
          ++seen;
        });
        if (i % 1000 == 0) hub->later([&hub, &seen] { hub->post([&seen] { ++seen; }); });
      }
    });
  }
  EXPECT_TRUE(executor.run_loop_until([&] { return seen == kThreads * (kEvents + kEvents / 1000); }, std::chrono::seconds(20)));
  for (std::thread& thread : threads) thread.join();
  hub->shut();
}

Task<void> note_what_is_told(Event& woken, const int& told, int& seen) {
  co_await woken.wait();
  seen = told;
}

// As when thousands of streams come at once: whoever accepts them must have its turn before all of them are in its backlog.
TEST(GrpcLinkHub, LetsRolesTakeTheirTurnWhileACrowdComes) {
  constexpr int kCrowd = 5000;
  constexpr int kFewOfThem = 500;  // far above what is told at once, far below all
  AsioExecutor executor;
  TaskScope roles(executor, 0);
  const auto hub = std::make_shared<GrpcLinkHub>(executor, adapters::GrpcLinkOptions{});
  Event woken;
  int told = 0;
  int seen = 0;
  roles.spawn(note_what_is_told(woken, told, seen));
  EXPECT_FALSE(executor.run_loop_until([] { return false; }, std::chrono::milliseconds(1)));  // until it waits
  for (int i = 0; i < kCrowd; ++i) {
    hub->post([&] {
      ++told;
      woken.set();
    });
  }
  EXPECT_TRUE(executor.run_loop_until([&] { return told == kCrowd && seen > 0; }, std::chrono::seconds(20)));
  EXPECT_LT(seen, kFewOfThem);
  hub->shut();
}

// What a turn has brought forth is written at its end, with other adapters' words too; what may wait comes behind that.
TEST(GrpcLinkHub, DoesWhatMayWaitBehindTheEndOfTheTurn) {
  AsioExecutor executor;
  const auto hub = std::make_shared<GrpcLinkHub>(executor, adapters::GrpcLinkOptions{});
  std::string order;
  executor.post([&] {
    hub->when_idle([&] { order += 'i'; });
    executor.run_at_end_of_batch([&] { order += 'e'; });
    hub->when_idle([&] { order += 'j'; });
  });
  EXPECT_TRUE(executor.run_loop_until([&] { return order.size() == 3; }, std::chrono::seconds(10)));
  EXPECT_EQ(order, "eij");
  hub->shut();
}

// Its gRPC is one thread, which takes a write at a time.
class FakeStream final : public GrpcLinkStream {
 public:
  FakeStream(std::shared_ptr<GrpcLinkHub> hub, std::size_t buffer)
      : GrpcLinkStream(Side::kAcceptor, {.max_message = 1000, .buffer = buffer}), hub_(std::move(hub)) {
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
  bool told_end = false;

 private:
  void start_read() override {}
  void read_soon() override {}
  void start_half_close() override {}
  void start_cancel() override {}
  void start_end(const Status&) override { told_end = true; }
  void start_write(std::string message) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(message_.has_value()) << "one write at a time";
    message_ = std::move(message);
    asked_.notify_one();
  }
  void carry() {
    std::unique_lock lock(mutex_);
    for (;;) {
      asked_.wait(lock, [this] { return over_ || message_.has_value(); });
      if (!message_) return;
      carried.push_back(*std::exchange(message_, std::nullopt));
      lock.unlock();
      if (write_ended(true)) hub_->post([this] { on_written(); });
      lock.lock();
    }
  }

  std::shared_ptr<GrpcLinkHub> hub_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::optional<std::string> message_;
  bool over_ = false;
  std::thread wire_;
};

class GrpcLinkWrites : public ::testing::TestWithParam<std::size_t> {};

// Whether there is room for one message, for a few, or for all.
TEST_P(GrpcLinkWrites, AllGoOutInOrderHoweverLittleRoomThereIs) {
  constexpr int kMessages = 3000;
  AsioExecutor executor;
  const auto hub = std::make_shared<GrpcLinkHub>(executor, adapters::GrpcLinkOptions{});
  auto stream = std::make_shared<FakeStream>(hub, GetParam());
  TaskScope scope(executor, 0);
  const auto send_all = [](GrpcLinkStream& to) -> Task<void> {
    for (int i = 0; i < kMessages; ++i) EXPECT_TRUE((co_await to.send(std::to_string(i), kNever)).ok());
    to.finish(ok_status());
  };
  scope.spawn(send_all(*stream));
  EXPECT_TRUE(executor.run_loop_until([&] { return stream->told_end; }, std::chrono::seconds(20)));
  ASSERT_EQ(stream->carried.size(), static_cast<std::size_t>(kMessages));
  for (int i = 0; i < kMessages; ++i) EXPECT_EQ(stream->carried[static_cast<std::size_t>(i)], std::to_string(i));
  hub->shut();
}

INSTANTIATE_TEST_SUITE_P(Buffers, GrpcLinkWrites, ::testing::Values(1, 200, 1'000'000));

}  // namespace
}  // namespace reliant::tests
