#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

// The sequences of a stream, in the order in which they were sent.
std::vector<std::uint64_t> ids_of(const std::string& text) {
  std::vector<std::uint64_t> ids;
  for (std::size_t at = text.find("id: "); at != std::string::npos; at = text.find("\nid: ", at + 1)) {
    ids.push_back(std::stoull(text.substr(text.find("id: ", at) + 4)));
  }
  return ids;
}

std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> ids;
  for (std::uint64_t id = first; id <= last; ++id) ids.push_back(id);
  return ids;
}

// One client on a stream; destroying it is the client going away.
class Follower {
 public:
  Follower(ApiWorld& world, const std::string& path, std::string last_event_id = "") : scope_(world.root.context()) {
    auto request = world.request("GET", "/api/v2" + path);
    if (!last_event_id.empty()) request.headers["last-event-id"] = last_event_id;
    scope_.spawn(world.http_server.serve(std::move(request), responder));
  }
  bool open() const { return scope_.size() > 0; }

  HandResponder responder;

 private:
  TaskScope scope_;
};

Task<void> append_chunks(ApiWorld& world, std::string chat, int count, Duration pause, bool publish) {
  for (int i = 0; i < count; ++i) {
    std::vector<store::NewUpdate> updates(1);
    updates[0].payload = R"({"message_id":"a","text":"x"})";
    const store::UpdateStream stream{concat("step of ", world.executor.now().time_since_epoch().count())};
    const auto last = co_await world.store->updates().append(world.user, ChatId(chat), stream, std::move(updates), kNever);
    EXPECT_TRUE(last.ok());
    if (publish) world.hub.publish(world.user, ChatId(chat), *last);
    co_await sleep_for(pause);
  }
}

constexpr Duration kPause = std::chrono::milliseconds(3);

TEST(ApiUpdates, StreamStoredAndNewUpdates) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  world.call("POST", "/chats/" + chat + "/messages", R"({"text":"hello"})");
  Follower follower(world, "/chats/" + chat + "/updates?after=0");
  world.pass(kPause);
  EXPECT_EQ(follower.responder.response->headers.at("content-type"), "text/event-stream");
  EXPECT_EQ(ids_of(follower.responder.text), range(1, 2));
  EXPECT_NE(follower.responder.text.find("id: 1\nevent: message\ndata: {"), std::string::npos);
  EXPECT_NE(follower.responder.text.find("event: status\ndata: {\"status\":\"running\"}\n\n"), std::string::npos);
  world.run(append_chunks(world, chat, 3, kPause, true));
  EXPECT_EQ(ids_of(follower.responder.text), range(1, 5));
  EXPECT_TRUE(follower.open());
}

TEST(ApiUpdates, ResumeAfterTheSequenceOrTheHeader) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  world.run(append_chunks(world, chat, 9, kPause, true));
  Follower by_query(world, "/chats/" + chat + "/updates?after=4");
  Follower by_header(world, "/chats/" + chat + "/updates?after=1", "6");
  world.pass(kPause);
  EXPECT_EQ(ids_of(by_query.responder.text), range(5, 9));
  EXPECT_EQ(ids_of(by_header.responder.text), range(7, 9));
}

// What is large: 3.9 MB each, as a hostile daemon once sent, three times in the database.
Task<void> append_large(ApiWorld& world, std::string chat, int count, std::size_t bytes) {
  for (int i = 0; i < count; ++i) {
    std::vector<store::NewUpdate> updates(1);
    updates[0].payload = concat(R"({"text":")", std::string(bytes, 'x'), R"("})");
    const auto last =
        co_await world.store->updates().append(world.user, ChatId(chat), {concat("step ", i)}, std::move(updates), kNever);
    EXPECT_TRUE(last.ok());
  }
}

