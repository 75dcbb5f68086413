#include "adapters/asio/asio_executor.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/assert.h"
#include "runtime/frame_pool.h"
#include "runtime/ring.h"
#include "runtime/sleep.h"

namespace reliant::adapters {

namespace asio = boost::asio;
using RealClock = std::chrono::steady_clock;

namespace {

// What one thread does at most before it lets the loop's thread go on: a library's has its own work to do, and the loop's
// has to look after its sockets.
constexpr int kRounds = 16;
constexpr pthread_t kNobody = 0;  // of which Linux makes no thread

}  // namespace

// What Asio calls an executor, of which its objects are made.
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

  // Of all threads, under the mutex.
  std::mutex mutex;
  std::condition_variable released;
  Ring<Work> posted;
  bool held = true;        // there is a logic thread; at first it is whoever made this, until it runs the loop
  bool given_back = true;  // to that one
  bool wanted = false;     // by that one
  bool called = false;     // the loop's thread is on its way
  int sharing = 0;

  // Of the logic thread, and for all to read.
  std::atomic<pthread_t> at_work = kNobody;

  // Of the logic thread, and read by the loop's. A look-out that ends just as it is made longer is lost: only time is.
  std::atomic<RealClock::time_point> look_out = RealClock::time_point::min();  // so long
  std::atomic<bool> looking_out = false;

  // Of the logic thread.
  const std::function<bool()>* done = nullptr;  // what run_loop_until waits for
  bool reached = false;
  bool over = false;
  bool looping = false;
  FrameLists frames;         // while no thread is at work
  std::vector<Work> at_end;  // of this turn
  RealClock::time_point start = RealClock::now();
  Instant armed = kNever;  // what `timer` waits for

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard{io.get_executor()};
  asio::steady_timer timer{asio::any_io_executor(Handlers(*this))};
};

asio::execution_context& AsioExecutor::Handlers::query(asio::execution::context_t) const noexcept { return driver_->io; }

void AsioExecutor::Handlers::run(Work work) const {
  if (at_once_) return driver_->owner.dispatch(std::move(work));
  driver_->owner.post(std::move(work));
}

AsioExecutor::AsioExecutor() : Executor(0, Order::kFifo), driver_(std::make_unique<Driver>(*this)) {}

AsioExecutor::~AsioExecutor() {
  // Not under the lock: what is destroyed may post.
  for (;;) {
    Work unrun;
    const std::lock_guard lock(driver_->mutex);
    if (driver_->posted.empty()) break;
    unrun = driver_->posted.pop();
  }
}

asio::any_io_executor AsioExecutor::io_executor() { return Handlers(*driver_); }

asio::any_io_executor AsioExecutor::loop_executor() { return driver_->io.get_executor(); }

// --- any thread ------------------------------------------------------------------------------------------------------

void AsioExecutor::post(Work work) {
  const std::lock_guard lock(driver_->mutex);
  driver_->posted.push(std::move(work));
  if (!driver_->held) call_loop();
}

void AsioExecutor::dispatch(Work work) {
  if (offer(std::move(work))) serve();
}

bool AsioExecutor::offer(Work work) {
  const std::lock_guard lock(driver_->mutex);
  driver_->posted.push(std::move(work));
  if (driver_->held) return false;
  const bool may = !driver_->wanted && (driver_->sharing > 0 || in_loop());
  if (may) {
    driver_->held = true;
  } else {
    call_loop();
  }
  return may;
}

bool AsioExecutor::runs_here() const { return driver_->at_work == pthread_self(); }

bool AsioExecutor::in_loop() const { return driver_->io.get_executor().running_in_this_thread(); }

// Under the mutex.
void AsioExecutor::call_loop() {
  if (std::exchange(driver_->called, true)) return;
  asio::post(driver_->io, [this] {
    {
      const std::lock_guard lock(driver_->mutex);
      driver_->called = false;
      if (std::exchange(driver_->held, true)) return;  // and will see to it
    }
    serve();
  });
}

// --- the logic thread, which passes ----------------------------------------------------------------------------------

void AsioExecutor::serve() {
  driver_->at_work = pthread_self();
  FramePool::exchange(driver_->frames);
  for (int rounds = 1;; ++rounds) {
    try {
      run_round();
      if (!driver_->over && (rounds >= kRounds || idle())) end_turn();
    } catch (...) {
      uncaught(0, std::current_exception());
    }
    if (pass_on(rounds)) return;
  }
}

