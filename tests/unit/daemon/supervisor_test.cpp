// A daemon whose token may be refused, on a simulated machine, with a server that registers as the test says.
#include "daemon/supervisor.h"

#include <chrono>
#include <deque>

#include "model/token.h"
#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFile = "/home/ann/.config/reliant/auth/reliant-daemon.json";

class HandResponse final : public ports::HttpResponse {
 public:
  HandResponse(int status, ports::HttpHeaders headers, std::string body)
      : status_(status), headers_(std::move(headers)), body_(std::move(body)) {}
  int status() const override { return status_; }
  const ports::HttpHeaders& headers() const override { return headers_; }
  Task<Result<std::optional<std::string>>> read(Instant) override {
    if (read_) co_return std::nullopt;
    read_ = true;
    co_return body_;
  }

 private:
  int status_;
  ports::HttpHeaders headers_;
  std::string body_;
  bool read_ = false;
};

// Registers every daemon with tokens rlnt_pat_1, rlnt_pat_2, … unless there is something else in `answers`.
class HandServer final : public ports::HttpClient {
 public:
  struct Answer {
    int status;
    ports::HttpHeaders headers;
    std::string body;
  };
  explicit HandServer(Executor& executor) : executor_(executor) {}
  Task<Result<std::unique_ptr<ports::HttpResponse>>> send(ports::HttpRequest request, Instant) override {
    requests.push_back(request);
    times.push_back(executor_.now());
    co_await sleep_for(takes);
    if (away) co_return unavailable("no connection");
    if (!answers.empty()) {
      Answer answer = answers.front();
      answers.pop_front();
      co_return std::make_unique<HandResponse>(answer.status, answer.headers, answer.body);
    }
    co_return std::make_unique<HandResponse>(
        201, ports::HttpHeaders{},
        concat(R"({"token":"rlnt_pat_)", ++issued, R"(","token_id":"t","user_id":"ann","daemon_id":"d1"})"));
  }

  std::vector<ports::HttpRequest> requests;
  std::vector<Instant> times;
  std::deque<Answer> answers;
  Duration takes{};  // to answer
  bool away = false;
  int issued = 0;

 private:
  Executor& executor_;
};

class SupervisorTest : public DaemonWorld {
 protected:
  // One life of the daemon's process, with its supervisor.
  struct Kept {
    Kept(SupervisorTest& world, std::string given, std::string session)
        : processes(world.machine_, Random(1)),
          filesystem(world.machine_.disk, world.machine_.disk_faults, Random(2)),
          tools(tools::make_standard_tools(processes, filesystem)),
          context{&world.executor_, nullptr, 1},
          daemon(context, world.clock_, Random(world.next_seed_++), world.log_, world.links_, tools, processes, world.journal(),
                 world.options_),
          file(filesystem, std::string(kFile)),
          registration(world.server_, {"https://reliant.test"}, std::move(session)),
          supervisor(daemon, file, registration, world.clock_, Random(3), world.log_, std::move(given)),
          scope(world.executor_, 1) {
      scope.spawn(keep(supervisor, end));
    }
    static Task<void> keep(Supervisor& supervisor, std::optional<Status>& end) { end = co_await supervisor.run(); }
    void run_again() {
      end.reset();
      scope.spawn(keep(supervisor, end));
    }

    sim::SimProcesses processes;
    sim::SimFilesystem filesystem;
    tools::ToolRegistry tools;
    Context context;
    std::optional<Status> end;
    Daemon daemon;
    CredentialsFile file;
    Registration registration;
    Supervisor supervisor;
    TaskScope scope;
  };

