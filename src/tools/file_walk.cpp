#include "tools/file_walk.h"

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "runtime/executor.h"
#include "runtime/this_context.h"

namespace reliant::tools {
namespace {

constexpr std::array<std::string_view, 4> kSkipped = {".git", ".hg", ".svn", "node_modules"};

std::string quoted(char c) { return RE2::QuoteMeta(re2::StringPiece(&c, 1)); }

// Translates one glob into a regular expression, from left to right.
class Translator {
 public:
  explicit Translator(std::string_view glob) : rest_(glob) {}

  Result<std::string> translate() {
    while (!rest_.empty()) TRY_OK(step());
    if (depth_ > 0) return invalid_argument("a { has no }");
    return out_;
  }

 private:
  Status step() {
    if (rest_.starts_with("**/") && (out_.empty() || out_.ends_with('/'))) return take(3, "(?:.*/)?");
    if (rest_.starts_with("**")) return take(2, ".*");
    switch (rest_[0]) {
      case '*':
        return take(1, "[^/]*");
      case '?':
        return take(1, "[^/]");
      case '[':
        return character_class();
      case '{':
        ++depth_;
        return take(1, "(?:");
      case ',':
        return take(1, depth_ > 0 ? "|" : ",");
      case '}':
        if (depth_ == 0) return take(1, "\\}");
        --depth_;
        return take(1, ")");
      case '\\':
        if (rest_.size() < 2) return invalid_argument("the pattern ends in a backslash");
        out_ += quoted(rest_[1]);
        return take(2, "");
      default:
        return take(1, quoted(rest_[0]));
    }
  }

  Status character_class() {
    std::size_t at = 1;
    std::string text = "[";
    if (at < rest_.size() && (rest_[at] == '!' || rest_[at] == '^')) {
      text += "^/";
      ++at;
    }
    const std::size_t begin = at;
    for (; at < rest_.size() && (rest_[at] != ']' || at == begin); ++at) {
      if (rest_[at] == '\\' || rest_[at] == '[' || rest_[at] == ']' || rest_[at] == '^') text += '\\';
      text += rest_[at];
    }
    if (at >= rest_.size()) return invalid_argument("a [ has no ]");
    return take(at + 1, text + "]");
  }

  Status take(std::size_t size, std::string_view regex) {
    rest_.remove_prefix(size);
    out_ += regex;
    return ok_status();
  }

  std::string_view rest_;
  std::string out_;
  int depth_ = 0;
};

}  // namespace

Result<GlobPattern> GlobPattern::make(std::string_view pattern) {
  if (pattern.empty()) return invalid_argument("the pattern is empty; give one such as \"src/**/*.cpp\"");
  while (pattern.starts_with("./")) pattern.remove_prefix(2);
  TRY_ASSIGN(const std::string text, Translator(pattern).translate());
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // names are bytes
  options.set_dot_nl(true);
  GlobPattern made;
  made.regex_ = std::make_shared<const RE2>(text, options);
  if (!made.regex_->ok()) return invalid_argument("the pattern cannot be used: ", made.regex_->error());
  made.name_only_ = pattern.find('/') == std::string_view::npos;
  return made;
}

bool GlobPattern::matches(std::string_view relative_path) const {
  if (name_only_) relative_path.remove_prefix(relative_path.rfind('/') + 1);
  return RE2::FullMatch(re2::StringPiece(relative_path.data(), relative_path.size()), *regex_);
}

Task<Result<FileWalk>> walk_files(ports::Filesystem& filesystem, std::string root, std::size_t limit, Instant deadline) {
  using Kind = ports::FileInfo::Kind;
  const Executor& executor = *(co_await ThisContext{}).executor;
  FileWalk walk;
  std::vector<std::string> pending{""};  // directories, relative, the next one last
  while (!pending.empty()) {
    if (walk.files.size() >= limit || executor.now() >= deadline) {
      walk.cut = true;
      break;
    }
    const std::string directory = std::move(pending.back());
    pending.pop_back();
    auto entries = co_await filesystem.list(concat(root == "/" ? "" : root, "/", directory));
    if (!entries.ok() && directory.empty()) co_return entries.status();
    if (!entries.ok()) {
      ++walk.unreadable;
      continue;
    }
    const std::string prefix = directory.empty() ? "" : directory + "/";
    for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
      if (entry->kind == Kind::kDirectory) {
        if (std::find(kSkipped.begin(), kSkipped.end(), entry->name) == kSkipped.end()) pending.push_back(prefix + entry->name);
      } else if (entry->kind == Kind::kFile) {
        walk.files.push_back(prefix + entry->name);
      }
    }
  }
  std::sort(walk.files.begin(), walk.files.end());
  if (walk.files.size() > limit) {
    walk.files.resize(limit);
    walk.cut = true;
  }
  co_return walk;
}

}  // namespace reliant::tools
