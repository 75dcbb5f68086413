#include "app/mains.h"

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "adapters/asio/asio_executor.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/posix/system_clock.h"
#include "app/database_choice.h"
#include "app/options.h"
#include "app/os_secrets.h"
#include "app/report.h"
#include "auth/token.h"
#include "base/json.h"
#include "base/text.h"
#include "model/daemon_kind.h"
#include "runtime/scope.h"
#include "store/store.h"
#include "store/wall_time.h"

namespace reliant::app {
namespace {

constexpr Duration kCommandTimeout = std::chrono::seconds(8);
// A connection that is being made when this is over holds the end up by its own timeout of 5 s.
constexpr Duration kDatabaseTimeout = std::chrono::seconds(3);
constexpr std::int64_t kMostDays = 3650;  // of a token's life

constexpr Flag kPlainFlags[] = {kDbDriverFlag, kDbUrlFlag, kDataDirFlag, kJsonFlag};
constexpr Flag kUserAddFlags[] = {{"--id", "ID", "", "", "the user's id; one that is known already stays as it is"},
                                  kDbDriverFlag,
                                  kDbUrlFlag,
                                  kDataDirFlag,
                                  kJsonFlag};
constexpr Flag kTokenCreateFlags[] = {
    {"--name", "NAME", "", "made by admin", "what the token is for"},
    {"--expires", "DAYS", "", "", "after how many days it expires; without it never"},
    {"--daemon", "ID", "", "", "a daemon's token: it connects that daemon to a gateway, and can do nothing else"},
    kDbDriverFlag,
    kDbUrlFlag,
    kDataDirFlag,
    kJsonFlag};

constexpr Command kCommands[] = {
    {"admin user add", "NAME", 1, 1,
     "Adds a user and shows the id. The name is unique: it may be given wherever a user's id is.", kUserAddFlags},
    {"admin user list", "", 0, 0, "Lists all users, the oldest first.", kPlainFlags},
    {"admin user disable", "USER", 1, 1,
     "Refuses a user's tokens, closes the streams of the user's daemons, and cancels the chats that run. Nothing is deleted.",
     kPlainFlags},
    {"admin user enable", "USER", 1, 1, "Accepts a disabled user's tokens again; the user's daemons connect by themselves.",
     kPlainFlags},
    {"admin token create", "USER", 1, 1, "Makes a personal access token and shows it, this once.", kTokenCreateFlags},
    {"admin token list", "USER", 1, 1, "Lists a user's tokens, the oldest first.", kPlainFlags},
    {"admin token revoke", "USER TOKEN", 2, 2, "Takes a token back, by its id, for good.", kPlainFlags},
};

// One line: an object, or its values with tabs between them.
void show(const json::object& line, bool as_json) {
  std::string text;
  if (as_json) {
    text = to_json(line);
  } else {
    for (const auto& member : line) {
      if (!text.empty()) text += '\t';
      const auto* const word = member.value().if_string();
      text += word == nullptr ? "-" : std::string(word->data(), word->size());
    }
  }
  std::printf("%s\n", text.c_str());
}

json::string words(std::string_view text) { return json::string(text.data(), text.size()); }

json::value time_of(const std::optional<WallTime>& time) {
  return time ? json::value(words(store::rfc3339(*time))) : json::value(nullptr);
}

json::object line_of(const store::User& user) {
  return {{"user_id", words(user.id.str())},
          {"name", words(user.name)},
          {"created_at", words(store::rfc3339(user.created_at))},
          {"disabled_at", time_of(user.disabled_at)}};
}

json::object line_of(const store::Token& token) {
  return {{"token_id", words(token.id.str())},
          {"name", words(token.name)},
          {"created_at", words(store::rfc3339(token.created_at))},
          {"revoked_at", time_of(token.revoked_at)},
          {"expires_at", time_of(token.expires_at)},
          {"last_used_at", time_of(token.last_used_at)},
          {"kind", words(model::to_string(token.kind))},
          {"daemon_id", words(token.daemon.str())}};
}

struct Work {
  adapters::AsioExecutor& executor;
  const Arguments& arguments;
  std::string command;
  DatabaseOptions database;
  Instant deadline;

