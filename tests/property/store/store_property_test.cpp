// Any operations on chats, with any faults of their commits, against a model that has no database at all.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernel/simulation.h"
#include "store/store.h"
#include "support/started.h"
#include "world/network.h"
#include "world/sim_database.h"

namespace reliant::tests {
namespace {

using model::ChatStatus;
using model::UpdateKind;
using sim::CommitFault;

// An operation with its key, its text, and the fault of its commit; numbers are taken modulo the number of choices.
using Command = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t, std::uint8_t>;

struct Action {
  enum Kind : std::uint8_t { kSend, kSendKeyed, kAnswer, kToolResult, kChunks, kKeyed, kStatus };
  Kind kind;
  std::uint8_t key;
  std::uint8_t text;
  CommitFault fault;

  explicit Action(const Command& command)
      : kind(static_cast<Kind>(std::get<0>(command) % 7)),
        key(std::get<1>(command) % 3),
        text(std::get<2>(command) % 3),
        fault(static_cast<CommitFault>(std::get<3>(command) % 5)) {}
};

// What came of it: the last sequence, or a code; and the message that the answer is about.
struct Answer {
  StatusCode code = StatusCode::kOk;
  std::uint64_t last = 0;
  std::uint64_t message = 0;
  bool duplicate = false;
  std::string text;

  friend bool operator==(const Answer&, const Answer&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Answer& a) {
    return out << code_name(a.code) << " last=" << a.last << " message=" << a.message << " dup=" << a.duplicate
               << " text=" << a.text;
  }
};

std::string text_of(std::uint8_t text) { return "text " + std::to_string(text); }

// The rules of store/messages.h and store/chats.h in a few lines.
class ChatModel {
 public:
  Answer apply(const Action& action) {
    switch (action.kind) {
      case Action::kSend:
        return send("", action);
      case Action::kSendKeyed:
        return send("client" + std::to_string(action.key), action);
      case Action::kAnswer:
        return step("step" + std::to_string(action.key), action, false);
      case Action::kToolResult:
        return step("tool" + std::to_string(action.key), action, true);
      case Action::kChunks:
        for (int i = 0; i <= action.key; ++i)
          update("step" + std::to_string(action.key), {action.text, i}, UpdateKind::kMessageChunk);
        return {.last = updates_.size()};
      case Action::kKeyed:
        update("tool" + std::to_string(action.key), {0, 0}, UpdateKind::kToolStarted);
        return {.last = updates_.size()};
      case Action::kStatus: {
        const auto status = static_cast<ChatStatus>(action.text);
        if (status != status_) updates_.push_back(UpdateKind::kStatus);
        status_ = status;
        return {.last = updates_.size()};
      }
    }
    return {};
  }
  const std::vector<UpdateKind>& updates() const { return updates_; }
  ChatStatus status() const { return status_; }
  std::size_t messages() const { return messages_; }

 private:
  Answer stored(const std::string& key) const {
    Answer answer = answers_.at(key);
    answer.last = updates_.size();
    answer.duplicate = true;
    return answer;
  }
  Answer send(const std::string& key, const Action& action) {
    if (!key.empty() && answers_.contains(key))
      return answers_.at(key).text == text_of(action.text) ? stored(key) : Answer{.code = StatusCode::kAlreadyExists};
    ++messages_;
    updates_.push_back(UpdateKind::kMessage);
    Answer answer{.message = updates_.size(), .text = text_of(action.text)};
    if (status_ != ChatStatus::kRunning) updates_.push_back(UpdateKind::kStatus);
    status_ = ChatStatus::kRunning;
    answer.last = updates_.size();
    if (!key.empty()) answers_[key] = answer;
    return answer;
  }
  // Streams go forward, and end with their step's message.
  void update(const std::string& stream, std::pair<int, int> place, UpdateKind kind) {
    const auto reached = streams_.find(stream);
    if (answers_.contains(stream) || (reached != streams_.end() && place <= reached->second)) return;
    streams_[stream] = place;
    updates_.push_back(kind);
  }
  Answer step(const std::string& key, const Action& action, bool tool) {
    if (answers_.contains(key)) return stored(key);
    ++messages_;
    if (tool) updates_.push_back(UpdateKind::kToolFinished);
    updates_.push_back(UpdateKind::kMessage);
    answers_[key] = {.last = updates_.size(), .message = updates_.size(), .text = text_of(action.text)};
    return answers_[key];
  }

