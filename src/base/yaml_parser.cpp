// parse_yaml: libfyaml finds the syntax, event by event; this file bounds and checks what the syntax leaves open, and builds the tree.
#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <libfyaml.h>

#include "base/assert.h"
#include "base/text.h"
#include "base/utf8.h"
#include "base/yaml.h"

namespace reliant {
namespace {

constexpr std::size_t kMaxBytes = 8 << 20;          // of the file
constexpr std::size_t kMaxValues = 100'000;         // with every alias replaced by what it stands for
constexpr std::size_t kMaxExpandedBytes = 8 << 20;  // likewise
constexpr std::size_t kMaxDepth = 64;               // likewise
constexpr std::size_t kMaxBlankLines = 1'000;       // in a row: libfyaml takes time that grows with their square

// What the text lacks, for the parser's own words, which say what it met. The first that fits counts.
std::string_view expected_after(std::string_view message) {
  static constexpr std::pair<std::string_view, std::string_view> kExpected[] = {
      {"missing comma in flow mapping", "\",\" or \"}\""},
      {"missing comma in flow sequence", "\",\" or \"]\""},
      {"flow sequence without a closing bracket", "\",\" or \"]\""},
      {"did not find expected node content", "a value, or the end of what \"[\" or \"{\" began"},
      {"invalid extra closing", "no \"}\" or \"]\" here, since none was begun"},
      {"invalid nested block mapping on the same line", "one \": \" on a line; quote a value that has one"},
      {"invalid mapping in plain multiline", "one \": \" on a line; quote a value that has one"},
      {"invalid mapping starting at --- line", "the first key on the line after \"---\""},
      {"closing quote", "the closing quote"},
      {"invalid tab", "blanks; YAML has no tabs there"},
      {"tab", "blanks; YAML has no tabs there"},
      {"plain scalar cannot start", "a value; quote one that begins with a special character"},
      {"on same line as previous key", "a key at the beginning of a line"},
      {"used as key", "a key on one line, and \": \" after it"},
      {"multiline plain key", "a key on one line, and \": \" after it"},
      {"multiline flow", "a key on one line, and \": \" after it"},
      {"could not find expected ':'", "\"key: value\""},
      {"did not find expected key", "\"key: value\", indented as the keys before it"},
      {"invalid indentation in mapping", "\"key: value\", indented as the keys before it"},
      {"indent for mapping", "\"key: value\", indented as the keys before it"},
      {"invalid value after mapping", "\"key: value\", indented as the keys before it"},
      {"did not find expected '-' indicator", "\"- \", indented as the items before it"},
      {"indendation in sequence", "\"- \", indented as the items before it"},
      {"wrongly indented sequence item", "\"- \", indented as the items before it"},
      {"invalid scalar at the end of block sequence", "\"- \", indented as the items before it"},
      {"indent for sequence", "\"- \", indented as the items before it"},
      {"block sequence", "\"- \" at the beginning of a line"},
      {"block entry", "\"- \" at the beginning of a line"},
      {"invalid escape", "an escape of YAML, such as \\n, \\\" or \\u00FC; a \\ itself is written as \\\\"},
      {"hex escape", "hexadecimal digits after \\x, \\u or \\U"},
      {"UTF8 escape", "a character of Unicode after \\u or \\U"},
      {"surrogate", "a character of Unicode after \\u or \\U"},
      {"trailing content after", "the end of the line after the closing quote"},
      {"comment without whitespace", "a blank before \"#\""},
      {"invalid comment", "no comment here"},
      {"invalid comma", "a value before the \",\""},
      {"extra comma", "a value before the \",\""},
      {"placement of ':'", "\"key: value\", the key and the \":\" on one line"},
      {"wrongly indented flow", "the lines of a list or map in brackets to be indented more than its key"},
      {"quoted scalar", "the lines of a quoted value to be indented more than its key"},
      {"tag", "no tag (\"!...\"); types are known from the keys"},
      {"two anchors", "one anchor (\"&name\") before a value"},
      {"unexpected alias", "an anchor (\"&name\") or an alias (\"*name\"), not both"},
      {"wrongly indented", "lines of a text block that are indented as its first one"},
      {"block scalar", "\"|\" or \">\" and then the text, indented, on the lines after it"},
      {"anchor plus alias", "an anchor (\"&name\") or an alias (\"*name\"), not both"},
      {"document end marker", "the end of the file after \"...\""},
      {"directive", "\"%YAML 1.2\" and \"---\" on the first two lines, or neither"},
      {"missing document start", "one value, or the keys of one map, up to the end of the file"},
      {"document", "no \"---\" and no \"...\" inside of a value"},
  };
  const auto* found =
      std::ranges::find_if(kExpected, [&](const auto& known) { return message.find(known.first) != std::string_view::npos; });
  return found == std::end(kExpected) ? "YAML; quote a value that has special characters" : found->second;
}

struct Place {
  int line = 1;
  int column = 1;
};

Status error_at(std::string_view file, Place place, std::string_view message) {
  return invalid_argument(file, ":", place.line, ":", place.column, ": ", message);
}

// Before libfyaml sees the text: it ends at a NUL byte, and complains of other control characters only in some places.
Status check_characters(std::string_view text, std::string_view file) {
  Place place;
  std::size_t blank_lines = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) {
      return invalid_argument(file, ":", place.line, ": holds bytes that are not UTF-8; save the file as UTF-8");
    }
    const auto byte = static_cast<unsigned char>(text[at]);
    at += length;
    if (byte == '\n' || (byte == '\r' && !text.substr(at).starts_with('\n'))) {
      if (++blank_lines > kMaxBlankLines) {
        return error_at(file, place, concat("more than ", kMaxBlankLines, " blank lines in a row; remove them"));
      }
      place = {place.line + 1, 1};
      continue;
    }
    if ((byte < ' ' && byte != '\t' && byte != '\r') || byte == 0x7F) {
      return error_at(file, place, concat("control character ", int{byte}, "; write it as an escape in \"double quotes\""));
    }
    if (byte != ' ' && byte != '\t' && byte != '\r') blank_lines = 0;
    ++place.column;
  }
  return ok_status();
}