  bool as_json() const { return arguments.is_set("--json"); }
};

Task<Result<UserId>> user_of(store::Store& store, Work& work) {
  const std::string& text = work.arguments.positional()[0];
  const auto user = co_await store.users().find_by_id_or_name(text, work.deadline);
  if (user.status().code() == StatusCode::kNotFound)
    co_return not_found(message_of(user.status()), "; `reliant admin user list` shows all");
  if (!user.ok()) co_return user.status();
  co_return user->id;
}

Task<Status> add_user(store::Store& store, Work& work) {
  const std::string& name = work.arguments.positional()[0];
  if (name.empty()) co_return invalid_argument("NAME is empty; give the user a name");
  const std::string id = work.arguments.text("--id");
  if (!id.empty() && !valid_id(id))
    co_return invalid_field("--id", concat("--id is \"", id, "\"; give letters, digits, - and _"));
  CO_TRY_ASSIGN(const store::User user, co_await store.users().create(UserId(id), name, work.deadline));
  show(line_of(user), work.as_json());
  co_return ok_status();
}

Task<Status> create_token(store::Store& store, Work& work, UserId user) {
  store::NewToken wanted;
  wanted.user = user;
  wanted.name = work.arguments.text("--name");
  if (work.arguments.is_set("--expires")) {
    CO_TRY_ASSIGN(const std::int64_t days, work.arguments.number("--expires", 1, kMostDays));
    wanted.lifetime = std::chrono::days(days);
  }
  if (work.arguments.is_set("--daemon")) {
    wanted.kind = model::TokenKind::kDaemon;
    wanted.daemon = DaemonId(work.arguments.text("--daemon"));
    if (model::is_daemon_kind(wanted.daemon.str()))
      co_return invalid_field(
          "--daemon", concat("--daemon is \"", wanted.daemon.str(), "\", which names a kind of daemon; give another id"));
    if (!valid_id(wanted.daemon.str()))
      co_return invalid_field("--daemon", concat("--daemon is \"", wanted.daemon.str(), "\"; give letters, digits, - and _"));
  }
  const std::string text = auth::make_token(OsSecrets().next());
  CO_TRY_ASSIGN(const store::Token token, co_await store.tokens().create(std::move(wanted), text, work.deadline));
  show({{"token", words(text)}, {"token_id", words(token.id.str())}, {"user_id", words(user.str())}}, work.as_json());
  co_return ok_status();
}

Task<Status> perform(store::Store& store, Work& work) {
  CO_TRY_OK(co_await store.migrate(work.deadline));
  if (work.command == "admin user add") co_return co_await add_user(store, work);
  if (work.command == "admin user list") {
    CO_TRY_ASSIGN(const auto users, co_await store.users().list(work.deadline));
    for (const store::User& user : users) show(line_of(user), work.as_json());
    co_return ok_status();
  }
  CO_TRY_ASSIGN(const UserId user, co_await user_of(store, work));
  if (work.command == "admin user disable" || work.command == "admin user enable") {
    CO_TRY_ASSIGN(const store::User changed,
                  co_await store.users().set_disabled(user, work.command == "admin user disable", work.deadline));
    show(line_of(changed), work.as_json());
    co_return ok_status();
  }
  if (work.command == "admin token create") co_return co_await create_token(store, work, user);
  if (work.command == "admin token list") {
    CO_TRY_ASSIGN(const auto tokens, co_await store.tokens().list(user, work.deadline));
    for (const store::Token& token : tokens) show(line_of(token), work.as_json());
    co_return ok_status();
  }
  const std::string& token = work.arguments.positional()[1];
  if (!valid_id(token))
    co_return not_found("\"", token, "\" is no token's id; `reliant admin token list ", user.str(), "` shows them");
  co_return co_await store.tokens().revoke(user, TokenId(token), work.deadline);
}

Task<void> run(Work& work, Status& result) {
  auto chosen = co_await open_database(work.executor, work.database, after(work.executor.now(), kDatabaseTimeout));
  if (chosen.ok()) {
    adapters::SystemClock clock(work.executor);
    store::Store store(*chosen->database, clock, Random(adapters::os_seed()));
    result = co_await perform(store, work);
  } else {
    result = chosen.status();
  }
  work.executor.stop();
}

}  // namespace

const std::span<const Command> kAdminCommands = kCommands;

int admin_main(const Command& command, const Arguments& arguments, const Environment& environment) {
  auto options = database_options(arguments, environment);
  if (!options.ok()) {
    report(options.status());
    return kUsage;
  }
  adapters::AsioExecutor executor;
  Work work{executor, arguments, std::string(command.name), *std::move(options), after(executor.now(), kCommandTimeout)};
  Status result;
  TaskScope scope(executor, 0);
  scope.spawn(run(work, result));
  executor.run_loop();
  return result.ok() ? 0 : report(result);
}

}  // namespace reliant::app
