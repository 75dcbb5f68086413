#include "scenario/batch_screen.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "base/text.h"

namespace reliant::sim {
namespace {

constexpr std::size_t kMostSeeds = 12;  // of a line

std::string listed(const std::vector<std::uint64_t>& seeds) {
  std::string text = seeds.size() == 1 ? "seed" : "seeds";
  for (std::size_t i = 0; i < std::min(seeds.size(), kMostSeeds); ++i) text += concat(" ", seeds[i]);
  return seeds.size() <= kMostSeeds ? text : concat(text, " and ", seeds.size() - kMostSeeds, " more");
}

}  // namespace

void BatchScreen::clear_counter() {
  if (options_.counter) std::fputs("\r\033[K", stderr);
}

void BatchScreen::show_counter(double elapsed) {
  if (!options_.counter) return;
  const std::uint64_t done = held_ + failed_;
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
  double left = options_.seconds > 0 ? options_.seconds - elapsed : 0;
  if (options_.runs > 0 && rate > 0) {
    const double of_runs = static_cast<double>(options_.runs - done) / rate;
    left = options_.seconds > 0 ? std::min(left, of_runs) : of_runs;
  }
  std::string total = options_.runs > 0 ? concat(" of ", options_.runs) : "";
  std::fprintf(stderr, "%llu%s runs, %llu failed, %.1f seeds/s", static_cast<unsigned long long>(done), total.c_str(),
               static_cast<unsigned long long>(failed_), rate);
  if (options_.runs > 0 || options_.seconds > 0) std::fprintf(stderr, ", %.0f s left", std::max(left, 0.0));
  std::fflush(stderr);
}

void BatchScreen::count(const BatchLine& line) {
  ++(line.outcome == Outcome::kHeld ? held_ : failed_);
  ++runs_[line.scenario];
  for (const std::string& property : line.properties) {
    std::vector<std::uint64_t>& seeds = seeds_[property][line.scenario];
    if (seeds.empty() || seeds.back() != line.seed) seeds.push_back(line.seed);
  }
  for (const std::string& event : line.unreached) ++unreached_[line.scenario][event];
  for (std::size_t i = 0; i < line.faults.size(); ++i) {
    FaultSeen& seen = faults_[line.scenario][i];
    seen.what = line.faults[i].what;
    ++seen.runs;
    seen.fired += line.faults[i].not_fired.empty() ? 1 : 0;
    if (!line.faults[i].not_fired.empty()) ++seen.reasons[line.faults[i].not_fired];
  }
}

void BatchScreen::show(const BatchLine& line) {
  count(line);
  clear_counter();
  const bool good = line.outcome == Outcome::kHeld;
  if (!good || !options_.quiet) {
    const std::size_t word = std::min(line.human.find(' '), line.human.size());
    if (options_.colours) {
      out_ << (good ? "\033[32m" : "\033[31m") << line.human.substr(0, word) << "\033[0m" << line.human.substr(word);
    } else {
      out_ << line.human;
    }
    out_ << "\n" << line.failure << std::flush;
  }
  show_counter(line.elapsed);
}

void BatchScreen::finish() {
  clear_counter();
  out_ << held_ << " held, " << failed_ << " failed\n";
  if (held_ + failed_ < 2) return;
  for (const auto& [property, scenarios] : seeds_) {
    for (const auto& [scenario, seeds] : scenarios)
      out_ << "  " << property << ": " << seeds.size() << " of " << runs_[scenario] << " runs of " << scenario << ": "
           << listed(seeds) << "\n";
  }
  for (const auto& [scenario, events] : unreached_) {
    for (const auto& [event, runs] : events)
      if (runs == runs_[scenario]) out_ << "  " << scenario << ": none of " << runs << " runs reached \"" << event << "\"\n";
  }
  for (const auto& [scenario, faults] : faults_) {
    for (const auto& [number, fault] : faults) {
      if (fault.fired > 0) continue;
      const auto why = std::ranges::max_element(fault.reasons, {}, [](const auto& reason) { return reason.second; });
      out_ << "  " << scenario << ": fault " << number << " (" << fault.what << ") fired in none of " << fault.runs
           << " runs: " << (why == fault.reasons.end() ? "" : why->first) << "\n";
    }
  }
  out_ << std::flush;
}

}  // namespace reliant::sim
