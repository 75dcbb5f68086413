#include <fstream>

#include "adapters/nats/nats_bus.h"
#include "adapters/nats/nats_bus_nkey.h"
#include "adapters/posix/system_clock.h"
#include "adapters/tls/self_signed.h"
#include "base/cause.h"
#include "contract/bus/bus_contract.h"
#include "contract/bus/bus_contract_nats.h"
#include "support/nats_identity.h"

namespace reliant::tests {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BusContract);  // here for its vocabulary

namespace {

using Suite = BusContract<NatsWorld>;
using adapters::NatsBus;
using adapters::NatsOptions;

Task<void> echo(NatsBus& bus, std::unique_ptr<BusSubscription> requests) {
  for (;;) {
    auto request = co_await requests->next(kNever);
    if (!request.ok()) co_return;
    if (!request->reply_to.empty()) Suite::publish(bus, request->reply_to, request->payload);
  }
}

// What most tests begin with: a responder on `two`, in effect.
Task<void> serve_echo(NatsWorld& world, TaskScope& scope) {
  auto requests = co_await Suite::subscribed(world.two(), "echo");
  scope.spawn(echo(world.two(), std::move(requests)));
}

// Asks until it is answered: "lost and found" takes a moment.
Task<std::string> asked_until_answered(NatsWorld& world, std::string payload) {
  for (;;) {
    const Instant deadline = after(world.executor().now(), std::chrono::seconds(1));
    auto answer = co_await world.one().request(Suite::message("echo", payload), deadline);
    if (answer.ok()) co_return answer->payload;
    co_await sleep_for(std::chrono::milliseconds(20));
  }
}

Task<void> until_lost(NatsBus& bus) {
  while (bus.connected()) co_await sleep_for(std::chrono::milliseconds(10));
}

TEST(NatsBus, ReconnectsAndRenewsItsSubscriptions) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    TaskScope scope(w.executor(), 0);
    auto requests = co_await Suite::subscribed(w.two(), "echo", "servers");
    scope.spawn(echo(w.two(), std::move(requests)));
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(co_await asked_until_answered(w, concat("round ", round)), concat("round ", round));
      w.server().kill();
      co_await all(until_lost(w.one()), until_lost(w.two()));
      EXPECT_EQ(w.one().publish(Suite::message("echo")).code(), StatusCode::kUnavailable);
      w.server().start();
    }
    EXPECT_EQ(co_await asked_until_answered(w, "again"), "again");
  };
  EXPECT_TRUE(world.run(body(world)));
  EXPECT_GE(world.log().count("bus.connected"), 8);
}

TEST(NatsBus, ReceivesTheFirstAnswerOfANewConnection) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    TaskScope scope(w.executor(), 0);
    co_await serve_echo(w, scope);
    const auto ask = [](NatsWorld& in) -> Task<void> {
      const Instant deadline = after(in.executor().now(), std::chrono::seconds(20));
      const auto answer = co_await in.one().request(Suite::message("echo", "?"), deadline);
      EXPECT_TRUE(answer.ok()) << answer.status();
    };
    co_await ask(w);
    w.server().kill();
    co_await all(until_lost(w.one()), until_lost(w.two()));
    w.server().start();
    for (NatsBus* bus : {&w.one(), &w.two()}) EXPECT_TRUE((co_await bus->flush(kNever)).ok());
    co_await ask(w);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(NatsBus, EndsARequestWhoseConnectionIsLost) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    const auto silent = co_await Suite::subscribed(w.two(), "silent");
    auto killer = [](NatsWorld& inner, BusSubscription& requests) -> Task<void> {
      EXPECT_TRUE((co_await requests.next(kNever)).ok());
      inner.server().kill();
    };
    auto asking = [](NatsWorld& inner) -> Task<Status> {
      const auto answer = co_await inner.one().request(Suite::message("silent"), kNever);
      co_return answer.status();
    };
    auto [status, none] = co_await all(asking(w), killer(w, *silent));
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    EXPECT_EQ(reason_of(status), "");
  };
  EXPECT_TRUE(world.run(body(world)));
}

