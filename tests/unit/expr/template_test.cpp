#include "expr/template.h"

#include <gtest/gtest.h>

#include "expression_support.h"

namespace reliant::expr {
namespace {

Map map_with(std::initializer_list<std::pair<std::string_view, Value>> entries) {
  Map out;
  for (const auto& [key, value] : entries) out.insert(Value::string(std::string(key)), value);
  return out;
}

Variables variables() {
  const Value inputs = Value::map(map_with({{"name", Value::string("it's $HOME")},
                                            {"empty", Value::string("")},
                                            {"none", Value()},
                                            {"count", Value::integer(3)},
                                            {"files", Value::list({Value::string("a b"), Value::string("c'd")})},
                                            {"nul", Value::string(std::string("a\0b", 3))}}));
  return {{"inputs", inputs}};
}

Environment environment() {
  Environment out;
  out.variables = {{"inputs", *parse_type("map(string, dyn)")}};
  return out;
}

template <class Render>
std::string rendered(std::string_view text, Render render) {
  const auto compiled = Template::compile(text, environment());
  if (!compiled.ok()) return std::string(message_of(compiled.status()));
  const auto result = render(*compiled);
  return result.ok() ? *result : std::string(message_of(result.status()));
}

std::string text_of(std::string_view text) {
  return rendered(text, [](const Template& t) { return t.render(variables()); });
}
std::string command_of(std::string_view text) {
  return rendered(text, [](const Template& t) { return t.render_command(variables()); });
}

TEST(Template, OneExpressionAloneKeepsItsType) {
  const auto compiled = Template::compile("{{ inputs.files }}", environment());
  ASSERT_TRUE(compiled.ok());
  EXPECT_TRUE(compiled->is_expression());
  EXPECT_EQ(show(*compiled->evaluate(variables())), "['a b', 'c'd']");
  const auto sum = Template::compile("{{inputs.count + 1}}", environment());
  EXPECT_EQ(show(*sum->evaluate(variables())), "4");
  EXPECT_EQ(to_string(sum->type()), "int");
  const auto text = Template::compile("{{inputs.count}} ", environment());
  EXPECT_EQ(show(*text->evaluate(variables())), "'3 '");
  EXPECT_EQ(to_string(text->type()), "string");
}

TEST(Template, KnowsStringsBracesAndComments) {
  EXPECT_EQ(text_of("{{ {'a': {'}}': 1}}['a']['}}'] }}!"), "1!");
  EXPECT_EQ(text_of("{{{'a':{'b':2}}.a.b}}}"), "2}");
  EXPECT_EQ(text_of("{{ '{{' }} {{ \"}}\" }}"), "{{ }}");
  EXPECT_EQ(text_of("{{ 1 // }} is no end\n }}"), "1");
  EXPECT_EQ(text_of("no { braces } at all }}"), "no { braces } at all }}");
  EXPECT_EQ(text_of(""), "");
}

TEST(Template, WritesValuesAsText) {
  EXPECT_EQ(text_of("{{inputs.count}}|{{1.5}}|{{true}}|{{null}}|{{[1, 'a']}}|{{{'a': null}}}|{{inputs.?x}}|{{inputs.?count}}"),
            "3|1.5|true||[1,\"a\"]|{\"a\":null}||3");
}

TEST(Template, CountsLinesInTheTemplate) {
  EXPECT_EQ(text_of("ä\n {{ inputs.count +\n  inptus }}"), "3:3: undeclared reference to 'inptus'; did you mean 'inputs'?");
  EXPECT_EQ(text_of("{{1}}\n{{ inputs.absent }}"), "2:11: no such key: 'absent'");
  EXPECT_EQ(text_of("a {{ 1 + 1"), "1:3: '{{' has no closing '}}'");
  EXPECT_EQ(text_of("a {{ }}"), "1:6: expected an expression, found the end of the expression");
}

TEST(Template, QuotesValuesInACommand) {
  EXPECT_EQ(command_of("echo {{inputs.name}}"), R"(echo 'it'\''s $HOME')");
  EXPECT_EQ(command_of("echo \"a {{inputs.name}}\""), R"(echo "a it's \$HOME")");
  EXPECT_EQ(command_of("echo 'a {{inputs.name}}'"), R"(echo 'a it'\''s $HOME')");
  EXPECT_EQ(command_of("rm {{inputs.files}}"), R"(rm 'a b' 'c'\''d')");
  EXPECT_EQ(command_of("head -n {{inputs.count}}"), "head -n '3'");
  EXPECT_EQ(command_of("(cd {{inputs.name}})"), R"((cd 'it'\''s $HOME'))");
  EXPECT_EQ(command_of("echo $(date) {{inputs.count}}"), "echo $(date) '3'");
}

TEST(Template, LeavesRawValuesAlone) {
  EXPECT_EQ(command_of("{{raw('ls | wc')}} {{inputs.count}}"), "ls | wc '3'");
  EXPECT_EQ(command_of("{{raw('\"')}}{{inputs.name}}\""), R"("it's \$HOME")") << "a raw quote is one";
  EXPECT_EQ(command_of("echo {{raw(inputs.name) + ''}}"), R"(echo 'it'\''s $HOME')") << "raw() is outermost, or nothing";
}

TEST(Template, RefusesAReferenceThatIsEmpty) {
  EXPECT_EQ(
      command_of("rm -rf {{inputs.empty}}/*"),
      "1:8: inputs.empty is empty, and would be missing in the command; write {{ string(inputs.empty) }} where that is meant");
  EXPECT_TRUE(command_of("x {{ inputs['none'] }}").starts_with("1:3: inputs['none'] is empty"));
  EXPECT_TRUE(command_of("x {{ inputs.?absent }}").starts_with("1:3: inputs.?absent is empty"));
  EXPECT_EQ(command_of("x {{ string(inputs.empty) }}"), "x ''");
}

TEST(Template, RefusesAPlaceWhereQuotingIsNotCertain) {
  for (const auto& [command, reason] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
           {"echo $(ls {{inputs.name}})", "inside of $(…)"},
           {"echo `ls {{inputs.name}}`", "inside of `…`"},
           {"echo \"${x:-{{inputs.name}}}\"", "inside of ${…}"},
           {"echo ${{inputs.name}}", "after a dollar"},
           {"echo \"${{inputs.name}}\"", "after a dollar"},
           {"echo \\{{inputs.name}}", "after a backslash"},
           {"cat <<EOF\n{{inputs.name}}\nEOF", "after a here-document (<<)"},
           {"ls # {{inputs.name}}", "in a comment"},
           {"echo $'a' {{inputs.name}}", "after $'…'"},
           {"echo \"$(case a in a) echo b;; esac) {{inputs.name}}\"", "after $(… case …)"},
           {"echo `echo 'a'` {{inputs.name}}", "after quotes inside of `…` or ${…}"},
       }) {
    const std::string message = command_of(command);
    EXPECT_NE(message.find("cannot be quoted " + std::string(reason) + "; put it into a variable"), std::string::npos)
        << command << ": " << message;
  }
  EXPECT_TRUE(command_of("echo '{{inputs.files}}'").starts_with("1:7: inputs.files is a list"));
  EXPECT_EQ(command_of("echo {{inputs.nul}}"), "1:6: the value of inputs.nul has a NUL byte, which no command can hold");
}

TEST(Template, AnExpressionOfManyPartsHasOneBudget) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "{{ lists.range(1000).size() }} ";
  const auto compiled = Template::compile(text, environment());
  EXPECT_TRUE(compiled->render({}, 1'000'000).ok());
  EXPECT_EQ(compiled->render({}, 10'000).status().code(), StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace reliant::expr
