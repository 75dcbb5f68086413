// Random scripts against the bus in process, the simulated one and a real nats-server: every subscriber receives the same,
// but for what tests/contract/README.md lists.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "contract/bus/bus_contract_nats.h"
#include "contract/bus/bus_contract_worlds.h"
#include "model/subject.h"
#include "runtime/all.h"
#include "runtime/event.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"

namespace reliant::tests {
namespace {

using ports::Bus;
using ports::BusMessage;
using ports::BusSubscription;

struct Step {
  enum class Kind : std::uint8_t { kSubscribe, kDrain, kPublish, kPublishWithReply, kRequest };
  Kind kind = Kind::kPublish;
  int client = 0;
  std::string subject;
  std::string group;  // of a subscription
  bool answers = false;
  std::size_t which = 0;  // subscription, modulo how many there are
  ports::BusHeaders headers;
  std::string payload;

  friend std::ostream& operator<<(std::ostream& out, const Step& step) {
    static constexpr std::string_view kNames[] = {"subscribe", "drain", "publish", "publish with reply", "request"};
    out << kNames[static_cast<std::size_t>(step.kind)] << " client " << step.client << " `" << step.subject << "` group `"
        << step.group << "`" << (step.answers ? " answers" : "") << " #" << step.which << " payload " << step.payload;
    for (const auto& [name, value] : step.headers) out << " [" << name << ": " << value << "]";
    return out;
  }
};
using Script = std::vector<Step>;
using Lines = std::vector<std::string>;

rc::Gen<std::string> one_of(std::vector<std::string> words) { return rc::gen::elementOf(std::move(words)); }

rc::Gen<Script> scripts() {
  const auto subjects = one_of({"a", "a", "a.b", "a.b", "a.b.c", "b", "a.c", "x.y", "a..b", "a.*", "", "a b", "b\r\nPUB a 0"});
  const auto patterns = one_of({"a", "a.b", "a.*", "a.>", "*", "*.b", "b", ">.a", "a..", "a.*.c"});
  const auto groups = one_of({"", "", "g", "h", "g g"});
  const auto values = one_of({"", "v", " v ", "x: y", "=%", "=%41", std::string("\0", 1), "ü", "a\r\nStatus: 503", "\t"});
  const auto names = one_of({"Name", "name", "Traceparent", "Status", "bad name", "b:"});
  // Of a list: there are not enough names for a map of many.
  const auto headers = rc::gen::map(
      rc::gen::scale(0.05, rc::gen::container<std::vector<std::pair<std::string, std::string>>>(rc::gen::pair(names, values))),
      [](const std::vector<std::pair<std::string, std::string>>& lines) {
        return ports::BusHeaders(lines.begin(), lines.end());
      });
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::element(Step::Kind::kSubscribe, Step::Kind::kSubscribe, Step::Kind::kDrain,
                                                 Step::Kind::kPublish, Step::Kind::kPublish, Step::Kind::kPublish,
                                                 Step::Kind::kPublishWithReply, Step::Kind::kRequest)),
      rc::gen::set(&Step::client, rc::gen::inRange(0, 2)), rc::gen::set(&Step::subject, subjects),
      rc::gen::set(&Step::group, groups), rc::gen::set(&Step::answers, rc::gen::arbitrary<bool>()),
      rc::gen::set(&Step::which, rc::gen::inRange<std::size_t>(0, 8)), rc::gen::set(&Step::headers, headers),
      rc::gen::set(&Step::payload, one_of({"", "1", "2", "3", std::string("\0\r\n\xff", 4)})));
  return rc::gen::map(rc::gen::pair(rc::gen::container<Script>(step), rc::gen::container<Lines>(patterns)),
                      [](std::pair<Script, Lines> made) {
                        std::size_t next = 0;
                        for (Step& each : made.first) {
                          if (each.kind != Step::Kind::kSubscribe) continue;
                          each.subject = made.second.empty() ? "a.*" : made.second[next++ % made.second.size()];
                        }
                        return made.first;
                      });
}

// --- one run of a script ---------------------------------------------------------------------------------------------

