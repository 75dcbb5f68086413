// URLs of HTTP, taken apart: where to connect, what to ask for. For both ends of `ports/http_client.h` and `ports/http_server.h`, real
// and simulated, so that both understand a request alike. Errors are INVALID_ARGUMENT and say what is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace reliant {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string str() const;  // "host:port", "[::1]:port"
};

// "host:port"; the host may be empty (":8080": every interface).
Result<HostPort> parse_host_port(std::string_view text);

struct HttpUrl {
  bool secure = false;  // https
  HostPort server;
  std::string target;  // "/path?query", as it goes over the wire; the fragment is cut off
};

// "http://host[:port][/path][?query]" or https.
Result<HttpUrl> parse_http_url(std::string_view url);

// Whether what is sent there can be read on the way: plain text, to another machine.
bool is_readable_on_the_way(const HttpUrl& url);

struct HttpTarget {
  std::string path;                                        // percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // percent-decoded, `+` is a blank, in order
};

Result<HttpTarget> parse_http_target(std::string_view target);

// For one segment of a path, or a name or value of a query: all but letters, digits and -._~ is escaped.
std::string percent_encode(std::string_view text);

std::string to_lower(std::string_view text);  // ASCII

// Names and values that can be header lines: a token, and no control character but the tab.
bool valid_header(std::string_view name, std::string_view value);

}  // namespace reliant
