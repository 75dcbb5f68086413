// Interest: which subscriptions match which subjects; the table of a bus server. A trie over the tokens of the patterns, so
// that the cost of a match follows from the length of the subject and not from the number of subscriptions.
//
// Plain subscriptions each get a message; of a queue group, which is a name whatever the patterns of its members, one
// member does (R61). The caller chooses the member. Everything comes out in the order of ids and names, never of addresses:
// both in-process buses and the simulated one decide from this table alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reliant::model {

using InterestId = std::uint64_t;

struct InterestGroup {
  std::string_view name;  // good until the table changes
  std::vector<InterestId> members;

  friend bool operator==(const InterestGroup&, const InterestGroup&) = default;
};

struct InterestMatch {
  std::vector<InterestId> plain;      // ascending
  std::vector<InterestGroup> groups;  // by name; members ascending, at least one

  bool empty() const { return plain.empty() && groups.empty(); }
  friend bool operator==(const InterestMatch&, const InterestMatch&) = default;
};

class Interest {
 public:
  Interest();
  Interest(const Interest&) = delete;
  Interest& operator=(const Interest&) = delete;
  ~Interest();

  // `id` is new, `pattern` valid. `queue_group` "" = plain.
  void add(InterestId id, std::string_view pattern, std::string_view queue_group);
  // False: there is no such id.
  bool remove(InterestId id);
  // `subject` is valid.
  InterestMatch match(std::string_view subject) const;
  bool any(std::string_view subject) const { return !match(subject).empty(); }
  std::size_t size() const { return entries_.size(); }

 private:
  struct Subscribers;
  struct Level;
  struct Entry {
    std::string pattern;
    std::string queue_group;
  };

  static void collect(const Level& level, std::string_view rest, InterestMatch& match);
  static void take(const Subscribers& subscribers, InterestMatch& match);
  static bool remove_below(Level& level, std::string_view rest, InterestId id, const Entry& entry);

  std::map<InterestId, Entry> entries_;
  std::unique_ptr<Level> root_;
};

}  // namespace reliant::model
