#include "router/daemon_selection.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "base/text.h"

namespace reliant::router {
namespace {

using model::DaemonConnection;
using model::DaemonSelector;
using model::DaemonType;
using ports::Lifecycle;
using ControlPlane = DaemonSnapshot::ControlPlane;

bool goes_before(const DaemonCandidate& a, const DaemonCandidate& b) {
  const auto rank = [](const DaemonCandidate& c) {
    return std::tuple(c.type != DaemonType::kLocal, -c.connected_at.time_since_epoch());
  };
  const auto of_a = rank(a);
  const auto of_b = rank(b);
  return of_a != of_b ? of_a < of_b : a.id < b.id;
}

// Lower goes first; nullopt: cannot be used.
std::optional<int> rank_of(Lifecycle lifecycle) {
  switch (lifecycle) {
    case Lifecycle::kRunning:
      return 0;
    case Lifecycle::kResuming:
      return 1;
    case Lifecycle::kSuspended:
      return 2;
    case Lifecycle::kFailed:
      return std::nullopt;
  }
  return std::nullopt;
}

DaemonSource source_of(CascadeStep step) {
  switch (step) {
    case CascadeStep::kNode:
      return DaemonSource::kNode;
    case CascadeStep::kWorkflow:
      return DaemonSource::kWorkflow;
    case CascadeStep::kSession:
      return DaemonSource::kChat;
    case CascadeStep::kDefault:
      return DaemonSource::kNone;
  }
  return DaemonSource::kNone;
}

// Whose selector it is, for people.
std::string_view owner_of(CascadeStep step) {
  switch (step) {
    case CascadeStep::kNode:
      return "the node";
    case CascadeStep::kWorkflow:
      return "the workflow";
    case CascadeStep::kSession:
      return "the chat";
    case CascadeStep::kDefault:
      return "nothing";
  }
  return "nothing";
}

class Decision {
 public:
  Decision(const SelectionRequest& request, const DaemonSnapshot& snapshot) : snapshot_(snapshot) {
    if (request.node) {
      ask_for(CascadeStep::kNode, *request.node);
    } else if (request.workflow) {
      ask_for(CascadeStep::kWorkflow, *request.workflow);
    } else if (request.session) {
      ask_for(CascadeStep::kSession, *request.session);
    }
    for (const DaemonCandidate& candidate : snapshot.candidates) out_.considered.push_back({.candidate = candidate});
    std::ranges::sort(out_.considered, goes_before, &ConsideredDaemon::candidate);
    if (!is_explicit()) return;
    for (ConsideredDaemon& each : out_.considered) {
      const DaemonCandidate& c = each.candidate;
      each.failed = model::failed_terms(*out_.selector, {c.id, c.name, c.type, c.labels});
    }
  }

  DaemonSelection decide() && {
    using Step = bool (Decision::*)();
    for (const Step step : {&Decision::connected, &Decision::managed, &Decision::recorded, &Decision::stale})
      if ((this->*step)()) break;
    if (out_.missing) return std::move(out_);
    if (chosen_ == nullptr) nothing_chosen();
    for (ConsideredDaemon& each : out_.considered) explain(each);
    return std::move(out_);
  }

 private:
  bool is_explicit() const { return out_.selector.has_value(); }
  bool has_id() const { return is_explicit() && !out_.selector->id.empty(); }

  void ask_for(CascadeStep step, const DaemonSelector& selector) {
    out_.step = step;
    out_.selector = selector;
    out_.source = source_of(step);
  }

  // Each step: true when it has decided, or needs a fact.
  bool connected() {
    for (ConsideredDaemon& each : out_.considered) {
      if (!each.failed.empty() || each.candidate.worth() != DaemonConnection::kFresh) continue;
      if (!has_id() && !is_held(each)) {
        if (out_.missing) return true;
        continue;
      }
      const std::string default_why = concat("connected; the first ", to_string(each.candidate.type), " one");
      choose(each, DaemonSource::kConnected, default_why);
      return true;
    }
    return false;
  }

