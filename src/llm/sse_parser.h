// SseParser: server-sent events out of a stream of bytes that comes in any pieces. Fields `event`, `data` and `id`;
// lines end with LF, CRLF or CR; comments and unknown fields are skipped, as the standard says.
//
// A plain value. RESOURCE_EXHAUSTED: an event is larger than the limit; the parser is then of no further use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace reliant::llm {

struct SseEvent {
  std::string event;  // "" is what the standard calls "message"
  std::string data;   // lines joined with LF
  std::string id;     // the last one seen

  friend bool operator==(const SseEvent&, const SseEvent&) = default;
};

class SseParser {
 public:
  explicit SseParser(std::size_t max_event = 4 * 1024 * 1024) : max_event_(max_event) {}

  // Appends the events that `bytes` completes. An event at the end of the stream that no empty line follows is none.
  Status feed(std::string_view bytes, std::vector<SseEvent>& events);

 private:
  void end_line(std::vector<SseEvent>& events);

  std::size_t max_event_;
  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;   // an LF that comes now belongs to the line before
  bool first_line_ = true;  // may begin with a byte order mark
};

}  // namespace reliant::llm
