#include "base/cause.h"

#include "absl/strings/cord.h"
#include "base/text.h"

namespace reliant {
namespace {

constexpr const char* kCauseUrl = "reliant/cause";

}  // namespace

Status with_cause(Status status, std::string_view cause) {
  if (!status.ok() && !cause.empty()) status.SetPayload(kCauseUrl, absl::Cord(absl::string_view(cause.data(), cause.size())));
  return status;
}

std::string described(const Status& status) {
  const auto cause = status.GetPayload(kCauseUrl);
  return cause ? concat(message_of(status), ": ", std::string(*cause)) : std::string(message_of(status));
}

}  // namespace reliant
