#include "model/interest.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "model/subject.h"

namespace reliant::model {

struct Interest::Subscribers {
  std::set<InterestId> plain;
  std::map<std::string, std::set<InterestId>, std::less<>> groups;

  bool empty() const { return plain.empty() && groups.empty(); }
};

// Everything that follows one prefix of tokens.
struct Interest::Level {
  Subscribers here;  // whose pattern ends here
  Subscribers rest;  // whose pattern ends here with `>`
  std::map<std::string, std::unique_ptr<Level>, std::less<>> literal;
  std::unique_ptr<Level> any;  // `*`

  bool empty() const { return here.empty() && rest.empty() && literal.empty() && any == nullptr; }
};

namespace {

// The first token, which is taken off `rest`; `last` tells whether nothing is left.
std::string_view take_token(std::string_view& rest, bool& last) {
  const std::size_t dot = rest.find('.');
  const std::string_view token = rest.substr(0, dot);
  last = dot == std::string_view::npos;
  rest = last ? std::string_view() : rest.substr(dot + 1);
  return token;
}

}  // namespace

Interest::Interest() : root_(std::make_unique<Level>()) {}
Interest::~Interest() = default;

void Interest::add(InterestId id, std::string_view pattern, std::string_view queue_group) {
  RELIANT_ASSERT(valid_pattern(pattern), "a pattern is checked before it is added");
  const bool added = entries_.try_emplace(id, Entry{std::string(pattern), std::string(queue_group)}).second;
  RELIANT_ASSERT(added, "an interest id is added once");
  Level* level = root_.get();
  Subscribers* subscribers = nullptr;
  for (bool last = false; !last;) {
    const std::string_view token = take_token(pattern, last);
    if (token == ">") {
      subscribers = &level->rest;
      break;
    }
    std::unique_ptr<Level>& next = token == "*" ? level->any : level->literal[std::string(token)];
    if (next == nullptr) next = std::make_unique<Level>();
    level = next.get();
    subscribers = &level->here;
  }
  if (queue_group.empty()) {
    subscribers->plain.insert(id);
  } else {
    subscribers->groups[std::string(queue_group)].insert(id);
  }
}

bool Interest::remove(InterestId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  remove_below(*root_, found->second.pattern, id, found->second);
  entries_.erase(found);
  return true;
}

// Returns whether `level` is empty now, and can go.
bool Interest::remove_below(Level& level, std::string_view rest, InterestId id, const Entry& entry) {
  Subscribers* subscribers = nullptr;
  if (rest.empty()) {
    subscribers = &level.here;
  } else if (rest == ">") {
    subscribers = &level.rest;
  }
  if (subscribers == nullptr) {
    bool last = false;
    const std::string_view token = take_token(rest, last);
    if (token == "*") {
      if (remove_below(*level.any, rest, id, entry)) level.any.reset();
    } else {
      const auto next = level.literal.find(token);
      if (remove_below(*next->second, rest, id, entry)) level.literal.erase(next);
    }
  } else if (entry.queue_group.empty()) {
    subscribers->plain.erase(id);
  } else {
    const auto group = subscribers->groups.find(entry.queue_group);
    group->second.erase(id);
    if (group->second.empty()) subscribers->groups.erase(group);
  }
  return level.empty();
}

InterestMatch Interest::match(std::string_view subject) const {
  InterestMatch match;
  collect(*root_, subject, match);
  std::sort(match.plain.begin(), match.plain.end());
  std::sort(match.groups.begin(), match.groups.end(),
            [](const InterestGroup& a, const InterestGroup& b) { return a.name < b.name; });
  for (InterestGroup& group : match.groups) std::sort(group.members.begin(), group.members.end());
  return match;
}

void Interest::collect(const Level& level, std::string_view rest, InterestMatch& match) {
  take(level.rest, match);
  bool last = false;
  const std::string_view token = take_token(rest, last);
  const auto literal = level.literal.find(token);
  const Level* const next[] = {literal == level.literal.end() ? nullptr : literal->second.get(), level.any.get()};
  for (const Level* below : next) {
    if (below == nullptr) continue;
    if (last) {
      take(below->here, match);
    } else {
      collect(*below, rest, match);
    }
  }
}

void Interest::take(const Subscribers& subscribers, InterestMatch& match) {
  match.plain.insert(match.plain.end(), subscribers.plain.begin(), subscribers.plain.end());
  for (const auto& [name, members] : subscribers.groups) {
    auto group =
        std::find_if(match.groups.begin(), match.groups.end(), [&](const InterestGroup& known) { return known.name == name; });
    if (group == match.groups.end()) group = match.groups.insert(group, InterestGroup{name, {}});
    group->members.insert(group->members.end(), members.begin(), members.end());
  }
}

}  // namespace reliant::model
