#include "expr/shell_text.h"

#include <algorithm>

#include "base/assert.h"

namespace reliant::expr {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

}  // namespace

void ShellText::give_up(std::string_view reason) {
  if (gave_up_.empty()) gave_up_ = reason;
}

void ShellText::read(std::string_view text) {
  for (const char c : text) {
    const Inside* inside = open_.empty() ? nullptr : &open_.back();
    if (escaped_) {
      escaped_ = false;
      dollar_ = false;
    } else if (inside != nullptr && *inside == Inside::kSingleQuotes) {
      if (c == '\'') open_.pop_back();
    } else if (inside != nullptr && *inside == Inside::kComment) {
      if (c == '\n') open_.pop_back();
    } else if (c == '\\') {
      escaped_ = true;
      dollar_ = false;
    } else if (inside != nullptr && *inside == Inside::kDoubleQuotes) {
      read_double_quoted(c);
    } else {
      read_plain(c);
    }
    if (is_letter(c)) {
      word_.push_back(c);
    } else {
      word_.clear();
    }
    // The branches of a case have a bracket that closes nothing.
    if (word_ == "case" && std::find(open_.begin(), open_.end(), Inside::kCommand) != open_.end()) give_up("after $(… case …)");
    previous_ = c;
  }
}

void ShellText::read_double_quoted(char c) {
  if (c == '"') {
    open_.pop_back();
  } else if (c == '`') {
    open(Inside::kBackquotes);
  } else if (dollar_ && c == '(') {
    open(Inside::kCommand);
  } else if (dollar_ && c == '{') {
    open(Inside::kParameter);
  }
  dollar_ = c == '$';
}

void ShellText::read_plain(char c) {
  const bool in_backquotes = !open_.empty() && open_.back() == Inside::kBackquotes;
  const bool in_parameter = !open_.empty() && open_.back() == Inside::kParameter;
  if (c == '`') {
    if (in_backquotes) {
      open_.pop_back();
    } else {
      open(Inside::kBackquotes);
    }
  } else if ((in_backquotes || in_parameter) && (c == '\'' || c == '"')) {
    give_up("after quotes inside of `…` or ${…}");  // shells differ in how they read them
  } else if (c == '\'') {
    if (dollar_) give_up("after $'…'");  // of bash: a backslash in it is an escape
    open(Inside::kSingleQuotes);
  } else if (c == '"') {
    open(Inside::kDoubleQuotes);
  } else if (dollar_ && c == '{') {
    open(Inside::kParameter);
  } else if (c == '}' && in_parameter) {
    open_.pop_back();
  } else if (in_parameter) {
    if (dollar_ && c == '(') give_up("after $(…) inside of ${…}");
  } else if (c == '(') {
    open(dollar_ ? Inside::kCommand : Inside::kSubshell);
  } else if (c == ')') {
    if (!open_.empty() && !in_backquotes) open_.pop_back();
  } else if (c == '<' && previous_ == '<') {
    give_up("after a here-document (<<)");
  } else if (c == '#' && (is_blank(previous_) || std::string_view(";&|()").find(previous_) != std::string_view::npos)) {
    open(Inside::kComment);
  }
  dollar_ = c == '$';
}

ShellPlace ShellText::place() const {
  if (!reason().empty()) return ShellPlace::kUnclear;
  if (open_.empty() || open_.back() == Inside::kSubshell) return ShellPlace::kPlain;
  return open_.back() == Inside::kSingleQuotes ? ShellPlace::kSingleQuotes : ShellPlace::kDoubleQuotes;
}

std::string_view ShellText::reason() const {
  if (!gave_up_.empty()) return gave_up_;
  if (escaped_) return "after a backslash";
  if (dollar_) return "after a dollar";
  for (const Inside inside : open_) {
    if (inside == Inside::kCommand) return "inside of $(…)";
    if (inside == Inside::kBackquotes) return "inside of `…`";
    if (inside == Inside::kParameter) return "inside of ${…}";
    if (inside == Inside::kComment) return "in a comment";
  }
  return "";
}

std::string shell_quoted(std::string_view text, ShellPlace place) {
  RELIANT_ASSERT(place != ShellPlace::kUnclear, "a value is quoted for a place that is known");
  std::string out;
  if (place == ShellPlace::kDoubleQuotes) {
    for (const char c : text) {
      if (c == '\\' || c == '"' || c == '$' || c == '`') out.push_back('\\');
      out.push_back(c);
    }
    return out;
  }
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out.push_back(c);
    }
  }
  return place == ShellPlace::kPlain ? "'" + out + "'" : out;
}

}  // namespace reliant::expr