  std::vector<UpdateKind> updates_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, std::pair<int, int>> streams_;
  ChatStatus status_ = ChatStatus::kIdle;
  std::size_t messages_ = 0;
};

Answer answer_of(const Result<store::Appended>& result) {
  if (!result.ok()) return {.code = result.status().code()};
  const model::ContentBlock& block = result->message.content.at(0);
  const auto* const tool = std::get_if<model::ToolResultBlock>(&block);
  return {.last = result->last_sequence,
          .message = result->message.sequence,
          .duplicate = result->duplicate,
          .text = tool != nullptr ? tool->result.content : std::get<model::TextBlock>(block).text};
}
Answer answer_of(const Result<std::uint64_t>& result) {
  return result.ok() ? Answer{.last = *result} : Answer{.code = result.status().code()};
}

Task<Answer> perform(store::Store& store, UserId user, ChatId chat, Action action, Instant deadline) {
  const std::string key = std::to_string(action.key);
  switch (action.kind) {
    case Action::kSend:
    case Action::kSendKeyed:
      co_return answer_of(co_await store.messages().append_user_message(
          {user, chat, text_of(action.text), action.kind == Action::kSend ? "" : "client" + key}, deadline));
    case Action::kAnswer:
      co_return answer_of(co_await store.messages().append_assistant_message(
          {user, chat, "step" + key, {}, {model::TextBlock{text_of(action.text)}}}, deadline));
    case Action::kToolResult:
      co_return answer_of(
          co_await store.messages().append_tool_result({user,
                                                        chat,
                                                        "tool" + key,
                                                        ToolCallId("call"),
                                                        "bash",
                                                        {model::Outcome::kExecuted, false, text_of(action.text), 0, 0}},
                                                       deadline));
    case Action::kChunks: {
      std::vector<store::NewUpdate> chunks;
      for (int position = 0; position <= action.key; ++position) chunks.push_back({UpdateKind::kMessageChunk, "{}", position});
      store::UpdateStream stream{"step" + key, action.text};
      co_return answer_of(co_await store.updates().append(user, chat, std::move(stream), std::move(chunks), deadline));
    }
    case Action::kKeyed: {
      std::vector<store::NewUpdate> update(1, {UpdateKind::kToolStarted, "{}"});
      co_return answer_of(co_await store.updates().append(user, chat, {"tool" + key}, std::move(update), deadline));
    }
    case Action::kStatus:
      co_return answer_of(co_await store.chats().set_status(
          {user, chat, static_cast<ChatStatus>(action.text), ok_status(), std::nullopt}, deadline));
  }
  co_return Answer{};
}

class World {
 public:
  explicit World(std::uint64_t seed) : simulation_(seed) {
    RC_ASSERT(get(one_.migrate(deadline())).ok());
    user_ = get(one_.users().create({}, "ann", deadline()))->id;
    const ProjectId project = get(one_.projects().create(user_, "home", "/", deadline()))->id;
    chat_ = get(one_.chats().create({user_, project, "chat", {}, {}}, deadline()))->id;
  }

