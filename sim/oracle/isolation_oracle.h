// IsolationOracle: nothing reaches somebody whom it is not for.
//   chat      no client sees in one chat what was said in another; no user's request runs on a daemon of another
//   delivery  of every message between processes (bus, links, HTTP): it goes to a place of the user whom its text is about.
//             A bus message is about the user in its subject, an answer about the chat whose request named the inbox; a link
//             is its daemon's owner's, a client its user's. Texts that scripts mark ("mark-CHAT") tell whose they are
//   epoch     of the streams of one daemon each has a higher epoch than those before it, and no number is given twice (C2)
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
  // Every mark in the text is of that user, and of that chat if it is one chat's.
  void judge_marks(const Delivery& delivery, const Owner& owner, std::string_view way);
  void complain(const Delivery& delivery, std::string what);
  const Place* place(std::uint32_t node) const;

  std::map<DaemonKey, std::map<std::int64_t, std::string>> epochs_;  // -> gateway
  std::map<std::string, Owner, std::less<>> requests_;
  std::map<std::string, std::string, std::less<>> users_of_chats_;
  std::map<std::string, DaemonKey> daemons_;  // of requests, with the user that the daemon was told it belongs to
  std::vector<Place> places_;                 // by node
  std::map<std::string, Owner, std::less<>> inboxes_;
};

}  // namespace reliant::sim
