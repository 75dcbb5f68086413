// The extension `encoders`.
#include <array>

#include "expr/base64.h"
#include "expr/function.h"

namespace reliant::expr {
namespace {

using Arguments = std::span<const Value>;

Value encode(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(2 * a[0].as_bytes().size())) return limit_reached();
  return Value::string(base64_encode(a[0].as_bytes()));
}

Value decode(Arguments a, Budget& budget) {
  if (!budget.spend_bytes(a[0].as_string().size())) return limit_reached();
  auto bytes = base64_decode(a[0].as_string());
  return bytes ? Value::bytes(*std::move(bytes)) : Value::error("base64.decode() of a text that is no base64");
}

constexpr std::array kDeclarations{
    Declaration{"base64.encode(bytes): string", encode},
    Declaration{"base64.decode(string): bytes", decode},
};

}  // namespace

std::span<const Declaration> encoder_declarations() { return kDeclarations; }

}  // namespace reliant::expr
