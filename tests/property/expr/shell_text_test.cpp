// Whatever bytes a value has, /bin/sh reads them back from a command as they are.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "expr/template.h"

namespace reliant::expr {
namespace {

// What the command writes, and its status. Of other programs the shell finds none: what drawn text happens to name is not run.
std::pair<std::string, int> run(const std::string& command) {
  std::FILE* pipe = ::popen(("PATH=/nonexistent; exec </dev/null\n" + command).c_str(), "r");
  std::string out;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, count);
  const int status = ::pclose(pipe);
  return {std::move(out), status};
}

std::string output_of(const std::string& command) {
  auto [out, status] = run(command);
  RC_ASSERT(status == 0);
  return out;
}

// Mostly what means something to a shell. Neither UTF-8 nor printable; no NUL, which no command can hold.
rc::Gen<std::string> hostile_text() {
  const auto special = rc::gen::elementOf(std::string("'\"\\$`!#&|;<>(){}[]*?~ \t\n\r-=%a1"));
  const auto any = rc::gen::map(rc::gen::inRange(1, 256), [](int byte) { return static_cast<char>(byte); });
  return rc::gen::container<std::string>(rc::gen::weightedOneOf<char>({{4, special}, {1, any}}));
}

std::string command_of(std::string_view text, const Variables& variables) {
  Environment environment;
  for (const auto& [name, value] : variables) environment.variables.emplace(name, Type{});
  const auto compiled = Template::compile(text, environment);
  RC_ASSERT(compiled.ok());
  const auto command = compiled->render_command(variables);
  RC_ASSERT(command.ok());
  return *command;
}

RC_GTEST_PROP(ShellText, QuotedValuesComeBackFromTheShell, ()) {
  const std::string text = "x" + *hostile_text();  // a reference that is empty is refused
  const Variables variables{{"x", Value::string(text)}};
  for (const std::string_view command : {"printf %s {{x}}", "printf %s \"{{x}}\"", "printf %s '{{x}}'", "printf %s \"\"{{x}}''",
                                         "y={{x}}; printf %s \"$y\"", "(printf %s {{x}})", "true # it's\nprintf %s {{x}}"})
    RC_ASSERT(output_of(command_of(command, variables)) == text);
}

RC_GTEST_PROP(ShellText, AListIsAsManyWords, ()) {
  const auto texts = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(hostile_text()));
  List list;
  list.reserve(texts.size());
  std::string expected;
  for (const std::string& text : texts) {
    list.push_back(Value::string(text));
    expected += text + '\0';
  }
  RC_ASSERT(output_of(command_of("printf '%s\\0' {{x}}", {{"x", Value::list(list)}})) == expected);
}

// What commands are made of.
std::string some_command() {
  const std::vector<std::string> pieces{"\"", "'",     "$(", ")",     "${a:-",         "}",       "`", "\\", "#", " ",
                                        "\n", "<<a\n", "<",  "echo ", "case a in a) ", ";; esac", "(", ";",  "$", "$'",
                                        "a",  "a=",    "b"};
  std::string out;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(pieces))) out += piece;
  return out;
}

// The shell says what the place of a value is, not our scanner: whatever stands around a value, no part of it is run.
RC_GTEST_PROP(ShellText, NoPartOfAValueIsRunWhateverStandsAroundIt, ()) {
  const std::string before = some_command();
  const std::string after = some_command();
  const auto compiled = Template::compile(before + " {{x}}" + after, {{{"x", Type{}}}});
  RC_ASSERT(compiled.ok());
  for (const std::string_view value : {"\"; touch /nonexistent/a; \"", "'; touch /nonexistent/a; '", "; touch /nonexistent/a\n",
                                       "$(touch /nonexistent/a)", "`touch /nonexistent/a`", "\ntouch /nonexistent/a\n",
                                       ")touch /nonexistent/a;", "\\\"; touch /nonexistent/a; \\'; touch /nonexistent/a;"}) {
    const auto command = compiled->render_command({{"x", Value::string(std::string(value))}});
    if (!command.ok()) continue;  // refused
    // A shell that runs it complains that there is no such program.
    RC_ASSERT(run("exec 2>&1\n" + *command + "\n").first.find("touch: not found") == std::string::npos);
  }
}

}  // namespace
}  // namespace reliant::expr
