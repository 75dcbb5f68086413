// Properties of a Link that only gRPC has: its security, its limits, how it notices that a peer is gone. The
// rest is in tests/contract.
#include "adapters/grpc_link/grpc_link.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/url.h"
#include "contract/link/link_contract.h"
#include "contract/link/link_contract_grpc.h"
#include "runtime/race.h"
#include "support/server_process.h"
#include "support/temporary_directory.h"
#include "unit/adapters/grpc_link/grpc_link_peers.h"
#include "unit/adapters/grpc_link/tcp_relay.h"

namespace reliant::tests {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LinkContract);  // here for its vocabulary

namespace {

using adapters::GrpcLinkOptions;
using adapters::GrpcLinkSecurity;
using adapters::GrpcLinkTransport;
using adapters::TlsCredentials;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Suite = LinkContract<GrpcLinkWorld>;
using Pair = Suite::Pair;

Task<Status> connected_status(ports::LinkTransport& opener, LinkTarget target, Instant deadline) {
  const auto link = co_await opener.connect(std::move(target), deadline);
  co_return link.status();
}

Task<Status> end_status(Link& link) {
  for (;;) {
    const auto message = co_await link.receive(kNever);
    if (!message.ok()) co_return message.status();
    if (!*message) co_return ok_status();
  }
}

// Through `address`, which leads to the listener.
Task<Pair> connected_through(GrpcLinkWorld& world, LinkListener& listener, std::string address) {
  Pair pair;
  const LinkTarget target{std::move(address), kMethod, {}};
  auto [link, accepted] = co_await all(Suite::connected_to(world, target), Suite::accepted_by(listener));
  pair.link = std::move(link);
  pair.accepted = std::move(accepted);
  co_return pair;
}

Task<std::vector<Pair>> connected_pairs(GrpcLinkWorld& world, std::size_t count) {
  std::vector<Pair> pairs;
  pairs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) pairs.push_back(co_await Suite::connected(world));
  co_return pairs;
}

// --- the end ---------------------------------------------------------------------------------------------------------

Task<Status> status_over_the_wire(GrpcLinkWorld& world, Status sent) {
  const Pair pair = co_await Suite::connected(world);
  pair.accepted->finish(std::move(sent));
  co_return co_await end_status(*pair.link);
}

