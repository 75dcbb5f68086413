// Values as words of a shell's command (POSIX sh, bash): quoted for the place where they stand, so that the shell reads back exactly
// their bytes, whatever they are. What lies in the command around them is read along; where it is not certain how the shell will
// read a value, there is no quoting, and the caller refuses.
//
// A command that has its argument read by a shell again (`sh -c "…"`, eval, ssh) undoes one quoting more than there is: such a value
// is passed on in a variable of the environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reliant::expr {

enum class ShellPlace {
  kPlain,
  kSingleQuotes,
  kDoubleQuotes,
  kUnclear,
};

class ShellText {
 public:
  // The command's own text, next in order.
  void read(std::string_view text);
  // A value stands here, and is quoted.
  void pass_value() { previous_ = 'x'; }

  ShellPlace place() const;
  // Why the place is unclear: "inside of $(…)".
  std::string_view reason() const;

 private:
  enum class Inside {
    kSingleQuotes,
    kDoubleQuotes,
    kSubshell,    // ( … )
    kCommand,     // $( … )
    kBackquotes,  // ` … `
    kParameter,   // ${ … }
    kComment,
  };

  void read_plain(char c);
  void read_double_quoted(char c);
  void open(Inside inside) { open_.push_back(inside); }
  void give_up(std::string_view reason);

  std::vector<Inside> open_;
  char previous_ = '\n';
  bool escaped_ = false;  // the character before is a backslash that escapes this one
  bool dollar_ = false;   // the character before is a dollar that may begin something
  std::string word_;      // letters at the end of what was read
  std::string_view gave_up_;
};

// For a place that is not unclear. The text has no NUL.
std::string shell_quoted(std::string_view text, ShellPlace place);

}  // namespace reliant::expr
