#include "daemon/credentials.h"

#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace reliant::daemon {
namespace {

constexpr std::size_t kLargest = 64 * 1024;
constexpr std::uint32_t kPrivate = 0600;

std::int64_t milliseconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

std::optional<Credentials> credentials_from(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed.ok()) return std::nullopt;
  JsonReader reader(*parsed);
  Credentials credentials;
  credentials.daemon = DaemonId(reader.required_string("daemon_id"));
  credentials.user = UserId(reader.required_string("user_id"));
  credentials.token = reader.required_string("token");
  if (const auto recovered = reader.optional_int("recovered_at_ms"))
    credentials.recovered_at = WallTime(std::chrono::milliseconds(*recovered));
  if (!reader.finish().ok() || credentials.token.empty()) return std::nullopt;
  return credentials;
}

}  // namespace

std::string to_text(const Credentials& credentials) {
  json::object object;
  object["daemon_id"] = credentials.daemon.str();
  object["user_id"] = credentials.user.str();
  object["token"] = credentials.token;
  if (credentials.recovered_at) object["recovered_at_ms"] = milliseconds_of(*credentials.recovered_at);
  return concat(to_json(object), "\n");
}

Task<Result<std::optional<Credentials>>> CredentialsFile::read() { return read_from(path_); }

Task<Result<std::optional<Credentials>>> CredentialsFile::read_from(std::string path) {
  const auto text = co_await filesystem_.read(std::move(path), kLargest);
  if (text.ok()) co_return credentials_from(*text);
  // Too large to be ours is as good as none; a disk that fails is another matter.
  const StatusCode code = text.status().code();
  if (code == StatusCode::kNotFound || code == StatusCode::kResourceExhausted) co_return std::optional<Credentials>();
  co_return text.status();
}

Task<Status> CredentialsFile::write(Credentials credentials) {
  CO_TRY_OK(co_await filesystem_.make_directories(path_.substr(0, path_.rfind('/'))));
  co_return co_await filesystem_.write(path_, to_text(credentials), kPrivate);
}

Task<Status> CredentialsFile::replace(Credentials credentials) {
  CO_TRY_ASSIGN(std::string old, co_await filesystem_.read(path_, kLargest));
  CO_TRY_OK(co_await filesystem_.write(retired_path(), std::move(old), kPrivate));
  co_return co_await write(std::move(credentials));
}

Task<Status> CredentialsFile::retire() {
  const Status moved = co_await filesystem_.rename(path_, retired_path());
  co_return moved.code() == StatusCode::kNotFound ? ok_status() : moved;
}

Task<bool> CredentialsFile::has_retired() { co_return (co_await filesystem_.info(retired_path())).ok(); }

Task<std::optional<WallTime>> CredentialsFile::last_recovery() {
  for (const std::string& path : {path_, retired_path()}) {
    const auto kept = co_await read_from(path);
    if (kept.ok() && *kept && (*kept)->recovered_at) co_return (*kept)->recovered_at;
  }
  co_return std::nullopt;
}

}  // namespace reliant::daemon
