// IsolationOracle: no user's data reach another user.
//   chat      no client sees in one chat a text of another; no user's request runs on a daemon of another user
//   delivery  every message between processes (bus, links, HTTP) goes to the user whose text it holds. A bus message belongs
//             to the user in its subject, an answer to the chat whose request named the inbox; a link belongs to its daemon's
//             owner, a client to its user. Marks in the scripts' texts ("mark-CHAT") name their chat
//   epoch     each stream of a daemon has a higher epoch than the streams before it, and no epoch is given twice (C2)
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oracle/oracle.h"

namespace reliant::sim {

class IsolationOracle final : public Oracle {
 public:
  using Oracle::Oracle;
  bool looks_at_deliveries() const override { return true; }
  void on_record(const TraceRecord& record) override;
  void on_delivery(const Delivery& delivery) override;
  void finish(const FinalState& state) override;

 private:
  struct Owner {
    std::string user;
    std::string chat;  // "" = any of the user's
  };
  struct Place {
    std::string name;
    std::string role;
    Owner owner;  // of a daemon's or a client's node
    std::string daemon;
  };
  void own(const TraceRecord& record);
  void on_bus(const Delivery& delivery);
  void on_link(const Delivery& delivery);
  void on_request(const Delivery& delivery, const Place& daemon);
  // Every mark in the text must be of that user, and of that chat if the owner is one chat.
  void judge_marks(const Delivery& delivery, const Owner& owner, std::string_view way);
  void complain(const Delivery& delivery, std::string what);
  const Place* place(std::uint32_t node) const;

  std::map<DaemonKey, std::map<std::int64_t, std::string>> epochs_;  // -> gateway
  std::map<std::string, Owner, std::less<>> requests_;
  std::map<std::string, std::string, std::less<>> users_of_chats_;
  std::map<std::string, DaemonKey> daemons_;  // by request, with the user in the request as the daemon received it
  std::vector<Place> places_;                 // by node
  std::map<std::string, Owner, std::less<>> inboxes_;
};

}  // namespace reliant::sim