// One event of the text. An alias names the event that begins what it stands for.
struct Event {
  enum class Kind { kScalar, kList, kMap, kEnd, kAlias };
  Kind kind = Kind::kScalar;
  Place place;
  bool quoted = false;
  std::string text;
  std::size_t target = 0;
};

using ParserHandle = std::unique_ptr<fy_parser, decltype([](fy_parser* parser) { fy_parser_destroy(parser); })>;
using DiagHandle = std::unique_ptr<fy_diag, decltype([](fy_diag* diag) { fy_diag_unref(diag); })>;

std::string text_of(fy_token* token) {
  std::size_t length = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &length);
  return text == nullptr ? std::string() : std::string(text, length);
}

class EventReader {
 public:
  EventReader(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Result<std::vector<Event>> read() {
    fy_diag_cfg diag_options;
    fy_diag_cfg_default(&diag_options);
    diag_options.fp = nullptr;
    diag_options.output_fn = [](fy_diag*, void*, const char*, std::size_t) {};  // nothing on stderr
    const DiagHandle diag(fy_diag_create(&diag_options));
    RELIANT_ASSERT(diag != nullptr, "out of memory");
    fy_diag_set_collect_errors(diag.get(), true);
    fy_parse_cfg options{};
    options.flags =
        static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE);
    options.diag = diag.get();
    const ParserHandle parser(fy_parser_create(&options));
    RELIANT_ASSERT(
        parser != nullptr && fy_parser_set_string(parser.get(), text_.empty() ? "" : text_.data(), text_.size()) == 0,
        "out of memory");
    while (fy_event* event = fy_parser_parse(parser.get())) {
      const Status status = take(*event);
      fy_parser_event_free(parser.get(), event);
      TRY_OK(status);
    }
    if (fy_parser_get_stream_error(parser.get())) return complaint(diag.get());
    return std::move(events_);
  }