// What was heard, in a form that does not depend on the picked member of a group.
class Play {
 public:
  // `run` is the first token of all subjects: no subscription hears another run.
  Play(Bus& one, Bus& two, Script script, std::string run)
      : buses_{&one, &two}, script_(std::move(script)), barrier_(concat(run, ".barrier.of.the.test")) {
    for (Step& step : script_) step.subject = concat(run, ".", step.subject);
  }

  Task<void> run(Executor& executor) {
    TaskScope scope(executor, 0);
    for (Bus* bus : buses_) barriers_.push_back(*bus->subscribe({barrier_}));
    for (const Step& step : script_) {
      co_await play(step, scope);
      // In effect, heard, and answered before the next step.
      for (int round = 0; round < 3; ++round) co_await pass_barrier();
    }
    for (const auto& listener : listeners_) EXPECT_TRUE(listener->subscription->drain().ok());
    co_await scope.join();
  }

  // Of a plain subscription what it heard, in order; of a group, of all its members together, in any order. Of an inbox it
  // is not specified which of its subscriptions receives that there is no responder.
  std::map<std::string, Lines> heard() const {
    std::map<std::string, Lines> out;
    for (std::size_t i = 0; i < listeners_.size(); ++i) {
      const Listener& listener = *listeners_[i];
      const bool inbox = listener.pattern.starts_with("_INBOX.");
      const bool grouped = inbox || !listener.group.empty();
      Lines& lines = out[inbox     ? named(listener.pattern)
                         : grouped ? concat("group ", listener.group)
                                   : concat("subscription ", i)];
      lines.insert(lines.end(), listener.lines.begin(), listener.lines.end());
      if (grouped) std::ranges::sort(lines);
    }
    out["outcomes"] = outcomes_;
    return out;
  }

 private:
  struct Listener {
    Bus* bus = nullptr;
    std::string pattern;
    std::string group;
    bool answers = false;
    Event over;  // its subscription has handed out all that it had
    std::unique_ptr<BusSubscription> subscription;
    Lines lines;
  };

  // All that was sent has been heard: a connection keeps the order.
  Task<void> pass_barrier() {
    for (Bus* bus : buses_) EXPECT_TRUE((co_await bus->flush(kNever)).ok());
    BusMessage barrier;
    barrier.subject = barrier_;
    for (Bus* bus : buses_) EXPECT_TRUE(bus->publish(barrier).ok());
    for (const auto& subscription : barriers_) {
      for (std::size_t i = 0; i < buses_.size(); ++i) EXPECT_TRUE((co_await subscription->next(kNever)).ok());
    }
    for (int i = 0; i < 20; ++i) co_await yield();
  }

  Task<void> play(const Step& step, TaskScope& scope) {
    Bus& bus = *buses_[static_cast<std::size_t>(step.client)];
    switch (step.kind) {
      case Step::Kind::kSubscribe:
        subscribe(bus, step, scope);
        break;
      case Step::Kind::kDrain:
        if (!listeners_.empty()) {
          Listener& listener = *listeners_[step.which % listeners_.size()];
          EXPECT_TRUE(listener.subscription->drain().ok());
          co_await listener.over.wait();
        }
        break;
      case Step::Kind::kPublish:
        outcomes_.emplace_back(code_name(bus.publish(message(step)).code()));
        break;
      case Step::Kind::kPublishWithReply:
        publish_with_reply(bus, step, scope);
        break;
      case Step::Kind::kRequest:
        if (!may_get_no_answer(step.subject)) co_await request(bus, message(step));
        break;
    }
  }

