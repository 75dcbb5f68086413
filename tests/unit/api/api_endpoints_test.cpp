#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "unit/api/api_world.h"

namespace reliant::api {
namespace {

// What every error object has.
void expect_error(const Reply& reply, int status, std::string_view code, std::string_view field) {
  EXPECT_EQ(reply.status, status) << to_json(reply.body);
  ASSERT_TRUE(reply.body.is_object());
  EXPECT_EQ(reply.text("code"), code);
  EXPECT_EQ(reply.text("field"), field) << to_json(reply.body);
  EXPECT_FALSE(reply.text("message").empty());
  EXPECT_EQ(reply.text("request_id"), reply.headers.at("x-request-id"));
}

TEST(Api, RefusesACallWithoutAToken) {
  ApiWorld world;
  auto request = world.request("GET", "/api/v2/chats");
  request.headers.erase("authorization");
  const Reply reply = world.send(request);
  expect_error(reply, 401, "UNAUTHENTICATED", "");
  EXPECT_EQ(reply.text("reason"), kReasonTokenInvalid);
  EXPECT_EQ(reply.headers.at("www-authenticate"), "Bearer");
}

Task<void> revoke_all(store::Store& store, UserId user) {
  const auto tokens = co_await store.tokens().list(user, kNever);
  for (const store::Token& token : *tokens) EXPECT_TRUE((co_await store.tokens().revoke(user, token.id, kNever)).ok());
}

TEST(Api, DistinguishesAnUnknownTokenFromARevokedOne) {
  ApiWorld world;
  auto request = world.request("GET", "/api/v2/chats");
  request.headers["authorization"] = "Bearer rlnt_pat_" + std::string(64, '9');
  EXPECT_EQ(world.send(request).text("reason"), kReasonTokenInvalid);
  request.headers["authorization"] = "Basic dXNlcjpwYXNz";
  EXPECT_EQ(world.send(request).status, 401);
  world.run(revoke_all(*world.store, world.user));
  EXPECT_EQ(world.call("GET", "/chats").text("reason"), kReasonTokenRevoked);
}

TEST(Api, AnswersHealthAndReadyWithoutAToken) {
  ApiWorld world;
  auto request = world.request("GET", "/health");
  request.headers.clear();
  EXPECT_EQ(world.send(request).status, 200);
  request.path = "/ready";
  EXPECT_EQ(world.send(request).status, 200);
  world.temporal.away = true;
  expect_error(world.send(request), 503, "UNAVAILABLE", "");
}

TEST(Api, KeepsTheRequestIdOfTheClient) {
  ApiWorld world;
  auto request = world.request("GET", "/api/v2/chats");
  request.headers["x-request-id"] = "mine-1";
  EXPECT_EQ(world.send(request).headers.at("x-request-id"), "mine-1");
  request.headers["x-request-id"] = "not an id\n";
  EXPECT_EQ(world.send(request).headers.at("x-request-id").substr(0, 4), "req_");
}

TEST(Api, UnknownPathIsNotFound) {
  ApiWorld world;
  const Reply reply = world.call("GET", "/\xff\xfe");  // GET /api/v2/%ff%fe
  EXPECT_EQ(reply.status, 404);
  EXPECT_NE(reply.text("message").find("\uFFFD"), std::string::npos) << reply.text("message");
}

TEST(Api, NamesTheAllowedMethodsOfAPath) {
  ApiWorld world;
  const Reply reply = world.call("DELETE", "/chats");
  expect_error(reply, 405, "UNIMPLEMENTED", "");
  EXPECT_EQ(reply.headers.at("allow"), "POST, GET");
  expect_error(world.call("GET", "/nothing"), 404, "NOT_FOUND", "");
}

TEST(Api, ReportsTheFirstAuthenticatedRequestOnce) {
  struct Observer final : FirstRequestObserver {
    void on_first_request(const UserId& user) override { users.push_back(user); }
    std::vector<UserId> users;
  } observer;
  ApiWorld world;
  world.server->set_first_request_observer(observer);
  auto wrong = world.request("GET", "/api/v2/chats");
  wrong.headers["authorization"] = "Bearer nonsense";
  world.send(wrong);
  EXPECT_TRUE(observer.users.empty());
  world.call("GET", "/chats");
  world.call("GET", "/chats");
  EXPECT_EQ(observer.users, std::vector<UserId>{world.user});
}

TEST(ApiProjects, AreCreatedReadChangedAndDeleted) {
  ApiWorld world;
  const Reply created = world.call("POST", "/projects", R"({"name":"demo","path":"/srv/demo"})");
  EXPECT_EQ(created.status, 201);
  const std::string id = created.text("id");
  EXPECT_EQ(world.call("GET", "/projects/" + id).text("path"), "/srv/demo");
  EXPECT_EQ(world.call("PATCH", "/projects/" + id, R"({"name":"other"})").text("name"), "other");
  EXPECT_EQ(world.call("GET", "/projects/" + id).text("name"), "other");
  EXPECT_EQ(world.call("DELETE", "/projects/" + id).status, 204);
  expect_error(world.call("GET", "/projects/" + id), 404, "NOT_FOUND", "");
}

TEST(ApiProjects, NameTheFieldThatIsWrong) {
  ApiWorld world;
  const auto post = [&](std::string body) { return world.call("POST", "/projects", std::move(body)); };
  expect_error(post(R"({"path":"/p"})"), 400, "INVALID_ARGUMENT", "name");
  expect_error(post(R"({"name":"x","path":"relative"})"), 400, "INVALID_ARGUMENT", "path");
  expect_error(post(R"({"name":"x","path":"/p","colour":1})"), 400, "INVALID_ARGUMENT", "colour");
  expect_error(post(R"({"name":7,"path":"/p"})"), 400, "INVALID_ARGUMENT", "name");
  expect_error(post(R"({"name":"","path":"/p"})"), 400, "INVALID_ARGUMENT", "name");
  expect_error(post("{\"name\":\"" + std::string(201, 'x') + "\",\"path\":\"/p\"}"), 400, "INVALID_ARGUMENT", "name");
  expect_error(post(R"({"name":"a\u0000b","path":"/p"})"), 400, "INVALID_ARGUMENT", "name");
  expect_error(post("{"), 400, "INVALID_ARGUMENT", "");
  expect_error(post(""), 400, "INVALID_ARGUMENT", "");
  expect_error(post("[]"), 400, "INVALID_ARGUMENT", "");
}

TEST(ApiProjects, CannotBeDeletedWhileTheyHaveChats) {
  ApiWorld world;
  const std::string project = world.new_project();
  world.call("POST", "/chats", "{\"project_id\":\"" + project + "\"}");
  expect_error(world.call("DELETE", "/projects/" + project), 400, "FAILED_PRECONDITION", "");
}

TEST(ApiChats, AreCreatedReadChangedAndDeleted) {
  ApiWorld world;
  const std::string id = world.new_chat();
  EXPECT_EQ(world.call("GET", "/chats/" + id).text("status"), "idle");
  const Reply changed = world.call("PATCH", "/chats/" + id, R"({"title":"t","active_daemon_id":"d1"})");
  EXPECT_EQ(changed.text("title"), "t");
  EXPECT_EQ(changed.text("active_daemon_id"), "d1");
  EXPECT_EQ(world.call("PATCH", "/chats/" + id, R"({"active_daemon_id":""})").text("active_daemon_id"), "");
  EXPECT_EQ(world.call("DELETE", "/chats/" + id).status, 204);
  expect_error(world.call("GET", "/chats/" + id), 404, "NOT_FOUND", "");
}

// The store's record of a daemon whose gateway announces itself.
void connect(ApiWorld& world, const std::string& id, const std::string& kind, std::map<std::string, std::string> labels = {}) {
  const auto accept = [](ApiWorld& on, store::DaemonArrival arrival) -> Task<void> {
    EXPECT_TRUE((co_await on.store->gateways().announce(arrival.gateway, "g1:1", kNever)).ok());
    EXPECT_TRUE((co_await on.store->daemons().accept(std::move(arrival), kNever)).ok());
  };
  const UserId user(world.call("GET", "/me").text("user_id"));
  world.run(accept(world, {user, DaemonId(id), id, kind, std::move(labels), {}, GatewayId("g1")}));
  world.router.reachable.insert(DaemonId(id));
}

// R90, R91, R95: the step that decided, and for each candidate what it lacks and what would change the choice.
TEST(ApiChats, ExplainWhichDaemonRunsTheNextToolCall) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat();
  Reply reply = world.call("GET", path + "/daemon");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("daemon_id"), "");
  EXPECT_EQ(reply.text("step"), "default");
  EXPECT_EQ(reply.text("problem"), "no daemon of the user is connected; start one: reliant daemon start");
  connect(world, "sky", "cloud", {{"gpu", "yes"}});
  connect(world, "bench", "local");
  reply = world.call("GET", path + "/daemon");
  EXPECT_EQ(reply.text("daemon_id"), "bench");
  EXPECT_EQ(reply.text("source"), "connected");
  EXPECT_TRUE(reply.body.at("selector").is_null());
  EXPECT_EQ(to_json(reply.body.at("candidates").at(1)),
            R"({"id":"sky","name":"sky","type":"cloud","labels":{"gpu":"yes"},"status":"active","chosen":false,)"
            R"("why":"passed over: bench is local, and local daemons come first","failed":[],)"
            R"("remedy":"choose it for the chat: active_daemon_id \"sky\""})");
  EXPECT_EQ(world.call("PATCH", path, R"({"active_daemon_id":"sky"})").status, 200);
  reply = world.call("GET", path + "/daemon");
  EXPECT_EQ(reply.text("daemon_id"), "sky");
  EXPECT_EQ(reply.text("step"), "session");
  EXPECT_EQ(to_json(reply.body.at("selector")), R"({"id":"sky"})");
  EXPECT_EQ(to_json(reply.body.at("candidates").at(0).at("failed")), R"([{"term":"id","wanted":"sky","found":"bench"}])");
  EXPECT_EQ(world.call("PATCH", path, R"({"active_daemon_id":""})").status, 200);  // R91
  EXPECT_EQ(world.call("GET", path + "/daemon").text("step"), "default");
  expect_error(world.call("GET", path + "/daemon?x=1"), 400, "INVALID_ARGUMENT", "x");
  expect_error(world.call("GET", "/chats/none/daemon"), 404, "NOT_FOUND", "");
}

