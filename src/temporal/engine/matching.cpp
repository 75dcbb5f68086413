#include "temporal/engine/matching.h"

#include <algorithm>
#include <vector>

namespace reliant::temporal::engine {

namespace {
constexpr Duration kPollerMemory = std::chrono::seconds(10);
constexpr Duration kPollerShown = std::chrono::minutes(5);
constexpr std::size_t kPollersKept = 200;  // of a queue
}  // namespace

Matching::Taken::~Taken() {
  if (queue_ == nullptr) return;
  queue_->tasks.push_front(std::move(task_));
  queue_->grant();
}

void Matching::Queue::grant() {
  while (unclaimed() > 0 && !pollers.empty()) {
    Poll& poll = *pollers.begin()->second;
    pollers.erase(pollers.begin());
    poll.waiting_ = false;
    poll.claimed_ = true;
    ++claims;
    poll.wake_.ready();
  }
}

void Matching::Poll::leave() {
  if (std::exchange(waiting_, false)) queue_.pollers.erase(id_);
  if (!std::exchange(claimed_, false)) return;
  --queue_.claims;
  queue_.grant();
}

std::optional<MatchTask> Matching::Poll::await_resume() {
  if (std::exchange(waiting_, false)) queue_.pollers.erase(id_);
  if (std::exchange(claimed_, false)) {
    --queue_.claims;
  } else if (queue_.unclaimed() == 0) {
    return std::nullopt;
  }
  std::optional<MatchTask> task(std::move(queue_.tasks.front()));
  queue_.tasks.pop_front();
  return task;
}

Matching::Queue& Matching::queue(const QueueKey& key) {
  auto& found = queues_[key];
  if (!found) found = std::make_unique<Queue>();
  return *found;
}

bool Matching::has_poller(const QueueKey& key) const {
  const auto found = queues_.find(key);
  if (found == queues_.end()) return false;
  const Queue& queue = *found->second;
  return !queue.pollers.empty() || (queue.last_poll && executor_.now() < after(*queue.last_poll, kPollerMemory));
}

void Matching::add(MatchTask task) {
  QueueKey key{task.ns, task.dispatch.kind, true, task.dispatch.sticky_queue};
  if (key.name.empty() || !has_poller(key)) {
    key.sticky = false;
    key.name = task.dispatch.queue;
  }
  Queue& to = queue(key);
  to.tasks.push_back(std::move(task));
  to.grant();
}

void Matching::note_poller(Queue& queue, const std::string& identity) const {
  const Instant now = executor_.now();
  const auto [found, fresh] = queue.seen.insert_or_assign(identity, now);
  if (!fresh || queue.seen.size() <= kPollersKept) return;
  std::erase_if(queue.seen, [now](const auto& each) { return after(each.second, kPollerShown) <= now; });
  if (queue.seen.size() <= kPollersKept) return;
  queue.seen.erase(std::ranges::min_element(queue.seen, {}, [](const auto& each) { return each.second; }));
}

std::vector<Poller> Matching::pollers(const QueueKey& key) const {
  std::vector<Poller> found;
  const auto queue = queues_.find(key);
  if (queue == queues_.end()) return found;
  for (const auto& [identity, last] : queue->second->seen) {
    if (executor_.now() < after(last, kPollerShown)) found.push_back({identity, last});
  }
  return found;
}

std::size_t Matching::backlog(const QueueKey& key) const {
  const auto queue = queues_.find(key);
  return queue == queues_.end() ? 0 : queue->second->unclaimed();
}

Task<std::optional<Matching::Taken>> Matching::take(QueueKey key, std::string worker, std::string identity, Instant deadline) {
  Queue& from = queue(key);
  from.last_poll = executor_.now();
  note_poller(from, identity);
  auto task = co_await Poll(from, worker, deadline);
  from.last_poll = executor_.now();
  if (!task) co_return std::nullopt;
  co_return std::optional<Taken>(Taken(from, *std::move(task), key.sticky));
}

void Matching::stop_worker(std::string_view worker, const QueueKey& sticky_queue) {
  if (!worker.empty()) {
    for (auto& [key, queue] : queues_) {
      for (auto i = queue->pollers.begin(); i != queue->pollers.end();) {
        Poll& poll = *i->second;
        if (poll.worker_ != worker) {
          ++i;
          continue;
        }
        i = queue->pollers.erase(i);
        poll.waiting_ = false;
        poll.wake_.ready();
      }
    }
  }
  const auto sticky = queues_.find(sticky_queue);
  if (sticky == queues_.end()) return;
  Queue& queue = *sticky->second;
  queue.last_poll.reset();
  std::vector<MatchTask> left;
  while (queue.unclaimed() > 0) {
    left.push_back(std::move(queue.tasks.back()));
    queue.tasks.pop_back();
  }
  for (; !left.empty(); left.pop_back()) {
    left.back().dispatch.sticky_queue.clear();
    add(std::move(left.back()));
  }
}

}  // namespace reliant::temporal::engine
