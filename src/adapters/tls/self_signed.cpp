#include "adapters/tls/self_signed.h"

#include <ctime>
#include <initializer_list>
#include <memory>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "adapters/posix/os_entropy.h"

namespace reliant::adapters {
namespace {

constexpr int kGoodForDays = 3653;
constexpr int kBackdatedDays = 1;  // clocks of one machine and its containers disagree

struct Free {
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// What a server's certificate says. No keyUsage: it would have to permit signing, or OpenSSL does not believe
// the certificate's own signature. Not a CA: whoever steals the key can pretend to be this server, and nobody
// else.
constexpr std::initializer_list<std::pair<int, const char*>> kExtensions = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"},
};

std::time_t calendar(WallTime now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
}

Status failed(std::string_view what) {
  const char* const reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return internal_error("OpenSSL cannot ", what, ": ", reason == nullptr ? "no reason given" : reason);
}

bool set_serial(X509& certificate) {
  std::string bytes = os_secret_bytes(16);
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);  // positive, and always as long
  const Owned<BIGNUM> number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                                       static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_names(X509& certificate) {
  X509_NAME* const name = X509_get_subject_name(&certificate);
  const auto* const text = reinterpret_cast<const unsigned char*>("localhost");
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
         X509_set_issuer_name(&certificate, name) == 1;
}

bool set_validity(X509& certificate, WallTime now) {
  std::time_t from = calendar(now);
  return X509_time_adj_ex(X509_getm_notBefore(&certificate), -kBackdatedDays, 0, &from) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(&certificate), kGoodForDays, 0, &from) != nullptr;
}

bool add_extensions(X509& certificate) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  for (const auto& [kind, value] : kExtensions) {
    const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1) return false;
  }
  return true;
}

std::string text_of(BIO& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&bio, &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Owned<BIO> reader_of(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  char text[16];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

}  // namespace

Result<TlsCredentials> make_self_signed(WallTime now) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const Owned<X509> certificate(X509_new());
  if (!key || !certificate) return failed("make a key");
  const bool filled = X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(*certificate) &&
                      set_names(*certificate) && set_validity(*certificate, now) &&
                      X509_set_pubkey(certificate.get(), key.get()) == 1 && add_extensions(*certificate);
  if (!filled) return failed("make a certificate");
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return failed("sign a certificate");
  const Owned<BIO> chain(BIO_new(BIO_s_mem()));
  const Owned<BIO> secret(BIO_new(BIO_s_secmem()));
  if (!chain || PEM_write_bio_X509(chain.get(), certificate.get()) != 1) return failed("write a certificate");
  if (!secret ||
      PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return failed("write a key");
  }
  return TlsCredentials{text_of(*chain), text_of(*secret)};
}

Status check_credentials(const TlsCredentials& credentials, WallTime now) {
  const Owned<BIO> chain = reader_of(credentials.certificate_chain);
  const Owned<BIO> secret = reader_of(credentials.private_key);
  if (!chain || !secret) return failed("read PEM");
  const Owned<X509> certificate(PEM_read_bio_X509(chain.get(), nullptr, no_passphrase, nullptr));
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(secret.get(), nullptr, no_passphrase, nullptr));
  const bool belongs = certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!certificate) return failed_precondition("it is no certificate in PEM");
  if (credentials.private_key.empty()) return failed_precondition("its key is missing");
  if (!key && credentials.private_key.find("ENCRYPTED") != std::string::npos)
    return failed_precondition("its key has a passphrase, for which a server cannot ask (openssl pkey -in KEY writes it without)");
  if (!key) return failed_precondition("its key is no key in PEM");
  if (!belongs) return failed_precondition("its key is another one's");
  std::time_t at = calendar(now);
  const ASN1_TIME* const from = X509_get0_notBefore(certificate.get());
  const ASN1_TIME* const until = X509_get0_notAfter(certificate.get());
  if (X509_cmp_time(until, &at) <= 0) return failed_precondition("it expired on ", date_of(until));
  if (X509_cmp_time(from, &at) >= 0) return failed_precondition("it is not valid before ", date_of(from));
  return ok_status();
}

Status check_certificates(const std::string& pem) {
  const Owned<BIO> file = reader_of(pem);
  if (!file) return failed("read PEM");
  std::size_t count = 0;
  while (const Owned<X509> certificate{PEM_read_bio_X509(file.get(), nullptr, no_passphrase, nullptr)}) ++count;
  const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count == 0) return failed_precondition("it is no certificate in PEM");
  if (!at_the_end) return failed_precondition("certificate ", count + 1, " in it is broken");
  return ok_status();
}

}  // namespace reliant::adapters
