#include "app/chat_list.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>

#include "base/text.h"
#include "base/utf8.h"

namespace reliant::app {
namespace {

constexpr std::size_t kTitleBytes = 60;
constexpr std::size_t kAgeWidth = 5;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

}  // namespace

std::string age_of(const std::string& created_at, WallTime now) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (std::sscanf(created_at.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) != 6) return "?";
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok()) return "?";
  const auto created =
      std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  const auto age = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()) - created.time_since_epoch();
  const std::int64_t seconds = std::max<std::int64_t>(0, age.count());
  if (seconds < 60) return concat(seconds, "s");
  if (seconds < 60 * 60) return concat(seconds / 60, "m");
  if (seconds < 24 * 60 * 60) return concat(seconds / (60 * 60), "h");
  return concat(seconds / (24 * 60 * 60), "d");
}

std::string chat_table(const std::vector<ChatLine>& chats, WallTime now) {
  if (chats.empty()) return "";
  std::size_t id = 2;
  std::size_t status = 6;
  for (const ChatLine& chat : chats) {
    id = std::max(id, chat.id.size());
    status = std::max(status, chat.status.size());
  }
  std::string out;
  const auto add = [&](const ChatLine& chat, std::string age) {
    std::string line = concat(padded(chat.id, id), "  ", padded(chat.status, status), "  ", padded(std::move(age), kAgeWidth),
                              "  ", chat.title);
    line.erase(line.find_last_not_of(' ') + 1);
    append(out, concat(line, "\n"));
  };
  add({.id = "ID", .status = "STATUS", .created_at = "", .title = "TITLE"}, "AGE");
  for (const ChatLine& chat : chats) add(chat, age_of(chat.created_at, now));
  return out;
}

std::string title_of(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  text.remove_prefix(begin);
  const std::string line = text_from_bytes(text.substr(0, text.find_first_of("\r\n")));
  if (line.size() <= kTitleBytes) return line;
  return concat(std::string_view(line).substr(0, character_start(line, kTitleBytes)), "…");
}

}  // namespace reliant::app
