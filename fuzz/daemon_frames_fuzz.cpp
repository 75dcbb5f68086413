// Frames of a gateway to a daemon that is registered and has run one tool before.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "frames.h"
#include "fuzz_input.h"
#include "unit/daemon/daemon_world.h"

namespace reliant::daemon {
namespace {

constexpr std::size_t kMostFrames = 64;

Task<void> say(ports::AcceptedLink& link, std::string bytes) { (void)co_await link.send(std::move(bytes), kNever); }

class Machine final : public DaemonWorld {
 public:
  void check_frames(const std::vector<std::string>& frames) {
    connect();
    gateway_->execute("req_1", "echo hello");
    run_for(std::chrono::seconds(1));
    RELIANT_ASSERT(gateway_->results("req_1").size() == 1, "the daemon works");
    TaskScope sending(executor_, 9);
    for (std::size_t i = 0; i < std::min(frames.size(), kMostFrames); ++i) {
      note_effect(frames[i]);
      if (gateway_->streams.back()->over) break;
      sending.spawn(say(*gateway_->streams.back()->link, frames[i]));
      run_for(std::chrono::milliseconds(20));
    }
    run_for(std::chrono::seconds(10));
    RELIANT_ASSERT(!life_->end.has_value(), "a daemon goes on, whatever a gateway says");
    for (const auto& [request, may_repeat] : may_repeat_) {
      RELIANT_ASSERT(may_repeat || machine_.effects.count(request, "started") <= 1, "a request runs once (C7)");
    }
    check_results();
    RELIANT_ASSERT(!testing::Test::HasFailure(), "no expectation of the test world fails");
  }

 private:
  void TestBody() override {}

  // A request that was once declared repeatable may run again.
  void note_effect(const std::string& bytes) {
    proto::GatewayFrame frame;
    if (!frame.ParseFromString(bytes) || !frame.has_execute_tool()) return;
    const proto::ExecuteTool& request = frame.execute_tool();
    const auto [first, is_new] = inputs_.emplace(request.request_id(), request.tool() + "\n" + request.arguments());
    if (!is_new && first->second != request.tool() + "\n" + request.arguments()) reused_.insert(first->first);
    bool& may_repeat = may_repeat_[request.request_id()];
    may_repeat |=
        request.effect() == proto::EFFECT_READ_ONLY || request.effect() == proto::EFFECT_IDEMPOTENT || request.unrecorded();
  }
  // Every result of a recorded request is the same; an id that is reused for other arguments is refused.
  void check_results() {
    std::map<std::string, std::string> known;
    for (const auto& stream : gateway_->streams) {
      for (const auto& heard : stream->heard) {
        if (!heard.frame.has_tool_finished() || heard.frame.tool_finished().unrecorded()) continue;
        const auto& result = heard.frame.tool_finished();
        if (reused_.contains(result.request_id())) continue;
        const auto [place, is_new] = known.emplace(result.request_id(), result.SerializeAsString());
        RELIANT_ASSERT(is_new || place->second == result.SerializeAsString(), "a request has one result (C7)");
      }
    }
  }

  std::map<std::string, bool> may_repeat_;
  std::map<std::string, std::string> inputs_;  // tool and arguments, as they first came
  std::set<std::string> reused_;
};

}  // namespace
}  // namespace reliant::daemon

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  return reliant::fuzz::mutate_frames(data, size, max_size, seed, reliant::tools::v1::GatewayFrame::default_instance());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reliant::daemon::Machine machine;
  machine.check_frames(reliant::fuzz::frames_of(reliant::fuzz::text_of(data, size)));
  return 0;
}
