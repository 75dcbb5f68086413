// JSON of messages, as chats store and show it, and the payloads between the chat workflow and its activities. The first byte
// chooses, the rest is the JSON.
#include <string>

#include "base/json.h"
#include "fuzz_input.h"
#include "model/message.h"
#include "workflow/chat_activities.h"

namespace reliant {
namespace {

void check_value(std::string_view text) {
  const auto value = parse_json(text);
  if (!value.ok()) return fuzz::check_refusal(value.status());
  const auto again = parse_json(to_json(*value));
  RELIANT_ASSERT(again.ok() && again->kind() == value->kind(), "JSON that was written can be read");
}

void check_content(std::string_view text) {
  const auto value = parse_json(text);
  if (!value.ok()) return fuzz::check_refusal(value.status());
  const auto content = model::content_from_json(*value);
  if (!content.ok()) {
    RELIANT_ASSERT(field_of(content.status()).starts_with("content"), "an error names its field");
    return;
  }
  const auto written = model::content_from_json(model::to_json(*content));
  RELIANT_ASSERT(written.ok(), "content that was written can be read");
  RELIANT_ASSERT(model::to_json(*written) == model::to_json(*content), "it is read back");
  RELIANT_ASSERT(model::text_of(*written) == model::text_of(*content), "its text is read back");
}

template <class T>
void check_payload(std::string_view text) {
  const auto read = workflow::from_json_text<T>(text);
  if (!read.ok()) return fuzz::check_json_refusal(read.status());
  const auto again = workflow::from_json_text<T>(workflow::to_json_text(*read));
  RELIANT_ASSERT(again.ok() && *again == *read, "a payload is read back");
}

}  // namespace
}  // namespace reliant

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reliant;
  if (size == 0) return 0;
  const std::string_view text = fuzz::text_of(data + 1, size - 1);
  using Check = void (*)(std::string_view);
  constexpr Check kChecks[] = {&check_value,
                               &check_content,
                               &check_payload<workflow::MessageSignal>,
                               &check_payload<workflow::ChatInput>,
                               &check_payload<workflow::CallModelInput>,
                               &check_payload<workflow::CallModelOutput>,
                               &check_payload<workflow::RunToolInput>,
                               &check_payload<workflow::RunToolOutput>,
                               &check_payload<workflow::FinishTurnInput>,
                               &check_payload<workflow::ChatState>};
  kChecks[data[0] % std::size(kChecks)](text);
  return 0;
}
