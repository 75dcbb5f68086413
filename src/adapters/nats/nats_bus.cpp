#include "adapters/nats/nats_bus.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "adapters/nats/nats_bus_message.h"
#include "base/cause.h"
#include "base/finally.h"
#include "base/text.h"
#include "ports/bus_queue.h"

namespace reliant::adapters {

namespace {

constexpr std::uint64_t kInboxes = 0;  // the number of a subscription
constexpr std::size_t kDefaultMaxPayload = std::size_t{1} << 20;
// "NATS/1.0", its line break and the last one: what the server counts besides the header lines themselves.
constexpr std::size_t kHeaderFrame = 12;

Status closed_error() { return unavailable("the bus was drained"); }

}  // namespace

struct NatsBus::Subscriber final : ports::BusQueue {
  Subscriber(std::uint64_t own_number, NatsBus& bus, ports::SubscribeOptions what)
      : BusQueue(what.max_pending, bus.handed_out_), number(own_number), owner(&bus), options(std::move(what)) {}
  void end() override {
    if (owner != nullptr) owner->end(*this);
  }
  void drain() override {
    if (owner != nullptr) owner->start_drain(*this);
  }

  std::uint64_t number;
  NatsBus* owner;  // null: nothing more comes in
  ports::SubscribeOptions options;
  bool at_inbox = false;  // it has no interest of its own
  bool draining = false;
};

Result<std::unique_ptr<NatsBus>> NatsBus::open(AsioExecutor& executor, EventLog& log, NatsOptions options, Random random) {
  TRY_ASSIGN(std::vector<std::string> urls, parse_nats_urls(options.urls));
  return std::unique_ptr<NatsBus>(new NatsBus(executor, log, std::move(options), std::move(urls), random));
}

NatsBus::NatsBus(AsioExecutor& executor, EventLog& log, NatsOptions options, std::vector<std::string> urls, Random random)
    : executor_(executor), log_(log), max_payload_(kDefaultMaxPayload), inbox_prefix_(concat("_INBOX.", random.hex(24), '.')) {
  ports::SubscribeOptions inboxes;
  inboxes.subject = concat(inbox_prefix_, '*');
  subscribers_.emplace(kInboxes, std::make_shared<Subscriber>(kInboxes, *this, std::move(inboxes)));
  const Random of_client(random.next());
  NatsBusClient::Listener& listener = *this;
  client_ = NatsBusClient::start(executor, listener, std::move(options), std::move(urls), of_client);
}

NatsBus::~NatsBus() {
  client_->leave();
  connected_ = false;
  while (!subscribers_.empty()) end(*subscribers_.begin()->second);
}

Status NatsBus::not_connected() const {
  return last_error_.empty() ? unavailable("not connected to NATS yet")
                             : with_cause(unavailable("not connected to NATS"), last_error_);
}

Task<Status> NatsBus::wait_connected(Instant deadline) {
  while (!connected() && !closed_) {
    const bool in_time = co_await connection_known_.wait(deadline);
    if (!in_time) co_return not_connected();
  }
  if (closed_) co_return closed_error();
  co_return ok_status();
}

Status NatsBus::send(ports::BusMessage message, Instant deadline) {
  if (closed_) return closed_error();
  TRY_OK(ports::check_publish(message, max_payload()));
  for (auto& [name, value] : message.headers) value = nats_header_value(std::move(value));
  TRY_OK(ports::check_publish(message, max_payload()));  // it may have grown
  if (!connected()) return not_connected();
  auto expires = std::chrono::steady_clock::time_point::max();
  if (const Duration left = deadline - executor_.now(); deadline != kNever) {
    const auto now = std::chrono::steady_clock::now();
    if (left < expires - now) expires = now + left;
  }
  if (!client_->publish(std::move(message), expires)) return unavailable("too much waits to be sent to NATS");
  return ok_status();
}

Status NatsBus::publish(ports::BusMessage message) { return send(std::move(message), kNever); }

Result<std::unique_ptr<ports::BusSubscription>> NatsBus::subscribe(ports::SubscribeOptions options) {
  if (closed_ || draining_) return closed_error();
  TRY_OK(ports::check_subscribe(options));
  const std::uint64_t number = ++last_number_;
  auto subscriber = std::make_shared<Subscriber>(number, *this, std::move(options));
  subscribers_.emplace(number, subscriber);
  subscriber->at_inbox = subscriber->options.queue_group.empty() && is_inbox(subscriber->options.subject);
  if (subscriber->at_inbox) at_inboxes_.emplace(subscriber->options.subject, subscriber.get());
  announce(*subscriber);
  return std::make_unique<ports::QueuedSubscription>(std::move(subscriber));
}

void NatsBus::announce(const Subscriber& subscriber) {
  if (!connected() || subscriber.at_inbox) return;  // when it is
  client_->subscribe(subscriber.number, subscriber.options.subject, subscriber.options.queue_group);
}

void NatsBus::start_drain(Subscriber& subscriber) {
  if (!connected()) return end(subscriber);
  if (std::exchange(subscriber.draining, true)) return;
  // When interest in what never comes is drained, what was on its way to the inbox has come, too.
  if (subscriber.at_inbox) client_->subscribe(subscriber.number, concat(subscriber.options.subject, ".drained"), "");
  client_->drain(subscriber.number);
}

void NatsBus::end(Subscriber& subscriber) {
  subscriber.owner = nullptr;
  subscriber.close();
  handed_out_->set();
  const auto known = subscribers_.find(subscriber.number);
  std::erase_if(closing_, [](const auto& closing) { return closing.expired(); });
  closing_.emplace_back(known->second);
  const std::shared_ptr<Subscriber> kept = std::move(known->second);
  subscribers_.erase(known);
  if (kept->at_inbox) {
    const auto [first, last] = at_inboxes_.equal_range(kept->options.subject);
    at_inboxes_.erase(std::find_if(first, last, [&](const auto& one) { return one.second == kept.get(); }));
  }
  const bool at_server = !kept->at_inbox || kept->draining;
  if (connected() && at_server) client_->unsubscribe(kept->number);
}

Task<Result<ports::BusMessage>> NatsBus::request(ports::BusMessage message, Instant deadline) {
  Answer answer;
  const std::string subject = message.subject;
  message.reply_to = new_inbox();
  const auto waiting = answers_.emplace(message.reply_to, &answer).first;
  const Finally stop_waiting([&] { answers_.erase(waiting); });
  CO_TRY_OK(send(std::move(message), deadline));
  std::optional<Result<ports::BusMessage>> came = co_await answer.wait(deadline);
  if (!came) co_return deadline_exceeded("no answer from ", subject, " came in time");
  if (came->ok() && ports::is_no_responders(**came)) co_return ports::no_responders_error(subject);
  co_return *std::move(came);
}

std::string NatsBus::new_inbox() { return concat(inbox_prefix_, ++last_inbox_); }

bool NatsBus::is_inbox(std::string_view subject) const {
  return subject.starts_with(inbox_prefix_) && subject.find_first_of(".*>", inbox_prefix_.size()) == std::string_view::npos;
}

Task<Status> NatsBus::flush(Instant deadline) {
  const Status there = co_await wait_connected(deadline);
  if (!there.ok()) co_return there;
  const std::uint64_t mine = ++last_flush_;
  const std::uint64_t losses = losses_;
  client_->flush(mine);
  while (flushed_ < mine && losses_ == losses) {
    flush_known_.reset();
    const bool in_time = co_await flush_known_.wait(deadline);
    if (!in_time) co_return deadline_exceeded("NATS did not answer in time");
  }
  if (losses_ != losses) co_return unavailable("the connection to NATS was lost");
  co_return ok_status();
}

Task<Status> NatsBus::drain(Instant deadline) {
  if (closed_) co_return closed_error();
  draining_ = true;
  std::vector<std::shared_ptr<Subscriber>> all;
  for (auto next = subscribers_.upper_bound(kInboxes); next != subscribers_.end(); ++next) all.push_back(next->second);
  for (const auto& subscriber : all) start_drain(*subscriber);
  all.clear();
  bool in_time = true;
  while (in_time && has_pending()) {
    handed_out_->reset();
    in_time = co_await handed_out_->wait(deadline);
  }
  Status flushed = ok_status();
  if (in_time && connected()) flushed = co_await flush(deadline);
  closed_ = true;
  connected_ = false;
  connection_known_.set();
  while (!subscribers_.empty()) end(*subscribers_.begin()->second);
  fail_answers(closed_error());
  client_->close();
  const bool ended = co_await ended_.wait(deadline);
  if (!in_time) co_return deadline_exceeded("messages were still waiting for next() when the time was over");
  if (!ended && flushed.ok()) co_return deadline_exceeded("NATS did not take what was sent in time");
  co_return flushed;
}

bool NatsBus::has_pending() const {
  if (subscribers_.upper_bound(kInboxes) != subscribers_.end()) return true;
  return std::ranges::any_of(closing_, [](const std::weak_ptr<Subscriber>& closing) {
    const std::shared_ptr<Subscriber> subscriber = closing.lock();
    return subscriber != nullptr && !subscriber->empty();
  });
}

void NatsBus::on_connected(std::size_t max_payload) {
  if (closed_) return;
  connected_ = true;
  max_payload_ = max_payload - std::min(max_payload, kHeaderFrame);
  last_error_.clear();
  log_.info("bus.connected");
  for (const auto& [number, subscriber] : subscribers_) announce(*subscriber);
  connection_known_.set();
}

void NatsBus::on_lost(const std::string& why) {
  const bool was_connected = std::exchange(connected_, false);
  if (closed_) return;
  if (was_connected || last_error_ != why) log_.warning("bus.lost", {{"error", why}});
  last_error_ = why;
  connection_known_.reset();
  std::vector<std::shared_ptr<Subscriber>> drained;
  for (const auto& [number, subscriber] : subscribers_)
    if (subscriber->draining) drained.push_back(subscriber);
  for (const auto& subscriber : drained) end(*subscriber);
  fail_answers(unavailable("the connection to NATS was lost: the request may have been executed"));
}

void NatsBus::fail_answers(const Status& why) {
  ++losses_;
  flush_known_.set();
  for (const auto& [inbox, answer] : answers_) answer->set(why);
}

void NatsBus::on_message(std::uint64_t subscription, ports::BusMessage message) {
  if (subscription == kInboxes) return on_inbox_message(std::move(message));
  const auto known = subscribers_.find(subscription);
  // Else it was under way when the interest ended.
  if (known != subscribers_.end()) hand_to(*known->second, std::move(message));
}

void NatsBus::on_inbox_message(ports::BusMessage message) {
  if (const auto waiting = answers_.find(message.subject); waiting != answers_.end()) {
    waiting->second->set(std::move(message));
    return;
  }
  const auto [first, last] = at_inboxes_.equal_range(message.subject);
  const bool to_one = ports::is_no_responders(message);  // as the server tells one subscription only
  for (auto next = first; next != last; next = to_one ? last : std::next(next)) hand_to(*next->second, message);
}

void NatsBus::hand_to(Subscriber& subscriber, ports::BusMessage message) {
  if (subscriber.add(std::move(message))) return;
  // The first of a series says it; dropped() has the number.
  if (subscriber.dropped() == 0) log_.warning("bus.slow_consumer", {{"subject", subscriber.options.subject}});
  subscriber.count_dropped(1);
}

void NatsBus::on_drained(std::uint64_t subscription) {
  const auto known = subscribers_.find(subscription);
  if (known != subscribers_.end() && known->second->draining) end(*known->second);
}

void NatsBus::on_flushed(std::uint64_t flush) {
  flushed_ = std::max(flushed_, flush);
  flush_known_.set();
}

void NatsBus::on_complaint(const std::string& what) { log_.warning("bus.complaint", {{"error", what}}); }

void NatsBus::on_closed() { ended_.set(); }

}  // namespace reliant::adapters
