// A daemon whose token may be refused, with a server that registers as the test says.
#include "unit/daemon/supervisor_world.h"

namespace reliant::daemon {
namespace {

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
