#include "adapters/grpc_link/grpc_link.h"

#include <algorithm>
#include <utility>

#include "adapters/grpc/grpc_process.h"
#include "adapters/grpc_link/grpc_link_call.h"
#include "adapters/grpc_link/grpc_link_calls.h"
#include "adapters/grpc_link/grpc_link_client.h"
#include "adapters/grpc_link/grpc_link_convert.h"
#include "adapters/grpc_link/grpc_link_server.h"

namespace reliant::adapters {
namespace {

Status check_pair(const std::optional<TlsCredentials>& given, std::string_view whose) {
  const Status status = given ? check_credentials(*given) : ok_status();
  if (status.ok()) return status;
  return invalid_field(concat(whose, field_of(status)), message_of(status));
}

Status check_roots(const std::string& pem, std::string_view field) {
  const Status status = pem.empty() ? ok_status() : check_certificates(pem);
  return status.ok() ? status : invalid_field(field, message_of(status));
}

// gRPC finds out too late, or not at all.
Status check_options(const GrpcLinkOptions& options) {
  TRY_OK(check_pair(options.certificate, ""));
  TRY_OK(check_roots(options.client_roots, "client_roots"));
  TRY_OK(check_roots(options.roots, "roots"));
  return check_pair(options.client_certificate, "client_");
}

Status check_method(const std::string& method) {
  const bool fine = std::ranges::all_of(method, [](char c) { return c > ' ' && c <= '~'; });
  return fine ? ok_status() : invalid_field("method", "is not the name of a method: use printable ASCII without blanks");
}

using GrpcLink = GrpcLinkOf<ports::Link, GrpcLinkStream>;

}  // namespace

Result<std::unique_ptr<GrpcLinkTransport>> GrpcLinkTransport::open(AsioExecutor& executor, GrpcLinkOptions options) {
  TRY_OK(check_options(options));
  prepare_process_for_grpc();
  return std::unique_ptr<GrpcLinkTransport>(new GrpcLinkTransport(executor, std::move(options)));
}

GrpcLinkTransport::GrpcLinkTransport(AsioExecutor& executor, GrpcLinkOptions options)
    : calls_(std::make_unique<GrpcLinkCalls>(executor, std::move(options))),
      client_(std::make_unique<GrpcLinkClient>(*calls_)) {}

GrpcLinkTransport::~GrpcLinkTransport() { calls_->close(); }

Result<std::unique_ptr<ports::LinkListener>> GrpcLinkTransport::listen(std::string address) {
  return listen_for_grpc_links(*calls_, address);
}

Task<Result<std::unique_ptr<ports::Link>>> GrpcLinkTransport::connect(ports::LinkTarget target, Instant deadline) {
  CO_TRY_OK(ports::check_target(target));
  CO_TRY_OK(check_method(target.method));
  CO_TRY_OK(check_grpc_metadata(target.metadata));
  const std::shared_ptr<GrpcLinkStream> stream = client_->start(target);
  auto link = std::make_unique<GrpcLink>(stream);  // gives up the stream when this task is destroyed
  const bool known = co_await stream->opened(deadline);
  if (!known) co_return deadline_exceeded(target.address, " did not answer in time");
  const std::optional<Status>& end = stream->end();
  if (end && end->code() == StatusCode::kUnavailable && !stream->is_open()) co_return *end;
  co_return link;
}

}  // namespace reliant::adapters
