#include "api/call.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace reliant::api {

ports::HttpServerResponse json_response(int status, const json::object& body) {
  ports::HttpServerResponse response;
  response.status = status;
  response.headers["content-type"] = "application/json";
  response.body = to_json(body);
  return response;
}

ports::HttpServerResponse no_content() {
  ports::HttpServerResponse response;
  response.status = 204;
  return response;
}

Status check_text(std::string_view field, std::string_view text, std::size_t most_bytes, Empty empty) {
  if (text.empty() && empty == Empty::kRefused) {
    return invalid_field(field, concat("field \"", field, "\" is empty; send some text"));
  }
  if (text.size() > most_bytes) {
    return invalid_field(field, concat("field \"", field, "\" is ", text.size(), " bytes long; send at most ", most_bytes));
  }
  if (text.find('\0') != std::string_view::npos) {
    return invalid_field(field, concat("field \"", field, "\" holds the character U+0000; leave it out"));
  }
  return ok_status();
}

Status check_id(std::string_view field, std::string_view text) {
  if (valid_id(text)) return ok_status();
  return invalid_field(field, concat("field \"", field, "\" must be 1 to ", kMaxIdLength, " letters, digits, \"_\" or \"-\""));
}

std::optional<std::string> QueryReader::text(std::string_view name) {
  known_.push_back(name);
  std::optional<std::string> found;
  for (const auto& [key, value] : request_.query) {
    if (key != name) continue;
    if (found && status_.ok()) status_ = invalid_field(name, concat("parameter \"", name, "\" is given twice"));
    found = value;
  }
  return found;
}

std::optional<std::uint64_t> QueryReader::number(std::string_view name) {
  const std::optional<std::string> found = text(name);
  if (!found) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = found->data() + found->size();
  const auto [stopped, error] = std::from_chars(found->data(), end, value);
  if (error == std::errc() && stopped == end && value <= std::numeric_limits<std::int64_t>::max()) return value;
  if (status_.ok()) {
    status_ = invalid_field(name, concat("parameter \"", name, "\" must be a whole number, 0 or more"));
  }
  return std::nullopt;
}

store::PageRequest QueryReader::page() {
  store::PageRequest page;
  page.cursor = text("cursor").value_or("");
  page.limit = static_cast<std::size_t>(number("limit").value_or(page.limit));
  if ((page.limit == 0 || page.limit > store::kMaxPage) && status_.ok()) {
    status_ = invalid_field("limit", concat("parameter \"limit\" must be 1 to ", store::kMaxPage));
  }
  return page;
}

Status QueryReader::finish() {
  for (const auto& [key, value] : request_.query) {
    if (status_.ok() && std::find(known_.begin(), known_.end(), key) == known_.end()) {
      status_ = invalid_field(key, concat("unknown parameter \"", key, "\"; leave it out"));
    }
  }
  return status_;
}

Status check_no_body(const ports::HttpServerRequest& request) {
  if (request.body.empty()) return ok_status();
  TRY_ASSIGN(const json::value body, parse_json(request.body));
  return JsonReader(body).finish();
}

}  // namespace reliant::api
