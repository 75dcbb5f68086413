#include "adapters/tls/self_signed.h"

#include <ctime>
#include <initializer_list>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "adapters/posix/os_entropy.h"
#include "adapters/tls/openssl_owned.h"

namespace reliant::adapters {
namespace {

constexpr int kGoodForDays = 3653;
constexpr int kBackdatedDays = 1;  // clocks of one machine and its containers disagree

// What a server's certificate says. No keyUsage: it would have to permit signing, or OpenSSL does not believe
// the certificate's own signature. Not a CA: a stolen key can impersonate this server only.
constexpr std::initializer_list<std::pair<int, const char*>> kExtensions = {
    {NID_basic_constraints, "critical,CA:FALSE"},
    {NID_ext_key_usage, "serverAuth"},
    {NID_subject_key_identifier, "hash"},
    {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1"},
};

std::time_t calendar(WallTime now) { return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count(); }

Status failed(std::string_view what) {
  const char* const reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  return internal_error("OpenSSL cannot ", what, ": ", reason == nullptr ? "no reason given" : reason);
}

bool set_serial(X509& certificate) {
  std::string bytes = os_secret_bytes(16);
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);  // positive, and always as long
  const Owned<BIGNUM> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
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
  if (!secret || PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return failed("write a key");
  }
  return TlsCredentials{text_of(*chain), text_of(*secret)};
}

}  // namespace reliant::adapters
