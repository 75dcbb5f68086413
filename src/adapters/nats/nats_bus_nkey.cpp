#include "adapters/nats/nats_bus_nkey.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace reliant::adapters {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSeedBytes = 2 + kKeyBytes + 2;  // prefixes, key, CRC
constexpr std::size_t kSeedLetters = 58;
// The prefixes of the format, in the five bits that become the first letter.
constexpr unsigned kSeed = 18U << 3;  // 'S'
constexpr unsigned kUser = 20U << 3;  // 'U'

std::string encode_base32(std::string_view bytes) {
  std::string out;
  unsigned bits = 0;
  unsigned have = 0;
  for (const char byte : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(byte);
    for (have += 8; have >= 5; have -= 5) out += kAlphabet[(bits >> (have - 5)) & 31U];
    bits &= (1U << have) - 1;
  }
  if (have > 0) out += kAlphabet[(bits << (5 - have)) & 31U];
  return out;
}

std::optional<std::string> decode_base32(std::string_view text) {
  std::string out;
  unsigned bits = 0;
  unsigned have = 0;
  for (const char letter : text) {
    const std::size_t value = kAlphabet.find(letter);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 5U) | static_cast<unsigned>(value);
    have += 5;
    if (have < 8) continue;
    have -= 8;
    out += static_cast<char>((bits >> have) & 255U);
    bits &= (1U << have) - 1;
  }
  return out;
}

// CRC-16/XMODEM.
unsigned crc_of(std::string_view bytes) {
  unsigned crc = 0;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U;
    for (int bit = 0; bit < 8; ++bit) crc = ((crc << 1U) ^ ((crc & 0x8000U) != 0 ? 0x1021U : 0U)) & 0xffffU;
  }
  return crc;
}

std::string with_crc(std::string bytes) {
  const unsigned crc = crc_of(bytes);
  bytes += static_cast<char>(crc & 255U);
  bytes += static_cast<char>(crc >> 8U);
  return bytes;
}

std::string_view seed_line(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
    if (line.starts_with("SU")) return line;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return {};
}

Result<std::string> public_key_of(std::string_view private_key) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(private_key.data()),
                                   private_key.size()),
      &EVP_PKEY_free);
  std::array<unsigned char, kKeyBytes> bytes{};
  std::size_t size = bytes.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1 || size != bytes.size())
    return internal_error("OpenSSL makes no Ed25519 key of the seed");
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

Result<std::string> nats_nkey(std::string_view text) {
  const std::string_view line = seed_line(text);
  if (line.empty()) return invalid_argument("it has no line that begins with SU, as the seed of a user's NKey does");
  const auto bytes = decode_base32(line);
  if (line.size() != kSeedLetters || !bytes || bytes->size() != kSeedBytes ||
      with_crc(bytes->substr(0, kSeedBytes - 2)) != *bytes)
    return invalid_argument("its seed is damaged: the length or the checksum is wrong");
  const auto first = static_cast<unsigned char>((*bytes)[0]);
  const auto second = static_cast<unsigned char>((*bytes)[1]);
  const unsigned kind = ((first & 7U) << 5U) | (second >> 3U);
  if ((first & 0xf8U) != kSeed || kind != kUser) return invalid_argument("its seed is not that of a user");
  TRY_ASSIGN(const std::string key, public_key_of(std::string_view(*bytes).substr(2, kKeyBytes)));
  return encode_base32(with_crc(static_cast<char>(kUser) + key));
}

Result<std::string> read_nats_nkey(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string content((std::istreambuf_iterator<char>(in)), {});
  if (!in.good() && content.empty()) return invalid_argument("the file cannot be read");
  return nats_nkey(content);
}

}  // namespace reliant::adapters
