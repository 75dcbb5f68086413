#include "adapters/asio/asio_executor.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "runtime/ring.h"

namespace reliant::adapters {

namespace asio = boost::asio;
using RealClock = std::chrono::steady_clock;

namespace {

constexpr int kRounds = 16;         // of ready tasks, before the loop looks after its sockets again
constexpr pthread_t kNoThread = 0;  // never a valid pthread_t on Linux

}  // namespace

// The executor type that Asio's I/O objects take.
class AsioExecutor::Handlers {
 public:
  explicit Handlers(Driver& driver, bool at_once = true) : driver_(&driver), at_once_(at_once) {}

  asio::execution_context& query(asio::execution::context_t) const noexcept;
  asio::execution::blocking_t query(asio::execution::blocking_t) const noexcept {
    if (at_once_) return asio::execution::blocking.possibly;
    return asio::execution::blocking.never;
  }
  Handlers require(asio::execution::blocking_t::possibly_t) const noexcept { return Handlers(*driver_, true); }
  Handlers require(asio::execution::blocking_t::never_t) const noexcept { return Handlers(*driver_, false); }
  template <class Function>
  void execute(Function&& function) const {
    run(std::forward<Function>(function));
  }
  bool operator==(const Handlers&) const noexcept = default;

 private:
  void run(Work work) const;

  Driver* driver_;
  bool at_once_;
};

struct AsioExecutor::Driver {
  explicit Driver(AsioExecutor& executor) : owner(executor) {}

  AsioExecutor& owner;

  // Shared by all threads; guarded by the mutex.
  std::mutex mutex;
  Ring<Work> posted;
  bool serving = false;  // serve() runs, and looks for posted work before it returns
  bool called = false;   // serve() is in the loop's queue

  std::atomic<pthread_t> at_work = kNoThread;

