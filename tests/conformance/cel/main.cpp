// cel_suite FOLDER: runs the conformance tests of CEL, prints what it ran, and exits with 1 if one of them fails.
#include <cmath>
#include <cstdio>
#include <map>

#include "exclusions.h"
#include "expr/expression.h"
#include "expr/text.h"
#include "suite.h"

namespace reliant::cel {
namespace {

using expr::Kind;
using expr::Value;

// Of the same types throughout, unlike ==; NaN is NaN.
bool identical(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (a.is(Kind::kDouble) && std::isnan(a.as_double()) && std::isnan(b.as_double())) return true;
  if (a.is(Kind::kList)) {
    const auto& x = a.as_list();
    const auto& y = b.as_list();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), identical);
  }
  if (a.is(Kind::kMap)) {
    const auto& x = a.as_map();
    const auto& y = b.as_map();
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& p, const auto& q) {
      return identical(p.first, q.first) && identical(p.second, q.second);
    });
  }
  expr::Budget budget(expr::kDefaultCost);
  return equal(a, b, budget);
}

// For a person: a list or map only by its type.
std::string shown(const Value& value) { return concat(type_name(value), " ", expr::text_of_scalar(value).value_or("")); }

// "" or what is wrong.
std::string failure_of(const Test& test) {
  expr::Functions functions = expr::standard_functions();
  for (const auto& [name, overload] : test.functions) functions.declare(name, overload);
  expr::Environment environment;
  environment.container = test.container;
  environment.functions = &functions;
  environment.parsing.macros = !test.disable_macros;
  for (const auto& [name, type] : test.variable_types) environment.variables.emplace(name, type);
  expr::Variables variables;
  for (const auto& [name, value] : test.variables) variables.emplace(name, value);

  const auto expression = test.disable_check ? expr::Expression::parse(test.expression, environment)
                                             : expr::Expression::compile(test.expression, environment);
  if (!expression.ok()) return test.error ? "" : std::string(message_of(expression.status()));
  if (test.type && expression->type() != *test.type)
    return concat("its type is ", to_string(expression->type()), ", not ", to_string(*test.type));
  if (test.check_only) return "";
  const auto value = expression->evaluate(variables);
  if (!value.ok()) return test.error ? "" : std::string(message_of(value.status()));
  if (test.error) return concat("its value is ", shown(*value), ", not an error");
  if (test.value && !identical(*value, *test.value))
    return concat("its value is ", shown(*value), ", not ", shown(*test.value));
  return "";
}

struct Counts {
  int passed = 0;
  int failed = 0;
  std::map<std::string, int> excluded;
};

int run(const char* folder) {
  const auto suite = load_suite(folder);
  if (!suite.ok()) {
    std::fprintf(stderr, "%s\n", std::string(message_of(suite.status())).c_str());
    return 2;
  }
  Counts all;
  std::printf("%-16s %5s %6s %6s  %s\n", "file", "tests", "passed", "failed", "excluded");
  for (const TestFile& file : *suite) {
    Counts counts;
    for (const Test& test : file.tests) {
      if (const std::string rule = exclusion(file, test); !rule.empty()) {
        ++counts.excluded[rule];
        continue;
      }
      const std::string failure = failure_of(test);
      ++(failure.empty() ? counts.passed : counts.failed);
      if (!failure.empty())
        std::printf("FAILED %s/%s: %s\n  %s\n", file.name.c_str(), test.name.c_str(), failure.c_str(), test.expression.c_str());
    }
    std::string excluded;
    for (const auto& [rule, count] : counts.excluded) {
      excluded += concat(excluded.empty() ? "" : ", ", count, " ", rule);
      all.excluded[rule] += count;
    }
    std::printf("%-16s %5zu %6d %6d  %s\n", file.name.c_str(), file.tests.size(), counts.passed, counts.failed,
                excluded.c_str());
    all.passed += counts.passed;
    all.failed += counts.failed;
  }
  std::printf("%d passed, %d failed; excluded:", all.passed, all.failed);
  for (const auto& [rule, count] : all.excluded) std::printf(" %d %s;", count, rule.c_str());
  std::printf("\n");
  return all.failed == 0 && all.passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace reliant::cel

int main(int count, char** words) {
  if (count != 2) {
    std::fprintf(stderr, "usage: cel_suite FOLDER   (tools/cel_spec prints the folder)\n");
    return 2;
  }
  return reliant::cel::run(words[1]);
}