  void subscribe(Bus& bus, const Step& step, TaskScope& scope) {
    auto made = bus.subscribe({step.subject, step.group});
    outcomes_.emplace_back(code_name(made.status().code()));
    if (made.ok()) listen(bus, step, *std::move(made), scope);
  }
  void listen(Bus& bus, const Step& step, std::unique_ptr<BusSubscription> subscription, TaskScope& scope) {
    listeners_.push_back(std::make_unique<Listener>());
    Listener& listener = *listeners_.back();
    listener.bus = &bus;
    listener.pattern = step.subject;
    listener.group = step.group;
    listener.answers = step.answers && step.group.empty();  // of a group, another member may be asked
    listener.subscription = std::move(subscription);
    scope.spawn(hear(*this, listener));
  }
  static Task<void> hear(Play& play, Listener& listener) {
    for (;;) {
      auto message = co_await listener.subscription->next(kNever);
      if (!message.ok()) break;
      listener.lines.push_back(play.line_of(*message));
      if (!listener.answers || message->reply_to.empty()) continue;
      BusMessage answer;
      answer.subject = message->reply_to;
      answer.payload = concat("answer to ", message->payload);
      EXPECT_TRUE(listener.bus->publish(std::move(answer)).ok());
    }
    listener.over.set();
  }

  // The inbox has a subscription, which receives answers, or that there is no responder.
  void publish_with_reply(Bus& bus, const Step& step, TaskScope& scope) {
    BusMessage sent = message(step);
    sent.reply_to = bus.new_inbox();
    inboxes_.emplace(sent.reply_to, concat("inbox ", inboxes_.size()));
    Step inbox;
    inbox.subject = sent.reply_to;
    for (std::size_t i = 0; i <= step.which % 2; ++i) {
      auto made = bus.subscribe({sent.reply_to});
      EXPECT_TRUE(made.ok());
      if (made.ok()) listen(bus, inbox, *std::move(made), scope);
    }
    outcomes_.emplace_back(code_name(bus.publish(std::move(sent)).code()));
  }

  // It has a receiver, but perhaps none that answers.
  bool may_get_no_answer(const std::string& subject) const {
    if (!model::valid_subject(subject)) return false;
    bool heard = false;
    for (const auto& listener : listeners_) {
      if (listener->over.is_set() || !model::subject_matches(listener->pattern, subject)) continue;
      if (listener->answers) return false;
      heard = true;
    }
    return heard;
  }
  Task<void> request(Bus& bus, BusMessage message) {
    const auto answer = co_await bus.request(std::move(message), kNever);
    outcomes_.push_back(answer.ok() ? answer->payload
                                    : concat(code_name(answer.status().code()), " ", reason_of(answer.status())));
  }

  static BusMessage message(const Step& step) {
    BusMessage out;
    out.subject = step.subject;
    out.headers = step.headers;
    out.payload = step.payload;
    return out;
  }
  std::string line_of(const BusMessage& message) const {
    std::string line = concat(named(message.subject), " | ", message.payload);
    for (const auto& [name, value] : message.headers) line += concat(" | ", name, "=", value);
    // The inbox of a request is the bus's own.
    if (!message.reply_to.empty()) line += concat(" | reply to ", named(message.reply_to));
    return line;
  }
  std::string named(const std::string& subject) const {
    const auto inbox = inboxes_.find(subject);
    if (inbox != inboxes_.end()) return inbox->second;
    return subject.starts_with("_INBOX.") ? "an inbox" : subject;
  }

  std::vector<Bus*> buses_;
  std::vector<std::unique_ptr<BusSubscription>> barriers_;
  Script script_;
  std::string barrier_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Lines outcomes_;
  std::map<std::string, std::string> inboxes_;
};

template <class World>
std::map<std::string, Lines> heard_in(World& world, const Script& script, const std::string& run) {
  Play play(world.one(), world.two(), script, run);
  RC_ASSERT(world.run(play.run(world.executor())));
  return play.heard();
}

TEST(BusDifferential, EverybodyHearsTheSameInProcessSimulatedAndOnNats) {
  NatsServer server;
  std::uint64_t runs = 0;
  const bool same = rc::check([&] {
    const Script script = *scripts();
    const std::string run = concat("run", ++runs);
    MemoryBusWorld memory;
    SimBusWorld simulated;
    NatsWorld nats(server, runs);
    const auto in_process = heard_in(memory, script, run);
    RC_ASSERT(heard_in(simulated, script, run) == in_process);
    RC_ASSERT(heard_in(nats, script, run) == in_process);
  });
  EXPECT_TRUE(same);
}

}  // namespace
}  // namespace reliant::tests
