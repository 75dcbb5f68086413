#include "app/server_certificate.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/self_signed.h"
#include "base/text.h"

namespace reliant::app {
namespace {

std::string content(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

Result<ServerCertificate> prepare_server_certificate(const DataDirectory& directory, WallTime now) {
  const std::string path = directory.file(kCertificateFile);
  ServerCertificate out;
  out.credentials = {content(path), content(directory.file(kCertificateKeyFile))};
  const Status usable = adapters::check_credentials(out.credentials, now);
  if (usable.ok()) return out;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    out.replaced = concat("replaced the server's certificate ", path, ", since ", message_of(usable),
                          "; clients elsewhere have to be given the new one");
  }
  TRY_ASSIGN(out.credentials, adapters::make_self_signed(now));
  // The key first: a certificate without its key is known for what it is at the next start.
  TRY_OK(directory.write_private(kCertificateKeyFile, out.credentials.private_key));
  TRY_OK(directory.write_public(kCertificateFile, out.credentials.certificate_chain));
  return out;
}

}  // namespace reliant::app
