// Bus subjects from two lines of arbitrary bytes: encoded and decoded, and matched like the table of a bus server.
#include <string>

#include "fuzz_input.h"
#include "model/interest.h"
#include "model/subject.h"

namespace reliant::model {
namespace {

constexpr DaemonSubject kKinds[] = {DaemonSubject::kToolRequest, DaemonSubject::kToolRequestSync, DaemonSubject::kToolCancel,
                                    DaemonSubject::kToolOnline, DaemonSubject::kCommand};

void check_token(std::string_view text) {
  const std::string token = encode_token(text);
  RELIANT_ASSERT(valid_token(token), "every text is a token");
  const Result<std::string> back = decode_token(token);
  RELIANT_ASSERT(back.ok() && *back == text, "a token is decoded to its text");
  const Result<std::string> read = decode_token(text);
  if (read.ok()) RELIANT_ASSERT(encode_token(*read) == text, "a text has one token");
  if (!read.ok()) fuzz::check_refusal(read.status());
}

void check_addresses(std::string_view text, std::string_view other) {
  for (const DaemonSubject kind : kKinds) {
    const DaemonAddress address{UserId(std::string(text)), DaemonId(std::string(other))};
    const auto back = parse_daemon_subject(kind, daemon_subject(kind, address.user, address.daemon));
    RELIANT_ASSERT(back.ok() && *back == address, "a daemon's subject is read back");
    const auto read = parse_daemon_subject(kind, text);
    if (!read.ok()) {
      RELIANT_ASSERT(field_of(read.status()) == "subject", "the error names the subject");
      continue;
    }
    const bool is_daemon = text == daemon_subject(kind, read->user, read->daemon);
    RELIANT_ASSERT(is_daemon || text == user_subject(kind, read->user), "an address has one subject of a kind");
  }
}

void check_match(std::string_view pattern, std::string_view subject) {
  RELIANT_ASSERT(check_pattern(pattern).ok() == valid_pattern(pattern), "both say the same of a pattern");
  RELIANT_ASSERT(check_subject(subject).ok() == valid_subject(subject), "both say the same of a subject");
  RELIANT_ASSERT(!valid_subject(subject) || valid_pattern(subject), "a subject is a pattern without wildcards");
  if (!valid_pattern(pattern) || !valid_subject(subject)) return;
  Interest interest;
  interest.add(1, pattern, "");
  interest.add(2, pattern, "group");
  RELIANT_ASSERT(interest.any(subject) == subject_matches(pattern, subject), "the table matches as the comparison does");
  RELIANT_ASSERT(interest.remove(1) && interest.remove(2) && !interest.any(subject), "what was removed matches nothing");
}

}  // namespace
}  // namespace reliant::model

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [first, second] = reliant::fuzz::split_at_line(reliant::fuzz::text_of(data, size));
  reliant::model::check_token(first);
  reliant::model::check_addresses(first, second);
  reliant::model::check_match(first, second);
  return 0;
}
