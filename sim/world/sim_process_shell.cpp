#include "world/sim_process_shell.h"

#include <utility>

namespace reliant::sim {
namespace {

class Parser {
 public:
  Parser(std::string_view script, const std::map<std::string, std::string>& variables) : rest_(script), variables_(variables) {}

  std::vector<ShellCommand> parse() {
    while (!rest_.empty()) step();
    end_command();
    return std::move(commands_);
  }

 private:
  void step() {
    const char c = rest_[0];
    if (c == '#') {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else if (c == ';' || c == '\n') {
      rest_.remove_prefix(1);
      end_command();
    } else if (rest_.starts_with("&&")) {
      rest_.remove_prefix(2);
      end_command();
      command_.only_after_success = true;
    } else if (c == ' ' || c == '\t') {
      rest_.remove_prefix(1);
    } else if (rest_.starts_with(">&2")) {
      rest_.remove_prefix(3);
      command_.output = ShellCommand::Output::kStderr;
    } else if (c == '>') {
      const bool append = rest_.starts_with(">>");
      rest_.remove_prefix(append ? 2 : 1);
      command_.output = append ? ShellCommand::Output::kAppendFile : ShellCommand::Output::kFile;
      while (rest_.starts_with(' ')) rest_.remove_prefix(1);
      command_.file = word();
    } else {
      command_.words.push_back(word());
    }
  }

  std::string word() {
    std::string text;
    while (!rest_.empty()) {
      const char c = rest_[0];
      if (std::string_view(" \t\n;>").find(c) != std::string_view::npos || rest_.starts_with("&&")) break;
      rest_.remove_prefix(1);
      if (c == '\'') {
        const std::size_t end = std::min(rest_.find('\''), rest_.size());
        text += rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
      } else if (c == '"') {
        while (!rest_.empty() && rest_[0] != '"') piece(text);
        if (!rest_.empty()) rest_.remove_prefix(1);
      } else {
        rest_ = std::string_view(rest_.data() - 1, rest_.size() + 1);
        piece(text);
      }
    }
    return text;
  }

  // One character, or one $NAME.
  void piece(std::string& text) {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c != '$') {
      text += c;
      return;
    }
    std::size_t size = 0;
    while (size < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[size])) || rest_[size] == '_')) ++size;
    const auto found = variables_.find(std::string(rest_.substr(0, size)));
    if (found != variables_.end()) text += found->second;
    rest_.remove_prefix(size);
  }

  void end_command() {
    ShellCommand ended = std::exchange(command_, {});
    if (!ended.words.empty()) commands_.push_back(std::move(ended));
  }

  std::string_view rest_;
  const std::map<std::string, std::string>& variables_;
  ShellCommand command_;
  std::vector<ShellCommand> commands_;
};

}  // namespace

std::vector<ShellCommand> parse_shell(std::string_view script, const std::map<std::string, std::string>& variables) {
  return Parser(script, variables).parse();
}

}  // namespace reliant::sim