 private:
  Status take(fy_event& event) {
    if (const fy_mark* mark = fy_event_start_mark(&event)) place_ = {mark->line + 1, mark->column + 1};
    switch (event.type) {
      case FYET_DOCUMENT_START:
        if (std::exchange(seen_document_, true)) {
          return error("a second document begins here; a file holds one: remove the \"---\", or split the file");
        }
        return ok_status();
      case FYET_SCALAR:
        return add(event, Event::Kind::kScalar);
      case FYET_SEQUENCE_START:
        return add(event, Event::Kind::kList);
      case FYET_MAPPING_START:
        return add(event, Event::Kind::kMap);
      case FYET_ALIAS:
        return add_alias(text_of(event.alias.anchor));
      case FYET_SEQUENCE_END:
      case FYET_MAPPING_END:
        events_.push_back({.kind = Event::Kind::kEnd, .place = place_});
        open_.pop_back();
        return ok_status();
      default:
        return ok_status();
    }
  }

  Status add(fy_event& event, Event::Kind kind) {
    if (fy_token* tag = fy_event_get_tag_token(&event)) {
      if (const fy_mark* mark = fy_token_start_mark(tag)) place_ = {mark->line + 1, mark->column + 1};
      return error("the value has a tag (\"!...\"); types are known from the keys: remove the tag");
    }
    if (fy_token* anchor = fy_event_get_anchor_token(&event)) anchors_[text_of(anchor)] = events_.size();
    events_.push_back({.kind = kind, .place = place_});
    if (kind == Event::Kind::kScalar) {
      if (begins_with_quote(event)) --events_.back().place.column;
      events_.back().text = text_of(event.scalar.value);
      events_.back().quoted = event.scalar.value != nullptr && fy_token_scalar_style(event.scalar.value) != FYSS_PLAIN;
      return ok_status();
    }
    open_.push_back(events_.size() - 1);
    return open_.size() > kMaxDepth ? error(concat("nested more than ", kMaxDepth, " levels deep")) : ok_status();
  }

  // Its mark is behind the quote, as that of an alias is behind the "*".
  static bool begins_with_quote(const fy_event& event) {
    const fy_scalar_style style = event.scalar.value == nullptr ? FYSS_PLAIN : fy_token_scalar_style(event.scalar.value);
    return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
  }

  Status add_alias(const std::string& name) {
    --place_.column;
    const auto anchor = anchors_.find(name);
    if (anchor == anchors_.end()) {
      return error(concat("the alias \"*", name, "\" names no anchor; write \"&", name, "\" before a value above it"));
    }
    if (std::ranges::find(open_, anchor->second) != open_.end()) {
      return error(
          concat("the alias \"*", name, "\" is part of the value that \"&", name, "\" names; a value cannot hold itself"));
    }
    events_.push_back({.kind = Event::Kind::kAlias, .place = place_, .target = anchor->second});
    return ok_status();
  }

  // Of the first thing that libfyaml did not like, with what was expected, and what is still open.
  Status complaint(fy_diag* diag) const {
    void* position = nullptr;
    const fy_diag_error* first = fy_diag_errors_iterate(diag, &position);
    const std::string_view message =
        first == nullptr ? "invalid indicator of a block scalar" : first->msg;  // it has no message of its own
    std::string text = concat(message, ": expected ", expected_after(message));
    if (!open_.empty()) {
      const Event& outer = events_[open_.back()];
      text += concat(" (in the ", outer.kind == Event::Kind::kMap ? "map" : "list", " that begins at ", outer.place.line, ":",
                     outer.place.column, ")");
    }
    return first == nullptr ? error(text) : error_at(file_, {std::max(first->line, 1), std::max(first->column, 1)}, text);
  }

  Status error(std::string_view message) const { return error_at(file_, place_, message); }