// nats.c would keep it in its reconnect buffer and have it executed when its caller has given up.
TEST(NatsBus, NeverSendsAFailedRequestLater) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    const auto heard = co_await Suite::subscribed(w.two(), "work");
    w.server().kill();
    for (int i = 0; i < 2000 && w.one().connected(); ++i) {
      const Status ignored = w.one().publish(Suite::message("work", "ghost"));
      co_await yield();
    }
    co_await all(until_lost(w.one()), until_lost(w.two()));
    const auto refused = co_await w.one().request(Suite::message("work", "ghost"), kNever);
    EXPECT_EQ(refused.status().code(), StatusCode::kUnavailable);
    w.server().start();
    EXPECT_TRUE((co_await w.two().flush(kNever)).ok());
    EXPECT_TRUE((co_await w.one().flush(kNever)).ok());
    Suite::publish(w.one(), "work", "real");
    EXPECT_EQ(co_await Suite::heard(*heard), "real");
  };
  EXPECT_TRUE(world.run(body(world)));
}

// Bytes that the sockets did not take wait here, and a request whose deadline passes in the queue is dropped: its caller no
// longer waits for the answer (C6).
TEST(NatsBus, NeverSendsARequestWhoseDeadlinePassedWhileTheServerWasFrozen) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    const auto heard = co_await Suite::subscribed(w.two(), "work");
    w.server().freeze();
    // Until neither the sockets nor the queue behind them take any more; small messages still fit.
    const std::string large(w.one().max_payload() / 4 * 3, 'x');
    for (int refused = 0; refused < 5;) {
      refused = w.one().publish(Suite::message("flood", large)).ok() ? 0 : refused + 1;
      co_await sleep_for(
          std::chrono::milliseconds(5));  // the kernel does not tell that it takes no more: tried until it does not
    }
    const auto ask = [](NatsWorld& in, std::string payload, Duration timeout, StatusCode expected) -> Task<void> {
      const Instant deadline = after(in.executor().now(), timeout);
      const auto answer = co_await in.one().request(Suite::message("work", payload), deadline);
      EXPECT_EQ(answer.status().code(), expected) << payload << ": " << answer.status();
    };
    TaskScope late(w.executor(), 0);
    TaskScope in_time(w.executor(), 0);
    late.spawn(ask(w, "late", std::chrono::milliseconds(300), StatusCode::kDeadlineExceeded));
    in_time.spawn(ask(w, "in time", std::chrono::seconds(30), StatusCode::kOk));  // behind it
    co_await late.join();
    w.server().thaw();
    const auto came = co_await heard->next(kNever);
    EXPECT_TRUE(came.ok() && came->payload == "in time") << (came.ok() ? came->payload : came.status().ToString());
    if (came.ok()) Suite::publish(w.two(), came->reply_to, "done");
    co_await in_time.join();
  };
  EXPECT_TRUE(world.run(body(world)));
  EXPECT_EQ(world.log().count("bus.lost"), 0);  // else it would have been dropped anyway
}

// A no-responders message does not name its request: it must not be taken for the answer to the next request.
TEST(NatsBus, NoRespondersReachesOnlyItsOwnRequest) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    TaskScope scope(w.executor(), 0);
    co_await serve_echo(w, scope);
    w.server().freeze();
    const Instant soon = after(w.executor().now(), std::chrono::milliseconds(300));
    const auto lonely = co_await w.one().request(Suite::message("no.subscriber"), soon);
    EXPECT_EQ(lonely.status().code(), StatusCode::kDeadlineExceeded) << lonely.status();
    const auto ask = [](NatsWorld& in) -> Task<void> {
      const auto answer = co_await in.one().request(Suite::message("echo", "?"), kNever);
      EXPECT_TRUE(answer.ok() && answer->payload == "?") << answer.status();
    };
    TaskScope asking(w.executor(), 0);
    asking.spawn(ask(w));
    co_await yield();
    w.server().thaw();
    co_await asking.join();
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(NatsBus, ExecutorKeepsRunningWhileTheServerIsFrozen) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    TaskScope scope(w.executor(), 0);
    co_await serve_echo(w, scope);
    Duration longest{};
    auto heartbeat = [](NatsWorld& inner, Duration& worst) -> Task<void> {
      for (Instant last = inner.executor().now();;) {
        co_await sleep_for(std::chrono::milliseconds(10));
        const Instant now = inner.executor().now();
        worst = std::max(worst, now - last);
        last = now;
      }
    };
    scope.spawn(heartbeat(w, longest));
    w.server().freeze();
    int refused = 0;
    const std::string large(w.one().max_payload(), 'x');
    while (w.one().connected() || w.two().connected()) {
      for (int i = 0; i < 4; ++i) refused += w.one().publish(Suite::message("flood", large)).ok() ? 0 : 1;
      co_await sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_GT(refused, 0);
    EXPECT_EQ((co_await w.one().flush(Suite::soon(w))).code(), StatusCode::kUnavailable);
    EXPECT_LT(longest, std::chrono::seconds(1));
    w.server().thaw();
    EXPECT_EQ(co_await asked_until_answered(w, "thawed"), "thawed");
  };
  EXPECT_TRUE(world.run(body(world)));
}

