// JSON texts in Temporal's payloads (encoding json/plain), and back.
#pragma once

#include <temporal/api/common/v1/message.pb.h>

#include <string>
#include <string_view>

#include "base/status.h"

namespace reliant::temporal {

::temporal::api::common::v1::Payload json_payload(std::string_view text);
// One payload; none at all for "".
::temporal::api::common::v1::Payloads json_payloads(std::string_view text);
// The first payload: its text; "" for none and for binary/null. INVALID_ARGUMENT: an encoding that is not
// JSON.
Result<std::string> json_text(const ::temporal::api::common::v1::Payloads& payloads);

}  // namespace reliant::temporal
