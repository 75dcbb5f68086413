#include "adapters/beast/beast_http_server_head.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/split.h"
#include "base/text.h"
#include "base/url.h"

namespace reliant::adapters {
namespace {

namespace http = boost::beast::http;
using Refusal = ServerConnection::Refusal;
using Head = http::request<http::string_body>;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> lines_of(const Head& head, http::field name) {
  std::vector<std::string_view> out;
  const auto [first, last] = head.equal_range(name);
  for (auto line = first; line != last; ++line) out.push_back(trimmed(view(line->value())));
  return out;
}

// "chunked" is the last coding and the only one of its name: the body's end is known, what is in it is not.
bool only_unknown_codings(std::string_view value) {
  const std::vector<std::string_view> codings = split_at_commas(value);
  const auto is_chunked = [](std::string_view coding) { return to_lower(trimmed(coding)) == "chunked"; };
  return !codings.empty() && is_chunked(codings.back()) && std::ranges::count_if(codings, is_chunked) == 1;
}

std::optional<Refusal> check_transfer_encoding(const RequestParser& parser) {
  const Head& head = parser.get();
  const std::vector<std::string_view> lines = lines_of(head, http::field::transfer_encoding);
  if (lines.empty()) return std::nullopt;
  if (head.version() < 11) return Refusal{400, "an HTTP/1.0 request has no transfer-encoding; send a content-length"};
  if (lines.size() > 1) return Refusal{400, "the request has several transfer-encoding headers; send one, \"chunked\""};
  if (to_lower(lines[0]) == "chunked" && parser.chunked()) return std::nullopt;
  const std::string why =
      concat("the transfer-encoding \"", lines[0], "\" is not supported; send \"chunked\" or a content-length");
  return Refusal{only_unknown_codings(lines[0]) ? 501 : 400, why};
}

std::optional<Refusal> check_content_length(const Head& head) {
  const std::vector<std::string_view> lines = lines_of(head, http::field::content_length);
  if (lines.empty()) return std::nullopt;
  if (head.find(http::field::transfer_encoding) != head.end())
    return Refusal{400, "the request has a content-length and a transfer-encoding; send one of them"};
  if (lines.size() > 1) return Refusal{400, "the request has several content-length headers; send one"};
  if (lines[0].empty() || lines[0].find_first_not_of("0123456789") != std::string_view::npos)
    return Refusal{400, concat("the content-length \"", lines[0], "\" is not a number of bytes")};
  return std::nullopt;
}

// uri-host [ ":" port ] of RFC 3986, without the comma that joins several hosts in one line.
bool can_be_host(std::string_view text) {
  constexpr std::string_view kMarks = "-._~%!$&'()*+;=:[]";
  return std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::optional<Refusal> check_host(const Head& head) {
  const std::vector<std::string_view> lines = lines_of(head, http::field::host);
  if (lines.empty() && head.version() >= 11) return Refusal{400, "an HTTP/1.1 request must have a host header"};
  if (lines.size() > 1) return Refusal{400, "the request has several host headers; send one"};
  if (!lines.empty() && !can_be_host(lines[0])) return Refusal{400, concat("the host \"", lines[0], "\" is no host and port")};
  return std::nullopt;
}

}  // namespace

std::variant<Refusal, ServerConnection::Incoming> incoming_of_head(const RequestParser& parser) {
  const Head& head = parser.get();
  if (auto refusal = check_transfer_encoding(parser)) return *std::move(refusal);
  if (auto refusal = check_content_length(head)) return *std::move(refusal);
  if (auto refusal = check_host(head)) return *std::move(refusal);
  Result<HttpTarget> target = parse_http_target(view(head.target()));
  if (!target.ok()) return Refusal{400, std::string(message_of(target.status()))};
  ServerConnection::Incoming incoming;
  incoming.keep_alive = head.keep_alive();
  incoming.chunks_allowed = head.version() >= 11;
  ports::HttpServerRequest& request = incoming.request;
  request.method = view(head.method_string());
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  for (const auto& field : head) {
    const std::string name = to_lower(view(field.name_string()));
    std::string& value = request.headers[name];
    if (!value.empty()) value += name == "cookie" ? "; " : ", ";
    value += view(field.value());
  }
  return incoming;
}

}  // namespace reliant::adapters
