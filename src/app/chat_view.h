// ChatView: a chat's updates as a person reads them in a terminal: the answer as it is written, every tool
// with what it was asked, what it printed and how it ended. Or, for scripts, one JSON object a line:
// {"sequence","kind","payload"}.
//
// Tools that run in parallel print at the same time: each line of output is labelled with its tool, and is
// printed whole. A plain object; what it makes goes to `out`.
#pragma once

#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/status.h"
#include "model/update.h"

namespace reliant::app {

enum class ViewFormat : std::uint8_t { kText, kJson };

// Without control characters other than tabs and line ends: what comes from a tool or a daemon must not steer the terminal.
std::string printable(std::string_view text);

class ChatView {
 public:
  ChatView(std::FILE* out, ViewFormat format) : out_(out), format_(format) {}

  // `payload` is what the server sent; one that cannot be read is INVALID_ARGUMENT and shows nothing.
  Status show(std::uint64_t sequence, std::string_view kind, std::string_view payload);
  // A message as it is stored, outside of a stream: with the tools that it calls, or with the result of one.
  void show_stored(const json::object& message);

  // Says how long no worker has taken the chat up; prints nothing for scripts, which ask the API.
  void show_waiting(std::chrono::milliseconds waiting);

  // What the last status update said.
  std::optional<model::ChatStatus> status() const { return status_; }
  const std::string& error() const { return error_; }  // of a failed chat

 private:
  struct Tool {
    std::string label;    // "bash 2"
    std::string partial;  // output that no line's end has come for
  };

  void show_message(const json::object& message);
  void show_chunk(const json::object& payload);
  void show_start(const json::object& payload);
  void show_output(const json::object& payload);
  void show_finish(const json::object& payload);
  void show_retry(const json::object& payload);
  void show_status(const json::object& payload);
  void line(std::string_view text);  // on a line of its own
  void end_line();
  void print(std::string_view text);

  std::FILE* out_;
  ViewFormat format_;
  std::map<std::string, Tool, std::less<>> tools_;
  std::set<std::string, std::less<>> streamed_;  // messages that were seen while they were written
  int tool_count_ = 0;
  bool in_line_ = false;
  std::optional<model::ChatStatus> status_;
  std::string error_;
};

}  // namespace reliant::app