  Instant deadline() { return simulation_.now() + std::chrono::minutes(5); }
  template <class T>
  T get(Task<T> task) {
    Started<T> started(simulation_.world().context(), std::move(task));
    return await(simulation_.executor(), started);
  }
  // The process alternates; its next commit meets the action's fault.
  std::unique_ptr<Started<Answer>> start(const Action& action) {
    odd_ = !odd_;
    if (action.fault != CommitFault::kNone) server_.fail_next_commit(odd_ ? first_ : second_, action.fault);
    return std::make_unique<Started<Answer>>(simulation_.world().context(),
                                             perform(odd_ ? one_ : two_, user_, chat_, action, deadline()));
  }
  Answer finish(Started<Answer>& started) { return await(simulation_.executor(), started); }
  std::vector<model::Update> updates() { return *get(one_.updates().list(user_, chat_, 0, 100'000, deadline())); }
  std::vector<store::Message> messages() { return *get(one_.messages().list(user_, chat_, 0, 100'000, deadline())); }
  store::Chat chat() { return *get(one_.chats().get(user_, chat_, deadline())); }

 private:
  sim::Simulation simulation_;
  sim::Network network_{simulation_};
  sim::DatabaseServer server_{network_, simulation_.add_node("db")};
  sim::Node& first_ = simulation_.add_node("first");
  sim::Node& second_ = simulation_.add_node("second");
  sim::SimDatabase first_database_{server_, first_};
  sim::SimDatabase second_database_{server_, second_};
  store::Store one_{first_database_, first_.clock(), first_.random("store")};
  store::Store two_{second_database_, second_.clock(), second_.random("store")};
  UserId user_;
  ChatId chat_;
  bool odd_ = false;
};

RC_GTEST_PROP(Store, DoesWhatTheModelDoesWhateverHappensToCommits, (std::uint64_t seed, std::vector<Command> commands)) {
  World world(seed);
  ChatModel model;
  for (const Command& command : commands) {
    const Action action(command);
    const auto started = world.start(action);
    RC_ASSERT(world.finish(*started) == model.apply(action));
  }
  const auto updates = world.updates();
  RC_ASSERT(updates.size() == model.updates().size());
  for (std::size_t i = 0; i < updates.size(); ++i) {
    RC_ASSERT(updates[i].sequence == i + 1);
    RC_ASSERT(updates[i].kind == model.updates()[i]);
  }
  RC_ASSERT(world.messages().size() == model.messages());
  RC_ASSERT(world.chat().status == model.status());
  RC_ASSERT(world.chat().last_sequence == updates.size());
}

RC_GTEST_PROP(Store, LeavesNoGapAndDoublesNoKeyWhenAllComeAtOnce, (std::uint64_t seed, std::vector<Command> commands)) {
  World world(seed);
  std::vector<std::unique_ptr<Started<Answer>>> running;
  running.reserve(commands.size());
  for (const Command& command : commands) running.push_back(world.start(Action(command)));
  std::map<std::pair<int, int>, std::uint64_t> message_of_key;
  std::size_t messages = 0;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const Action action(commands[i]);
    const Answer answer = world.finish(*running[i]);
    if (answer.code == StatusCode::kAlreadyExists) {
      RC_ASSERT(action.kind == Action::kSendKeyed);
      continue;
    }
    RC_ASSERT(answer.code == StatusCode::kOk);
    const bool keyed =
        action.kind == Action::kSendKeyed || action.kind == Action::kAnswer || action.kind == Action::kToolResult;
    const bool fresh = action.kind == Action::kSend || (keyed && !answer.duplicate);
    messages += fresh ? 1 : 0;
    if (!keyed) continue;
    const auto [known, first] = message_of_key.try_emplace({action.kind, action.key}, answer.message);
    RC_ASSERT(known->second == answer.message);
  }
  const auto updates = world.updates();
  for (std::size_t i = 0; i < updates.size(); ++i) RC_ASSERT(updates[i].sequence == i + 1);
  RC_ASSERT(world.chat().last_sequence == updates.size());
  RC_ASSERT(world.messages().size() == messages);
}

}  // namespace
}  // namespace reliant::tests