TEST(ApiChats, NameTheFieldThatIsWrong) {
  ApiWorld world;
  const std::string id = world.new_chat();
  expect_error(world.call("POST", "/chats", "{}"), 400, "INVALID_ARGUMENT", "project_id");
  expect_error(world.call("POST", "/chats", R"({"project_id":"none"})"), 404, "NOT_FOUND", "project_id");
  expect_error(world.call("POST", "/chats", R"({"project_id":"a b"})"), 400, "INVALID_ARGUMENT", "project_id");
  expect_error(world.call("PATCH", "/chats/" + id, R"({"active_daemon_id":"a.b"})"), 400, "INVALID_ARGUMENT",
               "active_daemon_id");
  expect_error(world.call("PATCH", "/chats/" + id, R"({"status":"idle"})"), 400, "INVALID_ARGUMENT", "status");
  expect_error(world.call("GET", "/chats?limit=0"), 400, "INVALID_ARGUMENT", "limit");
  expect_error(world.call("GET", "/chats?limit=x"), 400, "INVALID_ARGUMENT", "limit");
  expect_error(world.call("GET", "/chats?cursor=rubbish"), 400, "INVALID_ARGUMENT", "cursor");
  expect_error(world.call("GET", "/chats?order=up"), 400, "INVALID_ARGUMENT", "order");
  expect_error(world.call("GET", "/chats?limit=1&limit=2"), 400, "INVALID_ARGUMENT", "limit");
}

