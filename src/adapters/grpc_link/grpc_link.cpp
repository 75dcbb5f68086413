#include "adapters/grpc_link/grpc_link.h"

#include <algorithm>
#include <utility>

#include <absl/synchronization/mutex.h>
#include <grpc/support/log.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/grpc_link/grpc_link_hub.h"
#include "adapters/grpc_link/grpc_link_opener.h"
#include "adapters/grpc_link/grpc_link_call.h"
#include "adapters/grpc_link/grpc_link_server.h"

namespace reliant::adapters {
namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Certificate read_certificate(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

Key read_key(const std::string& pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  return {PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr), EVP_PKEY_free};
}

Status check_roots(const std::string& pem, std::string_view field) {
  if (pem.empty() || read_certificate(pem)) return ok_status();
  return invalid_field(field, "there is no certificate in PEM in it; give those of who may vouch for the other side");
}

Status check_credentials(const std::optional<TlsCredentials>& given, std::string_view certificate_field,
                         std::string_view key_field) {
  if (!given) return ok_status();
  const Certificate certificate = read_certificate(given->certificate_chain);
  if (!certificate) return invalid_field(certificate_field, "it is not a certificate in PEM");
  const Key key = read_key(given->private_key);
  if (!key) return invalid_field(key_field, "it is not a private key in PEM without a passphrase");
  if (X509_check_private_key(certificate.get(), key.get()) == 1) return ok_status();
  return invalid_field(key_field, "it is not the key of the certificate; give the two that belong together");
}

// gRPC finds out too late, or not at all.
Status check_options(const GrpcLinkOptions& options) {
  Status status = check_credentials(options.certificate, "certificate", "private_key");
  if (status.ok()) status = check_roots(options.client_roots, "client_roots");
  if (status.ok()) status = check_roots(options.roots, "roots");
  if (status.ok()) status = check_credentials(options.client_certificate, "client_certificate", "client_private_key");
  ERR_clear_error();
  return status;
}

Status check_method(const std::string& method) {
  const bool fine = std::ranges::all_of(method, [](char c) { return c > ' ' && c <= '~'; });
  return fine ? ok_status() : invalid_field("method", "is not the name of a method: use printable ASCII without blanks");
}

using GrpcLink = GrpcLinkOf<ports::Link, GrpcLinkStream>;

// Debian's build of Abseil looks for cycles at each lock of gRPC's, as one does while one looks for deadlocks.
void lock_without_looking_for_cycles() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

// gRPC writes to stderr of its own accord. What it has to say comes as a status; GRPC_VERBOSITY brings the rest back.
void keep_stderr_clean() {
  if (gpr_should_log(GPR_LOG_SEVERITY_INFO) != 0) return;
  gpr_set_log_function([](gpr_log_func_args*) {});
}

}  // namespace

Result<std::unique_ptr<GrpcLinkTransport>> GrpcLinkTransport::open(AsioExecutor& executor, GrpcLinkOptions options) {
  TRY_OK(check_options(options));
  return std::unique_ptr<GrpcLinkTransport>(new GrpcLinkTransport(executor, std::move(options)));
}

GrpcLinkTransport::GrpcLinkTransport(AsioExecutor& executor, GrpcLinkOptions options)
    : hub_(std::make_shared<GrpcLinkHub>(executor, std::move(options))),
      opener_(std::make_unique<GrpcLinkOpener>(hub_)) {
  keep_stderr_clean();
  lock_without_looking_for_cycles();
}

GrpcLinkTransport::~GrpcLinkTransport() { hub_->shut(); }

Result<std::unique_ptr<ports::LinkListener>> GrpcLinkTransport::listen(std::string address) {
  return listen_for_grpc_links(hub_, std::move(address));
}

Task<Result<std::unique_ptr<ports::Link>>> GrpcLinkTransport::connect(ports::LinkTarget target, Instant deadline) {
  CO_TRY_OK(ports::check_target(target));
  CO_TRY_OK(check_method(target.method));
  CO_TRY_OK(check_grpc_metadata(target.metadata));
  const std::shared_ptr<GrpcLinkStream> stream = opener_->start(target);
  auto link = std::make_unique<GrpcLink>(stream);  // gives up the stream when this task is destroyed
  const bool known = co_await stream->opened(deadline);
  if (!known) co_return deadline_exceeded(target.address, " did not answer in time");
  const std::optional<Status>& end = stream->end();
  if (end && end->code() == StatusCode::kUnavailable && !stream->is_open()) co_return *end;
  co_return link;
}

}  // namespace reliant::adapters
