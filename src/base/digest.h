// SHA-256 for token hashes, request ids (C7) and output digests; hex in lower case.
#pragma once

#include <string>
#include <string_view>

namespace reliant {

std::string sha256_hex(std::string_view bytes);  // 64 characters

}  // namespace reliant