TEST(ApiChats, ListInPagesWithoutLossOrRepetition) {
  ApiWorld world;
  const std::string project = world.new_project();
  std::set<std::string> created;
  for (int i = 0; i < 7; ++i) {
    created.insert(world.call("POST", "/chats", "{\"project_id\":\"" + project + "\"}").text("id"));
  }
  std::set<std::string> listed;
  std::string cursor;
  int pages = 0;
  do {
    const Reply page = world.call("GET", "/chats?limit=3&project_id=" + project + "&cursor=" + cursor);
    for (const json::value& item : page.body.at("items").as_array()) {
      EXPECT_TRUE(listed.insert(std::string(item.at("id").as_string().c_str())).second);
    }
    cursor = page.text("next_cursor");
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(listed, created);
  EXPECT_EQ(pages, 3);
}

TEST(ApiChats, OfAnotherUserAreNotFound) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  world.token = world.foreign_token;
  expect_error(world.call("GET", "/chats/" + chat), 404, "NOT_FOUND", "");
  expect_error(world.call("PATCH", "/chats/" + chat, R"({"title":"x"})"), 404, "NOT_FOUND", "");
  expect_error(world.call("DELETE", "/chats/" + chat), 404, "NOT_FOUND", "");
  expect_error(world.call("POST", "/chats/" + chat + "/messages", R"({"text":"x"})"), 404, "NOT_FOUND", "");
  expect_error(world.call("GET", "/chats/" + chat + "/messages"), 404, "NOT_FOUND", "");
  expect_error(world.call("GET", "/chats/" + chat + "/updates"), 404, "NOT_FOUND", "");
  expect_error(world.call("POST", "/chats/" + chat + "/cancel"), 404, "NOT_FOUND", "");
  EXPECT_TRUE(world.call("GET", "/chats").body.at("items").as_array().empty());
  EXPECT_TRUE(world.temporal.started.empty());
}