  bool managed() {
    const bool only_local = is_explicit() && out_.selector->type == DaemonSelector::Type::kLocal;
    if (snapshot_.control_plane == ControlPlane::kNotAsked && !only_local) {
      out_.missing = MissingFact{MissingFact::Kind::kControlPlane, {}};
      return true;
    }
    ConsideredDaemon* best = nullptr;
    for (ConsideredDaemon& each : out_.considered)
      if (can_be_managed(each) && (best == nullptr || managed_rank(each) < managed_rank(*best))) best = &each;
    if (best == nullptr) return false;
    const Lifecycle lifecycle = *best->candidate.lifecycle;
    out_.must_resume = lifecycle != Lifecycle::kRunning;
    const std::string_view which = is_explicit() ? "it is not connected" : "no daemon is connected";
    choose(*best, DaemonSource::kControlPlane,
           out_.must_resume ? concat(which, "; this managed one is ", ports::to_string(lifecycle),
                                     " and is brought up with the next tool call")
                            : concat(which, "; the control plane says that this managed one runs"));
    if (is_explicit()) {
      out_.problem = out_.must_resume
                         ? concat("it is ", ports::to_string(lifecycle), " and is brought up with the next tool call")
                         : concat(trouble_of(best->candidate), "; the control plane says that it is running");
    }
    return true;
  }

  bool recorded() {
    for (ConsideredDaemon& each : out_.considered) {
      const DaemonCandidate& candidate = each.candidate;
      if (!each.failed.empty() || candidate.connection != DaemonConnection::kFresh || candidate.gateway_lives) continue;
      if (!is_held(each)) {
        if (out_.missing) return true;
        continue;
      }
      choose(each, DaemonSource::kDatabase,
             concat("a gateway holds it, though none that announces itself",
                    is_explicit() ? "" : "; no other daemon is connected"));
      return true;
    }
    return false;
  }

  bool stale() {
    if (!is_explicit()) return false;
    for (ConsideredDaemon& each : out_.considered) {
      if (!each.failed.empty() || each.candidate.worth() != DaemonConnection::kStale) continue;
      choose(each, out_.source, "");
      out_.problem = concat(trouble_of(each.candidate), control_plane_adds(each.candidate));
      return true;
    }
    return false;
  }

  // False: no, or not known yet (`missing`).
  bool is_held(const ConsideredDaemon& each) {
    if (!each.candidate.presence) out_.missing = MissingFact{MissingFact::Kind::kPresence, each.candidate.id};
    return each.candidate.presence == Presence::kHeld;
  }

  bool can_be_managed(const ConsideredDaemon& each) const {
    if (!each.failed.empty() || !each.candidate.lifecycle || !rank_of(*each.candidate.lifecycle)) return false;
    return is_explicit() || each.candidate.worth() != DaemonConnection::kStale;  // C1
  }
  static int managed_rank(const ConsideredDaemon& each) { return rank_of(*each.candidate.lifecycle).value(); }

  void choose(ConsideredDaemon& each, DaemonSource by_default, std::string why_by_default) {
    chosen_ = &each;
    each.chosen = true;
    out_.daemon = each.candidate.id;
    if (!is_explicit()) out_.source = by_default;
    each.why = is_explicit() ? concat("chosen for ", owner_of(out_.step), " (", to_text(*out_.selector), ")")
                             : std::move(why_by_default);
  }

  void nothing_chosen() {
    if (!is_explicit()) {
      out_.problem = "no daemon of the user is connected; start one: reliant daemon start";
      return;
    }
    std::size_t matching = 0;
    for (ConsideredDaemon& each : out_.considered) {
      if (!each.failed.empty()) continue;
      ++matching;
      if (!has_id()) continue;
      out_.daemon = each.candidate.id;  // C20: no other one in its place
      each.chosen = true;
      each.why = concat("chosen for ", owner_of(out_.step), " (", to_text(*out_.selector), ")");
      out_.problem = concat(trouble_of(each.candidate), control_plane_adds(each.candidate));
    }
    if (!out_.problem.empty()) return;
    const DaemonSelector only_id{.id = out_.selector->id};
    const bool is_known =
        std::ranges::any_of(out_.considered, [&](const auto& each) { return each.candidate.id == only_id.id; });
    if (has_id() && *out_.selector == only_id && !is_known) {
      out_.daemon = only_id.id;
      out_.problem = concat(owner_of(out_.step), " has chosen daemon ", only_id.id.str(),
                            ", which has never been connected; start it, or choose another one");
      return;
    }
    out_.problem = concat(owner_of(out_.step), " asks for a daemon with ", to_text(*out_.selector), "; ");
    if (matching > 0) {
      append(out_.problem,
             concat("of ", matching, " that match", matching == 1 ? "es" : "", ", none is connected: start one, or "));
    } else {
      append(out_.problem, concat("none of the user's ", out_.considered.size(), " matches: start one that does, or "));
    }
    append(out_.problem, concat("change the selector of ", owner_of(out_.step)));
  }

