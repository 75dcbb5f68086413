#include "auth/token.h"

#include "base/text.h"

namespace reliant::auth {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::string_view kBearer = "Bearer ";

}  // namespace

std::string make_token(const std::array<std::byte, kTokenBytes>& random) {
  std::string token(kTokenPrefix);
  for (const std::byte byte : random) {
    token.push_back(kDigits[std::to_integer<std::size_t>(byte >> 4)]);
    token.push_back(kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})]);
  }
  return token;
}

Result<std::string> parse_token(std::string_view bearer) {
  if (bearer.starts_with(kBearer)) bearer.remove_prefix(kBearer.size());
  if (bearer.empty())
    return with_reason(unauthenticated("no token; send the header \"authorization: Bearer ", kTokenPrefix, "...\""),
                       kReasonTokenInvalid);
  const bool form = bearer.size() == kTokenPrefix.size() + 2 * kTokenBytes && bearer.starts_with(kTokenPrefix) &&
                    bearer.substr(kTokenPrefix.size()).find_first_not_of(kDigits) == std::string_view::npos;
  if (!form)
    return with_reason(unauthenticated("not a token: it is ", kTokenPrefix, " and ", 2 * kTokenBytes, " hexadecimal digits"),
                       kReasonTokenInvalid);
  return std::string(bearer);
}

}  // namespace reliant::auth
