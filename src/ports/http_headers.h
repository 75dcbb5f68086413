// HttpHeaders: the header fields of an HTTP message, for both sides of it (ports/http_client.h, ports/http_server.h).
#pragma once

#include <map>
#include <string>

namespace reliant::ports {

using HttpHeaders = std::map<std::string, std::string>;  // lower-case names

}  // namespace reliant::ports
