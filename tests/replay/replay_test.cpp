// Histories of chats that earlier states of the workflow code made, and still run somewhere: the code of today must ask for the same
// again. A history that no longer replays is a chat that stands still for ever after an upgrade; the remedy is
// WorkflowContext::patched, never another history. record.py makes them.

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <temporal/api/history/v1/message.pb.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "temporal/workflow_run.h"
#include "workflow/chat_activities.h"
#include "workflow/chat_workflow.h"

namespace reliant {
namespace {

namespace fs = std::filesystem;
using MakeWorkflow = std::function<std::unique_ptr<temporal::Workflow>()>;

struct Recorded {
  std::string workflow_id;
  std::string run_id;
  std::string type;
  ::temporal::api::history::v1::History history;
};

std::vector<fs::path> all_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator("tests/replay/histories")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Recorded read(const fs::path& path) {
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  Recorded recorded;
  const auto begin = text.find("\"events\":");
  // The rest is an object with one key more than a History of the API has room for: its head is read as JSON, its events as protobuf's.
  const auto head = parse_json(text.substr(0, begin) + "\"events\":[]}");
  EXPECT_TRUE(head.ok()) << path << head.status();
  if (!head.ok()) return recorded;
  const json::object& fields = head->as_object();
  recorded.workflow_id = std::string(fields.at("workflow_id").as_string());
  recorded.run_id = std::string(fields.at("run_id").as_string());
  recorded.type = std::string(fields.at("type").as_string());
  google::protobuf::util::JsonParseOptions newer_servers;
  newer_servers.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage("{" + text.substr(begin), &recorded.history, newer_servers);
  EXPECT_TRUE(status.ok()) << path << status.ToString();
  return recorded;
}

Status replay(const Recorded& recorded, const MakeWorkflow& make) {
  temporal::WorkflowRun run(recorded.workflow_id, recorded.run_id, make());
  for (const auto& event : recorded.history.events()) run.foresee(event);
  for (const auto& event : recorded.history.events()) TRY_OK(run.apply(event));
  return run.ended() ? ok_status() : failed_precondition("the history is whole, and the code goes on");
}

// Asks for something that no recorded chat has asked for.
class OtherWorkflow final : public temporal::Workflow {
 public:
  Task<Result<std::string>> run(temporal::WorkflowContext& context, std::string) override {
    co_await context.sleep(std::chrono::seconds(1));
    co_return std::string();
  }
};

TEST(Replay, HistoriesOfEarlierStatesReplay) {
  const std::map<std::string, MakeWorkflow> code = {
      {std::string(workflow::kChatWorkflowType), [] { return std::make_unique<workflow::ChatWorkflow>(); }}};
  const std::vector<fs::path> files = all_files();
  EXPECT_GE(files.size(), 9U);
  for (const fs::path& file : files) {
    const Recorded recorded = read(file);
    const auto make = code.find(recorded.type);
    ASSERT_NE(make, code.end()) << file << ": there is no code for the type " << recorded.type;
    const Status status = replay(recorded, make->second);
    EXPECT_TRUE(status.ok()) << file << ": " << status;
  }
}

TEST(Replay, ADifferenceIsFound) {
  for (const fs::path& file : all_files()) {
    const Status status = replay(read(file), [] { return std::make_unique<OtherWorkflow>(); });
    EXPECT_EQ(reason_of(status), temporal::kReasonNondeterminism) << file << ": " << status;
  }
}

}  // namespace
}  // namespace reliant
