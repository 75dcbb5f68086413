#include "runtime/random.h"

namespace reliant {

void Random::fill(std::span<std::byte> bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % sizeof(word) == 0) word = next();
    bytes[i] = static_cast<std::byte>(word & 0xff);
    word >>= 8;
  }
}

std::string Random::hex(std::size_t digits) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kDigitsInWord = 16;
  std::string text;
  text.reserve(digits);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (i % kDigitsInWord == 0) word = next();
    text.push_back(kDigits[word & 0xf]);
    word >>= 4;
  }
  return text;
}

}  // namespace reliant