TEST(GrpcLink, CarriesTheMessageAndReasonOfAStatus) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    Status sent = with_reason(resource_exhausted("zu viele Dämonen \xe2\x80\x93 later"), "CROWDED");
    sent = with_retry_after(with_field(std::move(sent), "größe"), milliseconds(1234));
    const Status got = co_await status_over_the_wire(w, sent);
    EXPECT_EQ(got.code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(message_of(got), message_of(sent));
    EXPECT_EQ(reason_of(got), "CROWDED");
    EXPECT_EQ(field_of(got), "größe");
    EXPECT_EQ(retry_after_of(got), milliseconds(1234));

    const Status plain = co_await status_over_the_wire(w, unauthenticated("who are you?"));
    EXPECT_EQ(plain, unauthenticated("who are you?"));

    const Status long_one = co_await status_over_the_wire(w, with_reason(aborted(std::string(100'000, '\x01')), "LONG"));
    EXPECT_EQ(long_one.code(), StatusCode::kAborted) << long_one;
    EXPECT_EQ(reason_of(long_one), "LONG");
    EXPECT_GE(message_of(long_one).size(), 500u);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, TellsACancelFromAHalfCloseEveryTime) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    for (int i = 0; i < 300; ++i) {
      Pair pair = co_await Suite::connected(w);
      if (i % 3 == 0) EXPECT_TRUE((co_await pair.link->send("x", kNever)).ok());
      i % 2 == 0 ? pair.link->cancel() : (void)pair.link->half_close();
      EXPECT_EQ(co_await Suite::end_of(*pair.accepted), i % 2 == 0 ? StatusCode::kCancelled : StatusCode::kOk) << i;
    }
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, AbortsAFinishedStreamWhosePeerDoesNotRead) {
  GrpcLinkWorld world(GrpcLinkOptions{}, GrpcLinkOptions{.linger = milliseconds(300)});
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const Pair pair = co_await Suite::connected(w);
    co_await Suite::fill(w, *pair.accepted, 1000);
    pair.accepted->finish(ok_status());
    co_await sleep_for(seconds(1));
    EXPECT_EQ(co_await Suite::end_of(*pair.link), StatusCode::kCancelled);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, StopsAtOnceWithOpenStreams) {
  GrpcLinkWorld world;
  std::vector<Pair> pairs;
  const auto body = [](GrpcLinkWorld& w, std::vector<Pair>& out) -> Task<void> {
    out = co_await connected_pairs(w, 30);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_GT(co_await Suite::fill(w, *out[i].accepted, 1000), 0u);
    for (std::size_t i = 0; i < 10; ++i) out[i].accepted->finish(unavailable("the gateway stops"));
  };
  EXPECT_TRUE(world.run(body(world, pairs)));
  const auto start = std::chrono::steady_clock::now();
  for (Pair& pair : pairs) pair.accepted.reset();
  for (Pair& pair : pairs) pair.listener.reset();
  world.close_acceptor();  // the executor does not run during the call
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(2));
  const auto ends = [](std::vector<Pair>& all_pairs) -> Task<void> {
    for (const Pair& pair : all_pairs) EXPECT_NE(co_await Suite::end_of(*pair.link), StatusCode::kOk);
  };
  EXPECT_TRUE(world.run(ends(pairs)));
}

// --- who is let in ---------------------------------------------------------------------------------------------------

// The certificates that servers make for themselves are for servers only.
TlsCredentials client_certificate() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("daemon"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  EXPECT_NE(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const std::unique_ptr<BIO, decltype(&BIO_free)> chain(BIO_new(BIO_s_mem()), BIO_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> secret(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(chain.get(), certificate.get());
  PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  const auto text = [](BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return std::string(data, static_cast<std::size_t>(size));
  };
  return {text(chain.get()), text(secret.get())};
}

// What connecting with `opener` to a listener with `acceptor` gives.
Status attempt(GrpcLinkOptions opener, GrpcLinkOptions acceptor) {
  GrpcLinkWorld world(std::move(opener), std::move(acceptor));
  Status status;
  const auto body = [](GrpcLinkWorld& w, Status& out) -> Task<void> {
    const auto listener = listening(w);
    out = co_await connected_status(w.opener(), Suite::target(*listener), in(w, seconds(10)));
  };
  EXPECT_TRUE(world.run(body(world, status)));
  return status;
}

TEST(GrpcLink, TrustsOnlyCertificatesOfItsRoots) {
  const TlsCredentials mine = own_certificate();
  const TlsCredentials other = own_certificate();
  GrpcLinkOptions opener{.security = GrpcLinkSecurity::kTls, .roots = mine.certificate_chain};
  EXPECT_TRUE(attempt(opener, {.certificate = mine}).ok());
  EXPECT_EQ(attempt(opener, {.certificate = other}).code(), StatusCode::kUnavailable);
  EXPECT_EQ(attempt(opener, {}).code(), StatusCode::kUnavailable);
  opener.roots = "";  // those of the system, which know neither
  EXPECT_EQ(attempt(opener, {.certificate = mine}).code(), StatusCode::kUnavailable);
  EXPECT_EQ(attempt({}, {.certificate = mine}).code(), StatusCode::kUnavailable);
}

TEST(GrpcLink, SkipsVerificationWhenConfigured) {
  const GrpcLinkOptions opener{.security = GrpcLinkSecurity::kTlsSkipVerify};
  EXPECT_TRUE(attempt(opener, {.certificate = own_certificate()}).ok());
  EXPECT_EQ(attempt(opener, {}).code(), StatusCode::kUnavailable) << "but it does speak TLS";
}

TEST(GrpcLink, AsksPeersForACertificateWhenItHasRootsForThem) {
  const TlsCredentials server = own_certificate();
  const TlsCredentials client = client_certificate();
  const GrpcLinkOptions acceptor{.certificate = server, .client_roots = client.certificate_chain};
  GrpcLinkOptions opener{.security = GrpcLinkSecurity::kTls, .roots = server.certificate_chain};
  EXPECT_EQ(attempt(opener, acceptor).code(), StatusCode::kUnavailable) << "shows none";
  opener.client_certificate = server;
  EXPECT_EQ(attempt(opener, acceptor).code(), StatusCode::kUnavailable) << "shows another";
  opener.client_certificate = client;
  EXPECT_TRUE(attempt(opener, acceptor).ok());
  opener.security = GrpcLinkSecurity::kTlsSkipVerify;
  EXPECT_TRUE(attempt(opener, acceptor).ok());
}

std::string refused_field(GrpcLinkOptions options) {
  adapters::AsioExecutor executor;
  const auto transport = GrpcLinkTransport::open(executor, std::move(options));
  EXPECT_EQ(transport.status().code(), StatusCode::kInvalidArgument);
  return field_of(transport.status());
}

TEST(GrpcLink, SaysWhichCredentialsCannotBeUsed) {
  const TlsCredentials good = own_certificate();
  const TlsCredentials other = own_certificate();
  EXPECT_EQ(refused_field({.certificate = TlsCredentials{"no certificate", good.private_key}}), "certificate");
  EXPECT_EQ(refused_field({.certificate = TlsCredentials{good.certificate_chain, "no key"}}), "private_key");
  EXPECT_EQ(refused_field({.certificate = TlsCredentials{good.certificate_chain, other.private_key}}), "private_key");
  EXPECT_EQ(refused_field({.client_roots = "none"}), "client_roots");
  EXPECT_EQ(refused_field({.roots = "none"}), "roots");
  EXPECT_EQ(refused_field({.client_certificate = TlsCredentials{"x", good.private_key}}), "client_certificate");
  EXPECT_EQ(refused_field({.client_certificate = TlsCredentials{good.certificate_chain, "x"}}), "client_private_key");
}

TEST(GrpcLink, IgnoresAProxyOfTheEnvironment) {
  for (const char* name : {"http_proxy", "https_proxy", "grpc_proxy"}) ::setenv(name, "http://127.0.0.1:1", 1);
  EXPECT_TRUE(attempt({}, {}).ok());
  for (const char* name : {"http_proxy", "https_proxy", "grpc_proxy"}) ::unsetenv(name);
}

TEST(GrpcLink, RefusesMetadataThatGrpcCannotSend) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const auto listener = listening(w);
    const std::string& address = listener->address();
    const Instant deadline = in(w, seconds(10));
    for (const ports::LinkMetadata& metadata :
         std::vector<ports::LinkMetadata>{{{"key", "größe"}}, {{"key", std::string("\0", 1)}}, {{"grpc-timeout", "1S"}}}) {
      const Status status = co_await connected_status(w.opener(), {address, kMethod, metadata}, deadline);
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    }
    const Status blank = co_await connected_status(w.opener(), {address, "a b/c\n", {}}, deadline);
    EXPECT_EQ(blank.code(), StatusCode::kInvalidArgument) << blank;
    const LinkTarget binary{address, kMethod, {{"key-bin", std::string("\0\xff\x01", 3)}}};
    auto [link, accepted] = co_await all(Suite::connected_to(w, binary), Suite::accepted_by(*listener));
    EXPECT_EQ(accepted->metadata().at("key-bin"), std::string("\0\xff\x01", 3));
  };
  EXPECT_TRUE(world.run(body(world)));
}

// --- where it listens ------------------------------------------------------------------------------------------------

TEST(GrpcLink, RefusesAPortThatAnotherProcessHas) {
  GrpcLinkWorld world;
  const auto first = listening(world);
  const auto others = world.open({});
  const Status taken = others->listen(first->address()).status();
  EXPECT_EQ(taken.code(), StatusCode::kAlreadyExists) << taken;
  EXPECT_NE(message_of(taken).find(first->address()), std::string_view::npos) << taken;

  using Tcp = boost::asio::ip::tcp;
  const Tcp::acceptor plain(world.asio_executor().io_executor(), Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const Status plain_taken = others->listen(concat("127.0.0.1:", plain.local_endpoint().port())).status();
  EXPECT_EQ(plain_taken.code(), StatusCode::kAlreadyExists) << plain_taken;
  EXPECT_EQ(others->listen(concat("0.0.0.0:", plain.local_endpoint().port())).status().code(), StatusCode::kAlreadyExists);
}

TEST(GrpcLink, SaysWhyItCannotListen) {
  GrpcLinkWorld world;
  EXPECT_EQ(world.acceptor().listen("no port").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(world.acceptor().listen("192.0.2.1:0").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(world.acceptor().listen("no such host:0").status().code(), StatusCode::kInvalidArgument);
}

TEST(GrpcLink, RefusesLinksBeyondTheBacklog) {
  GrpcLinkWorld world(GrpcLinkOptions{}, GrpcLinkOptions{.backlog = 2});
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const auto listener = listening(w);
    const LinkTarget target = Suite::target(*listener);
    const auto one = co_await Suite::connected_to(w, target);
    const auto two = co_await Suite::connected_to(w, target);
    const Status three = co_await connected_status(w.opener(), target, in(w, seconds(10)));
    EXPECT_EQ(three.code(), StatusCode::kUnavailable) << three;
    EXPECT_NE(message_of(three).find("too many"), std::string_view::npos) << three;
    const auto accepted = co_await Suite::accepted_by(*listener);
    EXPECT_TRUE((co_await accepted->send("served", kNever)).ok());
    EXPECT_EQ(co_await Suite::heard(*one), "served");
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, SurvivesGarbageFromClients) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    Pair pair = co_await Suite::connected(w);
    using Tcp = boost::asio::ip::tcp;
    const Tcp::endpoint where(boost::asio::ip::address_v4::loopback(), parse_host_port(pair.listener->address())->port);
    std::vector<std::unique_ptr<Tcp::socket>> strangers;
    for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(5000, '\xff'), std::string()}) {
      auto socket = std::make_unique<Tcp::socket>(w.asio_executor().io_executor());
      socket->connect(where);
      boost::asio::write(*socket, boost::asio::buffer(bytes));
      strangers.push_back(std::move(socket));
    }
    EXPECT_TRUE((co_await pair.link->send("still", kNever)).ok());
    EXPECT_EQ(co_await Suite::heard(*pair.accepted), "still");
    EXPECT_TRUE(co_await connected_through(w, *pair.listener, pair.listener->address()));
  };
  EXPECT_TRUE(world.run(body(world)));
}

// --- limits ----------------------------------------------------------------------------------------------------------

Task<void> tick() {
  for (;;) co_await sleep_for(milliseconds(10));  // so that the loop looks at what has come
}

bool is_closed(const boost::asio::ip::tcp::socket& socket) {
  char bytes[256];
  ssize_t got = 0;
  do got = ::recv(const_cast<boost::asio::ip::tcp::socket&>(socket).native_handle(), bytes, sizeof bytes, MSG_DONTWAIT);
  while (got > 0);
  return got == 0 || errno != EAGAIN;
}

// 300 of them once took as many file descriptors, for as long as they liked.
TEST(GrpcLink, ClosesConnectionsThatDoNotFinishTheirHandshakeOrHaveNoStream) {
  GrpcLinkWorld world(GrpcLinkOptions{}, GrpcLinkOptions{.handshake_within = milliseconds(300), .idle_for = milliseconds(300)});
  const auto listener = listening(world);
  TaskScope ticker(world.executor(), 0);
  ticker.spawn(tick());
  using Tcp = boost::asio::ip::tcp;
  const Tcp::endpoint where(boost::asio::ip::address_v4::loopback(), parse_host_port(listener->address())->port);
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  std::vector<std::unique_ptr<Tcp::socket>> strangers;
  for (const std::string& bytes : {std::string(), preface, preface + settings}) {
    strangers.push_back(std::make_unique<Tcp::socket>(world.asio_executor().io_executor()));
    strangers.back()->connect(where);
    boost::asio::write(*strangers.back(), boost::asio::buffer(bytes));
  }
  EXPECT_TRUE(
      world.run_until([&] { return std::ranges::all_of(strangers, [](const auto& each) { return is_closed(*each); }); }));
}

TEST(GrpcLink, EndsAStreamWhosePeerSendsMoreThanItReceives) {
  GrpcLinkWorld world(GrpcLinkOptions{}, GrpcLinkOptions{.max_received = 100'000});
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    Pair pair = co_await Suite::connected(w);
    EXPECT_TRUE((co_await pair.accepted->send(std::string(200'000, 'x'), kNever)).ok()) << "the other way is not bounded by it";
    EXPECT_TRUE((co_await pair.link->send(std::string(100'001, 'x'), kNever)).ok());
    EXPECT_EQ(co_await Suite::end_of(*pair.link), StatusCode::kResourceExhausted);
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, EndsAStreamWhoseMessageIsTooLarge) {
  GrpcLinkWorld world(GrpcLinkOptions{}, GrpcLinkOptions{.max_message = 100'000});
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    Pair pair = co_await Suite::connected(w);
    EXPECT_TRUE((co_await pair.link->send(std::string(100'000, 'x'), kNever)).ok());
    EXPECT_EQ((co_await Suite::heard(*pair.accepted)).size(), 100'000u);
    EXPECT_TRUE((co_await pair.link->send(std::string(100'001, 'x'), kNever)).ok());
    EXPECT_EQ(co_await Suite::end_of(*pair.accepted), StatusCode::kCancelled);
    EXPECT_EQ(co_await Suite::end_of(*pair.link), StatusCode::kResourceExhausted);
    EXPECT_TRUE(co_await connected_through(w, *pair.listener, pair.listener->address())) << "the others live on";
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, StopsAtOnceWithFrozenPeers) {
  constexpr std::size_t kStreams = 20;
  GrpcLinkWorld world;
  const TemporaryDirectory directory;
  auto listener = listening(world);
  std::vector<std::unique_ptr<AcceptedLink>> links;
  TaskScope tasks(world.executor(), 0);
  tasks.spawn(accept_all(*listener, links));
  ServerProcess peer;
  peer.start({RELIANT_GRPC_PEER, "open", listener->address(), std::to_string(kStreams), "silent"}, directory.file("peer.log"));
  ASSERT_TRUE(world.run_until([&] { return links.size() == kStreams; }));
  peer.freeze();
  std::size_t full = 0;
  for (const auto& link : links) tasks.spawn(fill(world, *link, 1000, full));
  ASSERT_TRUE(world.run_until([&] { return full == kStreams; }));
  for (std::size_t i = 0; i < kStreams; i += 2) links[i]->finish(unavailable("the gateway stops"));
  const auto start = std::chrono::steady_clock::now();
  tasks.cancel();
  ASSERT_TRUE(world.run_until([&] { return tasks.size() == 0; }));
  links.clear();
  listener.reset();
  world.close_acceptor();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(2));
}

// --- gone without a word ---------------------------------------------------------------------------------------------

const GrpcLinkOptions kWatchful{.keepalive_time = milliseconds(200), .keepalive_timeout = milliseconds(400)};

TEST(GrpcLink, NoticesThatThePeerOrTheNetworkHasFrozen) {
  GrpcLinkWorld world(kWatchful);
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const auto listener = listening(w);
    TcpRelay relay(w.asio_executor(), listener->address());
    const Pair pair = co_await connected_through(w, *listener, relay.address());
    relay.freeze();
    const Instant start = w.executor().now();
    EXPECT_EQ(co_await Suite::end_of(*pair.link), StatusCode::kUnavailable);
    EXPECT_NE(co_await Suite::end_of(*pair.accepted), StatusCode::kOk);
    EXPECT_LT(w.executor().now() - start, seconds(5));
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, KeepsAnIdleStreamHoweverOftenItIsProbed) {
  GrpcLinkWorld world(kWatchful);
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const Pair pair = co_await Suite::connected(w);
    EXPECT_EQ(co_await Suite::heard(*pair.link, in(w, seconds(3))), "<DEADLINE_EXCEEDED>");
    EXPECT_TRUE((co_await pair.link->send("alive", kNever)).ok());
    EXPECT_EQ(co_await Suite::heard(*pair.accepted), "alive");
  };
  EXPECT_TRUE(world.run(body(world)));
}

// gRPC's threads sleep for 100 ms after a second without a message, and a message that arrives during the sleep waits for them.
// The test is about that silence, so it waits for the clock.
TEST(GrpcLink, DeliversAtOnceAfterASecondOfSilence) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const Pair pair = co_await Suite::connected(w);
    std::vector<std::chrono::steady_clock::duration> took;
    for (int i = 0; i < 5; ++i) {
      co_await sleep_for(milliseconds(1010 + 15 * i));
      const auto start = std::chrono::steady_clock::now();
      EXPECT_TRUE((co_await pair.link->send("alive", kNever)).ok());
      EXPECT_EQ(co_await Suite::heard(*pair.accepted), "alive");
      took.push_back(std::chrono::steady_clock::now() - start);
    }
    std::ranges::sort(took);
    EXPECT_LT(took[took.size() / 2], milliseconds(15));  // most of them: the machine may be busy
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, ConnectTimesOutWithoutAnAnswer) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    using Tcp = boost::asio::ip::tcp;
    const Tcp::acceptor silent(w.asio_executor().io_executor(), Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    const LinkTarget target{concat("127.0.0.1:", silent.local_endpoint().port()), kMethod, {}};
    const Status late = co_await connected_status(w.opener(), target, in(w, milliseconds(300)));
    EXPECT_EQ(late.code(), StatusCode::kDeadlineExceeded) << late;
    // Destroyed while it waits.
    auto given_up = with_deadline(connected_status(w.opener(), target, kNever), in(w, milliseconds(300)));
    EXPECT_FALSE((co_await std::move(given_up)).has_value());
  };
  EXPECT_TRUE(world.run(body(world)));
}

TEST(GrpcLink, ConnectToAnUnknownHostIsUnavailable) {
  GrpcLinkWorld world;
  const auto body = [](GrpcLinkWorld& w) -> Task<void> {
    const LinkTarget target{"no-such-host.invalid:9190", kMethod, {}};
    const Status status = co_await connected_status(w.opener(), target, in(w, seconds(20)));
    EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
    EXPECT_NE(message_of(status).find("no-such-host"), std::string_view::npos) << status;
  };
  EXPECT_TRUE(world.run(body(world)));
}

// --- many at once ----------------------------------------------------------------------------------------------------

Task<void> echo(std::unique_ptr<AcceptedLink> link) {
  for (;;) {
    auto message = co_await link->receive(kNever);
    if (!message.ok()) co_return;
    if (!*message) co_return link->finish(ok_status());
    const Status sent = co_await link->send(**std::move(message), kNever);
    if (!sent.ok()) co_return;
  }
}

Task<void> serve(LinkListener& listener, TaskScope& sessions) {
  for (;;) {
    auto link = co_await listener.accept();
    if (!link.ok()) co_return;
    sessions.spawn(echo(*std::move(link)));
  }
}

// `how`: of this one, so that all ways to end are there at once.
Task<void> converse(GrpcLinkWorld& world, LinkTarget target, int how, int& ended) {
  const auto link = co_await Suite::connected_to(world, std::move(target));
  for (int i = 0; i < 100; ++i) {
    const std::string message = concat(how, ' ', i, std::string(static_cast<std::size_t>(i) * 50, 'x'));
    EXPECT_TRUE((co_await link->send(message, kNever)).ok());
    if (how % 4 == 3 && i == 50) break;
    EXPECT_EQ(co_await Suite::heard(*link), message);
  }
  if (how % 4 == 0) {
    EXPECT_TRUE(link->half_close().ok());
    EXPECT_EQ(co_await Suite::heard(*link), "<end>");
  }
  if (how % 4 == 1) link->cancel();
  ++ended;
}

TEST(GrpcLink, ServesManyStreamsAtOnceHoweverTheyEnd) {
  constexpr int kStreams = 40;
  GrpcLinkWorld world;
  const auto listener = listening(world);
  TaskScope sessions(world.executor(), 0);
  TaskScope tasks(world.executor(), 0);
  tasks.spawn(serve(*listener, sessions));
  int ended = 0;
  for (int i = 0; i < kStreams; ++i) tasks.spawn(converse(world, Suite::target(*listener), i, ended));
  EXPECT_TRUE(world.run_until([&] { return ended == kStreams && sessions.size() == 0; }));
}

}  // namespace
}  // namespace reliant::tests