  std::string_view text_;
  std::string_view file_;
  Place place_;  // of the last event that has one
  bool seen_document_ = false;
  std::vector<Event> events_;
  std::vector<std::size_t> open_;  // events that began a list or a map
  std::map<std::string, std::size_t> anchors_;
};

class TreeBuilder {
 public:
  TreeBuilder(const std::vector<Event>& events, std::string_view file) : events_(events), file_(file) {}

  // The value that begins at the event `at`, which is moved behind it.
  Result<YamlNode> build(std::size_t& at, std::size_t depth) {
    const Event& event = events_[at];
    ++at;
    if (event.kind == Event::Kind::kAlias) {
      std::size_t target = event.target;
      TRY_ASSIGN(YamlNode node, build(target, depth));
      node.line = event.place.line;
      node.column = event.place.column;
      return node;
    }
    YamlNode node;
    node.file = std::string(file_);
    node.line = event.place.line;
    node.column = event.place.column;
    bytes_ += event.text.size();
    if (++values_ > kMaxValues || bytes_ > kMaxExpandedBytes) {
      return node.error(concat("the file holds more than ", kMaxValues, " values or ", kMaxExpandedBytes,
                               " bytes, each alias replaced by what it stands for; split it"));
    }
    if (depth > kMaxDepth) return node.error(concat("nested more than ", kMaxDepth, " levels deep"));
    switch (event.kind) {
      case Event::Kind::kScalar:
        if (!is_null(event)) node.kind = YamlNode::Kind::kScalar;
        node.scalar = event.text;
        node.quoted = event.quoted;
        break;
      case Event::Kind::kList:
        node.kind = YamlNode::Kind::kList;
        for (; events_[at].kind != Event::Kind::kEnd;) {
          TRY_ASSIGN(YamlNode item, build(at, depth + 1));
          node.items.push_back(std::move(item));
        }
        ++at;
        break;
      case Event::Kind::kMap:
        node.kind = YamlNode::Kind::kMap;
        TRY_OK(build_fields(node, at, depth));
        break;
      case Event::Kind::kEnd:
      case Event::Kind::kAlias:
        break;
    }
    return node;
  }

 private:
  static bool is_null(const Event& event) {
    static constexpr std::string_view kNulls[] = {"", "~", "null", "Null", "NULL"};
    return !event.quoted && std::ranges::find(kNulls, event.text) != std::end(kNulls);
  }

  Status build_fields(YamlNode& map, std::size_t& at, std::size_t depth) {
    std::set<std::string_view> keys;
    while (events_[at].kind != Event::Kind::kEnd) {
      const Event& written = events_[at];
      const Event& key = written.kind == Event::Kind::kAlias ? events_[written.target] : written;
      if (key.kind != Event::Kind::kScalar || is_null(key)) {
        return error_at(file_, written.place, "a key must be plain text: \"key: value\"");
      }
      if (!keys.insert(key.text).second) return error_at(file_, written.place, concat("key \"", key.text, "\" is given twice"));
      bytes_ += key.text.size();
      ++at;
      TRY_ASSIGN(YamlNode value, build(at, depth + 1));
      value.line = written.place.line;
      value.column = written.place.column;
      value.key = key.text;
      map.fields.push_back(std::move(value));
    }
    ++at;
    return ok_status();
  }

  const std::vector<Event>& events_;
  std::string_view file_;
  std::size_t values_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file) {
  if (text.size() > kMaxBytes) {
    return invalid_argument(file, ":1: has ", text.size(), " bytes; at most ", kMaxBytes, " are read: split the file");
  }
  TRY_OK(check_characters(text, file));
  TRY_ASSIGN(const std::vector<Event> events, EventReader(text, file).read());
  if (events.empty()) {  // comments at most: a null
    YamlNode node;
    node.file = std::string(file);
    node.line = node.column = 1;
    return node;
  }
  std::size_t at = 0;
  return TreeBuilder(events, file).build(at, 0);
}

}  // namespace reliant