TEST(ApiChats, CancelSignalsTheWorkflow) {
  ApiWorld world;
  const std::string chat = world.new_chat();
  const Reply reply = world.call("POST", "/chats/" + chat + "/cancel");
  EXPECT_EQ(reply.status, 202);
  EXPECT_TRUE(reply.body.at("cancelling").as_bool());
  ASSERT_EQ(world.temporal.signalled.size(), 1u);
  EXPECT_EQ(world.temporal.signalled[0].workflow_execution().workflow_id(), "chat-" + chat);
  EXPECT_EQ(world.temporal.signalled[0].signal_name(), "cancel");
  world.temporal.running = false;
  EXPECT_FALSE(world.call("POST", "/chats/" + chat + "/cancel").body.at("cancelling").as_bool());
  expect_error(world.call("POST", "/chats/" + chat + "/cancel", R"({"why":"x"})"), 400, "INVALID_ARGUMENT", "why");
}

Task<void> connect_daemon(store::Store& store, UserId user) {
  store::DaemonArrival arrival;
  arrival.user = user;
  arrival.id = DaemonId("d1");
  arrival.name = "laptop";
  arrival.kind = "local";
  arrival.labels["os"] = "linux";
  arrival.tools = {"bash"};
  arrival.gateway = GatewayId("g1");
  EXPECT_TRUE((co_await store.gateways().announce(GatewayId("g1"), "g1:1", kNever)).ok());
  EXPECT_TRUE((co_await store.daemons().accept(std::move(arrival), kNever)).ok());
}

TEST(ApiDaemons, ShowTheirStatus) {
  ApiWorld world;
  EXPECT_TRUE(world.call("GET", "/daemons").body.at("items").as_array().empty());
  world.run(connect_daemon(*world.store, world.user));
  const Reply reply = world.call("GET", "/daemons");
  const json::value& daemon = reply.body.at("items").as_array().at(0);
  EXPECT_EQ(daemon.at("name").as_string(), "laptop");
  EXPECT_EQ(daemon.at("status").as_string(), "active");
  EXPECT_EQ(daemon.at("labels").at("os").as_string(), "linux");
  EXPECT_EQ(daemon.at("connection").as_string(), "connected");
  EXPECT_EQ(daemon.at("activity").as_string(), "quiet");
  world.token = world.foreign_token;
  EXPECT_TRUE(world.call("GET", "/daemons").body.at("items").as_array().empty());
}

TEST(ApiDaemons, AreDisconnectedWhenTheirGatewayHasBeenSilentForItsLease) {
  ApiWorld world;
  world.run(connect_daemon(*world.store, world.user));
  const auto status = [&] {
    const Reply reply = world.call("GET", "/daemons");
    return std::string(reply.body.at("items").as_array().at(0).at("status").as_string());
  };
  world.pass(std::chrono::seconds(29));
  EXPECT_EQ(status(), "active");
  world.pass(std::chrono::seconds(2));
  EXPECT_EQ(status(), "disconnected");
}

TEST(ApiDaemons, TheChoiceForAChatIsExplained) {
  ApiWorld world;
  world.run(connect_daemon(*world.store, world.user));
  const std::string path = "/chats/" + world.new_chat() + "/daemon";
  Reply reply = world.call("GET", path);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text("daemon_id"), "");
  EXPECT_EQ(reply.text("source"), "none");
  EXPECT_NE(reply.text("problem").find("start one"), std::string::npos);
  EXPECT_NE(reply.body.at("candidates").as_array().at(0).at("why").as_string().find("no gateway holds it"), std::string::npos);

  world.router.reachable.insert(DaemonId("d1"));
  reply = world.call("GET", path);
  EXPECT_EQ(reply.text("daemon_id"), "d1");
  EXPECT_EQ(reply.text("source"), "connected");
  EXPECT_EQ(reply.text("problem"), "");
  EXPECT_TRUE(reply.body.at("candidates").as_array().at(0).at("chosen").as_bool());
}

