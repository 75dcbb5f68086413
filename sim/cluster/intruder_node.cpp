#include "cluster/intruder_node.h"

#include <cstdint>
#include <deque>

#include "base/text.h"
#include "model/subject.h"
#include "model/tool_messages.h"
#include "runtime/sleep.h"

namespace reliant::sim {
namespace {

using model::DaemonSubject;

constexpr std::size_t kRemembered = 16;  // messages
constexpr std::pair<Duration, Duration> kPause{std::chrono::milliseconds(50), std::chrono::seconds(1)};

class Intruder {
 public:
  Intruder(Node& node, SimBus& bus, IntruderNodeOptions options)
      : node_(node), bus_(bus), options_(std::move(options)), random_(node.random("intruder")), scope_(node.context()) {}

  Task<void> run() {
    // It does not subscribe to the subjects of holders: a subscriber there counts as a holder (C4).
    for (const std::string_view subject : {"tools.request.sync.*", "daemon.command.*", "daemon.accepted.*.*"}) {
      ports::SubscribeOptions interest;
      interest.subject = subject;
      auto heard = bus_.subscribe(std::move(interest));
      RELIANT_ASSERT(heard.ok(), "the pattern is one");
      scope_.spawn(listen(*std::move(heard)));
    }
    while (true) {
      const Duration pause = random_.duration(kPause.first, kPause.second);
      co_await sleep_for(pause);  // waits for no event: the rate of the forged messages
      attack();
    }
  }

 private:
  Task<void> listen(std::unique_ptr<ports::BusSubscription> heard) {
    while (true) {
      auto message = co_await heard->next(kNever);
      if (!message.ok()) co_return;
      heard_.push_back(*std::move(message));
      if (heard_.size() > kRemembered) heard_.pop_front();
    }
  }

  void attack() {
    switch (random_.below(5)) {
      case 0:
        return publish("request", request());
      case 1:
        return repeat();
      case 2:
        return publish("borrowed", with_a_signature(request()));
      case 3:
        return publish("notice", notice());
      default:
        return publish("command", command());
    }
  }

  const std::pair<std::string, std::string>& victim() { return options_.daemons[random_.below(options_.daemons.size())]; }

  ports::BusMessage request() {
    const auto& [user, daemon] = victim();
    model::ToolExecutionRequest request;
    request.request.id = RequestId(concat("forged_", random_.hex(8)));
    request.request.user = UserId(user);
    request.request.daemon = DaemonId(daemon);
    request.request.chat = ChatId("c");
    request.request.call = ToolCallId("t");
    request.request.tool = "bash";
    request.request.arguments = R"({"command":"effect begun; effect ended"})";
    request.deadline_ms = std::int64_t{1} << 50;
    ports::BusMessage message;
    const std::uint64_t lane = random_.below(3);
    message.subject = lane == 0   ? daemon_subject(DaemonSubject::kToolRequestSync, UserId(user), DaemonId(daemon))
                      : lane == 1 ? user_subject(DaemonSubject::kToolRequest, UserId(user))
                                  : user_subject(DaemonSubject::kToolRequestSync, UserId(user));
    message.reply_to = bus_.new_inbox();
    message.payload = model::encode(request);
    return message;
  }

  ports::BusMessage with_a_signature(ports::BusMessage message) {
    if (heard_.empty()) return message;
    const ports::BusMessage& other = heard_[random_.below(heard_.size())];
    message.headers = other.headers;
    message.reply_to = other.reply_to;
    return message;
  }

  ports::BusMessage notice() {
    const auto& [user, daemon] = victim();
    ports::BusMessage message;
    message.subject = model::daemon_accepted_subject(UserId(user), DaemonId(daemon));
    message.payload =
        model::encode(model::DaemonAccepted{UserId(user), DaemonId(daemon), std::int64_t{1} << 62, GatewayId("gateway-1")});
    return message;
  }

  ports::BusMessage command() {
    const auto& [user, daemon] = victim();
    ports::BusMessage message;
    message.subject = daemon_subject(DaemonSubject::kCommand, UserId(user), DaemonId(daemon));
    message.payload = model::encode(
        model::DaemonCommand{model::DaemonCommandKind::kKill, UserId(user), DaemonId(daemon), RequestId("forged_kill"), ""});
    return message;
  }

  void repeat() {
    if (heard_.empty()) return;
    ports::BusMessage message = heard_[random_.below(heard_.size())];
    publish("again", std::move(message));
  }

  void publish(std::string_view what, ports::BusMessage message) {
    const auto request = model::decode_tool_request(message.payload);
    node_.log().info(
        "intruder.published",
        {{"what", what}, {"subject", message.subject}, {"request_id", request.ok() ? request->request.id.str() : ""}});
    (void)bus_.publish(std::move(message));  // an intruder ignores failures
  }

  Node& node_;
  SimBus& bus_;
  IntruderNodeOptions options_;
  Random random_;
  std::deque<ports::BusMessage> heard_;
  TaskScope scope_;
};

}  // namespace

Task<void> intruder_node(Node& node, World& world, IntruderNodeOptions options) {
  SimBus bus(*world.bus, node);
  (void)co_await bus.wait_connected(kNever);
  world.started.insert(node.id());
  Intruder intruder(node, bus, std::move(options));
  co_await intruder.run();
}

}  // namespace reliant::sim
