#include "router/tool_call.h"

#include <chrono>
#include <cstdint>
#include <variant>

#include "base/text.h"
#include "model/tool_messages.h"

namespace reliant::router {
namespace {

constexpr Duration kReadAgainTimeout = std::chrono::seconds(5);

// False: some of what came before `at` was lost.
bool append(std::string& whole, std::uint64_t at, std::string piece) {
  if (at == 0) {
    whole = std::move(piece);
    return true;
  }
  const bool follows = at == whole.size();
  if (follows) whole += piece;
  return follows;
}

Status lost_content() { return unavailable("a part of the result was lost on the bus; call again"); }

}  // namespace

std::string encode_call(const model::ToolRequest& request, const OutputSink& sink, const Clock& clock, Instant deadline) {
  model::ToolExecutionRequest message;
  message.request = request;
  message.resume_output_after = sink.last_chunk();
  const WallTime until = deadline == kNever ? WallTime::max() : clock.wall_now() + (deadline - clock.now());
  message.deadline_ms = std::chrono::duration_cast<std::chrono::milliseconds>(until.time_since_epoch()).count();
  return model::encode(message);
}

Task<std::optional<Result<model::ToolResult>>> ToolAnswer::add(ports::BusMessage message) {
  if (messages_.dropped() > 0)
    co_return unavailable("output came faster than it was taken; some of it was dropped and must be asked for again");
  if (ports::is_no_responders(message)) co_return daemon_offline(daemon_);
  auto reply = model::decode_tool_reply(message.payload);
  if (!reply.ok()) {
    if (field_of(reply.status()) == "type") co_return std::nullopt;  // a newer gateway says more than we know: it is alive
    co_return unavailable("an answer cannot be read: ", message_of(reply.status()));
  }
  if (auto* chunk = std::get_if<model::ToolOutputChunk>(&*reply)) {
    const bool whole = append(chunk_, chunk->at, std::move(chunk->data));
    if (!whole || (chunk->chunk > sink_.last_chunk() + 1 && !chunk->gap))
      co_return unavailable("output was lost on the bus; call again to have it from chunk ", sink_.last_chunk() + 1);
    // Chunks already taken come again after a gateway has changed.
    if (!chunk->more && chunk->chunk > sink_.last_chunk())
      co_await sink_.on_output(chunk->chunk, std::exchange(chunk_, {}), chunk->gap);
  } else if (auto* part = std::get_if<model::ToolResultPart>(&*reply)) {
    if (!append(content_, part->at, std::move(part->data))) co_return lost_content();
  } else if (auto* done = std::get_if<model::ToolDone>(&*reply)) {
    if (!append(content_, done->at, std::move(done->result.content))) co_return lost_content();
    done->result.content = std::move(content_);
    co_return std::move(done->result);
  } else if (auto* refused = std::get_if<model::ToolRefused>(&*reply)) {
    co_return refused->status.ok() ? unavailable("the gateway refused without a reason") : refused->status;
  }
  co_return std::nullopt;
}

Task<Result<model::ToolResult>> read_again(store::Executions& executions, model::ToolRequest request,
                                           Result<model::ToolResult> answer, const Clock& clock) {
  if (answer.ok() || !is_unanswered(answer.status()) || model::durability_of(request.effect) == model::Durability::kUnrecorded)
    co_return answer;
  auto execution = co_await executions.get(std::move(request.id), after(clock.now(), kReadAgainTimeout));
  if (execution.ok() && execution->result) co_return *std::move(execution->result);
  co_return answer;
}

}  // namespace reliant::router
