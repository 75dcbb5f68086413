#include "base/url.h"

#include <charconv>
#include <optional>

#include <boost/url/encode.hpp>
#include <boost/url/ipv6_address.hpp>
#include <boost/url/pct_string_view.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

namespace reliant {

namespace urls = boost::urls;

namespace {

enum class Plus : std::uint8_t { kItself, kBlank };

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  const auto encoded = urls::make_pct_string_view(text);
  if (!encoded) return invalid_argument("\"%\" must be followed by two hexadecimal digits in \"", text, "\"");
  urls::encoding_opts options;
  options.space_as_plus = plus == Plus::kBlank;
  std::string out = encoded->decode(options);
  if (out.find('\0') != std::string::npos) return invalid_argument("%00 is not allowed in \"", text, "\"");
  return out;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return port;
}

// Splits "host", "host:port" or "[v6]:port". The port is empty when there is no colon.
struct Authority {
  std::string_view host;
  std::optional<std::string_view> port;
};

Result<Authority> split_authority(std::string_view text) {
  Authority parts{text, std::nullopt};
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return invalid_argument("\"", text, "\" has a \"[\" without a \"]\"");
    parts.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && text[0] != ':') return invalid_argument("after \"]\" only \":port\" may follow");
    if (!text.empty()) parts.port = text.substr(1);
    if (!urls::parse_ipv6_address(parts.host)) return invalid_argument("\"", parts.host, "\" is no IPv6 address");
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    parts.host = text.substr(0, colon);
    parts.port = text.substr(colon + 1);
  }
  for (const char c : parts.host) {
    if (!urls::unreserved_chars(c) && c != ':') return invalid_argument("\"", parts.host, "\" is no host name");
  }
  return parts;
}

}  // namespace

std::string HostPort::str() const {
  const bool v6 = host.find(':') != std::string::npos;
  return v6 ? concat('[', host, "]:", port) : concat(host, ':', port);
}

Result<HostPort> parse_host_port(std::string_view text) {
  TRY_ASSIGN(const Authority parts, split_authority(text));
  const auto port = parts.port ? parse_port(*parts.port) : std::nullopt;
  if (!port) {
    return invalid_argument("\"", text, "\" is no address; write host:port with a port from 0 to 65535");
  }
  return HostPort{std::string(parts.host), *port};
}

Result<HttpUrl> parse_http_url(std::string_view url) {
  const auto bad = [&](std::string_view why) { return invalid_argument("bad URL \"", url, "\": ", why); };
  for (const char c : url) {
    if (c <= ' ' || c == 0x7f) return bad("it holds a blank, a control character or a byte above 127");
  }
  HttpUrl out;
  std::string_view rest = url;
  if (to_lower(rest.substr(0, 7)) == "http://") {
    rest.remove_prefix(7);
  } else if (to_lower(rest.substr(0, 8)) == "https://") {
    rest.remove_prefix(8);
    out.secure = true;
  } else {
    return bad("it must start with http:// or https://");
  }
  rest = rest.substr(0, rest.find('#'));
  const std::size_t authority_end = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, authority_end);
  if (authority.find('@') != std::string_view::npos) {
    return bad("a user name in it is not supported; send an authorization header");
  }
  const Result<Authority> parts = split_authority(authority);
  if (!parts.ok()) return bad(message_of(parts.status()));
  if (parts->host.empty()) return bad("it has no host");
  out.server.host = parts->host;
  out.server.port = out.secure ? 443 : 80;
  if (parts->port) {
    const auto port = parse_port(*parts->port);
    if (!port || *port == 0) return bad("the port must be a number from 1 to 65535");
    out.server.port = *port;
  }
  if (authority_end != std::string_view::npos) out.target = rest.substr(authority_end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

bool is_readable_on_the_way(const HttpUrl& url) {
  const std::string& host = url.server.host;
  return !url.secure && host != "localhost" && host != "::1" && !host.starts_with("127.");
}

Result<HttpTarget> parse_http_target(std::string_view target) {
  std::string absolute;  // RFC 9112, 3.2.2: what a client sends to a proxy, and every server has to take
  if (!target.starts_with('/')) {
    Result<HttpUrl> url = parse_http_url(target);
    if (!url.ok()) return invalid_argument("the target of a request must start with \"/\", or be a URL");
    absolute = std::move(url->target);
    target = absolute;
  }
  const std::size_t mark = target.find('?');
  HttpTarget out;
  TRY_ASSIGN(out.path, percent_decode(target.substr(0, mark), Plus::kItself));
  std::string_view query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    TRY_ASSIGN(std::string name, percent_decode(pair.substr(0, equals), Plus::kBlank));
    std::string value;
    if (equals != std::string_view::npos) {
      TRY_ASSIGN(value, percent_decode(pair.substr(equals + 1), Plus::kBlank));
    }
    out.query.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

std::string percent_encode(std::string_view text) { return urls::encode(text, urls::unreserved_chars); }

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool valid_header(std::string_view name, std::string_view value) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  if (name.empty()) return false;
  for (const char c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word && kMarks.find(c) == std::string_view::npos) return false;
  }
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

}  // namespace reliant
