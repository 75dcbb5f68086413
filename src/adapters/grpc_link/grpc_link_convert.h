// Conversions between our types and gRPC's: bytes, options, and a status with its details. Field,
// reason and retry-after travel as trailing metadata: "reliant-field", "reliant-reason" (with "-bin" behind
// when the text cannot be a header) and "reliant-retry-after-ns".
#pragma once

#include <map>
#include <string>

#include "adapters/grpc_link/grpc_link.h"
#include "base/status.h"
#include "ports/link.h"

namespace grpc {
class ByteBuffer;
class ServerContextBase;
class ClientContext;
class Status;
}  // namespace grpc

namespace reliant::adapters {

// Large ones without a copy.
void put_bytes(std::string bytes, grpc::ByteBuffer& buffer);
// Empties the buffer.
std::string take_bytes(grpc::ByteBuffer& buffer);

// The context gets what grpc::Status has no room for; before Finish.
grpc::Status to_grpc(const Status& status, grpc::ServerContextBase& context);
// After OnDone.
Status from_grpc(const grpc::Status& status, const grpc::ClientContext& context);

// gRPC aborts the process on what it cannot send.
Status check_grpc_metadata(const ports::LinkMetadata& metadata);
// What a channel and a server have in common, by the names of gRPC.
std::map<std::string, int> channel_arguments(const GrpcLinkOptions& options);

ports::LinkMetadata metadata_of(const grpc::ServerContextBase& context);

}  // namespace reliant::adapters