TEST(ApiUpdates, GoOnBatchByBatchWhereUpdatesAreLarge) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  world.run(append_large(world, chat, 5, 700'000));
  const Follower follower(world, "/chats/" + chat + "/updates?after=0");
  world.pass(kPause);
  EXPECT_EQ(ids_of(follower.responder.text), range(1, 5));
  EXPECT_LE(follower.responder.largest, 64u * 1024) << "a connection holds one piece at most";
}

TEST(ApiUpdates, UnreadStreamsAreBoundedForEachUser) {
  ApiOptions options;
  options.streams.user_bytes = std::size_t{2} << 20;
  ApiWorld world(1, options);
  const std::string chat = world.new_chat();
  world.run(append_large(world, chat, 1, 1'000'000));
  std::deque<Follower> stuck;
  for (int i = 0; i < 6; ++i) {
    stuck.emplace_back(world, "/chats/" + chat + "/updates?after=0").responder.stuck = true;
    world.pass(kPause);
  }
  EXPECT_EQ(std::ranges::count_if(stuck, [](const Follower& each) { return each.responder.waiting; }), 2);
  stuck.pop_front();
  stuck.pop_front();
  world.pass(kPause);
  EXPECT_EQ(std::ranges::count_if(stuck, [](const Follower& each) { return each.responder.waiting; }), 2)
      << "others have room now";
}

TEST(ApiUpdates, RefuseASequenceBeyondTheLast) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  EXPECT_EQ(world.call("GET", "/chats/" + chat + "/updates?after=1").text("field"), "after");
  EXPECT_EQ(world.call("GET", "/chats/" + chat + "/updates?after=x").text("field"), "after");
  auto request = world.request("GET", "/api/v2/chats/" + chat + "/updates");
  request.headers["last-event-id"] = "x";
  EXPECT_EQ(world.send(request).text("field"), "last-event-id");
}

TEST(ApiUpdates, PollForUnannouncedUpdates) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  Follower follower(world, "/chats/" + chat + "/updates");
  world.pass(kPause);
  world.run(append_chunks(world, chat, 2, kPause, false));
  EXPECT_TRUE(ids_of(follower.responder.text).empty());
  world.pass(std::chrono::seconds(6));
  EXPECT_EQ(ids_of(follower.responder.text), range(1, 2));
}

TEST(ApiUpdates, ComeOnceAndWithoutGapWhileMoreAreWritten) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    ApiOptions options;
    options.streams.batch.items = 3;
    ApiWorld world(seed, options);
    const std::string chat = world.new_chat();
    Random random(seed);
    std::uint64_t last = 0;
    TaskScope writer(world.root.context());
    writer.spawn(append_chunks(world, chat, 40, std::chrono::milliseconds(2), true));
    // A client that goes away and comes back with what it saw last, until it has seen everything.
    while (last < 40) {
      Follower follower(world, concat("/chats/", chat, "/updates?after=", last));
      world.pass(random.duration(Duration::zero(), std::chrono::milliseconds(30)));
      const auto seen = ids_of(follower.responder.text);
      EXPECT_EQ(seen, range(last + 1, last + seen.size())) << "seed " << seed;
      last += seen.size();
    }
    EXPECT_EQ(last, 40u);
    EXPECT_TRUE(world.log.errors.empty());
  }
}

TEST(ApiUpdates, LeaveNothingBehindAtAnySuspensionPoint) {
  for (int steps = 0; steps < 60; ++steps) {
    ApiWorld world;
    const std::string chat = world.new_chat();
    world.run(append_chunks(world, chat, 3, kPause, true));
    {
      Follower follower(world, "/chats/" + chat + "/updates");
      for (int i = 0; i < steps; ++i) world.executor.step();
    }
    EXPECT_EQ(world.server->open_streams(), 0u);
    EXPECT_EQ(world.hub.subscriptions(), 0u);
  }
}

TEST(ApiUpdates, KeepASilentStreamAlive) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  Follower follower(world, "/chats/" + chat + "/updates");
  world.pass(std::chrono::seconds(61));
  std::size_t comments = 0;
  for (std::size_t at = 0; (at = follower.responder.text.find(": keep-alive\n\n", at)) != std::string::npos; ++at) ++comments;
  EXPECT_GE(comments, 3u);
  EXPECT_LE(comments, 4u);
}

