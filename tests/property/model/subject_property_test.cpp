// Subjects and the interest table against models that are too simple to be wrong.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/interest.h"
#include "model/subject.h"

namespace reliant::model {
namespace {

using Words = std::vector<std::string>;

// Few words and short subjects, so that they meet.
rc::Gen<std::string> any_word() { return rc::gen::element<std::string>("a", "b", "c", "aa"); }

rc::Gen<Words> words(int most) {
  return rc::gen::mapcat(rc::gen::inRange(1, most + 1),
                         [](int size) { return rc::gen::container<Words>(static_cast<std::size_t>(size), any_word()); });
}

std::string joined(const Words& words) { return join(words, "."); }

rc::Gen<Words> any_subject() { return words(4); }

// Each token is a wildcard now and then; the last may be `>`.
rc::Gen<Words> any_pattern() {
  return rc::gen::apply(
      [](Words words, std::vector<int> masks, bool rest) {
        for (std::size_t i = 0; i < words.size(); ++i) {
          if (masks[i] == 0) words[i] = "*";
        }
        if (rest) words.back() = ">";
        return words;
      },
      words(4), rc::gen::container<std::vector<int>>(4, rc::gen::inRange(0, 3)), rc::gen::arbitrary<bool>());
}

bool naive_match(const Words& pattern, const Words& subject, std::size_t at = 0) {
  if (at == pattern.size()) return at == subject.size();
  if (at == subject.size()) return false;
  if (pattern[at] == ">") return true;
  return (pattern[at] == "*" || pattern[at] == subject[at]) && naive_match(pattern, subject, at + 1);
}

RC_GTEST_PROP(Subject, MatchesAsTheNaiveMatcherDoes, ()) {
  const Words pattern = *any_pattern();
  const Words subject = *any_subject();
  RC_CLASSIFY(naive_match(pattern, subject), "matches");
  RC_ASSERT(valid_pattern(joined(pattern)));
  RC_ASSERT(valid_subject(joined(subject)));
  RC_ASSERT(subject_matches(joined(pattern), joined(subject)) == naive_match(pattern, subject));
}

RC_GTEST_PROP(Subject, EveryTextIsAValidTokenAndComesBack, (const std::string& text)) {
  const std::string token = encode_token(text);
  RC_ASSERT(valid_token(token));
  const Result<std::string> back = decode_token(token);
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == text);
}

RC_GTEST_PROP(Subject, DecodesNothingThatItDoesNotEncode, ()) {
  const auto token = *rc::gen::container<std::string>(rc::gen::element('=', '4', '1', 'A', 'a', 'F', '.', '*', ' ', 's'));
  const Result<std::string> text = decode_token(token);
  RC_CLASSIFY(text.ok(), "decodes");
  if (text.ok()) {
    RC_ASSERT(encode_token(*text) == token);
  } else {
    RC_ASSERT(text.status().code() == StatusCode::kInvalidArgument);
  }
}

RC_GTEST_PROP(Subject, SubjectsOfDaemonsAreOneToOne, ()) {
  const auto any_id =
      rc::gen::oneOf(rc::gen::arbitrary<std::string>(), rc::gen::element<std::string>("sync", "a.b", "*", ">", "", "a", "=41"));
  const auto any_kind = rc::gen::element(DaemonSubject::kToolRequest, DaemonSubject::kToolRequestSync,
                                         DaemonSubject::kToolCancel, DaemonSubject::kToolOnline, DaemonSubject::kCommand);
  const DaemonSubject kind = *any_kind;
  const DaemonAddress address{UserId(*any_id), DaemonId(*any_id)};
  const std::string subject = daemon_subject(kind, address.user, address.daemon);
  RC_ASSERT(valid_subject(subject));
  const Result<DaemonAddress> back = parse_daemon_subject(kind, subject);
  RC_ASSERT(back.ok());
  RC_ASSERT(*back == address);
  const Result<DaemonAddress> lane = parse_daemon_subject(kind, user_subject(kind, address.user));
  RC_ASSERT(lane.ok());
  RC_ASSERT(*lane == (DaemonAddress{address.user, DaemonId()}));
  // No other kind takes it for its own: tools.request.sync.bob is not daemon "bob" of user "sync".
  const DaemonSubject other = *any_kind;
  RC_ASSERT(other == kind || !parse_daemon_subject(other, subject).ok());
  RC_ASSERT(other == kind || !parse_daemon_subject(other, user_subject(kind, address.user)).ok());
  RC_ASSERT(subject_matches(every_daemon_pattern(kind), subject));
  RC_ASSERT(subject_matches(every_user_pattern(kind), user_subject(kind, address.user)));
}

// --- interest ------------------------------------------------------------------------------------

struct Known {
  Words pattern;
  std::string group;
};

InterestMatch naive_interest(const std::map<InterestId, Known>& known, const Words& subject) {
  InterestMatch match;
  std::map<std::string_view, std::vector<InterestId>> groups;
  for (const auto& [id, entry] : known) {
    if (!naive_match(entry.pattern, subject)) continue;
    if (entry.group.empty()) {
      match.plain.push_back(id);
    } else {
      groups[entry.group].push_back(id);
    }
  }
  for (const auto& [name, members] : groups) match.groups.push_back({name, members});
  return match;
}

RC_GTEST_PROP(Interest, AgreesWithAListOfSubscriptions, ()) {
  Interest interest;
  std::map<InterestId, Known> known;
  InterestId last = 0;
  const int operations = *rc::gen::inRange(0, 60);
  for (int i = 0; i < operations; ++i) {
    const bool remove = *rc::gen::weightedElement<bool>({{2, false}, {1, true}});
    if (remove) {
      const InterestId id = *rc::gen::inRange<InterestId>(0, last + 2);
      RC_ASSERT(interest.remove(id) == (known.erase(id) == 1));
    } else {
      const Known entry{*any_pattern(), *rc::gen::element<std::string>("", "", "g", "h")};
      const InterestId id = ++last;
      interest.add(id, joined(entry.pattern), entry.group);
      known.emplace(id, entry);
    }
    const Words subject = *any_subject();
    const InterestMatch expected = naive_interest(known, subject);
    RC_ASSERT(interest.match(joined(subject)) == expected);
    RC_ASSERT(interest.any(joined(subject)) == !expected.empty());
    RC_ASSERT(interest.size() == known.size());
  }
}

TEST(Subject, ValidatesSubjects) {
  // As nats-server 2.9.10 answers, but for what it lets through: white space and control characters.
  for (const char* subject : {"a", "a.b.c", "foo*", "foo>bar.x", "*foo", "$SYS.x", "a=b"}) {
    EXPECT_EQ(valid_subject(subject), std::string_view(subject).find_first_of("*>") == std::string_view::npos) << subject;
  }
  for (const char* bad : {"", ".", ".a", "a.", "a..b", "a b", "a\t", "a\r\n", "\x7f", "\xc3\xa9", "*", "a.>"}) {
    EXPECT_FALSE(valid_subject(bad)) << bad;
  }
  for (const char* pattern : {"*", ">", "a.*", "*.a", "a.>", "*.*.>"}) EXPECT_TRUE(valid_pattern(pattern)) << pattern;
  for (const char* bad : {"a.>.b", ">.a", "a..>", "", "a.", "foo*", "a>"}) EXPECT_FALSE(valid_pattern(bad)) << bad;
  EXPECT_EQ(field_of(check_subject("a..b")), "subject");
}

TEST(Subject, SpellsTheSubjectsOfTheSystem) {
  const UserId user("u.1");
  const DaemonId daemon("d1");
  EXPECT_EQ(daemon_subject(DaemonSubject::kToolRequestSync, user, daemon), "tools.request.sync.u=2E1.d1");
  EXPECT_EQ(user_subject(DaemonSubject::kToolRequest, UserId("sync")), "tools.request.=73ync");
  EXPECT_EQ(tool_response_subject(user, RequestId("r")), "tools.response.u=2E1.r");
  EXPECT_EQ(every_daemon_pattern(DaemonSubject::kCommand), "daemon.command.*.*");
}

}  // namespace
}  // namespace reliant::model
