#include "auth/key_ring.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/cause.h"
#include "base/finally.h"
#include "runtime/sleep.h"

namespace reliant::auth {
namespace {

constexpr Duration kReadTimeout = std::chrono::seconds(5);  // for one read of the database

std::string hex_of(const std::array<std::byte, kTokenBytes>& secret) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : secret) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{0xf})];
  }
  return text;
}

}  // namespace

KeyRing::KeyRing(Context& context, Clock& clock, EventLog& log, store::SigningKeys& keys, SecretSource& secrets)
    : clock_(clock), log_(log), stored_(keys), secrets_(secrets), scope_(context) {
  scope_.spawn(keep());
}

Task<void> KeyRing::keep() {
  while (true) {
    wanted_.reset();
    ++reads_begun_;
    const Status status = co_await read();
    reads_ended_ = reads_begun_;
    if (!status.ok()) log_.warning("auth.keys.not_read", {{"error", described(status)}});
    was_read_.set();
    was_read_.reset();
    co_await sleep_for(kReadAgain);  // the rate limit of the database's readers (executor timer)
    if (status.ok()) (void)co_await wanted_.wait(after(clock_.now(), kReadEvery - kReadAgain));
  }
}

Task<Status> KeyRing::read() {
  const Instant deadline = after(clock_.now(), kReadTimeout);
  CO_TRY_ASSIGN(auto keys, co_await stored_.list(deadline));
  if (keys.empty() || clock_.wall_now() - keys.back().created_at >= kRotation.every) {
    CO_TRY_ASSIGN(keys, co_await stored_.rotate(hex_of(secrets_.next()), kRotation, deadline));
  }
  keys_ = std::move(keys);
  read_at_ = clock_.now();
  co_return ok_status();
}

bool KeyRing::fresh() const { return !keys_.empty() && clock_.now() - read_at_ < kMaxAge; }

const store::SigningKey* KeyRing::known(std::string_view id) const {
  if (!fresh()) return nullptr;
  const auto key = std::ranges::find(keys_, id, &store::SigningKey::id);
  if (key == keys_.end()) return nullptr;
  const bool over = key->retired_at && clock_.wall_now() - *key->retired_at >= kOverlap;
  return over ? nullptr : &*key;
}

// The newest that every server knows; where none is old enough for that, the newest.
const store::SigningKey* KeyRing::newest() const {
  if (!fresh()) return nullptr;
  const WallTime now = clock_.wall_now();
  for (auto key = keys_.rbegin(); key != keys_.rend(); ++key)
    if (now - key->created_at >= kRotation.known_after && (!key->retired_at || now < *key->retired_at)) return &*key;
  return &keys_.back();
}

Task<Result<store::SigningKey>> KeyRing::current(Instant deadline) {
  const Instant until = std::min(deadline, after(clock_.now(), kReadTimeout));
  while (newest() == nullptr) {
    wanted_.set();
    if (!co_await was_read_.wait(until)) co_return unavailable("the database has not told the signing keys");
  }
  co_return *newest();
}

Task<Result<store::SigningKey>> KeyRing::find(std::string id, Instant deadline) {
  if (const store::SigningKey* key = known(id); key != nullptr) co_return *key;
  if (waiting_ >= kMaxWaiting) co_return unavailable("too many messages with unknown keys wait for the database");
  ++waiting_;
  const Finally leave([this] { --waiting_; });
  wanted_.set();
  const std::uint64_t next = reads_begun_ + 1;  // one that is under way may have begun before the key was there
  const Instant until = std::min(deadline, after(clock_.now(), kReadAgain + 2 * kReadTimeout));
  do {
    if (!co_await was_read_.wait(until)) co_return unavailable("the database has not told the signing keys");
    if (const store::SigningKey* key = known(id); key != nullptr) co_return *key;
  } while (reads_ended_ < next);
  if (!fresh()) co_return unavailable("the database has not told the signing keys");
  co_return not_found("signing key ", id, " does not exist any more, or never did");
}

}  // namespace reliant::auth
