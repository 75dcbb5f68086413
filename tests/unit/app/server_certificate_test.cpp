#include "app/server_certificate.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/tls/self_signed.h"

namespace reliant::app {
namespace {

constexpr WallTime kNow{std::chrono::sys_days(std::chrono::year(2030) / 6 / 15)};
constexpr auto kTwelveYears = std::chrono::hours(24 * 365 * 12);

class ServerCertificateTest : public testing::Test {
 public:
  ServerCertificateTest() : root_(made()), directory_(*DataDirectory::open(root_)) {}
  ~ServerCertificateTest() override { std::filesystem::remove_all(root_); }

 protected:
  ServerCertificate prepare(WallTime now = kNow) {
    auto certificate = prepare_server_certificate(directory_, now);
    EXPECT_TRUE(certificate.ok()) << certificate.status();
    EXPECT_TRUE(adapters::check_credentials(certificate->credentials, now).ok());
    EXPECT_EQ(content("tls.crt"), certificate->credentials.certificate_chain);
    EXPECT_EQ(content("tls.key"), certificate->credentials.private_key);
    return *std::move(certificate);
  }
  // The error names reason and remedy, in one line.
  void refused(WallTime now, const std::string& why) {
    const auto certificate = prepare_server_certificate(directory_, now);
    EXPECT_EQ(certificate.status().code(), StatusCode::kFailedPrecondition) << why;
    const std::string line(message_of(certificate.status()));
    EXPECT_NE(line.find(why), std::string::npos) << line;
    EXPECT_NE(line.find("--tls-port off"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  }
  // And leaves both files as they are.
  void refuses(const std::string& chain, const std::string& key, WallTime now, const std::string& why) {
    overwrite("tls.crt", chain);
    overwrite("tls.key", key);
    refused(now, why);
    EXPECT_EQ(content("tls.crt"), chain) << why;
    EXPECT_EQ(content("tls.key"), key) << why;
  }
  void overwrite(const char* name, const std::string& text) { std::ofstream(directory_.file(name)) << text; }
  void remove(const char* name) { std::filesystem::remove(directory_.file(name)); }
  std::string content(const char* name) {
    std::ifstream in(directory_.file(name));
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  mode_t mode_of(const char* name) {
    struct stat info{};
    return ::stat(directory_.file(name).c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
  }

 private:
  static std::string made() {
    std::string name = testing::TempDir() + "reliant-tls.XXXXXX";
    return ::mkdtemp(name.data());
  }

  std::string root_;

 protected:
  DataDirectory directory_;
};

TEST_F(ServerCertificateTest, IsMadeAtTheFirstStartAndItsKeyIsPrivate) {
  EXPECT_EQ(prepare().replaced, "") << "there was none";
  EXPECT_EQ(mode_of("tls.crt"), 0644u);
  EXPECT_EQ(mode_of("tls.key"), 0600u);
}

TEST_F(ServerCertificateTest, IsUsedAgain) {
  const ServerCertificate first = prepare();
  const ServerCertificate second = prepare();
  EXPECT_EQ(second.replaced, "");
  EXPECT_EQ(second.credentials.certificate_chain, first.credentials.certificate_chain);
  EXPECT_EQ(second.credentials.private_key, first.credentials.private_key);
}

TEST_F(ServerCertificateTest, AUsersCertificateIsUsedUnchanged) {
  const auto theirs = adapters::make_self_signed(kNow);
  overwrite("tls.crt", theirs->certificate_chain);
  overwrite("tls.key", theirs->private_key);
  EXPECT_EQ(prepare().credentials.private_key, theirs->private_key);
}

TEST_F(ServerCertificateTest, IsReplacedWhenItIsBrokenAndTheOldOneIsKept) {
  const ServerCertificate first = prepare();
  const std::string broken = first.credentials.certificate_chain.substr(0, 200);
  overwrite("tls.crt", broken);
  const std::string line = prepare().replaced;
  EXPECT_NE(line.find("/tls.crt, since it is no certificate in PEM"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(content("tls.crt.bak"), broken);
  EXPECT_EQ(content("tls.key.bak"), first.credentials.private_key);
  EXPECT_EQ(mode_of("tls.key.bak"), 0600u);
}

TEST_F(ServerCertificateTest, IsReplacedWhenItsKeyIsMissingOrDoesNotMatch) {
  const ServerCertificate first = prepare();
  remove("tls.key");
  EXPECT_NE(prepare().replaced.find("its key is missing"), std::string::npos);
  overwrite("tls.key", first.credentials.private_key);
  EXPECT_NE(prepare().replaced.find("its private key does not match the certificate"), std::string::npos);
}

TEST_F(ServerCertificateTest, IsReplacedWhenItHasExpired) {
  const ServerCertificate first = prepare();
  const ServerCertificate second = prepare(kNow + kTwelveYears);
  EXPECT_NE(second.replaced.find("it expired on 2040-06-15"), std::string::npos) << second.replaced;
  EXPECT_NE(second.credentials.private_key, first.credentials.private_key);
  EXPECT_EQ(mode_of("tls.key"), 0600u);
  const ServerCertificate third = prepare(kNow + 2 * kTwelveYears);
  EXPECT_EQ(content("tls.key.bak"), first.credentials.private_key) << "a copy is not written over either";
  EXPECT_EQ(content("tls.key.bak.2"), second.credentials.private_key);
}

TEST_F(ServerCertificateTest, AUsersCertificateIsNeverWritten) {
  const auto theirs = adapters::make_self_signed(kNow);
  const auto another = adapters::make_self_signed(kNow);
  const std::string passphrase =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAg=\n-----END ENCRYPTED PRIVATE "
      "KEY-----\n";
  const std::string& chain = theirs->certificate_chain;
  const std::string& key = theirs->private_key;
  refuses(chain, key, kNow + kTwelveYears, "it expired on 2040-06-15");
  refuses(chain, key, kNow - kTwelveYears, "it is not valid before 2030-06-14");
  refuses(chain, passphrase, kNow, "its key has a passphrase");
  refuses(chain, another->private_key, kNow, "its private key does not match the certificate");
  refuses(chain, "nonsense", kNow, "its key is no key in PEM");
  refuses("nonsense", key, kNow, "it is no certificate in PEM");
  refuses(chain, "", kNow, "its key is missing");
  refuses("", key, kNow, "it is no certificate in PEM");
}

TEST_F(ServerCertificateTest, AMissingUserCertificateIsNotReplaced) {
  const auto theirs = adapters::make_self_signed(kNow);
  overwrite("tls.crt", theirs->certificate_chain);
  refused(kNow, "its key is missing");
  EXPECT_EQ(content("tls.crt"), theirs->certificate_chain);
  remove("tls.crt");
  overwrite("tls.key", theirs->private_key);
  refused(kNow, "it is missing, and its key");
  EXPECT_EQ(content("tls.key"), theirs->private_key);
}

TEST_F(ServerCertificateTest, AnUnreadableCertificateIsAnError) {
  prepare();
  remove("tls.key");
  std::filesystem::create_directory(directory_.file("tls.key"));
  refused(kNow, "cannot be read: Is a directory");
  std::filesystem::remove(directory_.file("tls.key"));
  std::filesystem::create_symlink("/nowhere/key.pem", directory_.file("tls.key"));
  refused(kNow, "cannot be read: No such file");
  EXPECT_TRUE(std::filesystem::is_symlink(directory_.file("tls.key")));
}

TEST_F(ServerCertificateTest, IsNotReplacedWhenItsKeyIsTheUsers) {
  prepare();
  const auto theirs = adapters::make_self_signed(kNow);
  overwrite("tls.key", theirs->private_key);
  refused(kNow, "its private key does not match the certificate");
  EXPECT_EQ(content("tls.key"), theirs->private_key);
}

}  // namespace
}  // namespace reliant::app
