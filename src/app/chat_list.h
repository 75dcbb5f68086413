// The list of chats as a person reads it in a terminal: a table with a line for each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/time.h"

namespace reliant::app {

struct ChatLine {
  std::string id;
  std::string status;
  std::string created_at;  // RFC 3339, UTC, as the api writes it
  std::string title;
};

// Columns as wide as what is in them: ID, STATUS, AGE, TITLE. "" without chats.
std::string chat_table(const std::vector<ChatLine>& chats, WallTime now);

// "40s", "12m", "5h", "3d"; "?" for a time that cannot be read. One in the future is 0s old.
std::string age_of(const std::string& created_at, WallTime now);

// Of a new chat: the first line of its first message, shortened.
std::string title_of(std::string_view text);

}  // namespace reliant::app