// Nothing else is written during that time that would flush the answer.
TEST(NatsBus, AnswersTheServersPings) {
  NatsOptions options;
  options.ping_interval = std::chrono::seconds(60);
  NatsWorld world("ping_interval: \"100ms\"\nping_max: 2\n", options);
  const auto body = [](NatsWorld& w) -> Task<void> {
    co_await sleep_for(std::chrono::milliseconds(1500));  // real time: that nothing happens is what is tested
    EXPECT_TRUE(w.one().connected() && w.two().connected());
  };
  EXPECT_TRUE(world.run(body(world)));
  EXPECT_EQ(world.log().count("bus.lost"), 0);
}

TEST(NatsBus, EndsWhileTheServerIsFrozen) {
  NatsWorld world;
  auto bus = world.connect({}, 17);
  const auto body = [](NatsWorld& w, NatsBus& b) -> Task<void> {
    EXPECT_TRUE((co_await b.wait_connected(kNever)).ok());
    w.server().freeze();
    TaskScope scope(w.executor(), 0);
    const auto flush = [](NatsBus& bus) -> Task<void> { const Status ignored = co_await bus.flush(kNever); };
    scope.spawn(flush(b));  // its thread waits for the server, too
    const std::string large(b.max_payload(), 'x');
    while (b.publish(Suite::message("flood", large)).ok()) co_await yield();
  };
  ASSERT_TRUE(world.run(body(world, *bus)));
  const auto begun = std::chrono::steady_clock::now();
  bus.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(3));
  world.server().thaw();
}

