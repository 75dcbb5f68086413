// MemoryLink: the Link inside of one process, for the monolith's own daemon and for tests. Frames are bytes and the window
// is bounded, as over the wire, so that encoding and backpressure are exercised everywhere.
//
// One MemoryLinkTransport is one network of addresses, shared by all roles of the process. Owner: the composition root;
// listeners and links may outlive it. Executor: the waiting task's. A link fails only when its peer ends it.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/status.h"
#include "ports/link.h"
#include "runtime/task.h"

namespace reliant::adapters {

struct MemoryLinkOptions {
  std::size_t window = 64 * 1024;             // bytes that wait for the receiver, in each direction
  std::size_t max_message = 4 * 1024 * 1024;  // gRPC's default
  std::size_t backlog = 128;                  // links that wait for accept()
};

class MemoryLinkTransport final : public ports::LinkTransport {
 public:
  explicit MemoryLinkTransport(MemoryLinkOptions options = {});
  ~MemoryLinkTransport() override;

  // Any text that ends in ":port"; port 0 becomes a free one.
  Result<std::unique_ptr<ports::LinkListener>> listen(std::string address) override;
  Task<Result<std::unique_ptr<ports::Link>>> connect(ports::LinkTarget target, Instant deadline) override;

 private:
  friend class MemoryLinkListener;
  struct Door;
  struct Network;

  std::shared_ptr<Network> network_;
};

}  // namespace reliant::adapters
