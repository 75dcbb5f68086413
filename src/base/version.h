#pragma once

#include <string_view>

namespace reliant {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace reliant
