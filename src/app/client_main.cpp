#include "app/mains.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "adapters/asio/asio_executor.h"
#include "adapters/beast/beast_http_client.h"
#include "adapters/posix/os_entropy.h"
#include "adapters/posix/system_clock.h"
#include "app/api_client.h"
#include "app/chat_client.h"
#include "app/data_directory.h"
#include "app/options.h"
#include "app/report.h"
#include "base/text.h"
#include "base/url.h"
#include "runtime/scope.h"

namespace reliant::app {
namespace {

constexpr Flag kLastFlag = {"--last", "", "", "", "your newest chat, instead of an ID"};
constexpr Flag kSendFlags[] = {
    {"--chat", "ID", "", "", "go on with this chat, instead of a new one"},
    {"--project", "PATH", "", "", "where a new chat works; without it here"},
    {"--watch", "", "", "", "show what happens until the chat has come to its end"},
    kJsonFlag,
    kServerFlag,
    kTlsCaFlag,
    kTokenFileFlag,
    kDataDirFlag,
    kTimeoutFlag,
};
constexpr Flag kWatchFlags[] = {
    kLastFlag,    {"--after", "SEQUENCE", "", "0", "only what came after this update"},
    kJsonFlag,    kServerFlag,
    kTlsCaFlag,   kTokenFileFlag,
    kDataDirFlag, kTimeoutFlag,
};
constexpr Flag kOneChatFlags[] = {kLastFlag, kJsonFlag, kServerFlag, kTlsCaFlag, kTokenFileFlag, kDataDirFlag, kTimeoutFlag};
constexpr Flag kExplainFlags[] = {
    {"--chat", "ID", "", "", "the chat"},
    kLastFlag,
    kJsonFlag,
    kServerFlag,
    kTlsCaFlag,
    kTokenFileFlag,
    kDataDirFlag,
    kTimeoutFlag,
};
constexpr Flag kPlainFlags[] = {kJsonFlag, kServerFlag, kTlsCaFlag, kTokenFileFlag, kDataDirFlag, kTimeoutFlag};

constexpr Command kCommands[] = {
    {"chat send", "TEXT", 1, 1, "Sends a message; TEXT \"-\" reads it from the standard input.", kSendFlags},
    {"chat watch", "[ID]", 0, 1, "Shows a chat as it happens, until it has come to its end.", kWatchFlags},
    {"chat show", "[ID]", 0, 1, "Shows the messages of a chat, and what its tools did.", kOneChatFlags},
    {"chat list", "", 0, 0, "Lists your chats, the newest first.", kPlainFlags},
    {"chat cancel", "[ID]", 0, 1, "Stops what a chat is doing.", kOneChatFlags},
};

Result<ServerAddress> server_of(const ClientOptions& options) {
  ServerAddress server{options.server_url, options.token};
  if (server.url.empty()) {
    const std::string address = peek_line(options.data_dir, "address");
    if (address.empty()) {
      return with_field(unavailable("no server uses ", options.data_dir,
                                    "; start one with `reliant monolith`, or name one "
                                    "with --server URL"),
                        "--server");
    }
    server.url = concat("http://", address);
  }
  if (server.token.empty()) server.token = peek_line(options.data_dir, "token");
  if (server.token.empty()) {
    return with_field(unauthenticated("no token; set RELIANT_TOKEN, or name a file with --token-file"), "--token-file");
  }
  return server;
}

Result<SendOptions> send_options(const Arguments& arguments) {
  SendOptions options;
  options.text = arguments.positional()[0];
  if (options.text == "-") options.text.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (options.text.empty()) return invalid_argument("TEXT is empty; say what the chat is to do");
  options.chat = arguments.text("--chat");
  options.watch = arguments.is_set("--watch");
  const std::string given = arguments.text("--project");
  std::error_code error;
  const auto path = std::filesystem::canonical(given.empty() ? "." : given, error);
  if (error) {
    return invalid_field("--project", concat("--project ", given, ": ", error.message(), "; name a directory that is there"));
  }
  options.project = path.string();
  return options;
}

// `chat` is the one that was given, "" for none.
Task<Result<std::string>> chat_of(ChatClient& client, const Arguments& arguments, std::string chat) {
  const bool last = arguments.is_set("--last");
  if (last != chat.empty())
    co_return invalid_field("--last",
                            "a chat is missing, or there are two; give its ID or --last (`reliant chat list` shows them)");
  if (last) co_return co_await client.last();
  if (!valid_id(chat)) co_return not_found("\"", chat, "\" is no chat's id; `reliant chat list` shows them");
  co_return chat;
}

Task<Status> perform(ChatClient& client, std::string name, const Arguments& arguments) {
  if (name == "chat list") co_return co_await client.list();
  if (name == "chat send") {
    CO_TRY_ASSIGN(SendOptions options, send_options(arguments));
    co_return co_await client.send(std::move(options));
  }
  if (name == kDaemonExplainCommand.name) {
    CO_TRY_ASSIGN(const std::string chat, co_await chat_of(client, arguments, arguments.text("--chat")));
    co_return co_await client.explain_daemon(chat);
  }
  const auto& positional = arguments.positional();
  CO_TRY_ASSIGN(const std::string chat, co_await chat_of(client, arguments, positional.empty() ? "" : positional[0]));
  if (name == "chat show") co_return co_await client.show(chat);
  if (name == "chat cancel") co_return co_await client.cancel(chat);
  CO_TRY_ASSIGN(const std::int64_t from, arguments.number("--after", 0, INT64_MAX));
  co_return co_await client.watch(chat, static_cast<std::uint64_t>(from));
}

Task<void> run(ChatClient& client, std::string name, const Arguments& arguments, Status& result,
               adapters::AsioExecutor& executor) {
  result = co_await perform(client, std::move(name), arguments);
  executor.stop();
}

// The port that says so knows nothing of our flags.
Status with_remedy(Status status) {
  if (reason_of(status) != "TLS_UNTRUSTED") return status;
  return make_status(status.code(),
                     concat(message_of(status), "; name a file with its certificate, or its CA's, ", "with --tls-ca FILE"));
}

}  // namespace

const std::span<const Command> kChatCommands = kCommands;
const Command kDaemonExplainCommand = {
    "daemon explain", "", 0, 0, "Says which daemon would run a chat's next tool call, and why none of the others.",
    kExplainFlags};

int client_main(const Command& command, const Arguments& arguments, const Environment& environment) {
  const auto options = client_options(arguments, environment);
  if (!options.ok()) return report(options.status());
  const auto server = server_of(*options);
  if (!server.ok()) return report(server.status());
  if (const auto url = parse_http_url(server->url); url.ok() && is_readable_on_the_way(*url))
    warn(concat("the token goes to ", server->url, " in plain text; use https://"));
  adapters::AsioExecutor executor;
  adapters::SystemClock clock(executor);
  adapters::BeastHttpClient http(executor, options->ca_file);
  ApiClient api(http, clock, Random(adapters::os_seed()), *server, {.timeout = options->timeout, .notice = note});
  ChatClient client(api, stdout, options->json ? ViewFormat::kJson : ViewFormat::kText);
  Status result;
  TaskScope scope(executor, 0);
  scope.spawn(run(client, std::string(command.name), arguments, result, executor));
  executor.run_loop();
  return result.ok() ? 0 : report(with_remedy(result));
}

}  // namespace reliant::app
