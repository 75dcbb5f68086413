#include "adapters/nats/nats_bus.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "adapters/nats/nats_bus_message.h"
#include "base/assert.h"
#include "base/text.h"
#include "ports/bus_queue.h"

namespace reliant::adapters {

namespace {

constexpr std::uint64_t kInboxes = NatsBusInboxes::kShared;  // the number of a subscription
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

// An inbox that somebody waits at.
struct NatsBus::Pending {
  Pending(NatsBus& owner, Answer& answer) : bus(owner), inbox(owner.inboxes_.add()) {
    bus.inboxes_.listen(inbox);
    bus.answers_.emplace(inbox, &answer);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    bus.answers_.erase(inbox);
    bus.inboxes_.left(inbox);
  }

  NatsBus& bus;
  std::string inbox;
};

Result<std::unique_ptr<NatsBus>> NatsBus::open(AsioExecutor& executor, EventLog& log, NatsOptions options,
                                               Random random) {
  TRY_ASSIGN(std::vector<std::string> urls, parse_nats_urls(options.urls));
  return std::unique_ptr<NatsBus>(new NatsBus(executor, log, std::move(options), std::move(urls), random));
}

NatsBus::NatsBus(AsioExecutor& executor, EventLog& log, NatsOptions options, std::vector<std::string> urls,
                 Random random)
    : executor_(executor), log_(log), max_payload_(kDefaultMaxPayload),
      inboxes_(*this, concat("_INBOX.", random.hex(24))) {
  ports::SubscribeOptions inboxes;
  inboxes.subject = inboxes_.shared_pattern();
  subscribers_.emplace(kInboxes, std::make_shared<Subscriber>(kInboxes, *this, std::move(inboxes)));
  const Random of_client(random.next());
  NatsBusClient::Listener& listener = *this;
  client_ = std::make_unique<NatsBusClient>(executor, listener, std::move(options), std::move(urls), of_client);
}

NatsBus::~NatsBus() {
  client_.reset();
  life_ = 0;
  while (!subscribers_.empty()) end(*subscribers_.begin()->second);
}

Status NatsBus::not_connected() const {
  return last_error_.empty() ? unavailable("not connected to NATS yet")
                             : unavailable("not connected to NATS: ", last_error_);
}

Task<Status> NatsBus::wait_connected(Instant deadline) {
  while (!connected() && !closed_) {
    const bool in_time = co_await connected_.wait(deadline);
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
  const bool asks = inboxes_.is_own(message.reply_to);
  if (asks) inboxes_.asked(message.reply_to);
  if (!client_->publish(life_, std::move(message), expires)) return unavailable("too much waits to be sent to NATS");
  return ok_status();
}

Status NatsBus::publish(ports::BusMessage message) { return send(std::move(message), kNever); }

Result<std::unique_ptr<ports::BusSubscription>> NatsBus::subscribe(ports::SubscribeOptions options) {
  if (closed_ || draining_) return closed_error();
  TRY_OK(ports::check_subscribe(options));
  const std::uint64_t number = ++last_number_;
  auto subscriber = std::make_shared<Subscriber>(number, *this, std::move(options));
  subscribers_.emplace(number, subscriber);
  // A second one at the same inbox has its own interest: each hears everything.
  subscriber->at_inbox = subscriber->options.queue_group.empty() && inboxes_.listen(subscriber->options.subject) &&
                         at_inboxes_.emplace(subscriber->options.subject, subscriber.get()).second;
  announce(*subscriber);
  return std::make_unique<ports::QueuedSubscription>(std::move(subscriber));
}

void NatsBus::announce(const Subscriber& subscriber) {
  if (!connected() || subscriber.at_inbox) return;  // when it is
  client_->subscribe(life_, subscriber.number, subscriber.options.subject, subscriber.options.queue_group);
}

void NatsBus::start_drain(Subscriber& subscriber) {
  if (!connected()) return end(subscriber);
  if (std::exchange(subscriber.draining, true)) return;
  // When interest in what never comes is drained, what was on its way to the inbox has come, too.
  if (subscriber.at_inbox) client_->subscribe(life_, subscriber.number, concat(subscriber.options.subject, ".drained"), "");
  client_->drain(life_, subscriber.number);
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
    at_inboxes_.erase(kept->options.subject);
    inboxes_.left(kept->options.subject);
  }
  const bool at_server = !kept->at_inbox || kept->draining;
  if (connected() && at_server) client_->unsubscribe(life_, kept->number);
}

Task<Result<ports::BusMessage>> NatsBus::request(ports::BusMessage message, Instant deadline) {
  Answer answer;
  const Pending pending(*this, answer);
  const std::string subject = message.subject;
  message.reply_to = pending.inbox;
  CO_TRY_OK(send(std::move(message), deadline));
  std::optional<Result<ports::BusMessage>> came = co_await answer.wait(deadline);
  if (!came) co_return deadline_exceeded("no answer from ", subject, " came in time");
  if (came->ok() && ports::is_no_responders(**came)) co_return ports::no_responders_error(subject);
  co_return *std::move(came);
}

std::string NatsBus::new_inbox() { return inboxes_.add(); }

void NatsBus::open_desk(std::uint64_t desk, const std::string& pattern) {
  if (connected()) client_->open_desk(life_, desk, pattern);
}

void NatsBus::close_desk(std::uint64_t desk) {
  if (connected()) client_->close_desk(life_, desk);
}

Task<Status> NatsBus::flush(Instant deadline) {
  const Status there = co_await wait_connected(deadline);
  if (!there.ok()) co_return there;
  const std::uint64_t mine = ++last_flush_;
  const std::uint64_t losses = losses_;
  client_->flush(life_, mine);
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
  connected_.set();  // whoever waits for it learns that it will not come
  life_ = 0;
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

void NatsBus::on_connected(std::uint64_t life, std::size_t max_payload) {
  if (closed_) return;
  life_ = life;
  max_payload_ = max_payload - std::min(max_payload, kHeaderFrame);
  last_error_.clear();
  log_.info("bus.connected");
  for (const auto& [number, subscriber] : subscribers_) announce(*subscriber);
  inboxes_.open_all();
  connected_.set();
}

void NatsBus::on_lost(const std::string& why) {
  const bool was_connected = std::exchange(life_, 0) != 0;
  if (closed_) return;
  if (was_connected || last_error_ != why) log_.warning("bus.lost", {{"error", why}});
  last_error_ = why;
  connected_.reset();
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
  if (known == subscribers_.end()) return;  // it was under way when the interest ended
  if (!known->second->add(std::move(message))) count_dropped(*known->second);
}

void NatsBus::on_inbox_message(ports::BusMessage message) {
  inboxes_.heard(message.subject);
  if (const auto waiting = answers_.find(message.subject); waiting != answers_.end()) {
    waiting->second->set(std::move(message));
    return;
  }
  const auto known = at_inboxes_.find(message.subject);
  if (known == at_inboxes_.end()) return;
  if (!known->second->add(std::move(message))) count_dropped(*known->second);
}

void NatsBus::on_no_responders(std::uint64_t desk) {
  std::string inbox = inboxes_.no_responders(desk);
  if (!inbox.empty()) on_inbox_message(ports::no_responders_message(std::move(inbox)));
}

void NatsBus::count_dropped(Subscriber& subscriber) {
  // The first of a series says it; whoever owns the subscription can ask for the number.
  if (subscriber.dropped() == 0) log_.warning("bus.slow_consumer", {{"subject", subscriber.options.subject}});
  subscriber.count_dropped(1);
}

void NatsBus::on_drained(std::uint64_t life, std::uint64_t subscription) {
  if (life != life_) return;
  const auto known = subscribers_.find(subscription);
  if (known != subscribers_.end() && known->second->draining) end(*known->second);
}

void NatsBus::on_flushed(std::uint64_t life, std::uint64_t flush) {
  if (life != life_) return;
  flushed_ = std::max(flushed_, flush);
  flush_known_.set();
}

void NatsBus::on_complaint(const std::string& what) { log_.warning("bus.complaint", {{"error", what}}); }

void NatsBus::on_closed() { ended_.set(); }

}  // namespace reliant::adapters