TEST(ApiUpdates, ClientsReconnectWhenTheServerStops) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  world.run(append_chunks(world, chat, 2, kPause, true));
  Follower follower(world, "/chats/" + chat + "/updates");
  world.pass(kPause);
  world.run(world.server->stop(kNever));
  world.pass(kPause);
  EXPECT_TRUE(follower.responder.finished);
  EXPECT_NE(follower.responder.text.find(": the server is stopping; resume after 2\n\n"), std::string::npos);
}

TEST(ApiUpdates, EndWhenTheClientOrTheChatIsGone) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  Follower gone(world, "/chats/" + chat + "/updates");
  Follower stays(world, "/chats/" + chat + "/updates");
  world.pass(kPause);
  gone.responder.gone = true;
  world.run(append_chunks(world, chat, 1, kPause, true));
  EXPECT_FALSE(gone.open());
  EXPECT_TRUE(stays.open());
  EXPECT_EQ(world.call("DELETE", "/chats/" + chat).status, 204);
  world.pass(std::chrono::seconds(6));
  EXPECT_FALSE(stays.open());
  EXPECT_NE(stays.responder.text.find(": the chat was deleted\n\n"), std::string::npos);
}

Task<void> make_and_keep(ApiWorld& world, std::string secret, TokenId& id) {
  const auto token = co_await world.store->tokens().create(world.user, "phone", std::move(secret), kNever);
  EXPECT_TRUE(token.ok());
  if (token.ok()) id = token->id;
}

TEST(ApiUpdates, EndWithinTenSecondsWhenTheTokenIsRevoked) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  const std::string owner = world.token;
  TokenId id;
  world.token = auth::make_token(std::array<std::byte, auth::kTokenBytes>{std::byte{7}});
  world.run(make_and_keep(world, world.token, id));
  Follower loses(world, "/chats/" + chat + "/updates");
  Follower loses_too(world, "/chats/" + chat + "/updates");
  world.token = owner;
  Follower keeps(world, "/chats/" + chat + "/updates");
  world.pass(std::chrono::seconds(12));
  EXPECT_TRUE(loses.open());
  EXPECT_EQ(world.call("DELETE", "/tokens/" + id.str()).status, 204);
  world.pass(std::chrono::seconds(10));
  world.run(append_chunks(world, chat, 1, kPause, true));
  for (Follower* const follower : {&loses, &loses_too}) {
    EXPECT_FALSE(follower->open());
    EXPECT_TRUE(follower->responder.finished);
    EXPECT_NE(follower->responder.text.find(": the token was revoked"), std::string::npos) << follower->responder.text;
    EXPECT_TRUE(ids_of(follower->responder.text).empty()) << "nothing that was written after the revocation";
  }
  EXPECT_TRUE(keeps.open());
  EXPECT_EQ(ids_of(keeps.responder.text), range(1, 1));
}

TEST(ApiUpdates, EndTheStreamOfAClientThatDoesNotReadAndKeepNothingForIt) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  Follower slow(world, "/chats/" + chat + "/updates");
  world.pass(kPause);
  slow.responder.slow = true;
  world.run(append_chunks(world, chat, 3, kPause, true));
  EXPECT_FALSE(slow.open());
  EXPECT_TRUE(slow.responder.finished);
  EXPECT_EQ(std::ranges::count(world.log.names, "api.stream.too_slow"), 1);
  Follower again(world, "/chats/" + chat + "/updates?after=0");  // finds all of it
  world.pass(kPause);
  EXPECT_EQ(ids_of(again.responder.text), range(1, 3));
}

TEST(ApiUpdates, LimitTheStreamsOfOneUser) {
  ApiOptions options;
  options.limits.streams_per_user = 1;
  ApiWorld world(1, options);
  const std::string chat = world.new_chat();
  {
    Follower first(world, "/chats/" + chat + "/updates");
    world.pass(kPause);
    EXPECT_EQ(world.call("GET", "/chats/" + chat + "/updates").status, 429);
  }
  Follower next(world, "/chats/" + chat + "/updates");
  world.pass(kPause);
  EXPECT_TRUE(next.open());
}

}  // namespace
}  // namespace reliant::api
