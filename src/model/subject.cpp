#include "model/subject.h"

#include "base/assert.h"

namespace reliant::model {
namespace {

constexpr char kEscape = '=';
constexpr std::string_view kDigits = "0123456789ABCDEF";
// Words of our own subjects that stand where a user's token may stand too.
constexpr std::string_view kReservedWord = "sync";

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool token_character(char c) { return c > ' ' && c < '\x7f' && c != '.' && c != '*' && c != '>'; }

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out.push_back(kEscape);
  out.push_back(kDigits[byte >> 4]);
  out.push_back(kDigits[byte & 0xf]);
}

bool prefixed(std::string_view subject, std::string_view prefix) {
  return subject.size() > prefix.size() && subject.starts_with(prefix) && subject[prefix.size()] == '.';
}

Status not_of_kind(DaemonSubject kind, std::string_view subject) {
  return invalid_field("subject",
                       concat("`", subject, "` is not ", prefix_of(kind), ".{user} or ", prefix_of(kind), ".{user}.{daemon}"));
}

}  // namespace

bool valid_token(std::string_view token) {
  for (const char c : token) {
    if (!token_character(c)) return false;
  }
  return !token.empty();
}

bool valid_subject(std::string_view subject) {
  std::string_view token;
  for (Tokens tokens(subject); tokens.next(token);) {
    if (!valid_token(token)) return false;
  }
  return true;
}

bool valid_pattern(std::string_view pattern) {
  Tokens tokens(pattern);
  for (std::string_view token; tokens.next(token);) {
    const bool wildcard = token == "*" || (token == ">" && tokens.last());
    if (!wildcard && !valid_token(token)) return false;
  }
  return true;
}

Status check_subject(std::string_view subject, std::string_view field) {
  if (valid_subject(subject)) return ok_status();
  return invalid_field(field, concat("`", subject, "` is not a subject: use non-empty tokens of printable ",
                                     "ASCII without white space, `*` and `>`, separated by dots"));
}

Status check_pattern(std::string_view pattern, std::string_view field) {
  if (valid_pattern(pattern)) return ok_status();
  return invalid_field(field, concat("`", pattern, "` is not a subject pattern: use tokens of printable ASCII ",
                                     "without white space, `*` for one token, or a last `>` for the rest"));
}

bool subject_matches(std::string_view pattern, std::string_view subject) {
  Tokens wanted(pattern);
  Tokens given(subject);
  std::string_view want;
  std::string_view have;
  while (wanted.next(want)) {
    if (!given.next(have)) return false;
    if (want == ">") return true;
    if (want != "*" && want != have) return false;
  }
  return given.last();
}

std::string encode_token(std::string_view text) {
  std::string token;
  token.reserve(text.size() + 2);
  if (text.empty()) token.push_back(kEscape);
  for (const char c : text) {
    const bool escaped = !plain(c) || (token.empty() && text == kReservedWord);
    if (escaped) {
      append_escaped(token, c);
    } else {
      token.push_back(c);
    }
  }
  return token;
}

Result<std::string> decode_token(std::string_view token) {
  std::string text;
  for (std::size_t i = 0; i < token.size() && token != "="; ++i) {
    if (token[i] != kEscape) {
      text.push_back(token[i]);
      continue;
    }
    if (token.size() - i < 3) break;  // the comparison below answers
    const std::size_t high = kDigits.find(token[i + 1]);
    const std::size_t low = kDigits.find(token[i + 2]);
    if (high == std::string_view::npos || low == std::string_view::npos) break;
    text.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  // One text has one token: anything else would let two subjects mean the same.
  if (encode_token(text) == token) return text;
  return invalid_field("subject", concat("`", token, "` is not an encoded token"));
}

std::string_view prefix_of(DaemonSubject kind) {
  switch (kind) {
    case DaemonSubject::kToolRequest:
      return "tools.request";
    case DaemonSubject::kToolRequestSync:
      return "tools.request.sync";
    case DaemonSubject::kToolCancel:
      return "tools.cancel";
    case DaemonSubject::kToolOnline:
      return "tools.online";
    case DaemonSubject::kCommand:
      return "daemon.command";
  }
  RELIANT_UNREACHABLE("every DaemonSubject has a prefix");
}

std::string daemon_subject(DaemonSubject kind, const UserId& user, const DaemonId& daemon) {
  return concat(prefix_of(kind), '.', encode_token(user.str()), '.', encode_token(daemon.str()));
}

std::string user_subject(DaemonSubject kind, const UserId& user) {
  return concat(prefix_of(kind), '.', encode_token(user.str()));
}

std::string every_user_pattern(DaemonSubject kind) { return concat(prefix_of(kind), ".*"); }

std::string every_daemon_pattern(DaemonSubject kind) { return concat(prefix_of(kind), ".*.*"); }

std::string tool_response_subject(const UserId& user, const RequestId& request) {
  return concat("tools.response.", encode_token(user.str()), '.', encode_token(request.str()));
}

std::string daemon_accepted_subject(const UserId& user, const DaemonId& daemon) {
  return concat("daemon.accepted.", encode_token(user.str()), '.', encode_token(daemon.str()));
}

Result<DaemonAddress> parse_daemon_subject(DaemonSubject kind, std::string_view subject) {
  const std::string_view prefix = prefix_of(kind);
  if (!prefixed(subject, prefix)) return not_of_kind(kind, subject);
  Tokens tokens(subject.substr(prefix.size() + 1));
  std::string_view user_token;
  std::string_view daemon_token;
  tokens.next(user_token);
  Result<std::string> user = decode_token(user_token);
  if (!user.ok()) return not_of_kind(kind, subject);
  DaemonAddress address;
  address.user = UserId(*std::move(user));
  if (!tokens.next(daemon_token)) return address;
  Result<std::string> daemon = decode_token(daemon_token);
  if (!daemon.ok() || !tokens.last()) return not_of_kind(kind, subject);
  address.daemon = DaemonId(*std::move(daemon));
  return address;
}

}  // namespace reliant::model
