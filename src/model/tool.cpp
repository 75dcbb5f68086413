#include "model/tool.h"

#include "base/digest.h"
#include "base/text.h"

namespace reliant::model {

RequestId make_request_id(std::string_view workflow_id, std::string_view turn, std::string_view place, const ToolCallId& call) {
  // Lengths make the parts unambiguous; 40 hex digits keep it a valid bus token.
  const std::string key =
      concat(workflow_id.size(), ":", workflow_id, turn.size(), ":", turn, place.size(), ":", place, call.str());
  return RequestId(concat("req_", sha256_hex(key).substr(0, 40)));
}

Durability durability_of(Effect effect) {
  return effect == Effect::kReadOnly ? Durability::kUnrecorded : Durability::kRecorded;
}

std::string_view to_string(RunsOn value) {
  switch (value) {
    case RunsOn::kServer:
      return "server";
    case RunsOn::kDaemon:
      return "daemon";
    case RunsOn::kAnywhere:
      return "anywhere";
  }
  return "daemon";
}

std::string_view to_string(Effect value) {
  switch (value) {
    case Effect::kReadOnly:
      return "read_only";
    case Effect::kIdempotent:
      return "idempotent";
    case Effect::kNonIdempotent:
      return "non_idempotent";
  }
  return "non_idempotent";
}

std::string_view to_string(Outcome value) {
  switch (value) {
    case Outcome::kExecuted:
      return "executed";
    case Outcome::kNotExecuted:
      return "not_executed";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

Effect effect_from(std::string_view word) {
  if (word == "read_only") return Effect::kReadOnly;
  if (word == "idempotent") return Effect::kIdempotent;
  return Effect::kNonIdempotent;
}

Outcome outcome_from(std::string_view word) {
  if (word == "executed") return Outcome::kExecuted;
  if (word == "not_executed") return Outcome::kNotExecuted;
  return Outcome::kUnknown;
}

}  // namespace reliant::model
