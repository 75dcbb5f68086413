#include "workload/chat_user.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "kernel/option.h"
#include "runtime/scope.h"
#include "runtime/sleep.h"
#include "runtime/this_context.h"
#include "workload/chat_watcher.h"

namespace reliant::sim {
namespace {

class ChatUser {
 public:
  ChatUser(Context& context, Node& node, ports::HttpClient& http, ApiAccess access, ChatOrder order, const WorkloadPlan& plan,
           ChatProgress& progress)
      : node_(node),
        order_(std::move(order)),
        plan_(plan),
        progress_(progress),
        random_(node.random(concat("user/", order_.chat))),
        client_(http, node, order_.chat, access),
        stream_client_(http, node, concat("stream/", order_.chat), access),
        scope_(context) {}

  Task<void> run() {
    co_await sleep_until(order_.begins);
    if (!co_await create_chat()) co_return;
    watcher_.emplace(std::move(stream_client_), node_, order_.user, order_.chat, plan_.reconnect.value);
    scope_.spawn(watcher_->run());
    for (std::int64_t number = 1; number <= plan_.messages.value; ++number) {
      const auto sequence = co_await post(number);
      if (!sequence) co_return;
      const bool cancels = random_.chance(static_cast<std::uint64_t>(plan_.cancel.value), kMillion);
      if (cancels) co_await cancel(*sequence);
      const bool waits = !random_.chance(static_cast<std::uint64_t>(plan_.impatient.value), kMillion);
      if (waits || number == plan_.messages.value) (void)co_await watcher_->wait_for_end(*sequence, kNever);
      co_await sleep_for(random_.duration(Duration::zero(), plan_.pause.value));
    }
    node_.log().info("client.chat.done", {{"user", order_.user}, {"chat", order_.chat}});
    progress_.done = true;
    co_await scope_.join();  // goes on watching
  }

 private:
  Task<bool> create_chat() {
    json::object body = {{"project_id", order_.project}, {"title", order_.chat}, {"id", order_.chat}};
    if (!order_.daemon.empty()) body["active_daemon_id"] = order_.daemon;
    const auto answer = co_await client_.call("POST", "/chats", to_json(body));
    if (!answer.ok()) co_return refused("chat", answer.status());
    JsonReader reader(*answer);
    order_.chat = reader.required_string("id");  // the answer has more fields than the request
    node_.log().info("client.chat.created", {{"user", order_.user}, {"chat", order_.chat}});
    co_return true;
  }

  Task<std::optional<std::uint64_t>> post(std::int64_t number) {
    const std::string key = concat(order_.chat, "-", number);
    const json::object body = {{"text", concat("message ", number, " of ", order_.chat)}, {"client_message_id", key}};
    const auto answer = co_await client_.call("POST", concat("/chats/", order_.chat, "/messages"), to_json(body));
    if (!answer.ok()) {
      refused("message", answer.status());
      co_return std::nullopt;
    }
    JsonReader reader(*answer);
    const std::string message = reader.required_string("message_id");
    const auto sequence = static_cast<std::uint64_t>(reader.required_int("sequence"));
    node_.log().info(
        "client.message.accepted",
        {{"user", order_.user}, {"chat", order_.chat}, {"message", message}, {"sequence", sequence}, {"key", key}});
    ++progress_.accepted;
    co_return sequence;
  }

  Task<void> cancel(std::uint64_t sequence) {
    const Instant when = after(node_.clock().now(), random_.duration(Duration::zero(), std::chrono::seconds(3)));
    if (co_await watcher_->wait_for_end(sequence, when)) co_return;
    const auto answer = co_await client_.call("POST", concat("/chats/", order_.chat, "/cancel"), "");
    if (!answer.ok()) {
      refused("cancel", answer.status());
      co_return;
    }
    node_.log().info("client.cancelled", {{"user", order_.user}, {"chat", order_.chat}, {"after", sequence}});
  }

  bool refused(std::string_view what, const Status& status) {
    node_.log().error("client.request.refused", {{"what", what},
                                                 {"user", order_.user},
                                                 {"chat", order_.chat},
                                                 {"code", code_name(status.code())},
                                                 {"error", message_of(status)}});
    return false;
  }

  Node& node_;
  ChatOrder order_;
  const WorkloadPlan& plan_;
  ChatProgress& progress_;
  Random random_;
  RestClient client_;
  RestClient stream_client_;
  std::optional<ChatWatcher> watcher_;  // once the chat exists
  TaskScope scope_;                     // last: its tasks use everything above
};

}  // namespace

Task<void> run_chat(Node& node, ports::HttpClient& http, ApiAccess access, ChatOrder order, const WorkloadPlan& plan,
                    ChatProgress& progress) {
  Context& context = co_await ThisContext{};
  ChatUser user(context, node, http, std::move(access), std::move(order), plan, progress);
  co_await user.run();
}

}  // namespace reliant::sim
