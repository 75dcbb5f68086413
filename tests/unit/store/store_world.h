// A database and two processes that have a Store on it each (store_stage.h); one user with a project.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "runtime/sleep.h"
#include "store/store.h"
#include "store_stage.h"
#include "support/started.h"

namespace reliant::tests {

class StoreWorld : public ::testing::Test, public StoreStage {
 public:
  explicit StoreWorld(std::uint64_t seed = 1) : StoreStage(seed) {
    EXPECT_TRUE(get(store().migrate(soon())).ok());
    user_ = value(store().users().create({}, "ann", soon())).id;
    project_ = value(store().projects().create(user_, "home", "/home/ann", soon())).id;
  }

  Instant soon() { return now() + std::chrono::minutes(1); }

  template <class T>
  T get(Task<T> task) {
    auto started = start(std::move(task));
    return await(*started);
  }
  template <class T>
  T value(Task<Result<T>> task) {
    Result<T> result = get(std::move(task));
    EXPECT_TRUE(result.ok()) << result.status();
    RELIANT_ASSERT(result.ok(), "the test needs this value");
    return *std::move(result);
  }
  template <class T>
  Status error(Task<Result<T>> task) {
    return get(std::move(task)).status();
  }

  store::Chat make_chat(ChatId id = {}) {
    return value(store().chats().create({user_, project_, "a chat", std::move(id), {}}, soon()));
  }
  store::Appended send(const ChatId& chat, std::string text, std::string client_id = {}) {
    return value(store().messages().append_user_message({user_, chat, std::move(text), std::move(client_id)}, soon()));
  }
  // Of the chat, all of them: checks that their numbers are 1, 2, 3 …
  std::vector<model::Update> updates(const ChatId& chat) {
    auto found = value(store().updates().list(user_, chat, 0, 1'000'000, soon()));
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].sequence, i + 1);
    EXPECT_EQ(value(store().chats().get(user_, chat, soon())).last_sequence, found.size());
    return found;
  }

  // Writers of both processes append to one chat at the same time: `count` messages and as many updates of one, two and
  // three chunks each.
  static constexpr std::size_t kWriters = 6;
  void write_at_once(const ChatId& chat, int count, Instant deadline) {
    std::vector<std::unique_ptr<Started<Status>>> writers;
    writers.reserve(kWriters);
    for (std::size_t i = 0; i < kWriters; ++i)
      writers.push_back(start(append_many(i % 2 == 0 ? store() : other_store(), user_, chat, i, count, deadline)));
    for (auto& writer : writers) {
      const Status status = await(*writer);
      EXPECT_TRUE(status.ok()) << status;
    }
  }

 private:
  static Task<Status> append_many(store::Store& store, UserId user, ChatId chat, std::size_t writer, int count,
                                  Instant deadline) {
    for (int i = 0; i < count; ++i) {
      std::vector<store::NewUpdate> chunks;
      for (int position = 0; position <= i % 3; ++position)
        chunks.push_back({model::UpdateKind::kMessageChunk, "{}", position});
      store::UpdateStream stream{concat("writer ", writer, " step ", i)};
      CO_TRY_OK((co_await store.updates().append(user, chat, std::move(stream), std::move(chunks), deadline)).status());
      CO_TRY_OK((co_await store.messages().append_user_message({user, chat, "hello", ""}, deadline)).status());
    }
    co_return ok_status();
  }

 protected:
  UserId user_;
  ProjectId project_;
};

}  // namespace reliant::tests