  void begin(std::string given = "", std::string session = "rlnt_pat_session") {
    kept_.reset();
    kept_ = std::make_unique<Kept>(*this, std::move(given), std::move(session));
  }
  // Asks it to stop; the process ends when stop() returns.
  void stop(Duration grace) {
    std::optional<Instant> stopped;
    TaskScope stopper(executor_, 3);
    stopper.spawn([](Supervisor& supervisor, Executor& executor, Instant deadline, std::optional<Instant>& at) -> Task<void> {
      co_await supervisor.stop(deadline);
      at = executor.now();
    }(kept_->supervisor, executor_, executor_.now() + grace, stopped));
    const Instant last = executor_.now() + grace + 1s;
    while (!stopped && executor_.next_event() <= last && executor_.step()) {}
    EXPECT_TRUE(stopped.has_value());
    kept_.reset();
  }
  void have_file(std::string token) {
    EXPECT_TRUE(machine_.disk.make_directories("/home/ann/.config/reliant/auth").ok());
    EXPECT_TRUE(
        machine_.disk.write(std::string(kFile), to_text({DaemonId("d1"), UserId("ann"), std::move(token), {}}), {}).ok());
  }
  std::string on_disk(std::string_view suffix = "") const {
    const std::string* content = machine_.disk.content(concat(kFile, suffix));
    return content == nullptr ? "" : *content;
  }
  std::string token_used() const { return gateway_->streams.back()->link->metadata().at("authorization"); }
  void refuse(std::string_view reason) { gateway_->refuse_with(with_reason(unauthenticated("the token was refused"), reason)); }

  HandServer server_{executor_};
  std::unique_ptr<Kept> kept_;
};

TEST_F(SupervisorTest, UsesTheTokenOfItsFile) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  begin();
  run_for(1s);
  ASSERT_EQ(gateway_->streams.size(), 1u);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_mine");
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(SupervisorTest, RegistersWhenItHasNoFile) {
  gateway_ = make_gateway("gw:1");
  begin();
  run_for(1s);
  ASSERT_EQ(server_.requests.size(), 1u);
  EXPECT_EQ(server_.requests[0].url, "https://reliant.test/api/v2/daemons/register");
  EXPECT_EQ(server_.requests[0].headers.at("authorization"), "Bearer rlnt_pat_session");
  EXPECT_EQ(server_.requests[0].body, R"({"daemon_id":"d1","name":"laptop"})");
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_1");
  EXPECT_NE(on_disk().find("rlnt_pat_1"), std::string::npos);
}

TEST_F(SupervisorTest, MalformedCredentialsFileIsTreatedAsMissing) {
  gateway_ = make_gateway("gw:1");
  EXPECT_TRUE(machine_.disk.make_directories("/home/ann/.config/reliant/auth").ok());
  EXPECT_TRUE(machine_.disk.write(std::string(kFile), "{\"token\":", {}).ok());
  begin();
  run_for(1s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_1");
}

TEST_F(SupervisorTest, RegistersAgainWhenItsTokenWasRevokedAndKeepsTheOldFile) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_old");
  gateway_->refuse_once_with(with_reason(unauthenticated("the token was revoked"), kReasonTokenRevoked));
  begin();
  run_for(2s);
  EXPECT_EQ(server_.requests.size(), 1u);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_1");
  EXPECT_NE(on_disk(".bak").find("rlnt_pat_old"), std::string::npos);
  EXPECT_NE(on_disk().find("rlnt_pat_1"), std::string::npos);
  EXPECT_TRUE(kept_->daemon.connected());
}

TEST_F(SupervisorTest, RegistersAgainWhenItsTokenExpiredOrIsAnotherDaemons) {
  for (const Status& refusal : {with_reason(unauthenticated("expired"), model::kReasonTokenExpired),
                                with_reason(permission_denied("bound to daemon d2"), model::kReasonTokenOtherDaemon)}) {
    gateway_.reset();
    gateway_ = make_gateway("gw:1");
    have_file("rlnt_pat_old");
    (void)machine_.disk.remove(concat(kFile, ".bak"));
    gateway_->refuse_once_with(refusal);
    begin();
    run_for(2s);
    EXPECT_NE(on_disk(".bak").find("rlnt_pat_old"), std::string::npos) << refusal;
    EXPECT_TRUE(kept_->daemon.connected()) << refusal;
  }
  EXPECT_EQ(server_.requests.size(), 2u);
}

