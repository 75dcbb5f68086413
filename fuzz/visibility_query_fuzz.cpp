// Queries of workflow lists, applied to two runs.
#include "fuzz_input.h"
#include "temporal/engine/visibility_query.h"

namespace {

constexpr std::size_t kLongestText = 4096;  // whose literal is well below the limit of a query

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reliant;
  using namespace reliant::temporal::engine;
  const std::string_view text = fuzz::text_of(data, size);
  const auto query = VisibilityQuery::parse(text);
  if (query.ok()) {
    const VisibleRun running{"r1", "w1", "Chat", "chats", 1, 1'000, 2'000, kNotClosed};
    const VisibleRun closed{"r2", "w2", "Chat", "chats", 2, 1'500, 1'500, 3'000};
    RELIANT_ASSERT(!(query->before(running, closed) && query->before(closed, running)), "an order has one direction");
    RELIANT_ASSERT(!query->before(running, running), "nothing comes before itself");
    RELIANT_ASSERT(!(query->only_running() && query->matches(closed)), "a query of running ones matches no closed one");
    RELIANT_ASSERT(!(query->only_closed() && query->matches(running)), "a query of closed ones matches no running one");
  } else {
    fuzz::check_refusal(query.status());
  }
  if (size > kLongestText) return 0;
  const VisibleRun named{std::string(text), "w", "Chat", "chats", 1, 0, 0, kNotClosed};
  const auto by_name = VisibilityQuery::parse(concat("RunId = ", quoted(text)));
  RELIANT_ASSERT(by_name.ok() && by_name->matches(named), "a quoted text stands for itself");
  return 0;
}
