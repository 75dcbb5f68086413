#include "adapters/nats/nats_bus_message.h"

#include <cstdlib>
#include <memory>

namespace reliant::adapters {

namespace {

constexpr std::string_view kEncodedValue = "=%";
constexpr std::string_view kHexDigits = "0123456789abcdef";

struct MessageDeleter {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};

}  // namespace

std::string nats_header_value(std::string value) {
  constexpr std::string_view kBlank = " \t";
  const bool plain = !value.empty() && kBlank.find(value.front()) == std::string_view::npos &&
                     kBlank.find(value.back()) == std::string_view::npos && !value.starts_with(kEncodedValue) &&
                     value.find('\0') == std::string::npos;
  if (plain) return value;
  std::string out(kEncodedValue);
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

// What others have sent and only looks like ours stays as it is.
std::string value_of_nats_header(std::string_view header) {
  if (!header.starts_with(kEncodedValue) || header.size() % 2 != 0) return std::string(header);
  std::string out;
  for (std::size_t i = kEncodedValue.size(); i < header.size(); i += 2) {
    const std::size_t high = kHexDigits.find(header[i]);
    const std::size_t low = kHexDigits.find(header[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::string(header);
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

ports::BusMessage taken(natsMsg* message) {
  ports::BusMessage out;
  out.subject = natsMsg_GetSubject(message);
  if (const char* reply = natsMsg_GetReply(message)) out.reply_to = reply;
  out.payload.assign(natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message)));
  const char** keys = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(message, &keys, &count) != NATS_OK) return out;
  for (int i = 0; i < count; ++i) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(message, keys[i], &value) == NATS_OK) out.headers.emplace(keys[i], value_of_nats_header(value));
  }
  std::free(static_cast<void*>(keys));
  return out;
}

natsStatus publish(natsConnection* connection, const ports::BusMessage& message) {
  const char* reply = message.reply_to.empty() ? nullptr : message.reply_to.c_str();
  const int size = static_cast<int>(message.payload.size());
  if (message.headers.empty())
    return reply == nullptr
               ? natsConnection_Publish(connection, message.subject.c_str(), message.payload.data(), size)
               : natsConnection_PublishRequest(connection, message.subject.c_str(), reply, message.payload.data(), size);
  natsMsg* raw = nullptr;
  natsStatus status = natsMsg_Create(&raw, message.subject.c_str(), reply, message.payload.data(), size);
  const std::unique_ptr<natsMsg, MessageDeleter> made(raw);
  for (const auto& [name, value] : message.headers)
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, name.c_str(), value.c_str());
  return status == NATS_OK ? natsConnection_PublishMsg(connection, raw) : status;
}

}  // namespace reliant::adapters
