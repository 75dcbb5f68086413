#include "tools/edit_tool.h"
#include "tools/file_walk.h"
#include "tools/tool_support.h"
#include "tools/view_tool.h"
#include "unit/tools/tool_world.h"

namespace reliant::tools {
namespace {

using model::Outcome;

class FileTools : public ToolWorld {
 protected:
  // Every word must be in the answer.
  static void expect_words(const model::ToolResult& result, std::initializer_list<std::string_view> words) {
    for (const auto word : words) {
      EXPECT_NE(result.content.find(word), std::string::npos) << "no \"" << word << "\" in: " << result.content;
    }
  }
};

TEST(ResolvePath, StartsInTheWorkingDirectoryAndStaysThere) {
  EXPECT_EQ(*resolve_path("/p", "a/../b/./c"), "/p/b/c");
  EXPECT_EQ(*resolve_path("/p", "."), "/p");
  EXPECT_EQ(*resolve_path("/p/q", "a/.."), "/p/q");
  EXPECT_EQ(*resolve_path("/", "a"), "/a");
  EXPECT_EQ(*resolve_path("/p", "/x/../y/"), "/y");
  EXPECT_EQ(*resolve_path("/p", "/../.."), "/");
  EXPECT_FALSE(resolve_path("/p", "..").ok());
  EXPECT_FALSE(resolve_path("/p/q", "a/../../q/b").ok());
  EXPECT_FALSE(resolve_path("/p", "").ok());
  EXPECT_FALSE(resolve_path("/p", std::string_view("a\0b", 3)).ok());
}

TEST_F(FileTools, ViewNumbersLines) {
  put("/project/a.txt", "one\r\ntwo\nthree");
  EXPECT_EQ(call("view", R"({"path":"a.txt"})").content, "     1\tone\n     2\ttwo\n     3\tthree\n");
  EXPECT_EQ(call("view", R"({"path":"/project/a.txt","offset":2,"limit":1})").content,
            "     2\ttwo\n[lines 2 to 2 of 3; go on with offset 3]\n");
  EXPECT_EQ(call("view", R"({"path":"a.txt","offset":3})").content, "     3\tthree\n[lines 3 to 3 of 3]\n");
}

TEST_F(FileTools, ViewIsBoundedAndAPageLeadsToTheNext) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += std::string(30, 'x') + "\n";
  put("/project/long", text + std::string(100'000, 'y'));
  expect_words(call("view", R"({"path":"long"})"), {"[lines 1 to 1500 of 5001; go on with offset 1501]"});
  const auto last = call("view", R"({"path":"long","offset":5001})");
  expect_words(last, {"bytes more]"});
  EXPECT_LT(last.content.size(), 1000u);
  EXPECT_LT(call("view", R"({"path":"long","limit":100000})").content.size(), ViewTool::kContentLimit + 1000);
}

TEST_F(FileTools, ViewReportsErrors) {
  put("/project/bin", std::string("\x7f"
                                  "ELF\0\1",
                                  6));
  put("/project/empty", "");
  put("/project/latin", "caf\xe9\n");
  expect_words(call("view", R"({"path":"bin"})"), {"binary file of 6 bytes"});
  EXPECT_EQ(call("view", R"({"path":"empty"})").content, "[empty is empty]");
  EXPECT_EQ(call("view", R"({"path":"latin"})").content, "     1\tcaf\uFFFD\n");
  EXPECT_TRUE(call("view", R"({"path":"missing"})").is_error);
  expect_words(call("view", R"({"path":"."})"), {"is a directory", "use glob"});
  expect_words(call("view", R"({"path":"../etc/passwd"})"), {"leaves the working directory", "absolute path"});
  expect_words(call("view", R"({"path":"latin","offset":7})"), {"has 1 lines"});
}

TEST_F(FileTools, WriteMakesDirectoriesAndReplaces) {
  expect_words(call("write", R"({"path":"new/dir/f","content":"a\nb\n"})"), {"4 bytes, 2 lines", "a new file"});
  EXPECT_EQ(content("/project/new/dir/f"), "a\nb\n");
  EXPECT_FALSE(call("write", R"({"path":"new/dir/f","content":""})").is_error);
  EXPECT_EQ(content("/project/new/dir/f"), "");
  EXPECT_TRUE(call("write", R"({"path":"new","content":"x"})").is_error);
  EXPECT_TRUE(call("write", R"({"path":"new/dir/f/g","content":"x"})").is_error);
  expect_words(call("write", R"({"path":"f"})"), {"\"content\" is missing"});
}

TEST_F(FileTools, WriteReportsAFullDisk) {
  machine_.disk.set_capacity(3);
  const auto result = call("write", R"({"path":"f","content":"1234"})");
  EXPECT_TRUE(result.is_error);
  expect_words(result, {"no space left"});
}

TEST_F(FileTools, EditReplacesExactlyOneOccurrence) {
  put("/project/f", "alpha\nbeta\nalpha beta\n");
  expect_words(call("edit", R"({"path":"f","old_string":"beta\nalpha","new_string":"gamma"})"), {"1 replacement (line 2)"});
  EXPECT_EQ(content("/project/f"), "alpha\ngamma beta\n");
}

TEST_F(FileTools, EditReportsAmbiguousMatches) {
  put("/project/f", "x\na\na\nx a\n");
  const auto several = call("edit", R"({"path":"f","old_string":"a","new_string":"b"})");
  EXPECT_EQ(several.outcome, Outcome::kNotExecuted);
  expect_words(several, {"3 times", "lines 2, 3, 4", "replace_all"});
  EXPECT_EQ(content("/project/f"), "x\na\na\nx a\n");
  expect_words(call("edit", R"({"path":"f","old_string":"a","new_string":"b","replace_all":true})"), {"3 replacements"});
  EXPECT_EQ(content("/project/f"), "x\nb\nb\nx b\n");
}

// 1 MB of "a" with 10 kB for each wanted 10 GB (security notes 1.3).
TEST_F(FileTools, EditRejectsAResultAboveTheSizeLimit) {
  const std::string before(1 << 20, 'a');
  put("/project/f", before);
  const std::string sixteen(16, 'b');
  const auto refused =
      call("edit", concat(R"({"path":"f","old_string":"a","new_string":")", sixteen, R"(b","replace_all":true})"));
  EXPECT_EQ(refused.outcome, Outcome::kNotExecuted);
  EXPECT_TRUE(refused.is_error);
  expect_words(refused, {"17825792 bytes", "1048576 replacements", "16777216 is the most"});
  EXPECT_EQ(content("/project/f"), before);
  const auto just_fits =
      call("edit", concat(R"({"path":"f","old_string":"a","new_string":")", sixteen, R"(","replace_all":true})"));
  expect_words(just_fits, {"1048576 replacements"});
  EXPECT_EQ(content("/project/f").size(), EditTool::kFileLimit);
}

TEST_F(FileTools, EditExplainsWhyTheTextWasNotFound) {
  put("/project/f", "if (x) {\n\treturn;\n}\n");
  expect_words(call("edit", R"({"path":"f","old_string":"if (x) {\n  return;","new_string":"y"})"),
               {"was not found", "other spaces"});
  expect_words(call("edit", R"({"path":"f","old_string":"while","new_string":"y"})"), {"was not found", "View the file"});
  EXPECT_TRUE(call("edit", R"({"path":"f","old_string":"","new_string":"y"})").is_error);
  EXPECT_TRUE(call("edit", R"({"path":"f","old_string":"y","new_string":"y"})").is_error);
  EXPECT_TRUE(call("edit", R"({"path":"missing","old_string":"x","new_string":"y"})").is_error);
}

TEST_F(FileTools, EditKeepsTheLineEndsOfTheFile) {
  put("/project/f", "a\r\nb\r\nc\r\n");
  EXPECT_FALSE(call("edit", R"({"path":"f","old_string":"a\nb","new_string":"x\ny\nz"})").is_error);
  EXPECT_EQ(content("/project/f"), "x\r\ny\r\nz\r\nc\r\n");
}

TEST_F(FileTools, ParallelEditsOfOneFileAreAllApplied) {
  for (std::uint64_t round = 0; round < 20; ++round) {
    put("/project/f", "a b c d");
    std::vector<std::unique_ptr<Running>> all;
    for (const char* name : {"a", "b", "c", "d"}) {
      all.push_back(start("edit", concat(R"({"path":"f","old_string":")", name, R"(","new_string":"<)", name, ">\"}")));
    }
    executor_.run();
    EXPECT_EQ(content("/project/f"), "<a> <b> <c> <d>");
  }
}

TEST_F(FileTools, ACancelledEditReleasesItsLock) {
  for (std::uint64_t steps = 1; steps < 12; ++steps) {
    put("/project/f", "a b");
    auto cancelled = start("edit", R"({"path":"f","old_string":"a","new_string":"x"})");
    auto next = start("edit", R"({"path":"f","old_string":"b","new_string":"y"})");
    executor_.run(steps);
    cancelled.reset();
    executor_.run();
    ASSERT_TRUE(next->result.has_value());
    EXPECT_TRUE(content("/project/f") == "a y" || content("/project/f") == "x y") << content("/project/f");
  }
}

TEST_F(FileTools, GlobListsMatchesInOrder) {
  for (const char* name :
       {"a.cpp", "b.h", "src/c.cpp", "src/deep/d.cpp", "src/deep/e.hpp", ".git/config", "node_modules/m.cpp"})
    put(concat("/project/", name), "");
  EXPECT_EQ(call("glob", R"({"pattern":"*.cpp"})").content, "a.cpp\nsrc/c.cpp\nsrc/deep/d.cpp\n");
  EXPECT_EQ(call("glob", R"({"pattern":"src/*.cpp"})").content, "src/c.cpp\n");
  EXPECT_EQ(call("glob", R"({"pattern":"src/**/*.{cpp,hpp}"})").content, "src/c.cpp\nsrc/deep/d.cpp\nsrc/deep/e.hpp\n");
  EXPECT_EQ(call("glob", R"({"pattern":"[!a].?"})").content, "b.h\n");
  EXPECT_EQ(call("glob", R"({"pattern":"**","path":"src/deep"})").content, "src/deep/d.cpp\nsrc/deep/e.hpp\n");
  EXPECT_EQ(call("glob", R"({"pattern":"*","path":"node_modules"})").content, "node_modules/m.cpp\n");
  expect_words(call("glob", R"({"pattern":"*.cpp","limit":1})"), {"a.cpp\n[1 of 3 shown; narrow the pattern]"});
  expect_words(call("glob", R"({"pattern":"*.rs"})"), {"no file matches"});
  expect_words(call("glob", R"({"pattern":"[a"})"), {"a [ has no ]"});
  EXPECT_TRUE(call("glob", R"({"pattern":"*","path":"gone"})").is_error);
}

TEST(GlobPattern, StaysWithinNames) {
  const auto matches = [](std::string_view pattern, std::string_view path) {
    return GlobPattern::make(pattern)->matches(path);
  };
  EXPECT_TRUE(matches("a/*/c", "a/b/c"));
  EXPECT_FALSE(matches("a/*/c", "a/b/b/c"));
  EXPECT_TRUE(matches("a/**/c", "a/c"));
  EXPECT_TRUE(matches("a/**/c", "a/b/b/c"));
  EXPECT_FALSE(matches("a/[!x]/c", "a///c"));
  EXPECT_TRUE(matches("a.b", "a.b"));
  EXPECT_FALSE(matches("a.b", "axb"));
  EXPECT_TRUE(matches("[a-c]", "b"));
  EXPECT_TRUE(matches("\\*", "*"));
  EXPECT_FALSE(matches("\\*", "x"));
}

TEST_F(FileTools, GrepFindsLines) {
  put("/project/a.cpp", "int main() {\n  return 1;\n}\n");
  put("/project/src/b.cpp", "// MAIN\r\nint x;\r\nlast");
  put("/project/bin", std::string("main\0", 5));
  EXPECT_EQ(call("grep", R"({"pattern":"main"})").content, "a.cpp:1: int main() {\n");
  EXPECT_EQ(call("grep", R"({"pattern":"main","ignore_case":true,"files_only":true})").content, "a.cpp\nsrc/b.cpp\n");
  EXPECT_EQ(call("grep", R"({"pattern":"^int \\w+;$"})").content, "src/b.cpp:2: int x;\n");
  EXPECT_EQ(call("grep", R"({"pattern":"^}$|last"})").content, "a.cpp:3: }\nsrc/b.cpp:3: last\n");
  EXPECT_EQ(call("grep", R"({"pattern":"int","glob":"src/**"})").content, "src/b.cpp:2: int x;\n");
  EXPECT_EQ(call("grep", R"({"pattern":"int","path":"a.cpp"})").content, "a.cpp:1: int main() {\n");
  EXPECT_EQ(call("grep", R"({"pattern":"\\{\\s*return"})").content,
            "[nothing matches]\n");  // not across lines
  EXPECT_EQ(call("grep", R"({"pattern":"x*","path":"a.cpp"})").content,
            "a.cpp:1: int main() {\na.cpp:2:   return 1;\na.cpp:3: }\n");
}

TEST_F(FileTools, GrepIsBounded) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "match\n";
  put("/project/many", text);
  put("/project/wide", std::string(100'000, 'z'));
  expect_words(call("grep", R"({"pattern":"match"})"), {"many:200: match\n[stopped after 200 results"});
  expect_words(call("grep", R"({"pattern":"z+"})"), {"bytes more]"});
  expect_words(call("grep", R"({"pattern":"match","limit":2})"), {"many:2: match\n[stopped after 2 results"});
}

TEST_F(FileTools, GrepReportsAnInvalidPattern) {
  expect_words(call("grep", R"({"pattern":"a(b"})"), {"not a regular expression", "backslash"});
  expect_words(call("grep", R"({"pattern":""})"), {"empty"});
  EXPECT_TRUE(call("grep", R"({"pattern":"x","path":"gone"})").is_error);
}

TEST_F(FileTools, EveryToolDescribesItselfInJson) {
  const auto all = registry_.descriptors();
  EXPECT_EQ(all.size(), 6u);
  for (const ToolDescriptor* tool : all) {
    const auto schema = parse_json(tool->parameters);
    ASSERT_TRUE(schema.ok()) << tool->name << ": " << schema.status();
    EXPECT_EQ(schema->at("type"), "object");
    EXPECT_FALSE(tool->description.empty());
    EXPECT_EQ(tool->runs_on, model::RunsOn::kDaemon);
  }
}

}  // namespace
}  // namespace reliant::tools
