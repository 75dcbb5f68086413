#include "adapters/tls/tls_credentials.h"

#include <ctime>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "adapters/tls/openssl_owned.h"

namespace reliant::adapters {
namespace {

Owned<BIO> reader_of(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL would ask on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

// Null: there is none.
Owned<X509> read_certificate(BIO& file) { return Owned<X509>(PEM_read_bio_X509(&file, nullptr, no_passphrase, nullptr)); }

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  char text[16];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

Status wrong(std::string_view field, std::string_view what) { return with_field(failed_precondition(what), field); }

// `certificate` is null, or that of the credentials.
Status check(const TlsCredentials& credentials, X509* certificate) {
  const Owned<BIO> secret = reader_of(credentials.private_key);
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(secret.get(), nullptr, no_passphrase, nullptr));
  const bool belongs = certificate != nullptr && key && X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  if (certificate == nullptr) return wrong("certificate", "it is no certificate in PEM");
  if (credentials.private_key.empty()) return wrong("private_key", "its key is missing");
  if (!key && credentials.private_key.find("ENCRYPTED") != std::string::npos)
    return wrong("private_key",
                 "its key has a passphrase, for which a server cannot ask (openssl pkey -in KEY writes it without)");
  if (!key) return wrong("private_key", "its key is no key in PEM");
  if (!belongs) return wrong("private_key", "its private key does not match the certificate");
  return ok_status();
}

}  // namespace

Status check_credentials(const TlsCredentials& credentials) {
  return check(credentials, read_certificate(*reader_of(credentials.certificate_chain)).get());
}

Status check_credentials(const TlsCredentials& credentials, WallTime now) {
  const Owned<X509> certificate = read_certificate(*reader_of(credentials.certificate_chain));
  TRY_OK(check(credentials, certificate.get()));
  std::time_t at = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const ASN1_TIME* const from = X509_get0_notBefore(certificate.get());
  const ASN1_TIME* const until = X509_get0_notAfter(certificate.get());
  if (X509_cmp_time(until, &at) <= 0) return wrong("certificate", concat("it expired on ", date_of(until)));
  if (X509_cmp_time(from, &at) >= 0) return wrong("certificate", concat("it is not valid before ", date_of(from)));
  return ok_status();
}

Status check_certificates(const std::string& pem) {
  const Owned<BIO> file = reader_of(pem);
  std::size_t count = 0;
  while (read_certificate(*file)) ++count;
  const bool at_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (count == 0) return failed_precondition("it is no certificate in PEM");
  if (!at_the_end) return failed_precondition("certificate ", count + 1, " in it is broken");
  return ok_status();
}

}  // namespace reliant::adapters