TEST_F(SupervisorTest, AnyOtherDenialOnlyBacksOff) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  gateway_->refuse_with(permission_denied("a proxy says no"));
  begin();
  run_for(30min);
  EXPECT_GT(gateway_->attempts.size(), 20u);
  EXPECT_TRUE(server_.requests.empty());
  EXPECT_NE(on_disk().find("rlnt_pat_mine"), std::string::npos);
}

class Renewal : public SupervisorTest {
 protected:
  Renewal() {
    gateway_ = make_gateway("gw:1");
    have_file("rlnt_pat_old");
  }
  void offer() {
    proto::GatewayFrame due;
    due.mutable_token_due();
    gateway_->send(std::move(due));
    run_for(100ms);
  }
  void send_token(std::string token) {
    proto::GatewayFrame frame;
    frame.mutable_new_token()->set_token(std::move(token));
    gateway_->send(std::move(frame));
  }
  std::size_t asked() const {
    return heard([](const proto::DaemonFrame& frame) { return frame.has_renew_token(); });
  }
  std::size_t used(std::string_view token) const {
    return heard([&](const proto::DaemonFrame& frame) { return frame.has_use_token() && frame.use_token().token() == token; });
  }
  template <class Is>
  std::size_t heard(Is is) const {
    std::size_t count = 0;
    for (const auto& stream : gateway_->streams)
      for (const auto& each : stream->heard) count += is(each.frame) ? 1 : 0;
    return count;
  }
};

