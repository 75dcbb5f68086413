#include "adapters/nats/nats_bus_inboxes.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace reliant::adapters {

// An inbox is named <prefix>.<subscription>.<number>.
std::string NatsBusInboxes::pattern(std::uint64_t number) const { return concat(prefix_, '.', number, ".*"); }

std::string NatsBusInboxes::shared_pattern() const { return pattern(kShared); }

std::string NatsBusInboxes::add() {
  const std::uint64_t number = ++last_inbox_;
  const auto desk = free_desk();
  if (desk == desks_.end()) return concat(prefix_, '.', kShared, '.', number);
  desk->second.inbox = concat(prefix_, '.', desk->first, '.', number);
  return desk->second.inbox;
}

NatsBusInboxes::Desks::iterator NatsBusInboxes::free_desk() {
  const auto found = std::ranges::find_if(desks_, [](const auto& desk) { return desk.second.inbox.empty(); });
  if (found != desks_.end()) return found;
  if (desks_.size() == kDesks) {
    const auto idle = std::ranges::find_if(desks_, [](const auto& desk) { return !desk.second.listened; });
    if (idle == desks_.end()) return idle;
    close(idle);
  }
  const auto made = desks_.try_emplace(++last_desk_).first;
  server_.open_desk(made->first, pattern(made->first));
  return made;
}

void NatsBusInboxes::close(Desks::iterator desk) {
  server_.close_desk(desk->first);
  desks_.erase(desk);
}

void NatsBusInboxes::open_all() {
  for (const auto& [number, desk] : desks_) server_.open_desk(number, pattern(number));
}

std::uint64_t NatsBusInboxes::desk_of(std::string_view inbox) const {
  std::uint64_t number = kShared;
  if (!is_own(inbox)) return number;
  inbox.remove_prefix(std::min(inbox.size(), prefix_.size() + 1));
  std::from_chars(inbox.begin(), inbox.end(), number);
  return number;
}

bool NatsBusInboxes::listen(std::string_view inbox) {
  const std::string shared = concat(prefix_, '.', kShared, '.');
  if (inbox.starts_with(shared)) return inbox.find_first_of(".*>", shared.size()) == std::string_view::npos;
  const auto desk = desks_.find(desk_of(inbox));
  const bool here = desk != desks_.end() && desk->second.inbox == inbox;
  if (here) desk->second.listened = true;
  return here;
}

void NatsBusInboxes::asked(std::string_view inbox) {
  const auto found = desks_.find(desk_of(inbox));
  if (found == desks_.end()) return;
  if (found->second.inbox == inbox) {
    ++found->second.asked;
  } else if (found->second.inbox.empty()) {
    close(found);
  } else {
    found->second.strayed = true;
  }
}

void NatsBusInboxes::heard(std::string_view inbox) {
  const auto found = desks_.find(desk_of(inbox));
  if (found != desks_.end() && found->second.inbox == inbox) found->second.heard = true;
}

void NatsBusInboxes::left(std::string_view inbox) {
  const auto found = desks_.find(desk_of(inbox));
  if (found == desks_.end() || found->second.inbox != inbox) return;
  const Desk& desk = found->second;
  const bool all_is_said = desk.asked == 0 || (desk.asked == 1 && desk.heard);
  if (all_is_said && !desk.strayed) {
    found->second = {};
  } else {
    close(found);
  }
}

std::string NatsBusInboxes::no_responders(std::uint64_t desk) {
  const auto found = desks_.find(desk);
  if (found == desks_.end() || found->second.strayed) return "";
  found->second.heard = true;
  return found->second.inbox;
}

}  // namespace reliant::adapters