TEST(NatsBus, DrainOfAGroupMemberLosesNoMessage) {
  static constexpr int kRounds = 12;
  static constexpr int kMessages = 600;
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    const auto staying = co_await Suite::subscribed(w.two(), "work", "g");
    std::size_t heard = 0;
    for (int round = 0; round < kRounds; ++round) {
      const auto leaving = co_await Suite::subscribed(w.one(), "work", "g");
      for (int i = 0; i < kMessages; ++i) {
        Suite::publish(w.two(), "work", std::string(1000, 'x'));
        if (i == kMessages / 2) {
          EXPECT_TRUE((co_await w.two().flush(kNever)).ok());  // the server has given it its share
          EXPECT_TRUE(leaving->drain().ok());
        }
        if (i % 50 == 0) co_await yield();
      }
      const std::size_t before = heard;
      while ((co_await leaving->next(kNever)).ok()) ++heard;
      EXPECT_GT(heard, before);
      EXPECT_TRUE((co_await w.two().flush(kNever)).ok());
    }
    heard += (co_await Suite::all_heard(w, *staying)).size() + staying->dropped();
    EXPECT_EQ(heard, static_cast<std::size_t>(kRounds * kMessages));
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(NatsBus, TakesItsLimitFromTheServer) {
  NatsWorld world("max_payload: 65536\n");
  const auto body = [](NatsWorld& w) -> Task<void> {
    const auto heard = co_await Suite::subscribed(w.two(), "size");
    EXPECT_LE(w.one().max_payload(), 65536u);
    EXPECT_GT(w.one().max_payload(), 65000u);
    BusMessage largest = Suite::message("size");
    largest.headers = {{"Name", "value"}, {"Other", "value"}};
    largest.payload.resize(w.one().max_payload() - ports::wire_size(largest), 'x');
    EXPECT_TRUE(w.one().publish(largest).ok());
    EXPECT_EQ((co_await Suite::heard(*heard)).size(), largest.payload.size());
    largest.payload += 'x';
    EXPECT_EQ(w.one().publish(largest).code(), StatusCode::kInvalidArgument);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(NatsBus, CarriesHeaderValuesThatNatsWouldChange) {
  NatsWorld world;
  const auto body = [](NatsWorld& w) -> Task<void> {
    const auto heard = co_await Suite::subscribed(w.two(), "headers");
    BusMessage sent = Suite::message("headers");
    sent.headers = {{"A", ""},   {"B", " x "},  {"C", "=%6"},  {"D", std::string("a\0b", 3)},
                    {"E", "\t"}, {"F", "x: y"}, {"G", "=%41"}, {"H", "ü"}};
    EXPECT_TRUE(w.one().publish(sent).ok());
    const auto came = co_await heard->next(kNever);
    EXPECT_TRUE(came.ok() && came->headers == sent.headers);
    sent.headers = {{"A", " \r\nB: x"}};
    EXPECT_EQ(w.one().publish(sent).code(), StatusCode::kInvalidArgument);
  };
  EXPECT_TRUE(world.run(body(world)));
}

// What a process that stands still has not read waits on its way; it takes no memory here, and none of it is lost.
TEST(NatsBus, ReceivesMessagesThatArrivedDuringAPause) {
  static constexpr std::size_t kMessages = 400;
  NatsWorld world;
  adapters::AsioExecutor other;  // of a process that stands still for now
  CountingLog log;
  NatsOptions options;
  options.urls = world.server().url();
  auto slow = *NatsBus::open(other, log, options, Random(9));
  TaskScope scope(other, 0);
  std::unique_ptr<BusSubscription> subscription;
  std::size_t heard = 0;
  const auto listen = [](NatsBus& bus, std::unique_ptr<BusSubscription>& out, std::size_t& count) -> Task<void> {
    out = co_await Suite::subscribed(bus, "flood");
    while ((co_await out->next(kNever)).ok()) ++count;
  };
  scope.spawn(listen(*slow, subscription, heard));
  ASSERT_TRUE(other.run_loop_until([&] { return subscription != nullptr; }, std::chrono::seconds(20)));
  const auto flood = [](NatsWorld& w) -> Task<void> {
    const auto quick = co_await Suite::subscribed(w.two(), "flood");
    for (std::size_t i = 0; i < kMessages; ++i) Suite::publish(w.one(), "flood", std::string(4096, 'x'));
    EXPECT_EQ((co_await Suite::all_heard(w, *quick)).size(), kMessages);
  };
  ASSERT_TRUE(world.run(flood(world)));
  EXPECT_EQ(heard, 0u);
  EXPECT_TRUE(other.run_loop_until([&] { return heard == kMessages; }, std::chrono::seconds(20)));
  EXPECT_EQ(subscription->dropped(), 0u);
}

// --- who may connect -------------------------------------------------------------------------------------------------

constexpr Duration kLong = std::chrono::seconds(20);
constexpr Duration kShort = std::chrono::seconds(1);

// Within that time, else the reason why not.
Status connected(NatsWorld& world, NatsOptions options, Duration timeout) {
  const auto bus = world.connect(std::move(options), 17);
  Status status;
  const auto body = [](NatsBus& b, Instant deadline, Status& out) -> Task<void> { out = co_await b.wait_connected(deadline); };
  EXPECT_TRUE(world.run(body(*bus, after(world.executor().now(), timeout), status)));
  return status;
}

NatsOptions with_url(std::string url) {
  NatsOptions options;
  options.urls = std::move(url);
  return options;
}

TEST(NatsBus, ReportsWhyItCannotConnect) {
  NatsWorld world;
  const Status nobody = connected(world, with_url(concat("nats://127.0.0.1:", free_port())), kShort);
  EXPECT_EQ(nobody.code(), StatusCode::kUnavailable) << nobody;
  EXPECT_EQ(message_of(nobody), "not connected to NATS");
  EXPECT_GT(described(nobody).size(), message_of(nobody).size()) << "what the library says is for the log";
  EXPECT_TRUE(connected(world, with_url(concat("nats://127.0.0.1:", free_port(), ", ", world.server().url())), kLong).ok());
}

TEST(NatsBus, ShowsItsUserAndPassword) {
  NatsServer server("authorization { user: reliant, password: \"s3cret\" }\n");
  NatsWorld world;
  EXPECT_TRUE(connected(world, with_url(server.url("reliant:s3cret@")), kLong).ok());
  const Status wrong = connected(world, with_url(server.url("reliant:guess@")), kShort);
  EXPECT_EQ(wrong.code(), StatusCode::kUnavailable) << wrong;
  EXPECT_EQ(message_of(wrong).find("guess"), std::string_view::npos) << wrong;
}

TEST(NatsBus, RejectsMalformedUrls) {
  adapters::AsioExecutor executor;
  CountingLog log;
  for (const char* bad : {"", ",", "http://host", "nats://", "nats://a b", "nats://h/x", "nats://u:p@"}) {
    EXPECT_EQ(NatsBus::open(executor, log, with_url(bad), Random(1)).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(adapters::parse_nats_urls("nats://a:1, tls://u:p@b ,c:2")->size(), 3u);
}

// Of the server: a certificate of its own, in a file of its own.
class Certificate {
 public:
  explicit Certificate(const TemporaryDirectory& directory, const std::string& name)
      : certificate(directory.file(name + ".crt")), key(directory.file(name + ".key")) {
    adapters::AsioExecutor executor;
    auto made = adapters::make_self_signed(adapters::SystemClock(executor).wall_now());
    RELIANT_ASSERT(made.ok(), "OpenSSL makes keys and certificates");
    std::ofstream(certificate) << made->certificate_chain;
    std::ofstream(key) << made->private_key;
  }
  std::string certificate;
  std::string key;
};

TEST(NatsBus, TrustsOnlyServersOfItsCertificateAuthority) {
  const TemporaryDirectory directory;
  const Certificate own(directory, "own");
  const Certificate foreign(directory, "foreign");
  NatsServer server(concat("tls { cert_file: \"", own.certificate, "\", key_file: \"", own.key, "\" }\n"));
  NatsWorld world;
  NatsOptions options = with_url(concat("tls://localhost:", server.port()));
  options.ca_file = own.certificate;
  const Status trusted = connected(world, options, kLong);
  EXPECT_TRUE(trusted.ok()) << trusted;
  options.ca_file = foreign.certificate;
  EXPECT_EQ(connected(world, options, kShort).code(), StatusCode::kUnavailable);
  options.ca_file.clear();
  EXPECT_EQ(connected(world, options, kShort).code(), StatusCode::kUnavailable);
  EXPECT_EQ(connected(world, with_url(concat("nats://localhost:", server.port())), kShort).code(), StatusCode::kUnavailable);
  options.ca_file = directory.file("missing");
  EXPECT_EQ(connected(world, options, kShort).code(), StatusCode::kUnavailable);
}

std::string written(const std::string& path, std::string_view content) {
  std::ofstream(path) << content;
  return path;
}

TEST(NatsBus, SignsTheServersChallengeWithItsNkey) {
  const TemporaryDirectory directory;
  NatsServer server(concat("authorization { users: [ { nkey: ", kNatsUser, " } ] }\n"));
  NatsWorld world;
  NatsOptions options = with_url(server.url());
  EXPECT_EQ(connected(world, options, kShort).code(), StatusCode::kUnavailable)
      << "a server without authentication proves nothing";
  options.nkey_file = written(directory.file("nkey"), kNatsSeed);
  const Status known = connected(world, options, kLong);
  EXPECT_TRUE(known.ok()) << known;
}

TEST(NatsBus, ShowsTheTokenOfItsCredentials) {
  const TemporaryDirectory directory;
  NatsServer server(nats_operator_mode());
  NatsWorld world;
  NatsOptions options = with_url(server.url());
  EXPECT_EQ(connected(world, options, kShort).code(), StatusCode::kUnavailable);
  options.credentials_file = written(directory.file("user.creds"), nats_credentials());
  const Status known = connected(world, options, kLong);
  EXPECT_TRUE(known.ok()) << known;
}

TEST(NatsBus, ShowsItsCertificateToAServerThatWantsOne) {
  const TemporaryDirectory directory;
  const Certificate own(directory, "own");
  const std::string certificate = directory.file("client.crt");
  const std::string key = directory.file("client.key");
  run_program({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
               "-subj", "/CN=client", "-addext", "extendedKeyUsage=clientAuth", "-keyout", key, "-out", certificate},
              directory.file("openssl.log"));
  NatsServer server(concat("tls { cert_file: \"", own.certificate, "\", key_file: \"", own.key, "\", ca_file: \"", certificate,
                           "\", verify: true }\n"));
  NatsWorld world;
  NatsOptions options = with_url(concat("nats://localhost:", server.port()));
  options.ca_file = own.certificate;
  EXPECT_EQ(connected(world, options, kShort).code(), StatusCode::kUnavailable);
  options.certificate_file = certificate;
  options.key_file = key;
  const Status known = connected(world, options, kLong);
  EXPECT_TRUE(known.ok()) << known;
}

// The first pair is the example of the NATS documentation.
TEST(NatsNkey, KnowsThePublicKeyOfASeed) {
  EXPECT_EQ(*adapters::nats_nkey("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"),
            "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
  EXPECT_EQ(*adapters::nats_nkey(concat("# ours\n  ", kNatsSeed, " \r\n")), kNatsUser);
}

TEST(NatsNkey, RejectsTextThatIsNotAUserSeed) {
  std::string damaged(kNatsSeed);
  damaged[20] = damaged[20] == 'A' ? 'B' : 'A';
  for (const std::string& bad :
       {std::string(), std::string("SU"), std::string(kNatsUser), damaged, std::string(kNatsSeed) + "A", std::string("SUaa"),
        std::string("SAACAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIATA")}) {
    const Status refused = adapters::nats_nkey(bad).status();
    EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(message_of(refused).find("AQCAIB"), std::string_view::npos) << "a seed is a secret: " << refused;
  }
}

// More at once than the socket takes: a partial write continues where it stopped, encrypted or not.
TEST(NatsBus, CarriesMoreThanTheSocketTakesInOrder) {
  static constexpr int kMessages = 1500;
  const TemporaryDirectory directory;
  const Certificate own(directory, "own");
  NatsServer encrypted(concat("tls { cert_file: \"", own.certificate, "\", key_file: \"", own.key, "\" }\n"));
  NatsOptions options = with_url(concat("tls://localhost:", encrypted.port()));
  options.ca_file = own.certificate;
  const auto body = [](NatsBus& from, NatsBus& to) -> Task<void> {
    EXPECT_TRUE((co_await from.wait_connected(kNever)).ok());
    const auto heard = co_await Suite::subscribed(to, "much");
    const auto send = [](NatsBus& bus) -> Task<void> {
      for (int i = 0; i < kMessages;) {
        if (bus.publish(Suite::message("much", concat(i, std::string(20'000, 'x')))).ok()) {
          ++i;
        } else {
          co_await yield();  // too much waits
        }
      }
    };
    const auto take = [](BusSubscription& from_them) -> Task<void> {
      for (int i = 0; i < kMessages; ++i) EXPECT_EQ(co_await Suite::heard(from_them), concat(i, std::string(20'000, 'x')));
    };
    co_await all(send(from), take(*heard));
    EXPECT_EQ(heard->dropped(), 0u);
  };
  for (const NatsOptions& how : {NatsOptions{}, options}) {
    NatsWorld world;
    const auto from = world.connect(how, 17);
    const auto to = world.connect(how, 18);
    EXPECT_TRUE(world.run(body(*from, *to)));
  }
}

}  // namespace
}  // namespace reliant::tests
