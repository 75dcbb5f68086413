// Code points of valid UTF-8: what CEL counts and cuts by.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reliant::expr {

std::size_t character_count(std::string_view text);
std::u32string characters_of(std::string_view text);
void append_character(std::string& out, char32_t character);
std::string text_of(std::u32string_view characters);

}  // namespace reliant::expr