TEST_F(Renewal, KeepsTheNewTokenBeforeItUsesIt) {
  begin();
  run_for(1s);
  offer();
  ASSERT_EQ(asked(), 1u);
  machine_.disk_faults.latency = 10s;
  send_token("rlnt_pat_new");
  for (int i = 0; i < 400 && used("rlnt_pat_new") == 0; ++i) {
    run_for(100ms);
    if (used("rlnt_pat_new") > 0) EXPECT_NE(on_disk().find("rlnt_pat_new"), std::string::npos);
  }
  EXPECT_EQ(used("rlnt_pat_new"), 1u);
  EXPECT_NE(on_disk(".bak").find("rlnt_pat_old"), std::string::npos);
  EXPECT_EQ(gateway_->streams.size(), 1u) << "its stream goes on";
  gateway_->hang_up(unavailable("gone"));
  run_for(5s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_new");
  EXPECT_TRUE(server_.requests.empty());
}

// Wherever the process dies, the file has one of the two, whole; and both are valid until the new one is used.
TEST_F(Renewal, ACrashAtAnyStepLeavesOneValidToken) {
  machine_.disk_faults.latency = 1s;
  for (Duration lived = 0ms; lived < 5s; lived += 100ms) {
    have_file("rlnt_pat_old");
    begin();
    run_for(5s);
    offer();
    send_token("rlnt_pat_new");
    run_for(lived);
    const bool told = used("rlnt_pat_new") > 0;
    begin();  // the next life
    run_for(5s);
    const bool has_new = token_used() == "Bearer rlnt_pat_new";
    EXPECT_TRUE(has_new || token_used() == "Bearer rlnt_pat_old") << token_used();
    if (told) EXPECT_TRUE(has_new);
    gateway_.reset();
    gateway_ = make_gateway("gw:1");
  }
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(Renewal, AFullDiskLeavesTheOldToken) {
  begin();
  run_for(1s);
  machine_.disk.set_capacity(1);
  offer();
  send_token("rlnt_pat_new");
  run_for(1s);
  EXPECT_EQ(used("rlnt_pat_new"), 0u);
  EXPECT_NE(on_disk().find("rlnt_pat_old"), std::string::npos);
  EXPECT_EQ(log_.count("daemon.token.not_kept"), 1u);
  machine_.disk.set_capacity(1'000'000);
  offer();
  EXPECT_EQ(asked(), 2u);
  send_token("rlnt_pat_newer");
  run_for(1s);
  EXPECT_EQ(used("rlnt_pat_newer"), 1u);
}

TEST_F(Renewal, ATokenGivenByHandIsNotRenewed) {
  begin("rlnt_pat_given");
  run_for(1s);
  offer();
  EXPECT_EQ(asked(), 0u);
}

// Another process with the same file has renewed it, or a write has succeeded of which that was not known.
TEST_F(Renewal, ARefusedTokenThatIsNotTheFilesKeepsTheFile) {
  begin();
  run_for(1s);
  have_file("rlnt_pat_renewed");
  gateway_->refuse_once_with(with_reason(unauthenticated("the token was revoked"), kReasonTokenRevoked));
  gateway_->hang_up(unavailable("gone"));
  run_for(5s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_renewed");
  EXPECT_EQ(on_disk(".bak"), "");
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(SupervisorTest, RecoversOnceInTenMinutes) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_old");
  refuse(kReasonTokenInvalid);
  begin();
  run_for(35min);
  ASSERT_EQ(server_.times.size(), 4u);
  for (std::size_t i = 1; i < server_.times.size(); ++i) {
    EXPECT_GE(server_.times[i] - server_.times[i - 1], 10min);
    EXPECT_LE(server_.times[i] - server_.times[i - 1], 10min + 1s);
  }
}

TEST_F(SupervisorTest, RecoversOnceInTenMinutesAlsoWhenItIsStartedAgainAndAgain) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_old");
  refuse(kReasonTokenRevoked);
  for (int life = 0; life < 9; ++life) {
    begin();
    run_for(1min);
  }
  EXPECT_EQ(server_.requests.size(), 1u);
  begin();
  run_for(2min);
  EXPECT_EQ(server_.requests.size(), 2u);
}

TEST_F(SupervisorTest, LoadsAFileThatTheUserMadeDuringTheRecoveryPause) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_old");
  refuse(kReasonTokenRevoked);
  begin();
  run_for(2min);
  ASSERT_EQ(server_.requests.size(), 1u);
  have_file("rlnt_pat_by_hand");
  gateway_->accept_again();
  run_for(31s);
  EXPECT_EQ(server_.requests.size(), 1u);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_by_hand");
}

TEST_F(SupervisorTest, ConnectionLossOnlyBacksOff) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  gateway_->refuse_with(unavailable("no database"));
  begin();
  run_for(30min);
  EXPECT_GT(gateway_->attempts.size(), 20u);
  EXPECT_TRUE(server_.requests.empty());
  EXPECT_NE(on_disk().find("rlnt_pat_mine"), std::string::npos);
}

TEST_F(SupervisorTest, ARefusalForAnotherReasonThanTheTokenOnlyBacksOff) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  gateway_->refuse_with(unauthenticated("the key server is away"));
  begin();
  run_for(30min);
  EXPECT_GT(gateway_->attempts.size(), 20u);
  EXPECT_TRUE(server_.requests.empty());
  EXPECT_NE(on_disk().find("rlnt_pat_mine"), std::string::npos);
}

TEST_F(SupervisorTest, ADisabledUserIsWaitedForAndNothingIsGivenUp) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  gateway_->refuse_with(with_reason(unauthenticated("the user is disabled"), model::kReasonUserDisabled));
  begin();
  run_for(30min);
  EXPECT_GT(gateway_->attempts.size(), 20u);
  EXPECT_TRUE(server_.requests.empty());
  gateway_->accept_again();
  run_for(31s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_mine");
  EXPECT_TRUE(kept_->daemon.connected());
}

TEST_F(SupervisorTest, ADisabledUserMayRegisterLater) {
  gateway_ = make_gateway("gw:1");
  server_.answers.push_back(
      {401, {}, R"({"code":"UNAUTHENTICATED","message":"the user is disabled","reason":"USER_DISABLED"})"});
  begin();
  run_for(1s);
  EXPECT_FALSE(kept_->end.has_value());
  run_for(11min);
  EXPECT_TRUE(kept_->daemon.connected());
}

