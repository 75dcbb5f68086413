#include "adapters/tls/self_signed.h"

#include <gtest/gtest.h>

#include <memory>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace reliant::adapters {
namespace {

constexpr WallTime kNow{std::chrono::sys_days(std::chrono::year(2030) / 6 / 15)};
constexpr auto kYear = std::chrono::hours(24 * 365);

std::shared_ptr<X509> parsed(const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  std::shared_ptr<X509> certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr), X509_free);
  BIO_free(bio);
  return certificate;
}

TEST(SelfSigned, IsForThisMachineOnly) {
  const auto made = make_self_signed(kNow);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto certificate = parsed(made->certificate_chain);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "elsewhere.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.2", 0), 0);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0) << "it is not a CA";
}

TEST(SelfSigned, HasAP256KeyAndItsOwnSignature) {
  const auto made = make_self_signed(kNow);
  ASSERT_TRUE(made.ok()) << made.status();
  const auto certificate = parsed(made->certificate_chain);
  EVP_PKEY* const key = X509_get0_pubkey(certificate.get());
  EXPECT_EQ(EVP_PKEY_get_base_id(key), EVP_PKEY_EC);
  EXPECT_EQ(EVP_PKEY_get_bits(key), 256);
  EXPECT_EQ(X509_verify(certificate.get(), key), 1);
  EXPECT_EQ(X509_self_signed(certificate.get(), 1), 1);
}

TEST(SelfSigned, IsDifferentEachTime) {
  const auto one = make_self_signed(kNow);
  const auto other = make_self_signed(kNow);
  const auto a = parsed(one->certificate_chain);
  const auto b = parsed(other->certificate_chain);
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(a.get()), X509_get0_serialNumber(b.get())), 0);
  EXPECT_NE(one->private_key, other->private_key);
}

TEST(SelfSigned, HoldsForTenYears) {
  const auto made = make_self_signed(kNow);
  EXPECT_TRUE(check_credentials(*made, kNow).ok());
  EXPECT_TRUE(check_credentials(*made, kNow + 10 * kYear).ok());
  const Status late = check_credentials(*made, kNow + 11 * kYear);
  EXPECT_EQ(late.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(message_of(late).find("it expired on 2040-06-15"), std::string_view::npos) << late;
  const Status early = check_credentials(*made, kNow - kYear);
  EXPECT_NE(message_of(early).find("it is not valid before 2030-06-14"), std::string_view::npos) << early;
}

TEST(SelfSigned, IsCheckedWithItsKey) {
  const auto made = make_self_signed(kNow);
  const auto other = make_self_signed(kNow);
  const auto complaint = [](std::string chain, std::string key) {
    return std::string(message_of(check_credentials({std::move(chain), std::move(key)}, kNow)));
  };
  EXPECT_EQ(complaint("", made->private_key), "it is no certificate in PEM");
  EXPECT_EQ(complaint(made->certificate_chain.substr(0, 200), made->private_key), "it is no certificate in PEM");
  EXPECT_EQ(complaint(made->certificate_chain, "nonsense"), "its key is no key in PEM");
  EXPECT_EQ(complaint(made->certificate_chain, ""), "its key is missing");
  EXPECT_EQ(complaint(made->certificate_chain, "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
            "its key has a passphrase, for which a server cannot ask (openssl pkey -in KEY writes it without)");
  EXPECT_EQ(complaint(made->certificate_chain, other->private_key), "its private key does not match the certificate");
}

TEST(SelfSigned, IsCheckedWithTheFieldThatIsWrong) {
  const TlsCredentials made = *make_self_signed(kNow);
  EXPECT_TRUE(check_credentials(made).ok());
  EXPECT_EQ(field_of(check_credentials({"nonsense", made.private_key})), "certificate");
  EXPECT_EQ(field_of(check_credentials({made.certificate_chain, "nonsense"})), "private_key");
  EXPECT_EQ(field_of(check_credentials(made, kNow + 11 * kYear)), "certificate");
}

TEST(SelfSigned, BundlesOfCertificatesAreChecked) {
  const std::string one = make_self_signed(kNow)->certificate_chain;
  EXPECT_TRUE(check_certificates(one).ok());
  EXPECT_TRUE(check_certificates("# of the house\n" + one + "\n" + one).ok());
  for (const std::string& none :
       {std::string(), std::string("nonsense"), one.substr(0, 200), make_self_signed(kNow)->private_key})
    EXPECT_EQ(message_of(check_certificates(none)), "it is no certificate in PEM") << none;
  EXPECT_EQ(message_of(check_certificates(one + one.substr(0, 200))), "certificate 2 in it is broken");
}

}  // namespace
}  // namespace reliant::adapters
