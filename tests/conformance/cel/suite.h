// The conformance tests of CEL, read from a folder that tools/cel_spec has filled: protobuf texts, and the descriptors of their
// messages, which are read at run time, so that nothing is fetched for a build.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "expr/function.h"
#include "expr/type.h"
#include "expr/value.h"

namespace reliant::cel {

struct Test {
  std::string name;  // section/test
  std::string expression;
  std::string container;
  bool disable_macros = false;
  bool disable_check = false;
  bool check_only = false;

  std::vector<std::pair<std::string, expr::Type>> variable_types;
  std::vector<std::pair<std::string, expr::Overload>> functions;
  std::vector<std::pair<std::string, expr::Value>> variables;

  std::optional<expr::Value> value;  // expected
  std::optional<expr::Type> type;    // expected
  bool error = false;                // expected: an error of any wording

  // What of it is a protobuf message or enum, or something else that an evaluator without protobuf cannot hold; "": nothing.
  std::string foreign;
};

struct TestFile {
  std::string name;
  std::vector<Test> tests;
};

// In the order of the files' names.
Result<std::vector<TestFile>> load_suite(const std::filesystem::path& folder);

}  // namespace reliant::cel
