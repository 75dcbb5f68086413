// nats_peer: nats.c and gRPC and nothing else: the floor that a tool call from end to end is measured against.
//
//   nats_peer echo URL SUBJECT                      answers each request with what it says
//   nats_peer bridge URL SUBJECT ADDRESS            … with what comes back from ADDRESS (grpc_peer serve), to which it has one
//                                                   stream, as a gateway has to a daemon
//   nats_peer ping URL SUBJECT AT_ONCE ROUNDS SIZE  prints "p50_us X rate_per_second Y": so many requests at a time
//
// The first two print "ready". Each lives until it is killed, or its parent process ends.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/support/slice.h>
#include <nats/nats.h>

#include "support/bare_grpc.h"
#include "support/peer.h"

namespace reliant::tests {
namespace {

void check(natsStatus status) {
  if (status == NATS_OK) return;
  std::fprintf(stderr, "nats_peer: %s\n", natsStatus_GetText(status));
  std::exit(1);
}

// With the one option that makes a request quick: what is published is written at once.
natsConnection* connect(const std::string& url) {
  natsOptions* options = nullptr;
  natsConnection* connection = nullptr;
  check(natsOptions_Create(&options));
  check(natsOptions_SetURL(options, url.c_str()));
  check(natsOptions_SetSendAsap(options, true));
  check(natsConnection_Connect(&connection, options));
  natsOptions_Destroy(options);
  return connection;
}

std::string bytes_of(natsMsg* message) {
  return {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

[[noreturn]] void serve(natsConnection* connection, const std::string& subject, natsMsgHandler handler, void* closure) {
  natsSubscription* subscription = nullptr;
  check(natsConnection_Subscribe(&subscription, connection, subject.c_str(), handler, closure));
  check(natsConnection_Flush(connection));
  std::printf("ready\n");
  std::fflush(stdout);
  wait_for_the_end();
}

// --- echo ------------------------------------------------------------------------------------------------------------

void on_echo(natsConnection* connection, natsSubscription*, natsMsg* message, void*) {
  check(
      natsConnection_Publish(connection, natsMsg_GetReply(message), natsMsg_GetData(message), natsMsg_GetDataLength(message)));
  natsMsg_Destroy(message);
}

// --- bridge ----------------------------------------------------------------------------------------------------------

// Answers come back in the order of the questions.
class Bridge final : public BareGrpcStream {
 public:
  Bridge(const std::string& address, natsConnection* connection) : BareGrpcStream(address), connection_(connection) {
    StartRead(&answer_);
    StartCall();
  }

  static void on_request(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
    static_cast<Bridge*>(self)->ask(natsMsg_GetReply(message), bytes_of(message));
    natsMsg_Destroy(message);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) std::abort();
    const std::lock_guard lock(mutex_);
    unsent_.pop_front();
    if (!unsent_.empty()) StartWrite(&unsent_.front());
  }
  void OnReadDone(bool ok) override {
    if (!ok) std::abort();
    grpc::Slice slice;
    if (!answer_.TrySingleSlice(&slice).ok() && !answer_.DumpToSingleSlice(&slice).ok()) std::abort();
    std::string asker;
    {
      const std::lock_guard lock(mutex_);
      asker = std::move(askers_.front());
      askers_.pop_front();
    }
    StartRead(&answer_);
    check(natsConnection_Publish(connection_, asker.c_str(), slice.begin(), static_cast<int>(slice.size())));
  }

 private:
  void ask(std::string asker, const std::string& bytes) {
    const std::lock_guard lock(mutex_);
    askers_.push_back(std::move(asker));
    unsent_.push_back(bare_message(bytes));
    if (unsent_.size() == 1) StartWrite(&unsent_.front());
  }

  natsConnection* connection_;
  grpc::ByteBuffer answer_;
  std::mutex mutex_;
  std::deque<std::string> askers_;
  std::deque<grpc::ByteBuffer> unsent_;  // the first one is being written
};

[[noreturn]] void bridge(const std::string& url, const std::string& subject, const std::string& address) {
  natsConnection* const connection = connect(url);
  Bridge between(address, connection);
  serve(connection, subject, &Bridge::on_request, &between);
}

// --- ping ------------------------------------------------------------------------------------------------------------

// All answers come to one subscription; the last word of their subject says which of those that ask is meant. As nats.c's own
// requests do it, without a thread for each of them.
class Asker {
 public:
  Asker(const std::string& url, std::string subject, std::size_t at_once, std::size_t total, std::size_t size)
      : connection_(connect(url)), subject_(std::move(subject)), begun_(at_once), rounds_(total), bytes_(size, 'x') {}

  [[noreturn]] void run() {
    char* inbox = nullptr;
    natsSubscription* subscription = nullptr;
    check(natsInbox_Create(&inbox));
    inbox_ = inbox;
    natsInbox_Destroy(inbox);
    check(natsConnection_Subscribe(&subscription, connection_, (inbox_ + ".*").c_str(), &Asker::on_answer, this));
    check(natsConnection_Flush(connection_));
    std::unique_lock lock(mutex_);
    for (std::size_t which = 0; which < begun_.size(); ++which) ask(which);
    over_.wait(lock, [this] { return rounds_.over(); });
    rounds_.print();
    std::_Exit(0);
  }

 private:
  static void on_answer(natsConnection*, natsSubscription*, natsMsg* message, void* closure) {
    Asker& self = *static_cast<Asker*>(closure);
    const char* const word = natsMsg_GetSubject(message) + self.inbox_.size() + 1;
    const auto which = static_cast<std::size_t>(std::strtoull(word, nullptr, 10));
    if (natsMsg_IsNoResponders(message)) check(NATS_NO_RESPONDERS);
    natsMsg_Destroy(message);
    const std::lock_guard lock(self.mutex_);
    self.rounds_.end_one(self.begun_[which]);
    if (self.rounds_.over()) return self.over_.notify_all();
    self.ask(which);
  }
  void ask(std::size_t which) {
    begun_[which] = PeerRounds::Clock::now();
    const std::string reply = inbox_ + "." + std::to_string(which);
    check(natsConnection_PublishRequest(connection_, subject_.c_str(), reply.c_str(), bytes_.data(),
                                        static_cast<int>(bytes_.size())));
  }

  natsConnection* connection_;
  std::string subject_;
  std::string inbox_;
  std::vector<PeerRounds::Clock::time_point> begun_;
  std::mutex mutex_;
  std::condition_variable over_;
  PeerRounds rounds_;
  std::string bytes_;
};

}  // namespace
}  // namespace reliant::tests

int main(int count, char** values) {
  using namespace reliant::tests;
  const PeerArguments asked(count, values);
  if (asked.say("echo", 2)) serve(connect(asked.text(1)), asked.text(2), &on_echo, nullptr);
  if (asked.say("bridge", 3)) bridge(asked.text(1), asked.text(2), asked.text(3));
  if (asked.say("ping", 5)) Asker(asked.text(1), asked.text(2), asked.number(3), asked.number(4), asked.number(5)).run();
  std::fprintf(stderr, "nats_peer: say echo, bridge or ping; see its source\n");
  return 2;
}
