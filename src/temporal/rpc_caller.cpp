#include "temporal/rpc_caller.h"

#include <string_view>

namespace reliant::temporal {

bool may_repeat(const Status& status) {
  switch (status.code()) {
    case StatusCode::kDataLoss:
    case StatusCode::kInternal:
    case StatusCode::kUnknown:
    case StatusCode::kAborted:
    case StatusCode::kOutOfRange:
    case StatusCode::kUnavailable:
      return true;
    case StatusCode::kResourceExhausted:
      // A message that is too large stays too large.
      return message_of(status).find("message larger than max") == std::string_view::npos;
    default:
      return false;
  }
}

bool is_refusal(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
    case StatusCode::kCancelled:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kResourceExhausted:
      return false;
    default:
      return !may_repeat(status);
  }
}

}  // namespace reliant::temporal
