// Command lines of a program: the first line is a variable of the environment, each other line a word.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/command_line.h"
#include "fuzz_input.h"

namespace reliant {
namespace {

constexpr Flag kFlags[] = {{"--port", "PORT", "PORT", "8080", "where it listens"},
                           {"--label", "KEY=VALUE", "", "", "a label", "", true},
                           {"--json", "", "AS_JSON", "", "one object a line"}};
constexpr Command kServe = {"serve", "", 0, 0, "Serves.", kFlags};
constexpr Command kSend = {"chat send", "TEXT [FILE]", 1, 2, "Sends.", kFlags};
constexpr Command kShow = {"chat show", "ID…", 1, kAnyNumber, "Shows."};
const Program kProgram = {"program", "1.2.3", "does something", {{"Servers", &kServe}, {"Chats", &kSend}, {"Chats", &kShow}}};

void check_arguments(const Command& command, const Arguments& arguments) {
  const std::size_t given = arguments.positional().size();
  RELIANT_ASSERT(given >= command.least && given <= command.most, "arguments are counted");
  if (command.flags.empty()) return;
  const auto port = arguments.number("--port", 1, 65'535);
  RELIANT_ASSERT(!port.ok() || (*port >= 1 && *port <= 65'535), "a number is in its range");
  if (!port.ok()) RELIANT_ASSERT(field_of(port.status()) == arguments.origin("--port"), "an error names the flag");
  if (!arguments.is_set("--port")) RELIANT_ASSERT(port.ok() && *port == 8080, "the fallback holds");
  const auto json = arguments.on("--json");
  if (!json.ok()) RELIANT_ASSERT(arguments.origin("--json") == "AS_JSON", "a switch on the command line is on");
  RELIANT_ASSERT(arguments.is_set("--label") == !arguments.list("--label").empty(), "what is set has a value");
}

void check_words(std::string_view text) {
  const auto [variable, rest] = fuzz::split_at_line(text);
  const std::string value(variable);
  const auto environment = [&](std::string_view) { return value.empty() ? std::nullopt : std::optional(value); };
  std::vector<std::string> words;
  for (std::string_view left = rest; !left.empty();) {
    const auto [word, next] = fuzz::split_at_line(left);
    words.emplace_back(word);
    left = next;
  }
  const auto read = read_command_line(kProgram, words, environment);
  if (!read.ok()) {
    fuzz::check_refusal(read.status());
    const bool has_empty = std::ranges::any_of(words, [](const std::string& word) { return word.empty(); });
    RELIANT_ASSERT(!field_of(read.status()).empty() || has_empty, "an error names the flag or the word");
    return;
  }
  RELIANT_ASSERT((read->command == nullptr) == !read->text.empty(), "a command line asks for a command or for a text");
  if (read->command != nullptr) check_arguments(*read->command, read->arguments);
}

}  // namespace
}  // namespace reliant

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1024) return 0;
  reliant::check_words(reliant::fuzz::text_of(data, size));
  return 0;
}