  // Of a daemon that a tool call would not reach now.
  static std::string trouble_of(const DaemonCandidate& candidate) {
    if (candidate.worth() == DaemonConnection::kStale)
      return concat("nothing was heard from daemon ", candidate.id.str(), " for 30 s");
    return concat("daemon ", candidate.id.str(), " is not connected; start it, or choose another one");
  }
  std::string control_plane_adds(const DaemonCandidate& candidate) const {
    if (candidate.lifecycle) return concat("; the control plane says that it is ", ports::to_string(*candidate.lifecycle));
    if (snapshot_.control_plane == ControlPlane::kSilent && candidate.type == DaemonType::kCloud)
      return concat("; the control plane did not answer: ", snapshot_.control_plane_problem);
    return "";
  }

  // --- why not the others --------------------------------------------------------------------------------------------

  void explain(ConsideredDaemon& each) const {
    if (each.chosen) return;
    if (!each.failed.empty()) {
      explain_mismatch(each);
    } else {
      explain_state(each);
    }
  }

  void explain_mismatch(ConsideredDaemon& each) const {
    std::vector<std::string> differences;
    std::vector<std::string> terms;
    for (const model::FailedTerm& term : each.failed) {
      differences.push_back(term.found ? concat("its ", term.term, " is \"", *term.found, "\", not \"", term.wanted, "\"")
                                       : concat("it has no ", term.term, ", which is to be \"", term.wanted, "\""));
      terms.push_back(term.term);
    }
    each.why =
        concat("passed over: ", owner_of(out_.step), " asks for ", to_text(*out_.selector), "; ", join(differences, "; "));
    each.remedy = concat("leave ", join(terms, " and "), " out of the selector of ", owner_of(out_.step));
    if (each.failed.front().term.starts_with("labels.")) {
      append(each.remedy, ", or set the label in the daemon's identity file, daemon.json");
    } else if (out_.step == CascadeStep::kSession && each.failed.front().term == "id") {
      each.remedy = concat("choose it for the chat: active_daemon_id \"", each.candidate.id.str(), "\"");
    }
  }

  void explain_state(ConsideredDaemon& each) const {
    const DaemonCandidate& candidate = each.candidate;
    if (candidate.lifecycle && explain_managed(each)) return;
    if (candidate.presence == Presence::kNotHeld) {
      each.why = "passed over: it is recorded as connected, but no gateway holds it";
      each.remedy = "it connects again by itself within a minute; if not, start it again";
    } else if (candidate.presence == Presence::kNoAnswer) {
      each.why = "passed over: whether a gateway holds it could not be learned in time";
      each.remedy = "ask again; if that stays, see whether its gateway runs";
    } else if (candidate.connection == DaemonConnection::kDisconnected) {
      explain_disconnected(each);
    } else if (candidate.connection == DaemonConnection::kStale) {
      each.why = "passed over: nothing was heard from it for 30 s";
      each.remedy = "its next heartbeat makes it a candidate again; a selector that names it takes it as it is";
    } else if (!candidate.gateway_lives) {
      each.why = "passed over: the gateway that recorded it as connected is silent";
      each.remedy = "it is looked for when no other daemon is connected";
    } else if (chosen_ != nullptr) {
      explain_order(each);
    }
  }

