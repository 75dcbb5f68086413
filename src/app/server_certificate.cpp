#include "app/server_certificate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "adapters/posix/posix_error.h"
#include "adapters/posix/unique_fd.h"
#include "adapters/tls/self_signed.h"
#include "base/text.h"

namespace reliant::app {
namespace {

// Text before the first BEGIN is for people (RFC 7468, 2), so the files stay what every program takes.
constexpr std::string_view kMark = "Made by reliant, which replaces this file when it cannot be used any more.\n";

struct PemFile {
  std::string path;
  bool exists = false;
  std::string content;
  std::string problem;  // why it cannot be read; "" when it can

  bool made_here() const { return !exists || content.starts_with(kMark); }
};

PemFile read_pem(const DataDirectory& directory, std::string_view name) {
  PemFile out{.path = directory.file(name)};
  struct stat info{};
  out.exists = ::lstat(out.path.c_str(), &info) == 0;
  if (!out.exists) return out;
  const adapters::UniqueFd fd(::open(out.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char buffer[4096];
  ssize_t got = -1;
  while (fd && (got = ::read(fd.get(), buffer, sizeof buffer)) > 0) out.content.append(buffer, static_cast<std::size_t>(got));
  if (got < 0) out.problem = std::strerror(errno);
  return out;
}

Status check(const PemFile& certificate, const PemFile& key, WallTime now) {
  if (!certificate.problem.empty()) return failed_precondition("it cannot be read: ", certificate.problem);
  if (!key.problem.empty()) return failed_precondition("its key ", key.path, " cannot be read: ", key.problem);
  if (!certificate.exists && key.exists) return failed_precondition("it is missing, and its key ", key.path, " is there");
  return adapters::check_credentials({certificate.content, key.content}, now);
}

// Under the first free name: an existing copy must not be overwritten either.
Status keep_copy(const PemFile& file) {
  if (!file.exists) return ok_status();
  std::string copy = concat(file.path, ".bak");
  struct stat info{};
  for (int number = 2; ::lstat(copy.c_str(), &info) == 0; ++number) copy = concat(file.path, ".bak.", number);
  if (::rename(file.path.c_str(), copy.c_str()) != 0) return adapters::posix_error(errno, concat("cannot write ", copy));
  return ok_status();
}

}  // namespace

Result<ServerCertificate> prepare_server_certificate(const DataDirectory& directory, WallTime now) {
  const PemFile certificate = read_pem(directory, kCertificateFile);
  const PemFile key = read_pem(directory, kCertificateKeyFile);
  ServerCertificate out;
  out.credentials = {certificate.content, key.content};
  const Status usable = check(certificate, key, now);
  if (usable.ok()) return out;
  if (!certificate.made_here() || !key.made_here()) {
    return failed_precondition(
        "the server's certificate ", certificate.path, " cannot be used: ", message_of(usable),
        "; it was not made by this program and stays as it is: put a valid certificate and its key there, or "
        "move ",
        certificate.path, " and ", key.path, " away for a self-signed one, or say --tls-port off");
  }
  if (certificate.exists) {
    out.replaced = concat("replaced the server's certificate ", certificate.path, ", since ", message_of(usable),
                          "; the old one is kept beside it as .bak; clients elsewhere have to be given the new one");
  }
  TRY_ASSIGN(out.credentials, adapters::make_self_signed(now));
  out.credentials.certificate_chain.insert(0, kMark);
  out.credentials.private_key.insert(0, kMark);
  TRY_OK(keep_copy(certificate));
  TRY_OK(keep_copy(key));
  TRY_OK(directory.write_private(kCertificateKeyFile, out.credentials.private_key));
  TRY_OK(directory.write_public(kCertificateFile, out.credentials.certificate_chain));
  return out;
}

}  // namespace reliant::app
