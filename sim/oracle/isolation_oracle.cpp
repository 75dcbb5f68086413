#include "oracle/isolation_oracle.h"

#include <algorithm>

#include "base/text.h"
#include "model/subject.h"
#include "reliant/tools/v1/daemon.pb.h"

namespace reliant::sim {
namespace {

namespace proto = ::reliant::tools::v1;

constexpr std::string_view kChat = "isolation.chat";
constexpr std::string_view kDelivery = "isolation.delivery";
constexpr std::string_view kEpoch = "isolation.epoch";
constexpr std::string_view kMark = "mark-";  // sim/cluster/cluster.cpp writes it into its script
constexpr std::string_view kInbox = "_INBOX.";
constexpr std::string_view kUpdates = "updates";
constexpr std::size_t kShortest = 32;  // bytes; heartbeats and acknowledgements have no user's text

// The owner of the message according to its subject; "" = no single user. Ids are their own tokens, so nothing is decoded.
std::string_view user_in(std::string_view subject) {
  using model::DaemonSubject;
  std::string_view rest;
  for (const DaemonSubject kind : {DaemonSubject::kToolRequestSync, DaemonSubject::kToolRequest, DaemonSubject::kToolCancel,
                                   DaemonSubject::kToolOnline, DaemonSubject::kCommand}) {
    if (rest.empty() && subject.starts_with(model::prefix_of(kind))) rest = subject.substr(model::prefix_of(kind).size());
  }
  for (const std::string_view prefix : {kUpdates, std::string_view("tools.response")}) {
    if (rest.empty() && subject.starts_with(prefix)) rest = subject.substr(prefix.size());
  }
  if (!rest.starts_with('.')) return {};
  rest.remove_prefix(1);
  return rest.substr(0, rest.find('.'));
}

bool is_id(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

void IsolationOracle::on_record(const TraceRecord& record) {
  if (record.is("client.update")) {
    if (const std::string& foreign = text_or_empty(record, "foreign"); !foreign.empty()) {
      verdict_.broken(kChat, concat("chat ", text_or_empty(record, "chat"), " received text that belongs to ", foreign),
                      &record);
    }
  } else if (record.is("gateway.session.opened")) {
    auto& epochs = epochs_[{text_or_empty(record, "user"), text_or_empty(record, "daemon")}];
    const std::int64_t epoch = number_or_zero(record, "epoch");
    const auto [entry, fresh] = epochs.try_emplace(epoch, text_or_empty(record, "gateway"));
    if (!fresh) {
      verdict_.broken(kEpoch,
                      concat("daemon ", text_or_empty(record, "daemon"), ": epoch ", epoch, " was given twice, by ",
                             entry->second, " and ", text_or_empty(record, "gateway")),
                      &record);
    }
  } else if (record.is("client.chat.created")) {
    users_of_chats_[text_or_empty(record, "chat")] = text_or_empty(record, "user");
  } else if (record.is("tool.effect.started") || record.is("worker.tool.finished")) {
    own(record);
  } else if (record.is("run.node")) {
    const auto id = static_cast<std::size_t>(number_or_zero(record, "id"));
    if (places_.size() <= id) places_.resize(id + 1);
    places_[id] = Place{text_or_empty(record, "called"),
                        text_or_empty(record, "role"),
                        {text_or_empty(record, "user"), ""},
                        text_or_empty(record, "daemon")};
  }
}

// All records of a request agree on its owner.
void IsolationOracle::own(const TraceRecord& record) {
  const std::string& request = text_or_empty(record, "request_id");
  const Owner owner{text_or_empty(record, "user"), text_or_empty(record, "chat")};
  if (record.is("tool.effect.started")) {
    const Place* machine = place(record.node);
    // A machine's owner is fixed, whatever its daemon believes.
    const std::string& user = machine != nullptr && !machine->daemon.empty() ? machine->owner.user : owner.user;
    daemons_[request] = DaemonKey{user, text_or_empty(record, "daemon")};
  }
  const auto [entry, fresh] = requests_.try_emplace(request, owner);
  if (!fresh && (entry->second.user != owner.user || entry->second.chat != owner.chat)) {
    verdict_.broken(kChat,
                    concat("request ", request, " of ", entry->second.user, "/", entry->second.chat, " was answered to ",
                           owner.user, "/", owner.chat),
                    &record);
  }
  const auto user = users_of_chats_.find(owner.chat);
  if (user != users_of_chats_.end() && user->second != owner.user) {
    verdict_.broken(kChat, concat("request ", request, " of ", owner.user, " is about chat ", owner.chat, " of ", user->second),
                    &record);
  }
}

const IsolationOracle::Place* IsolationOracle::place(std::uint32_t node) const {
  return node < places_.size() ? &places_[node] : nullptr;
}

void IsolationOracle::complain(const Delivery& delivery, std::string what) {
  const Place* from = place(delivery.from);
  const Place* to = place(delivery.to);
  TraceRecord where;
  where.time = delivery.at;
  verdict_.broken(kDelivery,
                  concat("from ", from == nullptr ? "?" : from->name, " to ", to == nullptr ? "?" : to->name, " ",
                         delivery.about, ": ", what),
                  &where);
}

void IsolationOracle::on_delivery(const Delivery& delivery) {
  switch (delivery.way) {
    case Delivery::Way::kBus:
      return on_bus(delivery);
    case Delivery::Way::kLink:
      return on_link(delivery);
    case Delivery::Way::kHttp:
      break;
  }
  for (const std::uint32_t end : {delivery.from, delivery.to}) {
    const Place* client = place(end);
    if (client != nullptr && client->role == "client") judge_marks(delivery, client->owner, "the client");
  }
}

void IsolationOracle::on_bus(const Delivery& delivery) {
  if (delivery.about.starts_with(kInbox)) {
    const auto inbox = inboxes_.find(delivery.about);
    if (inbox != inboxes_.end()) judge_marks(delivery, inbox->second, "who asked");
    return;
  }
  const std::string_view user = user_in(delivery.about);
  if (user.empty()) return;
  if (!delivery.reply_to.empty() && !inboxes_.contains(delivery.reply_to)) {
    // The marks in a request are of its chat.
    Owner owner{std::string(user), ""};
    if (const auto at = delivery.payload.find(kMark); at != std::string_view::npos) {
      const std::string_view rest = delivery.payload.substr(at + kMark.size());
      const auto end = std::ranges::find_if_not(rest, is_id);
      const auto chat = users_of_chats_.find(rest.substr(0, static_cast<std::size_t>(end - rest.begin())));
      if (chat != users_of_chats_.end()) owner.chat = chat->first;
    }
    inboxes_.emplace(delivery.reply_to, std::move(owner));
  }
  judge_marks(delivery, Owner{std::string(user), ""}, "the subject's user");
}

void IsolationOracle::on_link(const Delivery& delivery) {
  if (delivery.payload.size() < kShortest) return;
  const Place* to = place(delivery.to);
  const Place* from = place(delivery.from);
  if (to == nullptr || from == nullptr) return;
  const Place& daemon = to->role == "daemon" ? *to : *from;
  if (daemon.role != "daemon") return;
  judge_marks(delivery, daemon.owner, "the daemon's owner");
  if (&daemon == to) on_request(delivery, daemon);
}

void IsolationOracle::on_request(const Delivery& delivery, const Place& daemon) {
  proto::GatewayFrame frame;
  if (!frame.ParseFromArray(delivery.payload.data(), static_cast<int>(delivery.payload.size()))) return;
  if (!frame.has_execute_tool()) return;
  const auto user = users_of_chats_.find(frame.execute_tool().chat_id());
  if (user == users_of_chats_.end() || user->second == daemon.owner.user) return;
  complain(delivery, concat("a request of chat ", user->first, ", which is ", user->second, "'s, reached a daemon of ",
                            daemon.owner.user));
}

void IsolationOracle::judge_marks(const Delivery& delivery, const Owner& owner, std::string_view way) {
  const std::string_view text = delivery.payload;
  for (std::size_t at = text.find(kMark); at != std::string_view::npos; at = text.find(kMark, at + 1)) {
    const std::string_view rest = text.substr(at + kMark.size());
    const auto end = std::ranges::find_if_not(rest, is_id);
    if (end == rest.end()) return;  // cut off
    const auto chat = users_of_chats_.find(rest.substr(0, static_cast<std::size_t>(end - rest.begin())));
    if (chat == users_of_chats_.end()) continue;
    const bool fits = chat->second == owner.user && (owner.chat.empty() || owner.chat == chat->first);
    if (fits) continue;
    return complain(delivery, concat("a text of chat ", chat->first, ", of ", chat->second, ", reached ", way, ", ", owner.user,
                                     owner.chat.empty() ? "" : concat(" about ", owner.chat)));
  }
}

void IsolationOracle::finish(const FinalState&) {
  for (const auto& [request, daemon] : daemons_) {
    const auto owner = requests_.find(request);
    if (owner == requests_.end() || owner->second.user == daemon.first) continue;
    verdict_.broken(
        kChat,
        concat("request ", request, " of ", owner->second.user, " ran on ", daemon.second, ", which is ", daemon.first, "'s"),
        {{"request_id", request}, {"daemon", daemon.second}, {"user", daemon.first}});
  }
}

}  // namespace reliant::sim
