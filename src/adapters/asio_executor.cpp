#include "adapters/asio_executor.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace reliant::adapters {

namespace asio = boost::asio;
using RealClock = std::chrono::steady_clock;

struct AsioExecutor::Driver {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  asio::steady_timer timer{io};
  RealClock::time_point start = RealClock::now();
  Instant armed = kNever;  // what `timer` waits for
  bool posted = false;     // a batch is on its way
  bool working = false;    // what was posted from elsewhere runs; a batch follows it at once
  bool in_batch = false;
  std::vector<absl::AnyInvocable<void()>> at_end;  // of this turn
};

AsioExecutor::AsioExecutor() : Executor(0, Order::kFifo), driver_(std::make_unique<Driver>()) { set_outside(true); }

AsioExecutor::~AsioExecutor() {
  set_outside(false);  // handlers that are destroyed below may still touch waits; nobody runs them any more
}

void AsioExecutor::post(absl::AnyInvocable<void()> work) {
  asio::post(driver_->io, [this, done = std::move(work)]() mutable { run_posted(done); });
}

// Whom it wakes runs without another turn of the loop, which would be a system call.
void AsioExecutor::run_posted(absl::AnyInvocable<void()>& work) {
  driver_->working = true;
  work();
  driver_->working = false;
  if (driver_->posted) return;
  if (driver_->io.stopped()) return on_work();
  run_batch();
}

bool AsioExecutor::runs_here() const { return driver_->io.get_executor().running_in_this_thread(); }

void AsioExecutor::run_at_end_of_turn(absl::AnyInvocable<void()> work) {
  driver_->at_end.push_back(std::move(work));
  if (!driver_->in_batch) on_work();
}

void AsioExecutor::run_loop() {
  driver_->io.restart();
  driver_->io.run();
}

void AsioExecutor::stop() { driver_->io.stop(); }

bool AsioExecutor::run_loop_until(const std::function<bool()>& done, Duration limit) {
  driver_->io.restart();
  const RealClock::time_point now = RealClock::now();
  const bool bounded = limit < RealClock::time_point::max() - now;
  while (!done()) {
    if (!bounded) {
      driver_->io.run_one();
    } else if (driver_->io.run_one_until(now + limit) == 0) {
      return done();
    }
  }
  return true;
}

asio::io_context& AsioExecutor::io() noexcept { return driver_->io; }

void AsioExecutor::on_work() {
  if (driver_->working || std::exchange(driver_->posted, true)) return;
  asio::post(driver_->io, [this] {
    driver_->posted = false;
    run_batch();
  });
}

// One batch and no more, so that sockets and posted work get their turn between two of them.
void AsioExecutor::run_batch() {
  set_outside(false);
  driver_->in_batch = true;
  if (has_dying()) reap();
  release(Instant(RealClock::now() - driver_->start));
  for (std::size_t left = ready_count(); left > 0 && ready_count() > 0; --left) run_one();
  end_turn();
  driver_->in_batch = false;
  set_outside(true);
  if (ready_count() > 0 || has_dying()) {
    on_work();
  } else {
    arm_timer();
  }
}

void AsioExecutor::end_turn() {
  if (driver_->at_end.empty()) return;
  std::vector<absl::AnyInvocable<void()>> works;
  works.swap(driver_->at_end);
  for (auto& work : works) work();
}

// What waits for an earlier point already is left alone: most deadlines are called off, and each change is a system call.
void AsioExecutor::arm_timer() {
  const Instant next = next_timer();
  if (next >= driver_->armed) return;
  driver_->armed = next;
  // A point that the real clock cannot express is as good as never.
  const Duration room = RealClock::time_point::max() - driver_->start;
  if (next.time_since_epoch() >= room) return;
  driver_->timer.expires_at(driver_->start + next.time_since_epoch());
  driver_->timer.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // replaced by an earlier or later one
    driver_->armed = kNever;
    run_batch();
  });
}

}  // namespace reliant::adapters
