#include "workflow/format/draw.h"

#include <string_view>
#include <variant>

#include "base/text.h"
#include "workflow/format/flow.h"

namespace reliant::workflow {
namespace {

std::string escaped(std::string_view text, DrawingLanguage language) {
  std::string out;
  for (const char c : text) {
    if (c == '"') {
      out += language == DrawingLanguage::kMermaid ? "#quot;" : "\\\"";
    } else if (c == '\\' && language == DrawingLanguage::kDot) {
      out += "\\\\";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out;
}

class Drawing {
 public:
  Drawing(const WorkflowDefinition& workflow, DrawingLanguage language) : workflow_(workflow), language_(language) {}

  Result<std::string> write() {
    line(mermaid() ? "flowchart TD" : concat("digraph \"", workflow_.name, "\" {"));
    if (!mermaid()) line("  node [shape=box];");
    TRY_OK(graph(workflow_.graph, "", 1));
    if (!mermaid()) line("}");
    return std::move(text_);
  }

 private:
  bool mermaid() const { return language_ == DrawingLanguage::kMermaid; }
  void line(std::string_view text) { text_ += concat(text, "\n"); }
  static std::string indent(int depth) { return std::string(static_cast<std::size_t>(depth) * 2, ' '); }

  // Nodes of inner graphs are named by the way to them: "repair__test".
  Status graph(const Graph& graph, const std::string& prefix, int depth) {
    TRY_ASSIGN(const Flow flow, resolve(workflow_, graph));
    for (const GraphNode& one : graph.nodes) TRY_OK(node(one, prefix, depth));
    for (const FlowEdge& edge : flow.edges) {
      const Decision* decision = edge.decision == kNone ? nullptr : &flow.nodes[edge.from].decisions[edge.decision];
      edge_line(prefix + flow.nodes[edge.from].node->id, prefix + flow.nodes[edge.to].node->id, label_of(edge, decision),
                depth);
    }
    return ok_status();
  }

  static std::string label_of(const FlowEdge& edge, const Decision* decision) {
    if (decision == nullptr) return "";
    if (edge.condition == nullptr) return "default";
    return edge.condition->label.empty() ? edge.condition->condition.text : edge.condition->label;
  }

  void edge_line(const std::string& from, const std::string& to, const std::string& label, int depth) {
    const std::string text = escaped(label, language_);
    if (mermaid()) return line(concat(indent(depth), from, label.empty() ? " --> " : concat(" -->|\"", text, "\"| "), to));
    line(concat(indent(depth), from, " -> ", to, label.empty() ? "" : concat(" [label=\"", text, "\"]"), ";"));
  }

  Status node(const GraphNode& node, const std::string& prefix, int depth) {
    const std::string name = prefix + node.id;
    if (mermaid()) {
      line(concat(indent(depth), name, "[\"", node.id, ": ", node.type(), "\"]"));
    } else {
      line(concat(indent(depth), name, " [label=\"", node.id, ": ", node.type(), "\"];"));
    }
    if (const auto* loop = std::get_if<LoopNode>(&node.action)) return inner(loop->body, name, node.id, depth);
    if (const auto* parallel = std::get_if<ParallelNode>(&node.action)) {
      for (const Branch& branch : parallel->branches) {
        TRY_OK(inner(branch.graph, concat(name, "__", branch.name), concat(node.id, " / ", branch.name), depth));
      }
    }
    return ok_status();
  }

  Status inner(const Graph& body, const std::string& name, std::string_view title, int depth) {
    if (mermaid()) {
      line(concat(indent(depth), "subgraph ", name, "_body[\"", title, "\"]"));
    } else {
      line(concat(indent(depth), "subgraph \"cluster_", name, "\" {"));
      line(concat(indent(depth + 1), "label=\"", title, "\";"));
    }
    TRY_OK(graph(body, name + "__", depth + 1));
    line(concat(indent(depth), mermaid() ? "end" : "}"));
    return ok_status();
  }

  const WorkflowDefinition& workflow_;
  DrawingLanguage language_;
  std::string text_;
};

}  // namespace

Result<std::string> draw(const WorkflowDefinition& workflow, DrawingLanguage language) {
  return Drawing(workflow, language).write();
}

}  // namespace reliant::workflow
