// What Temporal puts on the wire besides its messages: the errors, with their details, and how long a call may take.
//
// A Temporal server sends an error's details as a google.rpc.Status in `grpc-status-details-bin`; here they are payloads
// of the status, by their type URL, and those that programs ask for also give the reason ("NAMESPACE_NOT_FOUND").
// Owner: none; these are free functions. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "runtime/time.h"

namespace reliant::adapters {

inline constexpr std::string_view kTemporalService = "temporal.api.workflowservice.v1.WorkflowService";

// `code` is a google.rpc.Code; `details` may be empty.
Status status_of_wire(int code, std::string_view message, const std::string& details);
// "" for OK. NOT_FOUND without a detail gets the one that it always has there.
std::string details_of_status(const Status& status);

// `X` of ".../X" is answered late by design: the server waits for something to happen.
bool is_long_poll(std::string_view method);

}  // namespace reliant::adapters
