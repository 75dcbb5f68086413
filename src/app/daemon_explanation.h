// `reliant daemon explain` for a terminal: which daemon would run a chat's next tool call, and what would change that.
#pragma once

#include <string>

#include "base/json.h"

namespace reliant::app {

// `answer` is that of GET /chats/{id}/daemon. Lines, the last one ended; control characters of names are not passed on.
std::string daemon_explanation(const json::object& answer);

}  // namespace reliant::app
