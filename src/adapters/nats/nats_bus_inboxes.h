// NatsBusInboxes: over which subscription the messages for each inbox of a NatsBus come.
//
// nats.c hands out what a subscription has heard on a thread of its own, or has to be asked for it, which spares the change of
// thread and so a good part of an answer's time, but then does not say of a question that nobody listens to which one it was
// ("503", no responders). So a subscription that is asked, a desk, serves one inbox at a time, and the next one only when no 503
// for the one before can be on its way: the server says it before anything else, and once for each question.
// Who finds no desk free shares a subscription that is not asked; but one at whose inbox nobody listens is closed for it.
//
//   the inbox was asked for | something came | when it is left, its desk is
//   never                   | -              | free
//   once                    | yes            | free
//   once                    | no             | closed
//   more than once          | -              | closed
//
// An inbox that was left may be used again: its desk hears it too, and is of no more use (`strayed`).
// Owner: a NatsBus. It cannot fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace reliant::adapters {

class NatsBusInboxes final {
 public:
  static constexpr std::uint64_t kShared = 0;  // the number of the subscription that is not asked
  static constexpr std::size_t kDesks = 32;    // each is asked after each read: not more than a daemon runs tools

  // Whoever has the subscriptions.
  class Server {
   public:
    virtual void open_desk(std::uint64_t desk, const std::string& pattern) = 0;
    virtual void close_desk(std::uint64_t desk) = 0;

   protected:
    ~Server() = default;
  };

  NatsBusInboxes(Server& server, std::string prefix) : server_(server), prefix_(std::move(prefix)) {}

  std::string add();                        // a subject that nobody else uses
  std::string shared_pattern() const;       // what the shared subscription listens to
  void open_all();                          // the desks, on a new connection
  bool is_own(std::string_view subject) const { return subject.starts_with(prefix_); }
  // Somebody listens there. True: what is sent there comes without a subscription of its own.
  bool listen(std::string_view inbox);
  void asked(std::string_view inbox);  // a question was sent whose answer is to come there
  void heard(std::string_view inbox);
  void left(std::string_view inbox);
  // A question whose answer was to come to this desk had no responders: the inbox where that is to be told; "": nowhere.
  std::string no_responders(std::uint64_t desk);

 private:
  struct Desk {
    std::string inbox = {};  // "": free
    bool listened = false;
    int asked = 0;
    bool heard = false;
    bool strayed = false;
  };
  using Desks = std::map<std::uint64_t, Desk>;

  Desks::iterator free_desk();  // none: desks_.end()
  void close(Desks::iterator desk);
  std::uint64_t desk_of(std::string_view inbox) const;  // by its name
  std::string pattern(std::uint64_t number) const;

  Server& server_;
  const std::string prefix_;
  Desks desks_;
  std::uint64_t last_desk_ = kShared;
  std::uint64_t last_inbox_ = 0;
};

}  // namespace reliant::adapters
