// ChatClient: the commands `reliant chat …` and `reliant daemon explain`, over the REST interface like any other client.
//
// Owner: client_main. Executor: the logic thread. Each returns what ended it; what it shows goes to `out`.
#pragma once

#include <cstdio>
#include <string>

#include "app/api_client.h"
#include "app/chat_view.h"
#include "runtime/task.h"

namespace reliant::app {

struct SendOptions {
  std::string text;
  std::string chat;     // "": a new one
  std::string project;  // of a new chat: an absolute path
  bool watch = false;
};

class ChatClient {
 public:
  // How long a stream that broke is tried again without a success.
  static constexpr Duration kReconnectTimeout = std::chrono::seconds(60);
  // A chat without an update is looked at again and again after this time, and a worker is missed after it.
  static constexpr Duration kQuiet = std::chrono::seconds(5);
  static constexpr Duration kSaidAgainAfter = std::chrono::seconds(30);

  ChatClient(ApiClient& api, std::FILE* out, ViewFormat format) : api_(api), out_(out), format_(format) {}

  Task<Status> send(SendOptions options);
  // From the first update after `from` to the end of what is going on. ABORTED: the chat failed or was
  // cancelled.
  Task<Status> watch(std::string chat, std::uint64_t from);
  Task<Status> show(std::string chat);
  Task<Status> list();
  // The id of the newest chat. NOT_FOUND: there is none.
  Task<Result<std::string>> last();
  Task<Status> cancel(std::string chat);
  // Which daemon would run its next tool call, and why none of the others.
  Task<Status> explain_daemon(std::string chat);

 private:
  struct Watch;

  Task<Result<std::string>> project_at(std::string path);
  Task<Status> watch_until(std::string chat, std::uint64_t from, std::uint64_t settled_after);
  Task<Status> follow_once(Watch& watch);
  Task<Status> tell_waiting(Watch& watch);
  void print(std::string_view text);

  ApiClient& api_;
  std::FILE* out_;
  ViewFormat format_;
};

}  // namespace reliant::app
