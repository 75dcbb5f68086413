// URLs, targets of requests, addresses and headers, from arbitrary bytes; a parsed value round-trips through its text.
#include <string>

#include "base/peer_address.h"
#include "base/split.h"
#include "base/url.h"
#include "fuzz_input.h"

namespace reliant {
namespace {

bool same(const HostPort& a, const HostPort& b) { return a.host == b.host && a.port == b.port; }

void check_host_port(std::string_view text) {
  const auto read = parse_host_port(text);
  if (!read.ok()) return fuzz::check_refusal(read.status());
  const auto again = parse_host_port(read->str());
  RELIANT_ASSERT(again.ok() && same(*again, *read), "an address is read back");
}

void check_url(std::string_view text) {
  const auto read = parse_http_url(text);
  if (!read.ok()) return fuzz::check_refusal(read.status());
  RELIANT_ASSERT(!read->server.host.empty() && read->server.port != 0, "a URL says where to connect");
  RELIANT_ASSERT(read->target.starts_with('/'), "a target begins with a slash");
  RELIANT_ASSERT(read->target.find_first_of(" \r\n#") == std::string::npos, "a target is one word of a request line");
  const auto again = parse_http_url(concat(read->secure ? "https" : "http", "://", read->server.str(), read->target));
  RELIANT_ASSERT(again.ok() && same(again->server, read->server), "a URL is read back");
  RELIANT_ASSERT(again->target == read->target && again->secure == read->secure, "all of it");
}

std::string target_of(const HttpTarget& target) {
  std::string text;
  for (const char c : target.path) text += c == '/' ? "/" : percent_encode(std::string_view(&c, 1));
  char mark = '?';
  for (const auto& [name, value] : target.query) {
    text += concat(mark, percent_encode(name), "=", percent_encode(value));
    mark = '&';
  }
  return text;
}

void check_target(std::string_view text) {
  const auto read = parse_http_target(text);
  if (!read.ok()) return fuzz::check_refusal(read.status());
  RELIANT_ASSERT(read->path.starts_with('/'), "a path begins with a slash");
  RELIANT_ASSERT(read->path.find('\0') == std::string::npos, "no NUL comes out of a path");
  const auto again = parse_http_target(target_of(*read));
  RELIANT_ASSERT(again.ok() && again->path == read->path, "a path is read back");
  RELIANT_ASSERT(again->query == read->query, "a query is read back");
}

void check_encoded(std::string_view text) {
  const std::string encoded = percent_encode(text);
  RELIANT_ASSERT(encoded.size() <= 3 * text.size(), "a byte becomes three at most");
  const auto read = parse_http_target(concat("/", encoded, "?a=", encoded));
  RELIANT_ASSERT(read.ok() == (text.find('\0') == std::string_view::npos), "%00 is refused, and nothing else");
  if (!read.ok()) return;
  RELIANT_ASSERT(read->path == concat("/", text), "an encoded path is decoded");
  RELIANT_ASSERT(read->query.size() == 1 && read->query[0].second == text, "an encoded value is decoded");
}

void check_words(std::string_view text) {
  const std::string network = network_of_peer(text);
  RELIANT_ASSERT(network.size() <= std::max<std::size_t>(text.size(), 48), "a network's name is short");
  const auto [name, value] = fuzz::split_at_line(text);
  if (valid_header(name, value)) {
    RELIANT_ASSERT(concat(name, value).find_first_of("\r\n") == std::string::npos, "a header is one line");
  }
  std::size_t bytes = 0;
  for (const std::string_view part : split_at_commas(text)) bytes += part.size();
  RELIANT_ASSERT(bytes <= text.size(), "the parts of a list are in it");
}

}  // namespace
}  // namespace reliant

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reliant::fuzz::text_of(data, size);
  reliant::check_host_port(text);
  reliant::check_url(text);
  reliant::check_target(text);
  reliant::check_encoded(text);
  reliant::check_words(text);
  return 0;
}
