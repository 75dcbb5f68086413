#include "llm/sse_parser.h"

#include <utility>

namespace reliant::llm {

Status SseParser::feed(std::string_view bytes, std::vector<SseEvent>& events) {
  for (const char c : bytes) {
    if (std::exchange(after_cr_, false) && c == '\n') continue;
    if (c == '\n' || c == '\r') {
      after_cr_ = c == '\r';
      end_line(events);
      continue;
    }
    line_ += c;
    if (line_.size() + event_.data.size() > max_event_) {
      return resource_exhausted("a server-sent event is larger than ", max_event_, " bytes");
    }
  }
  return ok_status();
}

void SseParser::end_line(std::vector<SseEvent>& events) {
  std::string_view line = line_;
  if (std::exchange(first_line_, false) && line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.empty()) {
    if (has_data_) events.push_back(event_);
    event_.event.clear();
    event_.data.clear();
    has_data_ = false;
  } else if (line[0] != ':') {
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (name == "data") {
      if (std::exchange(has_data_, true)) event_.data += '\n';
      event_.data += value;
    } else if (name == "event") {
      event_.event = value;
    } else if (name == "id" && value.find('\0') == std::string_view::npos) {
      event_.id = value;
    }
  }
  line_.clear();
}

}  // namespace reliant::llm
