#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "llm/sse_parser.h"

namespace reliant::tests {
namespace {

using llm::SseEvent;
using llm::SseParser;

std::vector<SseEvent> parse(const std::vector<std::string>& pieces) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (const std::string& piece : pieces) RC_ASSERT(parser.feed(piece, events).ok());
  return events;
}

// Streams of the bytes that mean something to the parser, cut anywhere.
rc::Gen<std::vector<std::string>> pieces_of_streams() {
  const auto token = rc::gen::elementOf(std::vector<std::string>{"data", "event", "id", ":", ": ", " ", "x", "\n", "\r", "\r\n",
                                                                 "\n\n", "\xef\xbb\xbf", std::string(1, '\0')});
  const auto piece = rc::gen::map(rc::gen::container<std::vector<std::string>>(token), [](std::vector<std::string> tokens) {
    std::string text;
    for (const std::string& one : tokens) text += one;
    return text;
  });
  return rc::gen::container<std::vector<std::string>>(piece);
}

RC_GTEST_PROP(SseParserProperty, GivesTheSameEventsForAnyChunking, ()) {
  const auto pieces = *pieces_of_streams();
  std::string whole;
  for (const std::string& piece : pieces) whole += piece;
  std::vector<std::string> bytes;
  for (const char byte : whole) bytes.emplace_back(1, byte);
  const auto events = parse({whole});
  RC_ASSERT((parse(pieces) == events));
  RC_ASSERT((parse(bytes) == events));
}

RC_GTEST_PROP(SseParserProperty, ReadsBackWhatWasWritten, ()) {
  const auto line = rc::gen::container<std::string>(rc::gen::inRange<char>(' ', '~'));
  const auto events = *rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(line)));
  const auto end = *rc::gen::elementOf(std::vector<std::string>{"\n", "\r", "\r\n"});
  std::string stream;
  std::vector<SseEvent> wanted;
  for (const auto& lines : events) {
    SseEvent event;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      stream += "data: " + lines[i] + end;
      event.data += (i == 0 ? "" : "\n") + lines[i];
    }
    stream += end;
    wanted.push_back(event);
  }
  RC_ASSERT((parse({stream}) == wanted));
}

}  // namespace
}  // namespace reliant::tests
