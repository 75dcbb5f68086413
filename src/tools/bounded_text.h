// What a tool tells the model is bounded: a megabyte of log would cost the whole turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reliant::tools {

// Keeps the beginning and the end of a text and says what is missing between them. Valid UTF-8 in, valid
// UTF-8 out.
class HeadAndTail {
 public:
  explicit HeadAndTail(std::size_t limit) : half_(limit / 2) {}
  void add(std::string_view text);
  std::string text() const;
  bool empty() const { return head_.empty(); }
  bool ends_with_newline() const { return last_ == '\n'; }

 private:
  std::size_t half_;  // bytes
  std::string head_;
  std::string tail_;
  std::uint64_t cut_bytes_ = 0;
  std::uint64_t cut_lines_ = 0;
  char last_ = '\n';
};

// How many of the first `limit` bytes are whole characters; never 0 for a text that is not empty.
std::size_t whole_characters(std::string_view text, std::size_t limit);

// At most `limit` bytes of a line of a file, as text, cut between two characters, with a note of how much is missing. The
// rest of the line, which may be the whole file, is not copied.
std::string shortened(std::string_view line, std::size_t limit);

}  // namespace reliant::tools
