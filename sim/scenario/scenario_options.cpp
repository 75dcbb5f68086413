// Drawing a scenario's options from the seed: the visitor that fixes each described field, and reports its value.
#include <initializer_list>

#include "scenario/scenario.h"

namespace reliant::sim {
namespace {

class SectionOptions {
 public:
  SectionOptions(const RandomStreams& streams, std::string path, std::string& line)
      : streams_(streams), path_(std::move(path)), line_(line) {}

  void option(std::string_view key, Count& count, std::int64_t, std::int64_t, std::string_view) {
    draw(key, count);
    say(key, concat(count.value));
  }
  void option(std::string_view key, Span& span, std::string_view) {
    const std::string name = full(key);
    Random random = streams_.stream("option/" + name);
    span.value = random.duration(span.low, span.high);
    if (span.low != span.high) span.value = rounded(span.value, span.low);
    say(key, to_text(span.value));
  }
  void option(std::string_view key, Chance& chance, std::string_view) {
    draw(key, chance);
    say(key, chance_text(chance.value));
  }
  void option(std::string_view, When&, std::string_view) {}  // drawn each time
  void word(std::string_view key, std::string& word, std::initializer_list<std::string_view>, std::string_view) {
    say(key, word);
  }
  void text(std::string_view, std::string&, std::string_view) {}
  void trigger(std::string_view, std::string&, std::string_view) {}
  void place(std::string_view, std::string&, Places, std::string_view) {}
  void required_text(std::string_view, std::string&, std::string_view) {}
  void block(std::string_view, std::string&, std::string_view) {}
  void numbers(std::string_view, std::map<std::string, std::int64_t>&, std::string_view) {}
  template <class Section>
  void section(std::string_view key, Section& section, std::string_view) {
    SectionOptions inner(streams_, full(key), line_);
    describe(inner, section);
  }
  void list(std::string_view key, std::vector<Fault>& faults, std::string_view) {
    for (std::size_t i = 0; i < faults.size(); ++i) {
      std::visit([&](auto& fault) { section(concat(key, "[", i, "].", fault.kName), fault, ""); }, faults[i]);
    }
  }

 private:
  std::string full(std::string_view key) const { return path_.empty() ? std::string(key) : concat(path_, ".", key); }
  template <class Option>
  void draw(std::string_view key, Option& option) {
    Random random = streams_.stream("option/" + full(key));
    option.value = random.between(option.low, option.high);
  }
  // Rounded to three digits for readability.
  static Duration rounded(Duration time, Duration low) {
    std::int64_t unit = 1;
    while (time.count() / unit >= 1000) unit *= 10;
    const Duration shorter(time.count() / unit * unit);
    return shorter < low ? low : shorter;
  }
  void say(std::string_view key, std::string_view value) {
    if (!line_.empty()) line_ += ' ';
    line_ += concat(full(key), "=", value);
  }

  const RandomStreams& streams_;
  std::string path_;
  std::string& line_;
};

// With some seeds nearly every fault is on, with others almost none: one fault may hide the bug of another.
void draw_swarm(Scenario& scenario, const RandomStreams& streams, std::string& line) {
  if (scenario.swarm != "true") return;
  constexpr std::int64_t kLeast = 10;
  constexpr std::int64_t kMost = 90;
  Random share_random = streams.stream("swarm");
  const std::int64_t share = share_random.between(kLeast, kMost);
  line += concat(" swarm.share=", share, "% swarm.off=");
  std::string off;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    Random random = streams.stream(concat("swarm/", i));
    if (static_cast<std::int64_t>(random.below(100)) < share) continue;
    scenario.faults_off.insert(i);
    std::visit([&](const auto& fault) { off += concat(off.empty() ? "" : ",", i, ":", fault.kName); }, scenario.faults[i]);
  }
  line += off.empty() ? "none" : off;
}

}  // namespace

std::string draw_options(Scenario& scenario, const RandomStreams& streams) {
  std::string line;
  SectionOptions options(streams, "", line);
  describe(options, scenario);
  draw_swarm(scenario, streams, line);
  return line;
}

}  // namespace reliant::sim
