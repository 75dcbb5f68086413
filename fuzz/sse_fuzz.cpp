// Server-sent events from arbitrary bytes: the first byte is the place at which the rest is cut in two, which must not matter.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "llm/openai_messages.h"
#include "llm/sse_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using reliant::llm::SseEvent;
  using reliant::llm::SseParser;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = bytes.empty() ? 0 : data[0] % (bytes.size() + 1);
  SseParser whole;
  SseParser halves;
  std::vector<SseEvent> events;
  std::vector<SseEvent> same;
  RELIANT_ASSERT(whole.feed(bytes, events).ok(), "small events are taken");
  RELIANT_ASSERT(halves.feed(bytes.substr(0, cut), same).ok(), "small events are taken");
  RELIANT_ASSERT(halves.feed(bytes.substr(cut), same).ok(), "small events are taken");
  RELIANT_ASSERT(events == same, "where a stream is cut does not matter");
  reliant::llm::OpenAiAnswer answer(1024 * 1024);
  for (const SseEvent& event : events) {
    if (!answer.add(event.data).ok()) return 0;
  }
  (void)answer.finish();
  return 0;
}
