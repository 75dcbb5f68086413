#include <gtest/gtest.h>

#include "app/chat_view.h"

namespace reliant::app {
namespace {

// What a view printed.
class Paper {
 public:
  Paper() : file_(::open_memstream(&text_, &size_)) {}
  ~Paper() {
    std::fclose(file_);
    std::free(text_);
  }
  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

TEST(ChatView, ShowsAnAnswerOnceWhileItIsWritten) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kText);
  EXPECT_TRUE(view.show(1, "message", R"({"id":"u","role":"user","content":[{"type":"text","text":"hi"}]})").ok());
  EXPECT_TRUE(view.show(2, "message_chunk", R"({"message_id":"a","text":"hel"})").ok());
  EXPECT_TRUE(view.show(3, "message_chunk", R"({"message_id":"a","text":"lo"})").ok());
  EXPECT_TRUE(view.show(4, "message", R"({"id":"a","role":"assistant","content":[{"type":"text","text":"hello"}]})").ok());
  EXPECT_TRUE(view.show(5, "status", R"({"status":"idle"})").ok());
  EXPECT_EQ(paper.text(), "> hi\nhello\n");
  EXPECT_EQ(view.status(), model::ChatStatus::kIdle);
}

TEST(ChatView, ShowsThatNoWorkerHasTakenTheChat) {
  Paper paper;
  ChatView people(paper.file(), ViewFormat::kText);
  people.show_waiting(std::chrono::milliseconds(5700));
  ChatView scripts(paper.file(), ViewFormat::kJson);
  scripts.show_waiting(std::chrono::milliseconds(5700));
  EXPECT_EQ(paper.text(), "waiting: no worker has taken this up for 5 s\n");
}

TEST(ChatView, ShowsTheToolsOfStoredMessages) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kText);
  for (
      const char* message :
      {R"({"role":"user","content":[{"type":"text","text":"go"}]})",
       R"({"role":"assistant","content":[{"type":"text","text":"I look"},
              {"type":"tool_call","id":"a","tool":"bash","arguments":{"command":"ls"}}]})",
       R"({"role":"tool","content":[{"type":"tool_result","id":"a","outcome":"executed","is_error":false,"content":"one\ntwo","exit_code":0}]})",
       R"({"role":"tool","content":[{"type":"tool_result","id":"b","tool":"view","outcome":"unknown","is_error":true,"content":"lost"}]})",
       R"({"role":"assistant","damaged":true,"content":[]})"}) {
    view.show_stored(parse_json(message)->as_object());
  }
  EXPECT_EQ(paper.text(),
            "> go\nI look\n[bash 1] {\"command\":\"ls\"}\n[bash 1] | one\n[bash 1] | two\n[bash 1] done\n"
            "[view] unknown: lost\n(assistant: this message cannot be read back)\n");
}

TEST(ChatView, LabelsTheLinesOfParallelTools) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kText);
  for (const auto& [kind, payload] : std::vector<std::pair<const char*, const char*>>{
           {"tool_started", R"({"id":"a","tool":"bash","arguments":"{\"command\":\"x\"}"})"},
           {"tool_started", R"({"id":"b","tool":"bash","arguments":"{}"})"},
           {"tool_output", R"({"id":"a","chunk":1,"text":"one\ntw"})"},
           {"tool_output", R"({"id":"b","chunk":1,"text":"other\n"})"},
           {"tool_output", R"({"id":"a","chunk":2,"text":"o\nlast"})"},
           {"tool_finished", R"({"id":"a","tool":"bash","outcome":"executed","is_error":true,"content":"","exit_code":3})"},
           {"tool_finished",
            R"({"id":"b","tool":"bash","outcome":"unknown","is_error":true,"content":"lost","exit_code":0})"}}) {
    EXPECT_TRUE(view.show(1, kind, payload).ok());
  }
  EXPECT_EQ(paper.text(),
            "[bash 1] {\"command\":\"x\"}\n[bash 2] {}\n[bash 1] | one\n[bash 2] | other\n[bash 1] | two\n"
            "[bash 1] | last\n[bash 1] failed, exit code 3\n[bash 2] unknown: lost\n");
}

TEST(ChatView, ShowsAModelFailureAndTheTimeOfTheRetry) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kText);
  EXPECT_TRUE(
      view.show(1, "model_retry", R"({"attempt":3,"code":"RESOURCE_EXHAUSTED","message":"busy","next_in_ms":4000})").ok());
  EXPECT_EQ(paper.text(), "the model did not answer (RESOURCE_EXHAUSTED: busy); attempt 3, the next one in 4 s\n");
}

TEST(ChatView, IgnoresUpdatesOfANewerServer) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kText);
  EXPECT_TRUE(view.show(1, "of_tomorrow", R"({"status":"failed"})").ok());
  EXPECT_EQ(paper.text(), "");
  EXPECT_FALSE(view.status());
}

TEST(ChatView, EscapesTerminalControlSequences) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kText);
  EXPECT_TRUE(view.show(1, "tool_started", R"({"id":"a","tool":"bash","arguments":"{}"})").ok());
  EXPECT_TRUE(view.show(2, "tool_output", R"({"id":"a","chunk":1,"text":"\u001b[2Jx\r\n"})").ok());
  EXPECT_EQ(paper.text(), "[bash 1] {}\n[bash 1] | [2Jx\n");
}

TEST(ChatView, GivesScriptsOneObjectALine) {
  Paper paper;
  ChatView view(paper.file(), ViewFormat::kJson);
  EXPECT_TRUE(view.show(7, "status", R"({"status":"failed","error":{"code":"UNAVAILABLE","message":"m"}})").ok());
  EXPECT_EQ(paper.text(),
            "{\"sequence\":7,\"kind\":\"status\",\"payload\":{\"status\":\"failed\",\"error\":{\"code\":"
            "\"UNAVAILABLE\","
            "\"message\":\"m\"}}}\n");
  EXPECT_EQ(view.error(), "UNAVAILABLE: m");
  EXPECT_FALSE(view.show(8, "status", "[").ok());
}

}  // namespace
}  // namespace reliant::app
