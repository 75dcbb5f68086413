#include "api/quotas.h"

#include <string_view>
#include <utility>

#include "base/text.h"

namespace reliant::api {
namespace {

Status exceeded(std::string_view what, std::int64_t has, std::int64_t most, std::string_view remedy, std::string reason) {
  return with_reason(resource_exhausted("you have ", has, " ", what, ", and may have ", most, "; ", remedy), std::move(reason));
}

bool is_full(std::int64_t has, std::int64_t most) { return most > 0 && has >= most; }

}  // namespace

Task<Status> Quotas::admit(Quota quota, UserId user, Instant deadline) {
  if (quota == Quota::kNone) co_return ok_status();
  const Instant now = clock_.now();
  const auto known = had_room_.find(user);
  const bool sends = quota == Quota::kStoredBytes;
  if (sends && known != had_room_.end() && now - known->second < kBytesKnownFor) co_return ok_status();
  CO_TRY_ASSIGN(const store::Usage usage, co_await store_.usages().of(user, deadline));
  CO_TRY_OK(check(quota, usage));
  if (had_room_.size() >= kManyUsers) had_room_.clear();
  if (sends) had_room_[user] = now;
  co_return ok_status();
}

Status Quotas::check(Quota quota, const store::Usage& usage) const {
  if (quota == Quota::kProjects && is_full(usage.projects, limits_.projects))
    return exceeded("projects", usage.projects, limits_.projects, "delete one first", "LIMIT_PROJECTS");
  if (quota == Quota::kChats && is_full(usage.chats, limits_.chats))
    return exceeded("chats", usage.chats, limits_.chats, "delete one first", "LIMIT_CHATS");
  if (quota == Quota::kTokens && is_full(usage.tokens, limits_.tokens))
    return exceeded("tokens", usage.tokens, limits_.tokens, "revoke one first (DELETE /tokens/{id})", "LIMIT_TOKENS");
  if (quota == Quota::kStoredBytes && is_full(usage.bytes, limits_.stored_bytes))
    return exceeded("bytes stored in chats", usage.bytes, limits_.stored_bytes, "delete chats first", "LIMIT_STORED_BYTES");
  return ok_status();
}

}  // namespace reliant::api
