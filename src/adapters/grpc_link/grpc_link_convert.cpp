#include "adapters/grpc_link/grpc_link_convert.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <grpc/grpc.h>
#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

namespace reliant::adapters {
namespace {

constexpr std::string_view kField = "reliant-field";
constexpr std::string_view kReason = "reliant-reason";
constexpr std::string_view kRetryAfter = "reliant-retry-after-ns";
constexpr std::string_view kBinary = "-bin";
// All headers of a stream together may have 8 kB, and a byte may take three there.
constexpr std::size_t kMaxText = 1024;
// Up to this size, copying is cheaper than having gRPC reference the bytes in place.
constexpr std::size_t kCopied = 1024;

// HTTP/2 window: how many bytes a peer may send before a receive() asks for them; gRPC grants half as many
// ahead. With tiny messages gRPC's memory is ten times that. A large message is not delayed: its receiver
// grants the rest once its beginning has arrived.
constexpr int kWindow = 6 << 10;
constexpr Duration kPeersPingEvery = std::chrono::seconds(1);

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

void put(grpc::ServerContextBase& context, std::string_view key, const std::string& value) {
  if (value.empty()) return;
  // Some intermediaries strip leading and trailing blanks.
  const bool plain = printable(value) && value.front() != ' ' && value.back() != ' ';
  context.AddTrailingMetadata(plain ? std::string(key) : concat(key, kBinary), value.substr(0, kMaxText));
}

using Trailers = std::multimap<grpc::string_ref, grpc::string_ref>;

std::string get(const Trailers& trailers, std::string_view key) {
  for (const std::string& name : {std::string(key), concat(key, kBinary)}) {
    const auto found = trailers.find(grpc::string_ref(name));
    if (found != trailers.end()) return {found->second.data(), found->second.size()};
  }
  return {};
}

}  // namespace

void put_bytes(std::string bytes, grpc::ByteBuffer& buffer) {
  if (bytes.size() <= kCopied) {
    const grpc::Slice copy(bytes.data(), bytes.size());
    return grpc::ByteBuffer(&copy, 1).Swap(&buffer);
  }
  auto* kept = new std::string(std::move(bytes));
  const grpc::Slice slice(kept->data(), kept->size(), [](void* owner) { delete static_cast<std::string*>(owner); }, kept);
  grpc::ByteBuffer(&slice, 1).Swap(&buffer);
}

std::string take_bytes(grpc::ByteBuffer& buffer) {
  const auto text_of = [](const grpc::Slice& slice) {
    return std::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size());
  };
  std::string bytes;
  grpc::Slice only;
  std::vector<grpc::Slice> slices;
  if (buffer.Valid() && buffer.TrySingleSlice(&only).ok()) {
    bytes = text_of(only);
  } else if (buffer.Valid() && buffer.Dump(&slices).ok()) {
    bytes.reserve(buffer.Length());
    for (const grpc::Slice& slice : slices) bytes += text_of(slice);
  }
  buffer.Clear();
  return bytes;
}

grpc::Status to_grpc(const Status& status, grpc::ServerContextBase& context) {
  if (status.ok()) return grpc::Status::OK;
  put(context, kField, field_of(status));
  put(context, kReason, reason_of(status));
  if (const auto wait = retry_after_of(status); wait.count() > 0) put(context, kRetryAfter, std::to_string(wait.count()));
  return {static_cast<grpc::StatusCode>(status.code()), std::string(message_of(status).substr(0, kMaxText))};
}

Status from_grpc(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return ok_status();
  // Invalid codes arrive as numbers above the defined ones.
  const bool known = status.error_code() > 0 && status.error_code() <= grpc::StatusCode::UNAUTHENTICATED;
  Status out = make_status(known ? static_cast<StatusCode>(status.error_code()) : StatusCode::kUnknown, status.error_message());
  const Trailers& trailers = context.GetServerTrailingMetadata();
  if (const std::string field = get(trailers, kField); !field.empty()) out = with_field(std::move(out), field);
  if (const std::string reason = get(trailers, kReason); !reason.empty()) out = with_reason(std::move(out), reason);
  const std::string wait = get(trailers, kRetryAfter);
  std::int64_t nanoseconds = 0;
  std::from_chars(wait.data(), wait.data() + wait.size(), nanoseconds);
  if (nanoseconds > 0) out = with_retry_after(std::move(out), std::chrono::nanoseconds(nanoseconds));
  return out;
}

Status check_grpc_metadata(const ports::LinkMetadata& metadata) {
  for (const auto& [key, value] : metadata) {
    if (key.starts_with("grpc-")) return invalid_field("metadata", concat("`", key, "`: names with `grpc-` are gRPC's own"));
    if (!key.ends_with(kBinary) && !printable(value)) {
      return invalid_field("metadata",
                           concat("the value of `", key, "` is more than printable ASCII: end its name with `-bin`"));
    }
  }
  return ok_status();
}

std::map<std::string, int> channel_arguments(const GrpcLinkOptions& options) {
  const auto milliseconds = [](Duration time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
  };
  return {
      // Otherwise the window grows to megabytes, for a peer that does not read as well.
      {GRPC_ARG_HTTP2_BDP_PROBE, 0},
      {GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindow},
      {GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(options.keepalive_time)},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(options.keepalive_timeout)},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      // Allow pings at a higher rate than peers send: otherwise gRPC takes them for abuse and ends the streams.
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
       milliseconds(std::min(options.keepalive_time / 4, kPeersPingEvery))},
  };
}

ports::LinkMetadata metadata_of(const grpc::ServerContextBase& context) {
  ports::LinkMetadata metadata;
  for (const auto& [key, value] : context.client_metadata()) {
    metadata.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
  }
  return metadata;
}

}  // namespace reliant::adapters
