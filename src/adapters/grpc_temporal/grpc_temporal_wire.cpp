#include "adapters/grpc_temporal/grpc_temporal_wire.h"

#include <google/rpc/status.pb.h>
#include <temporal/api/errordetails/v1/message.pb.h>

#include <algorithm>
#include <array>

#include "absl/strings/cord.h"
#include "base/text.h"
#include "base/utf8.h"

namespace reliant::adapters {

namespace {

constexpr std::string_view kDetailPrefix = "type.googleapis.com/temporal.api.errordetails.v1.";
constexpr std::string_view kDetailStart = "type.googleapis.com/";

struct Reason {
  std::string_view detail;
  std::string_view reason;
};
constexpr std::array kReasons = {
    Reason{"NamespaceNotFoundFailure", "NAMESPACE_NOT_FOUND"},
    Reason{"WorkflowExecutionAlreadyStartedFailure", "WORKFLOW_ALREADY_STARTED"},
    Reason{"WorkflowNotReadyFailure", "WORKFLOW_NOT_READY"},
    Reason{"QueryFailedFailure", "QUERY_FAILED"},
};

}  // namespace

Status status_of_wire(int code, std::string_view message, const std::string& details) {
  if (code == 0) return ok_status();
  const bool known = code > 0 && code <= static_cast<int>(StatusCode::kUnauthenticated);
  Status status = make_status(known ? static_cast<StatusCode>(code) : StatusCode::kUnknown, message);
  google::rpc::Status wire;
  if (details.empty() || !wire.ParseFromString(details)) return status;
  for (const auto& detail : wire.details()) {
    const std::string_view url = detail.type_url();
    if (!url.starts_with(kDetailPrefix)) continue;
    status.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    const auto found = std::ranges::find(kReasons, url.substr(kDetailPrefix.size()), &Reason::detail);
    if (found != kReasons.end()) status = with_reason(std::move(status), found->reason);
  }
  return status;
}

std::string details_of_status(const Status& status) {
  if (status.ok()) return {};
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(text_from_bytes(message_of(status)));
  status.ForEachPayload([&wire](absl::string_view url, const absl::Cord& value) {
    const std::string_view name(url.data(), url.size());
    if (!name.starts_with(kDetailStart)) return;
    auto& detail = *wire.add_details();
    detail.set_type_url(std::string(name));
    detail.set_value(std::string(value));
  });
  if (wire.details().empty() && status.code() == StatusCode::kNotFound) {
    wire.add_details()->PackFrom(::temporal::api::errordetails::v1::NotFoundFailure());
  }
  return wire.details().empty() ? std::string() : wire.SerializeAsString();
}

bool is_long_poll(std::string_view method) { return method == "PollWorkflowTaskQueue" || method == "PollActivityTaskQueue"; }

}  // namespace reliant::adapters
