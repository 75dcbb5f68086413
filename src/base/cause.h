// The cause of a failure in the words of a library or of another server: host names, files, statements. It travels with a Status
// beside its message, inside this process only: it is for logs, and for a server's operator. Clients see the message.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace reliant {

// Returns `status` with the cause; an OK status, or an empty cause, changes nothing.
Status with_cause(Status status, std::string_view cause);
// "<message>: <cause>", or the message alone.
std::string described(const Status& status);

}  // namespace reliant
