// The answer to a request that fails: {"code","message","field","request_id"}, with the canonical
// code's name, and "reason" where programs have something to tell apart (C10). `field` is "" when the error
// is about none.
#pragma once

#include <string_view>

#include "base/status.h"
#include "ports/http_server.h"

namespace reliant::api {

// `path` is the request's: an answer about a method names those that the path has.
// What went wrong inside, and what libraries and other servers say, is for the log, which has it under the same id.
ports::HttpServerResponse error_response(const Status& status, std::string_view request_id, std::string_view path);

// Whether the answer leaves out what the status says.
bool hides_cause(const Status& status);

inline constexpr std::string_view kReasonStopping = "STOPPING";
inline constexpr std::string_view kReasonNotReady = "NOT_READY";

}  // namespace reliant::api