TEST_F(SupervisorTest, RejectedExplicitTokenStopsTheDaemonAndDeletesNothing) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  refuse(kReasonTokenRevoked);
  begin("rlnt_pat_given");
  run_for(1min);
  ASSERT_TRUE(kept_->end.has_value());
  EXPECT_EQ(kept_->end->code(), StatusCode::kUnauthenticated);
  EXPECT_NE(message_of(*kept_->end).find("--token"), std::string::npos);
  EXPECT_EQ(exit_code_of(*kept_->end), 3);
  EXPECT_TRUE(server_.requests.empty());
  EXPECT_NE(on_disk().find("rlnt_pat_mine"), std::string::npos);
  EXPECT_EQ(on_disk(".bak"), "");
}

TEST_F(SupervisorTest, ExplicitTokenOverridesTheFile) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  begin("rlnt_pat_given");
  run_for(1s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_given");
}

TEST_F(SupervisorTest, MissingLoginStopsTheDaemonWithInstructions) {
  gateway_ = make_gateway("gw:1");
  begin("", "");
  run_for(1s);
  ASSERT_TRUE(kept_->end.has_value());
  EXPECT_EQ(exit_code_of(*kept_->end), 3);
  EXPECT_EQ(message_of(*kept_->end),
            "there is no user's token to register this machine with; give a user's token in "
            "RELIANT_TOKEN, and start the daemon again");
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(SupervisorTest, ExpiredLoginStopsTheDaemon) {
  server_.answers.push_back(
      {401, {}, R"({"code":"UNAUTHENTICATED","message":"the token was revoked","reason":"TOKEN_REVOKED"})"});
  begin();
  run_for(1s);
  ASSERT_TRUE(kept_->end.has_value());
  EXPECT_EQ(exit_code_of(*kept_->end), 3);
}

TEST_F(SupervisorTest, RetriesWhileTheServerIsUnavailable) {
  gateway_ = make_gateway("gw:1");
  server_.away = true;
  begin();
  run_for(5min);
  EXPECT_GT(server_.requests.size(), 5u);
  EXPECT_FALSE(kept_->end.has_value());
  server_.away = false;
  run_for(31s);
  EXPECT_TRUE(kept_->daemon.connected());
}

TEST_F(SupervisorTest, WaitsAsLongAsTheServerAsks) {
  gateway_ = make_gateway("gw:1");
  server_.answers.push_back({429, {{"retry-after", "90"}}, R"({"code":"RESOURCE_EXHAUSTED","message":"later"})"});
  begin();
  run_for(2min);
  ASSERT_EQ(server_.times.size(), 2u);
  EXPECT_GE(server_.times[1] - server_.times[0], 90s);
}

TEST_F(SupervisorTest, WaitsAsLongAsAGatewayAsks) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_mine");
  gateway_->refuse_with(with_retry_after(unavailable("full"), 45s));
  begin();
  run_for(100s);
  ASSERT_EQ(gateway_->attempts.size(), 3u);
  EXPECT_GE(gateway_->attempts[1] - gateway_->attempts[0], 45s);
}

TEST_F(SupervisorTest, AFullDiskDoesNotKeepItFromServing) {
  gateway_ = make_gateway("gw:1");
  machine_.disk.set_capacity(1);
  begin();
  run_for(2s);
  EXPECT_TRUE(kept_->daemon.connected());
  EXPECT_EQ(log_.count("daemon.credentials.not_kept"), 1u);
}

TEST_F(SupervisorTest, KeepsItsCredentialsAsSoonAsTheDiskHasRoom) {
  gateway_ = make_gateway("gw:1");
  machine_.disk.set_capacity(1);
  begin();
  run_for(5min);
  EXPECT_EQ(on_disk(), "");
  machine_.disk.set_capacity(1'000'000);
  run_for(31s);
  EXPECT_NE(on_disk().find("rlnt_pat_"), std::string::npos);
  EXPECT_EQ(log_.count("daemon.credentials.kept"), 1u);
  begin();  // another life
  run_for(31s);
  EXPECT_EQ(server_.requests.size(), 1u);
}

