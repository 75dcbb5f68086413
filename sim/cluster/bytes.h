// Outside parties that send bytes where text is expected: a model provider's proxy that answers with an error page in another
// encoding, cut or compressed, and a daemon of another vendor whose tool results are any bytes.
//
// Fault atlas, and why the system must survive each:
//   an error page     with a status that is retried: the next attempt is answered; with another status: the turn fails, with
//                     a reason that can be stored and shown
//   a result          is stored unchanged, and shown to the model and the user as text
//
// Owner: the node's composition root. Executor: the node's.
#pragma once

#include <memory>
#include <string>

#include "base/event_log.h"
#include "faults/byte_faults.h"
#include "llm/model_provider.h"
#include "ports/link.h"
#include "runtime/random.h"

namespace reliant::sim {

class ByteProvider final : public llm::ModelProvider {
 public:
  // References outlive it.
  ByteProvider(std::unique_ptr<llm::ModelProvider> inner, const ByteFaults& faults, Random random, EventLog& log)
      : inner_(std::move(inner)), faults_(faults), random_(random), log_(log) {}

  Task<Result<llm::ModelAnswer>> complete(llm::ModelRequest request, llm::TextSink& sink, Instant deadline) override;

 private:
  std::unique_ptr<llm::ModelProvider> inner_;
  const ByteFaults& faults_;
  Random random_;
  EventLog& log_;
};

class ByteLinks final : public ports::LinkTransport {
 public:
  // References outlive it and its links.
  ByteLinks(ports::LinkTransport& inner, const ByteFaults& faults, RandomStreams streams, EventLog& log)
      : inner_(inner), faults_(faults), streams_(streams), log_(log) {}

  Result<std::unique_ptr<ports::LinkListener>> listen(std::string address) override;
  Task<Result<std::unique_ptr<ports::Link>>> connect(ports::LinkTarget target, Instant deadline) override;

  // The frame to send: the same for every attempt with the same result.
  std::string sent(std::string frame) const;

 private:
  ports::LinkTransport& inner_;
  const ByteFaults& faults_;
  RandomStreams streams_;
  EventLog& log_;
};

}  // namespace reliant::sim