// The clock moves first: the process may have been idle for hours when a callback is posted.
void AsioExecutor::run_round() {
  release(Instant(RealClock::now() - driver_->start));
  run_posted();
  if (!driver_->over) run_batch();
}

// True: this thread is the logic thread no more, and does not touch anything from now on.
bool AsioExecutor::pass_on(int rounds) {
  const bool ready = ready_count() > 0 || has_dying() || !driver_->at_end.empty();
  if (!ready) arm_timer();
  const std::lock_guard lock(driver_->mutex);
  const bool more = ready || !driver_->posted.empty();
  const bool may = driver_->sharing > 0 || at_home();
  if (!driver_->over && more && may && rounds < kRounds) return false;
  FramePool::exchange(driver_->frames);
  driver_->at_work = kNobody;
  if (driver_->over) {
    driver_->given_back = true;
    driver_->io.stop();
  } else {
    driver_->held = false;
    if (more) call_loop();
  }
  driver_->released.notify_one();
  return true;
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

void AsioExecutor::run_batch() {
  if (has_dying()) reap();
  for (std::size_t left = ready_count(); left > 0 && ready_count() > 0; --left) run_one();
  ask_whether_done();
}

bool AsioExecutor::idle() const {
  const std::lock_guard lock(driver_->mutex);
  return ready_count() == 0 && !has_dying() && driver_->posted.empty();
}

void AsioExecutor::end_turn() {
  if (driver_->at_end.empty()) return;
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

void AsioExecutor::run_at_end_of_turn(Work work) { driver_->at_end.push_back(std::move(work)); }

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
    if (!error) driver_->armed = kNever;  // else it was replaced by an earlier one
  });
}

void AsioExecutor::stop() { driver_->over = true; }

void AsioExecutor::look_out_for(Duration time) {
  driver_->look_out = RealClock::now() + time;
  if (!driver_->looking_out.exchange(true)) look_again();
}

// While the loop has something to run it does not wait for its sockets, but looks whether they have something for it.
void AsioExecutor::look_again() {
  asio::post(driver_->io, [this] {
    driver_->looking_out = RealClock::now() < driver_->look_out.load();
    if (!driver_->looking_out) return;
    sched_yield();  // whoever has something to do goes first
    look_again();
  });
}

// --- the loop --------------------------------------------------------------------------------------------------------

void AsioExecutor::run_loop() { run(nullptr, Duration::max()); }

bool AsioExecutor::run_loop_until(const std::function<bool()>& done, Duration limit) {
  return done() || run(&done, limit);
}

bool AsioExecutor::run(const std::function<bool()>* done, Duration limit) {
  const RealClock::time_point now = RealClock::now();
  Driver& driver = *driver_;
  driver.done = done;
  driver.reached = false;
  driver.over = false;
  driver.io.restart();
  {
    const std::lock_guard lock(driver.mutex);
    driver.looping = true;
    FramePool::exchange(driver.frames);  // those of this thread go round
    driver.given_back = false;
    driver.held = false;
    call_loop();
  }
  if (limit < RealClock::time_point::max() - now) {
    driver.io.run_until(now + limit);
  } else {
    driver.io.run();
  }
  std::unique_lock lock(driver.mutex);
  driver.wanted = true;
  driver.released.wait(lock, [&driver] { return driver.given_back || !driver.held; });
  driver.wanted = false;
  driver.held = true;
  driver.given_back = true;
  driver.looping = false;
  driver.done = nullptr;
  FramePool::exchange(driver.frames);
  return driver.reached;
}

AsioExecutor::Sharing::Sharing(AsioExecutor& executor) : executor_(executor) {
  const std::lock_guard lock(executor_.driver_->mutex);
  ++executor_.driver_->sharing;
}

AsioExecutor::Sharing::~Sharing() {
  const std::lock_guard lock(executor_.driver_->mutex);
  --executor_.driver_->sharing;
}

bool AsioExecutor::at_home() const { return in_loop() || !driver_->looping; }

Task<void> AsioExecutor::come_home() {
  RELIANT_ASSERT(driver_->sharing == 0, "nothing keeps the logic on one thread while it is shared");
  while (!at_home()) co_await yield();
}

}  // namespace reliant::adapters