// Can be opened when the test says so.
class UnreadableJournal final : public ports::Database {
 public:
  explicit UnreadableJournal(ports::Database& inner) : inner_(inner) {}
  Task<Result<std::unique_ptr<ports::Transaction>>> begin(ports::Access access, Instant deadline) override {
    if (unreadable) co_return resource_exhausted("the disk is full");
    co_return co_await inner_.begin(access, deadline);
  }
  Task<Status> run_script(std::string_view sql, Instant deadline) override {
    if (unreadable) co_return resource_exhausted("the disk is full");
    co_return co_await inner_.run_script(sql, deadline);
  }
  Task<Result<WallTime>> wall_now(Instant deadline) override { return inner_.wall_now(deadline); }

  bool unreadable = true;

 private:
  ports::Database& inner_;
};

class SupervisorOnAFullDisk : public SupervisorTest {
 protected:
  SupervisorOnAFullDisk() { machine_.disk.set_capacity(1); }
  ports::Database& journal() override { return unreadable_; }
  UnreadableJournal unreadable_{*journal_};
};

TEST_F(SupervisorOnAFullDisk, KeepsItsTokenInMemoryOverARestartOfTheClient) {
  gateway_ = make_gateway("gw:1");
  begin();
  run_for(1s);
  ASSERT_TRUE(kept_->end.has_value());
  EXPECT_EQ(kept_->end->code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(on_disk(), "");
  unreadable_.unreadable = false;
  kept_->run_again();
  run_for(1s);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_1");
  EXPECT_EQ(server_.requests.size(), 1u) << "it has one, though not on its disk";
}

// Started again every few seconds, it had a new token of each life (credentials_without_room_are_not_forgotten, real world).
TEST_F(SupervisorOnAFullDisk, DoesNotRegisterInALifeThatCannotOpenItsJournal) {
  gateway_ = make_gateway("gw:1");
  for (int life = 0; life < 5; ++life) {
    begin();
    run_for(1s);
    ASSERT_TRUE(kept_->end.has_value());
    EXPECT_EQ(kept_->end->code(), StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(server_.requests.empty());
}

TEST_F(SupervisorTest, StopsAfterTheRegistrationThatIsUnderWay) {
  gateway_ = make_gateway("gw:1");
  server_.takes = 3s;
  begin();
  run_for(1s);
  stop(10s);
  EXPECT_NE(on_disk().find("rlnt_pat_1"), std::string::npos) << "a token that was issued is kept";
  begin();
  run_for(10s);
  EXPECT_EQ(server_.requests.size(), 1u);
  EXPECT_EQ(token_used(), "Bearer rlnt_pat_1");
}

TEST_F(SupervisorTest, StopsAtTheDeadlineAlsoWhileItRegisters) {
  gateway_ = make_gateway("gw:1");
  server_.takes = 15s;
  begin();
  run_for(1s);
  const Instant asked = executor_.now();
  stop(5s);
  EXPECT_EQ(executor_.now() - asked, 5s);
  EXPECT_EQ(on_disk(), "");
}

TEST_F(SupervisorTest, StopReturnsFromEveryState) {
  gateway_ = make_gateway("gw:1");
  have_file("rlnt_pat_old");
  refuse(kReasonTokenRevoked);
  begin();
  run_for(2min);  // it waits for its ten minutes
  TaskScope stopper(executor_, 3);
  stopper.spawn([](Supervisor& supervisor, Instant deadline) -> Task<void> { co_await supervisor.stop(deadline); }(
                                                                 kept_->supervisor, executor_.now() + 1s));
  run_for(2s);
  ASSERT_TRUE(kept_->end.has_value());
  EXPECT_TRUE(kept_->end->ok());
}

}  // namespace
}  // namespace reliant::daemon
