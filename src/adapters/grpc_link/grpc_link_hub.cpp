#include "adapters/grpc_link/grpc_link_hub.h"

#include <utility>

#include "base/assert.h"
#include "runtime/sleep.h"

namespace reliant::adapters {

namespace {

constexpr Duration kSettled = std::chrono::milliseconds(20);
// Events that are told before roles get their turn. A crowd that comes at once must find those accepted that came before.
constexpr std::size_t kAtOnce = 64;

}  // namespace

GrpcLinkHub::GrpcLinkHub(AsioExecutor& executor, GrpcLinkOptions options)
    : executor_(executor), options_(std::move(options)) {
  scope_.emplace(executor, 0);
  worker_ = std::thread([this] { work_off(); });
}

GrpcLinkHub::~GrpcLinkHub() { RELIANT_ASSERT(!worker_.joinable(), "a transport shuts its hub"); }

void GrpcLinkHub::post(Work event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    if (shutting_) return event_came_.notify_one();
    if (std::exchange(posted_, true)) return;
    executor_.post(handing_over());
  }
}

GrpcLinkHub::Work GrpcLinkHub::handing_over() {
  return [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->hand_over();
  };
}

void GrpcLinkHub::when_idle(Work work) {
  if (idle_works_.empty()) {
    // Others write at the end of a turn what it has brought forth; this comes behind them, at the end of the next one.
    executor_.run_at_end_of_batch([&executor = executor_, weak = weak_from_this()] {
      executor.run_at_end_of_batch([weak] {
        if (const auto self = weak.lock()) self->do_idle_works();
      });
    });
  }
  idle_works_.push_back(std::move(work));
}

void GrpcLinkHub::do_idle_works() {
  std::vector<Work> works;
  works.swap(idle_works_);
  if (shutting_) return;
  for (Work& work : works) work();
}

void GrpcLinkHub::hand_over() {
  tell(kAtOnce);
  const std::lock_guard lock(mutex_);
  posted_ = told_ < telling_.size() || !events_.empty();
  if (posted_) executor_.post(handing_over());
}

void GrpcLinkHub::tell(std::size_t most) {
  if (told_ == telling_.size()) {
    telling_.clear();
    told_ = 0;
    const std::lock_guard lock(mutex_);
    telling_.swap(events_);
  }
  for (; most > 0 && told_ < telling_.size(); --most) std::exchange(telling_[told_++], nullptr)();
}

void GrpcLinkHub::later(Work job) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
  job_came_.notify_one();
}

void GrpcLinkHub::work_off() {
  std::unique_lock lock(mutex_);
  for (;;) {
    job_came_.wait(lock, [this] { return shut_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::vector<Work> jobs = std::exchange(jobs_, {});
    lock.unlock();
    for (Work& job : jobs) std::exchange(job, nullptr)();
    lock.lock();
  }
}

void GrpcLinkHub::add(std::shared_ptr<GrpcLinkStream> stream) {
  stream->number = next_number();
  streams_.emplace(stream->number, std::move(stream));
}

void GrpcLinkHub::remove(GrpcLinkStream& stream) { streams_.erase(stream.number); }

void GrpcLinkHub::watch(std::shared_ptr<GrpcLinkStream> stream) {
  if (stream->lingers()) scope_->spawn(end_in_time(std::move(stream), after(executor_.now(), options_.linger)));
}

Task<void> GrpcLinkHub::end_in_time(std::shared_ptr<GrpcLinkStream> stream, Instant deadline) {
  const bool in_time = co_await stream->flushed().wait(deadline);
  if (!in_time) stream->break_off();
}

void GrpcLinkHub::settle(std::shared_ptr<GrpcLinkStream> stream) {
  if (stream->end()) return stream->on_read(std::nullopt);
  scope_->spawn(end_reads(std::move(stream), after(executor_.now(), kSettled)));
}

Task<void> GrpcLinkHub::end_reads(std::shared_ptr<GrpcLinkStream> stream, Instant when) {
  co_await sleep_until(when);
  stream->on_read(std::nullopt);
}

// The executor need not run any more: what gRPC tells is heard here.
void GrpcLinkHub::shut() {
  {
    const std::lock_guard lock(mutex_);
    shutting_ = true;
  }
  for (auto& [number, close] : servers_) close();
  std::vector<std::shared_ptr<GrpcLinkStream>> left;
  left.reserve(streams_.size());
  for (const auto& [number, stream] : streams_) left.push_back(stream);
  for (const auto& stream : left) stream->give_up();
  for (const auto& stream : left) stream->break_off();  // those that linger, too
  left.clear();
  while (!streams_.empty() || !servers_.empty()) {
    if (told_ == telling_.size()) {
      std::unique_lock lock(mutex_);
      event_came_.wait(lock, [this] { return !events_.empty(); });
    }
    tell(SIZE_MAX);
  }
  {
    const std::lock_guard lock(mutex_);
    shut_ = true;
    job_came_.notify_one();
  }
  worker_.join();
  tell(SIZE_MAX);
  scope_.reset();
}

}  // namespace reliant::adapters
