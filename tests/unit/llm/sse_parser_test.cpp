#include "llm/sse_parser.h"

#include <gtest/gtest.h>

namespace reliant::tests {
namespace {

using llm::SseEvent;
using llm::SseParser;

std::vector<SseEvent> parse(std::initializer_list<std::string_view> pieces) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (const std::string_view piece : pieces) EXPECT_TRUE(parser.feed(piece, events).ok());
  return events;
}

TEST(SseParser, ReadsFieldsAndSkipsWhatItDoesNotKnow) {
  const auto events =
      parse({"\xef\xbb\xbf: hello\nevent: greeting\nid: 7\nretry: 10\nnonsense\ndata: one\ndata:two\n\n"
             "data:  three\n\n"});
  const std::vector<SseEvent> wanted = {{"greeting", "one\ntwo", "7"}, {"", " three", "7"}};
  EXPECT_EQ(events, wanted);
}

TEST(SseParser, TakesEveryKindOfLineEnd) {
  const std::vector<SseEvent> wanted = {{"", "a\nb", ""}, {"", "c", ""}};
  EXPECT_EQ(parse({"data:a\ndata:b\n\ndata:c\n\n"}), wanted);
  EXPECT_EQ(parse({"data:a\r\ndata:b\r\n\r\ndata:c\r\n\r\n"}), wanted);
  EXPECT_EQ(parse({"data:a\rdata:b\r\rdata:c\r\r"}), wanted);
}

TEST(SseParser, GivesNoEventWithoutDataOrWithoutItsEnd) {
  EXPECT_TRUE(parse({"event: x\n\n\n\nid: 4\n\n"}).empty());
  EXPECT_TRUE(parse({"data: x\n"}).empty());
  EXPECT_EQ(parse({"data\n\n"}), (std::vector<SseEvent>{{"", "", ""}}));
}

TEST(SseParser, IsTheSameSplitAtAnyByte) {
  const std::string stream =
      "\xef\xbb\xbf"
      "event: e\r\nid: 1\r\ndata: {\"x\":\"\xc3\xbc\"}\r\ndata: more\r\n\r\n: ping\n\ndata: [DONE]\n\n";
  const auto whole = parse({stream});
  ASSERT_EQ(whole.size(), 2u);
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    EXPECT_EQ(parse({std::string_view(stream).substr(0, at), std::string_view(stream).substr(at)}), whole) << at;
  }
}

TEST(SseParser, RefusesAnEventWithoutAnEnd) {
  SseParser parser(100);
  std::vector<SseEvent> events;
  EXPECT_TRUE(parser.feed("data: " + std::string(60, 'x') + "\n", events).ok());
  EXPECT_EQ(parser.feed("data: " + std::string(60, 'x') + "\n", events).code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace reliant::tests
