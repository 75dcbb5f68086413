// Certificates that the commands are given: read, understood and told apart before anything is connected to.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/tls/self_signed.h"
#include "app/daemon_options.h"
#include "server_commands.h"
#include "support/nats_identity.h"
#include "support/temporary_directory.h"

namespace reliant::app {
namespace {

using Words = std::vector<std::string>;

class TlsOptions : public testing::Test {
 protected:
  std::string file(const char* name, std::string_view content) {
    std::ofstream(directory_.file(name)) << content;
    return directory_.file(name);
  }
  static Words together(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // All who have these flags say the same.
  void expect_refused(const Words& words, std::string_view field, std::string_view why) {
    const Words secure = together({"--temporal-tls"}, words);
    for (const Status& status :
         {api(together(secure, {"--disable-tls"})).status(), worker(together(secure, {"--model-script", "s"})).status()}) {
      EXPECT_EQ(field_of(status), field) << status;
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_NE(message_of(status).find(why), std::string_view::npos) << status;
    }
  }
  static Result<DaemonStartOptions> daemon(const Words& words, Variables variables = {}) {
    variables.emplace("HOME", "/home/u");
    const Environment environment(std::move(variables));
    const auto arguments = Arguments::parse(kDaemonStartCommand, words, environment);
    EXPECT_TRUE(arguments.ok()) << arguments.status();
    return daemon_start_options(*arguments, environment, kNow);
  }

  tests::TemporaryDirectory directory_;
  adapters::TlsCredentials made_ = *adapters::make_self_signed(kNow);
  adapters::TlsCredentials other_ = *adapters::make_self_signed(kNow);
  std::string certificate_ = file("tls.crt", made_.certificate_chain);
  std::string key_ = file("tls.key", made_.private_key);
  std::string other_key_ = file("other.key", other_.private_key);
  std::string two_ = file("two.crt", made_.certificate_chain + other_.certificate_chain);
  std::string torn_ = file("torn.crt", made_.certificate_chain.substr(0, 200));
  std::string half_torn_ = file("half-torn.crt", made_.certificate_chain + other_.certificate_chain.substr(0, 200));
  std::string nonsense_ = file("nonsense.pem", "nonsense");
};

TEST_F(TlsOptions, EveryServerTakesThemFromVariables) {
  const Variables variables{{"TLS_CERT_FILE", certificate_}, {"TLS_KEY_FILE", key_}};
  const auto expect_made = [this](const auto& options) {
    ASSERT_TRUE(options.ok()) << options.status();
    ASSERT_TRUE(options->tls.has_value());
    EXPECT_EQ(options->tls->certificate_chain, made_.certificate_chain);
    EXPECT_EQ(options->tls->private_key, made_.private_key);
  };
  expect_made(api({}, variables));
  expect_made(worker({"--model-script", "s"}, variables));
  expect_made(gateway({}, variables));
  EXPECT_EQ(field_of(api({}, {{"TLS_CERT_FILE", torn_}, {"TLS_KEY_FILE", key_}}).status()), "TLS_CERT_FILE");
}

TEST_F(TlsOptions, AreOptionalForTheWorker) {
  const Words words{"--model-script", "s"};
  EXPECT_FALSE(worker(words)->tls.has_value()) << "its only port is that for health checks";
  EXPECT_FALSE(worker(together(words, {"--disable-tls"}))->tls.has_value());
  EXPECT_EQ(field_of(worker(together(words, {"--tls-cert", certificate_})).status()), "--tls-key");
  EXPECT_EQ(field_of(worker(together(words, {"--tls-key", key_})).status()), "--tls-cert");
  EXPECT_EQ(field_of(worker(together(words, {"--disable-tls", "--tls-cert", certificate_, "--tls-key", key_})).status()),
            "--disable-tls");
}

TEST_F(TlsOptions, TemporalOptionsAreCheckedBeforeTheFirstCall) {
  const auto made = worker({"--model-script", "s", "--temporal-tls", "--temporal-tls-ca", two_, "--temporal-tls-cert",
                            certificate_, "--temporal-tls-key", key_});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->temporal.ca, made_.certificate_chain + other_.certificate_chain);
  EXPECT_EQ(made->temporal.certificate, made_.certificate_chain);
  EXPECT_EQ(made->temporal.key, made_.private_key);
}

// Of every server, and not only understood, but handed on.
TEST_F(TlsOptions, NatsOptionsReachEveryServer) {
  const std::string credentials = file("user.creds", tests::nats_credentials());
  const std::string nkey = file("user.nk", tests::kNatsSeed);
  const auto expect_made = [&](const auto& made) {
    ASSERT_TRUE(made.ok()) << made.status();
    const NatsChoice& nats = made->server.nats;
    EXPECT_EQ(nats.ca_file, two_);
    EXPECT_EQ(nats.certificate_file, certificate_);
    EXPECT_EQ(nats.key_file, key_);
    EXPECT_EQ(nats.credentials_file, credentials);
  };
  const Words words{"--disable-tls", "--nats-ca", two_,           "--nats-cert", certificate_,
                    "--nats-key",    key_,        "--nats-creds", credentials};
  expect_made(api(words));
  expect_made(worker(together(words, {"--model-script", "s"})));
  expect_made(gateway(words));
  const auto by_variable = gateway({"--disable-tls"}, {{"NATS_NKEY", nkey}});
  ASSERT_TRUE(by_variable.ok()) << by_variable.status();
  EXPECT_EQ(by_variable->server.nats.nkey_file, nkey);
}

TEST_F(TlsOptions, UnusableNatsOptionsAreNamed) {
  const auto refused = [](const Words& words, std::string_view field, std::string_view why) {
    for (const Status& status :
         {api(together({"--disable-tls"}, words)).status(), worker(together({"--model-script", "s"}, words)).status(),
          gateway(together({"--disable-tls"}, words)).status()}) {
      EXPECT_EQ(field_of(status), field) << status;
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
      EXPECT_NE(message_of(status).find(why), std::string_view::npos) << status;
    }
  };
  refused({"--nats-ca", "/nowhere.pem"}, "--nats-ca", "\"/nowhere.pem\", which cannot be read");
  refused({"--nats-ca", nonsense_}, "--nats-ca", "it is no certificate");
  refused({"--nats-cert", certificate_}, "--nats-key", "give it with --nats-cert");
  refused({"--nats-key", key_}, "--nats-cert", "give it with --nats-key");
  refused({"--nats-cert", certificate_, "--nats-key", other_key_}, "--nats-cert",
          "its private key does not match the certificate");
  refused({"--nats-creds", "/nowhere.creds"}, "--nats-creds", "cannot be read; name a .creds file");
  refused({"--nats-creds", nonsense_}, "--nats-creds", "it has no user JWT with its seed");
  refused({"--nats-creds", file("torn.creds", tests::nats_credentials("SUAAG"))}, "--nats-creds", "its seed is damaged");
  refused({"--nats-nkey", "/nowhere.nk"}, "--nats-nkey", "cannot be read; name a file with the seed of a user's NKey");
  refused({"--nats-nkey", nonsense_}, "--nats-nkey", "no line that begins with SU");
  refused({"--nats-nkey", file("user.nk", tests::kNatsSeed), "--nats-creds", file("user.creds", tests::nats_credentials())},
          "--nats-nkey", "exclude each other");
}

TEST_F(TlsOptions, UnusableTemporalOptionsAreNamed) {
  expect_refused({"--temporal-tls-ca", "/nowhere.pem"}, "--temporal-tls-ca", "\"/nowhere.pem\", which cannot be read");
  for (const std::string& broken : {nonsense_, torn_, key_})
    expect_refused({"--temporal-tls-ca", broken}, "--temporal-tls-ca",
                   "\"" + broken + "\", which is unusable: it is no certificate");
  expect_refused({"--temporal-tls-ca", half_torn_}, "--temporal-tls-ca", "certificate 2 in it is broken");
  expect_refused({"--temporal-tls-cert", certificate_}, "--temporal-tls-key", "give it with --temporal-tls-cert");
  expect_refused({"--temporal-tls-key", key_}, "--temporal-tls-cert", "give it with --temporal-tls-key");
  const auto refused_pair = [this](const std::string& certificate, const std::string& key, std::string_view why) {
    expect_refused({"--temporal-tls-cert", certificate, "--temporal-tls-key", key}, "--temporal-tls-cert", why);
  };
  refused_pair(torn_, key_, "it is no certificate in PEM");
  refused_pair(half_torn_, key_, "certificate 2 in it is broken");
  refused_pair(certificate_, nonsense_,
               "its key is no key in PEM; give a certificate that holds, and its key with --temporal-tls-key");
  refused_pair(certificate_, other_key_, "its private key does not match the certificate");
  const Status plain = worker({"--model-script", "s", "--temporal-tls-ca", certificate_}).status();
  EXPECT_EQ(field_of(plain), "--temporal-tls") << plain;
}

TEST_F(TlsOptions, DaemonOptionsAreCheckedBeforeItConnects) {
  const Words words{"--gateway", "https://g:1"};
  EXPECT_EQ(daemon(together(words, {"--tls-ca", two_}))->links.roots, made_.certificate_chain + other_.certificate_chain);
  EXPECT_EQ(daemon(words)->links.roots, "");
  for (const std::string& broken : {nonsense_, torn_, half_torn_, key_, std::string("/nowhere.pem")}) {
    const Status status = daemon(together(words, {"--tls-ca", broken})).status();
    EXPECT_EQ(field_of(status), "--tls-ca") << status;
    EXPECT_NE(message_of(status).find("\"" + broken + "\", which "), std::string_view::npos) << status;
  }
  EXPECT_EQ(field_of(daemon(words, {{"TLS_CA_FILE", torn_}}).status()), "TLS_CA_FILE");
  EXPECT_EQ(field_of(daemon(together(words, {"--tls-cert", certificate_, "--tls-key", other_key_})).status()), "--tls-cert");
}

}  // namespace
}  // namespace reliant::app