TEST(ApiDaemons, TheChoiceForAChatIsHiddenFromOtherUsers) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat() + "/daemon";
  EXPECT_EQ(world.call("GET", path + "?why=please").text("field"), "why");
  EXPECT_EQ(world.call("GET", "/chats/a.b/daemon").status, 404);
  world.token = world.foreign_token;
  EXPECT_EQ(world.call("GET", path).status, 404);
}

// The existence of another user's chat must not leak.
// The engine knows it: a task is scheduled and not started. A model that is slow has a task that is started.
TEST(ApiChats, ShowHowLongTheyWaitForAWorker) {
  ApiWorld world;
  const std::string path = "/chats/" + world.new_chat();
  const auto waiting = [&] {
    return world.call("GET", path + "/work").body.as_object().at("waiting_for_worker_ms").to_number<int>();
  };
  EXPECT_EQ(waiting(), 0);
  EXPECT_EQ(world.call("GET", path + "/work").text("status"), "idle");
  EXPECT_EQ(world.temporal.described, 0) << "of a chat at work only";
  world.call("POST", path + "/messages", R"({"text":"hello"})");
  const auto before = [&](std::chrono::nanoseconds age) {
    return google::protobuf::util::TimeUtil::NanosecondsToTimestamp((world.clock.wall_now() - age).time_since_epoch().count());
  };
  namespace enums = ::temporal::api::enums::v1;
  auto& task = *world.temporal.pending.mutable_pending_workflow_task();
  task.set_state(enums::PENDING_WORKFLOW_TASK_STATE_SCHEDULED);
  *task.mutable_scheduled_time() = before(std::chrono::milliseconds(7000));
  EXPECT_NEAR(waiting(), 7000, 10);
  EXPECT_EQ(world.call("GET", path + "/work").text("status"), "running");
  task.set_state(enums::PENDING_WORKFLOW_TASK_STATE_STARTED);
  EXPECT_EQ(waiting(), 0);
  world.temporal.pending.clear_pending_workflow_task();
  auto& activity = *world.temporal.pending.add_pending_activities();
  activity.set_state(enums::PENDING_ACTIVITY_STATE_SCHEDULED);
  *activity.mutable_scheduled_time() = before(std::chrono::milliseconds(6000));
  EXPECT_NEAR(waiting(), 6000, 10);
  activity.set_state(enums::PENDING_ACTIVITY_STATE_STARTED);
  EXPECT_EQ(waiting(), 0);
  world.temporal.away = true;
  EXPECT_EQ(world.call("GET", path + "/work").status, 503);
  EXPECT_EQ(world.call("GET", "/chats/chat_of_nobody/work").status, 404);
}

TEST(ApiChats, AChosenIdRevealsNothingOfOtherUsers) {
  ApiWorld world;
  const std::string mine = "{\"project_id\":\"" + world.new_project() + R"(","id":"secret-plans"})";
  const Reply first = world.call("POST", "/chats", mine);
  EXPECT_EQ(first.status, 201);
  EXPECT_TRUE(first.text("id").starts_with("secret-plans-")) << first.text("id");
  EXPECT_EQ(world.call("POST", "/chats", mine).text("id"), first.text("id")) << "the same choice again is the same chat";
  EXPECT_EQ(world.call("GET", "/chats/" + first.text("id")).status, 200);
  world.token = world.foreign_token;
  const std::string theirs = "{\"project_id\":\"" + world.new_project() + "\",\"id\":\"";
  for (const std::string& chosen : {std::string("secret-plans"), std::string("no-such-chat"), first.text("id")}) {
    const Reply reply = world.call("POST", "/chats", theirs + chosen + "\"}");
    EXPECT_EQ(reply.status, 201) << chosen;
    EXPECT_NE(reply.text("id"), first.text("id"));
    EXPECT_TRUE(reply.text("id").starts_with(chosen + "-")) << reply.text("id");
  }
  EXPECT_EQ(world.call("POST", "/chats", theirs + std::string(112, 'x') + "\"}").text("field"), "id");
}

}  // namespace
}  // namespace reliant::api