  // Used by the logic thread only.
  const std::function<bool()>* done = nullptr;  // what run_loop_until waits for
  bool reached = false;
  bool over = false;
  std::vector<Work> at_end;  // of this batch
  RealClock::time_point start = RealClock::now();
  Instant armed = kNever;  // what `timer` waits for

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  asio::steady_timer timer{asio::any_io_executor(Handlers(*this))};
};

asio::execution_context& AsioExecutor::Handlers::query(asio::execution::context_t) const noexcept { return driver_->io; }

void AsioExecutor::Handlers::run(Work work) const {
  if (at_once_) return driver_->owner.handle(std::move(work));
  driver_->owner.post(std::move(work));
}

AsioExecutor::AsioExecutor() : Executor(0, Order::kFifo), driver_(std::make_unique<Driver>(*this)) {}

AsioExecutor::~AsioExecutor() {
  // Without the lock: a destructor of the dropped work may post.
  for (;;) {
    Work unrun;
    const std::lock_guard lock(driver_->mutex);
    if (driver_->posted.empty()) break;
    unrun = driver_->posted.pop();
  }
}

asio::any_io_executor AsioExecutor::io_executor() { return Handlers(*driver_); }

// --- any thread ------------------------------------------------------------------------------------------------------

void AsioExecutor::post(Work work) {
  const std::lock_guard lock(driver_->mutex);
  driver_->posted.push(std::move(work));
  if (!driver_->serving) call_loop();
}

bool AsioExecutor::runs_here() const { return driver_->at_work == pthread_self(); }

// Under the mutex.
void AsioExecutor::call_loop() {
  if (std::exchange(driver_->called, true)) return;
  asio::post(driver_->io, [this] {
    {
      const std::lock_guard lock(driver_->mutex);
      driver_->called = false;
    }
    serve();
  });
}

// --- the logic thread ------------------------------------------------------------------------------------------------

bool AsioExecutor::in_loop() const { return driver_->io.get_executor().running_in_this_thread(); }

// A completion handler of an Asio object. Within a round, or outside of the loop, it is queued like posted work.
void AsioExecutor::handle(Work work) {
  {
    const std::lock_guard lock(driver_->mutex);
    driver_->posted.push(std::move(work));
    if (driver_->serving) return;
    if (!in_loop()) return call_loop();
  }
  serve();
}

void AsioExecutor::serve() {
  {
    const std::lock_guard lock(driver_->mutex);
    driver_->serving = true;
  }
  driver_->at_work = pthread_self();
  for (int rounds = 1;; ++rounds) {
    try {
      run_round();
      if (!driver_->over && (rounds >= kRounds || idle())) end_batch();
    } catch (...) {
      uncaught(0, std::current_exception());
    }
    if (driver_->over || rounds >= kRounds || (idle() && driver_->at_end.empty())) break;
  }
  driver_->at_work = kNoThread;
  const bool ready = ready_count() > 0 || has_dying() || !driver_->at_end.empty();
  if (!ready) arm_timer();
  const std::lock_guard lock(driver_->mutex);
  driver_->serving = false;
  if (driver_->over) {
    driver_->io.stop();
  } else if (ready || !driver_->posted.empty()) {
    call_loop();
  }
}

// The clock moves first: the process may have been idle for hours when a callback is posted.
void AsioExecutor::run_round() {
  release(Instant(RealClock::now() - driver_->start));
  run_posted();
  if (!driver_->over) run_ready();
}

void AsioExecutor::run_posted() {
  const auto next = [this](Work& work) {
    const std::lock_guard lock(driver_->mutex);
    if (driver_->posted.empty()) return false;
    work = driver_->posted.pop();
    return true;
  };
  std::size_t left = 0;
  {
    const std::lock_guard lock(driver_->mutex);
    left = driver_->posted.size();
  }
  for (Work work; left > 0 && !driver_->over && next(work); --left) {
    std::exchange(work, nullptr)();
    ask_whether_done();
  }
}

void AsioExecutor::run_ready() {
  if (has_dying()) reap();
  for (std::size_t left = ready_count(); left > 0 && ready_count() > 0; --left) run_one();
  ask_whether_done();
}

bool AsioExecutor::idle() const {
  const std::lock_guard lock(driver_->mutex);
  return ready_count() == 0 && !has_dying() && driver_->posted.empty();
}

void AsioExecutor::end_batch() {
  std::vector<Work> works;
  works.swap(driver_->at_end);
  for (Work& work : works) work();
  ask_whether_done();
}

void AsioExecutor::ask_whether_done() {
  if (driver_->over || driver_->done == nullptr || !(*driver_->done)()) return;
  driver_->reached = true;
  driver_->over = true;
}

void AsioExecutor::run_at_end_of_batch(Work work) { driver_->at_end.push_back(std::move(work)); }

// A timer that is armed for an earlier time stays armed: most deadlines are cancelled, and each change is a system call.
void AsioExecutor::arm_timer() {
  const Instant next = next_timer();
  if (next >= driver_->armed) return;
  driver_->armed = next;
  // A time that the real clock cannot express is treated as never.
  const Duration room = RealClock::time_point::max() - driver_->start;
  if (next.time_since_epoch() >= room) return;
  driver_->timer.expires_at(driver_->start + next.time_since_epoch());
  driver_->timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) driver_->armed = kNever;  // else it was replaced by an earlier one
  });
}

void AsioExecutor::stop() { driver_->over = true; }

// --- the loop --------------------------------------------------------------------------------------------------------

void AsioExecutor::run_loop() { run(nullptr, Duration::max()); }

bool AsioExecutor::run_loop_until(const std::function<bool()>& done, Duration limit) { return done() || run(&done, limit); }

bool AsioExecutor::run(const std::function<bool()>* done, Duration limit) {
  const RealClock::time_point now = RealClock::now();
  Driver& driver = *driver_;
  driver.done = done;
  driver.reached = false;
  driver.over = false;
  driver.io.restart();
  {
    const std::lock_guard lock(driver.mutex);
    call_loop();
  }
  if (limit < RealClock::time_point::max() - now) {
    driver.io.run_until(now + limit);
  } else {
    driver.io.run();
  }
  driver.done = nullptr;
  return driver.reached;
}

}  // namespace reliant::adapters
