#include "model/update.h"

namespace reliant::model {
namespace {

constexpr std::string_view kKinds[] = {"message",       "message_chunk", "tool_started", "tool_output",
                                       "tool_finished", "model_retry",   "status"};
constexpr std::string_view kStatuses[] = {"idle", "running", "failed", "cancelled"};

template <class Enum, std::size_t N>
Enum from(const std::string_view (&words)[N], std::string_view word, Enum fallback) {
  for (std::size_t i = 0; i < N; ++i)
    if (words[i] == word) return static_cast<Enum>(i);
  return fallback;
}

}  // namespace

std::string_view to_string(UpdateKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
UpdateKind update_kind_from(std::string_view word) { return from(kKinds, word, UpdateKind::kStatus); }
std::string_view to_string(ChatStatus status) { return kStatuses[static_cast<std::size_t>(status)]; }
ChatStatus chat_status_from(std::string_view word) { return from(kStatuses, word, ChatStatus::kFailed); }

}  // namespace reliant::model
