#include <algorithm>

#include "gateway_world.h"

namespace reliant::gateway {
namespace {

class RegistrationTest : public testing::Test {
 protected:
  // Comes in, says who it is, and then nothing.
  std::unique_ptr<ports::Link> silent() {
    ports::LinkTarget target;
    target.address = world_.address;
    target.method = "reliant.tools.v1.ToolsDaemonService/Connect";
    target.metadata["authorization"] = "Bearer " + world_.token;
    return *finish(world_.simulation, world_.links.connect(std::move(target), kNever));
  }
  // How the stream of a daemon ends that registers like this.
  Status end_of(const proto::Register& registration) {
    const std::unique_ptr<ports::Link> link = silent();
    proto::DaemonFrame frame;
    *frame.mutable_register_() = registration;
    world_.send(*link, frame);
    return world_.frame_of(*link).status();
  }
  Status refused(const std::string& daemon) {
    std::unique_ptr<ports::Link> link;
    return finish(world_.simulation, world_.connect(link, daemon, world_.token)).status();
  }

  GatewayWorld world_{1};
};

TEST_F(RegistrationTest, StaggersTheRetryAfterOfABurst) {
  world_.freezable.freeze();
  std::vector<std::unique_ptr<ports::Link>> streams;
  for (std::size_t i = 0; i < GatewayOptions().max_registrations; ++i) {
    streams.push_back(silent());
    proto::DaemonFrame frame;
    frame.mutable_register_()->set_daemon_id("c" + std::to_string(i));
    world_.send(*streams.back(), frame);
    world_.run_for(1ms);
  }
  const Status first = refused("d1");
  const Status second = refused("d2");
  EXPECT_EQ(first.code(), StatusCode::kResourceExhausted);
  EXPECT_GT(retry_after_of(first), Duration::zero());
  EXPECT_GT(retry_after_of(second), retry_after_of(first));
  for (int i = 0; i < 10'000; ++i) EXPECT_LE(retry_after_of(refused("d3")), Gateway::kLongestWait);
  world_.freezable.thaw();
  world_.run_for(1s);
  EXPECT_TRUE(refused("d1").ok());
}

// 70 authenticated streams that said nothing once took all the slots, for ten seconds.
TEST_F(RegistrationTest, SilentStreamsTakeNoPermitAndDelayNoOther) {
  std::vector<std::unique_ptr<ports::Link>> streams;
  for (std::size_t i = 0; i < 2 * GatewayOptions().max_registrations; ++i) streams.push_back(silent());
  world_.run_for(1ms);
  EXPECT_TRUE(refused("d1").ok());
}

TEST_F(RegistrationTest, ANewStreamEvictsTheOldestSilentStreamOfItsToken) {
  const auto oldest = silent();
  std::vector<std::unique_ptr<ports::Link>> streams;
  for (std::size_t i = 1; i < UnregisteredLimits().of_token; ++i) streams.push_back(silent());
  const auto newest = silent();
  const Status displaced = world_.frame_of(*oldest).status();
  EXPECT_EQ(displaced.code(), StatusCode::kResourceExhausted);
  EXPECT_GT(retry_after_of(displaced), Duration::zero());
  EXPECT_LT(world_.simulation.now().time_since_epoch(), Gateway::kRegistrationTime);
  EXPECT_EQ(world_.frame_of(*streams.front()).status().code(), StatusCode::kDeadlineExceeded) << "it had its time";
}

TEST_F(RegistrationTest, AnEvictedStreamIsRefusedASecondLater) {
  const auto oldest = silent();
  std::vector<std::unique_ptr<ports::Link>> streams;
  for (std::size_t i = 0; i < UnregisteredLimits().of_token; ++i) streams.push_back(silent());
  const Instant displaced = world_.simulation.now();
  EXPECT_EQ(world_.frame_of(*oldest).status().code(), StatusCode::kResourceExhausted);
  EXPECT_GE(world_.simulation.now() - displaced, 1s);
}

TEST_F(RegistrationTest, RefusesEachFieldOfRegisterThatIsTooLargeAndNamesIt) {
  const auto with = [](auto change) {
    proto::Register registration;
    registration.set_daemon_id("d1");
    change(registration);
    return registration;
  };
  const std::map<std::string, proto::Register> bad = {
      {"register.name", with([](auto& r) { r.set_name(std::string(kMaxName + 1, 'n')); })},
      {"register.version", with([](auto& r) { r.set_version(std::string(kMaxName + 1, 'v')); })},
      {"register.journal_id", with([](auto& r) { r.set_journal_id(std::string(kMaxName + 1, 'j')); })},
      {"register.labels", with([](auto& r) {
         for (std::size_t i = 0; i <= kMaxLabels; ++i) (*r.mutable_labels())[std::to_string(i)] = "l";
       })},
      {"register.tools", with([](auto& r) {
         for (std::size_t i = 0; i <= kMaxTools; ++i) r.add_tools("t");
       })},
  };
  for (const auto& [field, registration] : bad) {
    const Status ended = end_of(registration);
    EXPECT_EQ(ended.code(), StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(field_of(ended), field) << ended;
    EXPECT_NE(message_of(ended).find("at most"), std::string::npos) << ended;
  }
  EXPECT_EQ(field_of(end_of(with([](auto& r) { (*r.mutable_labels())["k"] = std::string(kMaxLabel + 1, 'v'); }))),
            "register.labels");
  EXPECT_EQ(field_of(end_of(with([](auto& r) { r.add_tools(std::string(kMaxToolName + 1, 't')); }))), "register.tools");
  EXPECT_TRUE(end_of(with([](auto& r) { r.set_name(std::string(kMaxName, 'n')); })).ok());
}

// C21.
TEST_F(RegistrationTest, RefusesTheKindsOfDaemonsAsIds) {
  for (const char* kind : {"local", "cloud", "any", "self_hosted", "managed"}) {
    const Status ended = refused(kind);
    EXPECT_EQ(ended.code(), StatusCode::kInvalidArgument) << kind;
    EXPECT_EQ(field_of(ended), "register.daemon_id");
  }
}

// C21.
TEST_F(RegistrationTest, RefusesDaemonKindsAsNamesWithTheRemedy) {
  for (const char* kind : {"local", "cloud", "any", "self_hosted", "managed"}) {
    proto::Register registration;
    registration.set_daemon_id("d1");
    registration.set_name(kind);
    const Status ended = end_of(registration);
    EXPECT_EQ(ended.code(), StatusCode::kInvalidArgument) << kind;
    EXPECT_EQ(field_of(ended), "register.name");
    EXPECT_NE(message_of(ended).find("--name NAME"), std::string::npos) << ended;
  }
}

TEST_F(RegistrationTest, LimitsTheDaemonsOfAUser) {
  GatewayOptions options{GatewayId("g2"), "gateway-2:9190"};
  options.max_daemons_per_user = 1;
  Gateway small(world_.node.context(), world_.node.clock(), world_.node.log(), world_.links, world_.records, options);
  GatewayWorld::store_ok(finish(world_.simulation, small.start()));
  world_.address = "gateway-2:9190";
  EXPECT_TRUE(refused("d1").ok());
  const Status second = refused("d2");
  EXPECT_EQ(second.code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(refused("d1").ok()) << "a known one comes back";
  world_.address = kAddress;
}

TEST_F(RegistrationTest, RenewsThePresenceOfItsDaemonsWithinABeat) {
  auto one = world_.connected("d1");
  world_.run_for(7s);
  auto two = world_.connected("d2");
  WallTime before = world_.stored_daemon("d1").last_seen;
  for (int beats = 0; beats < 10; ++beats) {
    proto::DaemonFrame frame;
    frame.mutable_heartbeat();
    world_.send(*one, frame);
    world_.send(*two, frame);
    world_.run_for(model::kGatewayHeartbeat / 2);
    const WallTime now = world_.node.clock().wall_now();
    EXPECT_LE(now - world_.stored_daemon("d1").last_seen, model::kGatewayHeartbeat);
    EXPECT_LE(now - world_.stored_daemon("d2").last_seen, model::kGatewayHeartbeat);
  }
  EXPECT_GT(world_.stored_daemon("d1").last_seen, before);
}

TEST_F(RegistrationTest, EndsTheStreamsOfARevokedTokenSoonAndNoOthers) {
  const std::string other = auth::make_token(std::array<std::byte, auth::kTokenBytes>{std::byte{1}});
  const auto token = finish(world_.simulation, world_.store.tokens().create(world_.user, "laptop", other, kNever));
  auto keeps = world_.connected("d1");
  std::unique_ptr<ports::Link> loses;
  ASSERT_TRUE(finish(world_.simulation, world_.connect(loses, "d2", other)).ok());
  GatewayWorld::store_ok(finish(world_.simulation, world_.store.tokens().revoke(world_.user, token->id, kNever)));
  world_.run_for(Gateway::kTokensLookedUpEvery);
  const Status ended = world_.frame_of(*loses).status();
  EXPECT_EQ(ended.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(ended), kReasonTokenRevoked);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d2")));
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
}

TEST_F(RegistrationTest, EndsTheStreamsOfADisabledUserSoonAndTakesThemAgainLater) {
  auto link = world_.connected("d1");
  const auto set_disabled = [this](bool disabled) {
    EXPECT_TRUE(finish(world_.simulation, world_.store.users().set_disabled(world_.user, disabled, kNever)).ok());
  };
  set_disabled(true);
  world_.run_for(Gateway::kTokensLookedUpEvery);
  const Status ended = world_.frame_of(*link).status();
  EXPECT_EQ(ended.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(ended), model::kReasonUserDisabled);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1")));
  EXPECT_EQ(reason_of(finish(world_.simulation, world_.connect(link, "d1", world_.token)).status()),
            model::kReasonUserDisabled);
  set_disabled(false);
  EXPECT_TRUE(finish(world_.simulation, world_.connect(link, "d1", world_.token)).ok());
}

// Each unknown token costs a query, and costs the stranger nothing.
TEST_F(RegistrationTest, LimitsLookupsOfUnknownTokensForEachAddress) {
  std::unique_ptr<ports::Link> good = world_.connected("d1");
  const auto with_token = [this](unsigned char number) {
    std::unique_ptr<ports::Link> link;
    std::array<std::byte, auth::kTokenBytes> secret{};
    secret.fill(std::byte{number});
    return finish(world_.simulation, world_.connect(link, "d2", auth::make_token(secret))).status();
  };
  const auth::UnknownTokenLimits limits;
  for (unsigned char i = 1; i <= limits.at_once; ++i) EXPECT_EQ(with_token(i).code(), StatusCode::kUnauthenticated);
  world_.freezable.freeze();  // the database is not called any more
  const Status refused = with_token(100);
  EXPECT_EQ(refused.code(), StatusCode::kResourceExhausted) << refused;
  EXPECT_EQ(reason_of(refused), "LIMIT_UNKNOWN_TOKENS");
  EXPECT_GT(retry_after_of(refused), Duration::zero());
  world_.freezable.thaw();
  EXPECT_TRUE(this->refused("d1").ok()) << "a token that was good comes from the same address";
  world_.run_for(2min);
  EXPECT_EQ(with_token(100).code(), StatusCode::kUnauthenticated);
}

TEST_F(RegistrationTest, LimitsTheStreamsOfAnAddress) {
  GatewayOptions options{GatewayId("g2"), "gateway-2:9190"};
  options.max_streams_per_address = 3;
  Gateway small(world_.node.context(), world_.node.clock(), world_.node.log(), world_.links, world_.records, options);
  GatewayWorld::store_ok(finish(world_.simulation, small.start()));
  world_.address = "gateway-2:9190";
  auto one = world_.connected("d1");
  auto two = world_.connected("d2");
  const auto three = silent();
  const Status full = refused("d4");
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(reason_of(full), "LIMIT_STREAMS_OF_ADDRESS");
  EXPECT_NE(message_of(full).find("--max-streams-per-address"), std::string_view::npos) << full;
  EXPECT_GT(retry_after_of(full), Duration::zero());
  two.reset();
  world_.run_for(1s);
  EXPECT_TRUE(refused("d4").ok());
}

class DaemonTokenTest : public RegistrationTest {
 protected:
  std::string make(const std::string& daemon, std::optional<Duration> lifetime = std::nullopt) {
    const std::string secret = auth::make_token(std::array<std::byte, auth::kTokenBytes>{std::byte{++made_}});
    store::NewToken token{world_.user, "laptop", model::TokenKind::kDaemon, DaemonId(daemon), lifetime};
    GatewayWorld::store_ok(finish(world_.simulation, world_.store.tokens().create(std::move(token), secret, kNever)).status());
    return secret;
  }
  std::size_t audited(std::string_view action) {
    const auto entries = finish(world_.simulation, world_.store.audit().list(world_.user, {}, kNever));
    return static_cast<std::size_t>(
        std::ranges::count_if(entries->items, [&](const auto& entry) { return entry.action == action; }));
  }

  unsigned char made_ = 1;
};

TEST_F(DaemonTokenTest, ConnectsItsDaemonAndNoOther) {
  const std::string token = make("d1");
  std::unique_ptr<ports::Link> link;
  EXPECT_TRUE(finish(world_.simulation, world_.connect(link, "d1", token)).ok());
  auto victim = world_.connected("d2");
  std::unique_ptr<ports::Link> other;
  const Status refused = finish(world_.simulation, world_.connect(other, "d2", token)).status();
  EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(reason_of(refused), model::kReasonTokenOtherDaemon);
  EXPECT_NE(message_of(refused).find("bound to daemon d1"), std::string_view::npos);
  EXPECT_EQ(world_.stored_daemon("d2").epoch, 1) << "the stream that has the id goes on";
  EXPECT_EQ(audited("token.refused.token_other_daemon"), 1u);
}

TEST_F(DaemonTokenTest, EndsItsStreamWhenItExpires) {
  const std::string token = make("d1", 60s);
  std::unique_ptr<ports::Link> link;
  ASSERT_TRUE(finish(world_.simulation, world_.connect(link, "d1", token)).ok());
  world_.run_for(59s);
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1")));
  world_.run_for(1s + Gateway::kTokensLookedUpEvery);
  EXPECT_FALSE(world_.gateway.holds(world_.user, DaemonId("d1")));
  std::unique_ptr<ports::Link> again;
  const Status refused = finish(world_.simulation, world_.connect(again, "d1", token)).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnauthenticated);
  EXPECT_EQ(reason_of(refused), model::kReasonTokenExpired);
}

TEST_F(DaemonTokenTest, ItsLastUseIsRecordedWithTheRegistration) {
  const std::string token = make("d1");
  std::unique_ptr<ports::Link> link;
  ASSERT_TRUE(finish(world_.simulation, world_.connect(link, "d1", token)).ok());
  const auto last_use = [&] {
    return finish(world_.simulation, world_.store.tokens().authenticate(token, kNever))->last_used_at;
  };
  const auto first = last_use();
  ASSERT_TRUE(first.has_value());
  world_.run_for(30s);
  ASSERT_TRUE(finish(world_.simulation, world_.connect(link, "d1", token)).ok());
  EXPECT_EQ(last_use(), first) << "at most once a minute";
  world_.run_for(31s);
  ASSERT_TRUE(finish(world_.simulation, world_.connect(link, "d1", token)).ok());
  EXPECT_GT(last_use(), first);
}

// 90 s: the last 30 s of its life are for its renewal.
class RenewalTest : public DaemonTokenTest {
 protected:
  RenewalTest() : token_(make("d1", 90s)) {
    EXPECT_TRUE(finish(world_.simulation, world_.connect(link_, "d1", token_)).ok());
    world_.run_for(61s);  // a beat and the offer have come
  }
  // The next frame that is no beat.
  proto::GatewayFrame frame() {
    for (;;) {
      auto next = world_.frame_of(*link_);
      EXPECT_TRUE(next.ok()) << next.status();
      if (!next.ok() || !next->has_heartbeat()) return next.ok() ? *next : proto::GatewayFrame();
    }
  }
  void say_renew() {
    proto::DaemonFrame renew;
    renew.mutable_renew_token();
    world_.send(*link_, renew);
  }
  void say_use(const std::string& token) {
    proto::DaemonFrame use;
    use.mutable_use_token()->set_token(token);
    world_.send(*link_, use);
    world_.run_for(1s);
  }
  std::string renewed() {
    EXPECT_TRUE(frame().has_token_due());
    say_renew();
    const proto::GatewayFrame answer = frame();
    EXPECT_TRUE(answer.has_new_token());
    return answer.new_token().token();
  }
  std::string reason(const std::string& token) {
    return reason_of(finish(world_.simulation, world_.store.tokens().authenticate(token, kNever)).status());
  }

  std::string token_;
  std::unique_ptr<ports::Link> link_;
};

TEST_F(RenewalTest, TheOldTokenIsValidUntilTheNewOneWasUsedOnTheStream) {
  const std::string next = renewed();
  world_.run_for(5s);
  EXPECT_EQ(reason(token_), "");
  EXPECT_EQ(reason(next), "");
  say_use(next);
  EXPECT_EQ(reason(token_), kReasonTokenRevoked);
  EXPECT_EQ(reason(next), "");
  world_.run_for(40s);  // past the end of the old one, and several looks at the tokens
  EXPECT_TRUE(world_.gateway.holds(world_.user, DaemonId("d1"))) << "the stream stands on the new one";
  EXPECT_EQ(audited("token.replaced"), 1u);
}

TEST_F(RenewalTest, ARegistrationIsAFirstUseToo) {
  const std::string next = renewed();
  EXPECT_TRUE(finish(world_.simulation, world_.connect(link_, "d1", next)).ok());
  EXPECT_EQ(reason(token_), kReasonTokenRevoked);
  EXPECT_EQ(reason(next), "");
}

TEST_F(RenewalTest, TokenIsOfferedAgainUntilItIsUsed) {
  EXPECT_TRUE(frame().has_token_due());
  world_.run_for(10s);
  EXPECT_TRUE(frame().has_token_due());
  say_renew();
  EXPECT_TRUE(frame().has_new_token());
}

TEST_F(RenewalTest, EachOfferIssuesOneTokenForThisDaemonOnly) {
  const std::string foreign = make("d2");
  const std::string next = renewed();
  say_renew();
  say_renew();
  world_.run_for(1s);
  const auto tokens = finish(world_.simulation, world_.store.tokens().list(world_.user, kNever));
  EXPECT_EQ(std::ranges::count_if(*tokens, [](const auto& token) { return token.daemon == DaemonId("d1"); }), 2);
  say_use(foreign);
  EXPECT_EQ(reason(token_), "");
  EXPECT_EQ(reason(next), "");
}

}  // namespace
}  // namespace reliant::gateway