  // False: the control plane has nothing to do with it.
  bool explain_managed(ConsideredDaemon& each) const {
    const DaemonCandidate& candidate = each.candidate;
    if (candidate.worth() == DaemonConnection::kStale && !is_explicit()) return false;
    const std::string_view lifecycle = ports::to_string(*candidate.lifecycle);
    if (chosen_ != nullptr && chosen_->candidate.lifecycle) {
      each.why = concat("passed over: it is ", lifecycle, ", ", chosen_->candidate.id.str(), " comes first");
      each.remedy = how_to_name(candidate);
    } else {
      each.why = concat("passed over: the control plane says that it is ", lifecycle);
      each.remedy = "see in the control plane why, and repair it there";
    }
    return true;
  }

  void explain_disconnected(ConsideredDaemon& each) const {
    each.why = "passed over: it is not connected";
    if (each.candidate.type == DaemonType::kLocal) {
      each.remedy = "start it on its machine: reliant daemon start";
      return;
    }
    switch (snapshot_.control_plane) {
      case ControlPlane::kSilent:
        append(each.why, concat(", and the control plane did not answer: ", snapshot_.control_plane_problem));
        each.remedy = "ask again when the control plane answers";
        return;
      case ControlPlane::kAnswered:
        each.remedy = "the control plane does not know it; start it where it runs";
        return;
      case ControlPlane::kNone:
      case ControlPlane::kNotAsked:
        each.remedy = "start it where it runs, or choose it: a managed one is then brought up";
        return;
    }
  }

  // Of two that could both be taken: why not this one?
  void explain_order(ConsideredDaemon& each) const {
    const DaemonCandidate& first = chosen_->candidate;
    const DaemonCandidate& second = each.candidate;
    if (first.type == DaemonType::kLocal && second.type != DaemonType::kLocal) {
      each.why = concat("passed over: ", first.id.str(), " is local, and local daemons come first");
    } else if (first.connected_at > second.connected_at) {
      each.why = concat("passed over: ", first.id.str(), " has connected more recently");
    } else {
      each.why = concat("passed over: ", first.id.str(), " comes first");
    }
    each.remedy = how_to_name(second);
  }

  std::string how_to_name(const DaemonCandidate& candidate) const {
    if (is_explicit() && out_.step != CascadeStep::kSession)
      return concat("add id \"", candidate.id.str(), "\" to the selector of ", owner_of(out_.step));
    return concat("choose it for the chat: active_daemon_id \"", candidate.id.str(), "\"");
  }

  const DaemonSnapshot& snapshot_;
  DaemonSelection out_;
  ConsideredDaemon* chosen_ = nullptr;
};

}  // namespace

std::string_view to_string(CascadeStep step) {
  switch (step) {
    case CascadeStep::kNode:
      return "node";
    case CascadeStep::kWorkflow:
      return "workflow";
    case CascadeStep::kSession:
      return "session";
    case CascadeStep::kDefault:
      return "default";
  }
  return "default";
}

std::string_view to_string(DaemonSource source) {
  switch (source) {
    case DaemonSource::kNone:
      return "none";
    case DaemonSource::kNode:
      return "node";
    case DaemonSource::kWorkflow:
      return "workflow";
    case DaemonSource::kChat:
      return "chat";
    case DaemonSource::kConnected:
      return "connected";
    case DaemonSource::kControlPlane:
      return "control_plane";
    case DaemonSource::kDatabase:
      return "database";
  }
  return "none";
}

void DaemonSnapshot::on_presence(const DaemonId& daemon, Presence presence) {
  for (DaemonCandidate& candidate : candidates)
    if (candidate.id == daemon) candidate.presence = presence;
}

void DaemonSnapshot::on_managed(const std::vector<ports::ManagedDaemon>& managed) {
  control_plane = ControlPlane::kAnswered;
  for (const ports::ManagedDaemon& each : managed) {
    auto known = std::ranges::find(candidates, each.id, &DaemonCandidate::id);
    if (known == candidates.end()) {  // it has never been connected
      candidates.push_back({.id = each.id, .name = each.name, .type = DaemonType::kCloud});
      known = std::prev(candidates.end());
    }
    known->lifecycle = each.lifecycle;
  }
}

void DaemonSnapshot::on_managed_unknown(std::string_view why) {
  control_plane = ControlPlane::kSilent;
  control_plane_problem = std::string(why);
}

DaemonSelection select_daemon(const SelectionRequest& request, const DaemonSnapshot& snapshot) {
  return Decision(request, snapshot).decide();
}

}  // namespace reliant::router
