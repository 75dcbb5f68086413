#include "temporal/payload.h"

namespace reliant::temporal {
namespace {

constexpr std::string_view kEncoding = "encoding";
constexpr std::string_view kJson = "json/plain";
constexpr std::string_view kNull = "binary/null";

}  // namespace

::temporal::api::common::v1::Payload json_payload(std::string_view text) {
  ::temporal::api::common::v1::Payload payload;
  (*payload.mutable_metadata())[std::string(kEncoding)] = std::string(kJson);
  payload.set_data(std::string(text));
  return payload;
}

::temporal::api::common::v1::Payloads json_payloads(std::string_view text) {
  ::temporal::api::common::v1::Payloads payloads;
  if (!text.empty()) *payloads.add_payloads() = json_payload(text);
  return payloads;
}

Result<std::string> json_text(const ::temporal::api::common::v1::Payloads& payloads) {
  if (payloads.payloads().empty()) return std::string();
  const auto& payload = payloads.payloads(0);
  const auto encoding = payload.metadata().find(std::string(kEncoding));
  const std::string_view name = encoding == payload.metadata().end() ? std::string_view() : encoding->second;
  if (name == kJson) return payload.data();
  if (name == kNull) return std::string();
  return invalid_argument("a payload has the encoding \"", name, "\"; send json/plain");
}

}  // namespace reliant::temporal
