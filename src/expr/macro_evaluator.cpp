#include "expr/macro_evaluator.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "expr/sort.h"

namespace reliant::expr {
namespace {

std::string_view name_of(Macro macro) {
  switch (macro) {
    case Macro::kAll:
      return "all";
    case Macro::kExists:
      return "exists";
    case Macro::kExistsOne:
      return "exists_one";
    case Macro::kMap:
      return "map";
    case Macro::kFilter:
      return "filter";
    case Macro::kTransformMap:
      return "transformMap";
    case Macro::kTransformMapEntry:
      return "transformMapEntry";
    case Macro::kSortBy:
      return "sortBy";
    case Macro::kBind:
      return "cel.bind";
    case Macro::kOptMap:
      return "optMap";
    case Macro::kOptFlatMap:
      return "optFlatMap";
  }
  RELIANT_UNREACHABLE("every macro has a name");
}

class Loop {
 public:
  Loop(const Node& node, NodeEvaluator& evaluator, const Local* locals) : node_(node), evaluator_(evaluator), locals_(locals) {}

  Value run() {
    const Value range = evaluator_.evaluate(*node_.target, locals_);
    switch (node_.macro) {
      case Macro::kBind: {
        const Local local{node_.names[0], range, locals_};  // an error is one where the variable is used
        return evaluator_.evaluate(*node_.arguments[0], &local);
      }
      case Macro::kOptMap:
      case Macro::kOptFlatMap:
        return over_optional(range);
      default:
        break;
    }
    if (range.is_error()) return range;
    if (!range.is(Kind::kList) && !range.is(Kind::kMap))
      return Value::error(concat("no such overload: ", name_of(node_.macro), "() of a value of type ", type_name(range),
                                 "; it takes a list or a map"));
    switch (node_.macro) {
      case Macro::kAll:
        return quantified(range, false);
      case Macro::kExists:
        return quantified(range, true);
      case Macro::kExistsOne:
        return exists_one(range);
      case Macro::kTransformMap:
      case Macro::kTransformMapEntry:
        return transformed_map(range);
      case Macro::kSortBy:
        return sorted(range);
      default:
        return listed(range);
    }
  }

 private:
  // Calls step(key, value) for each element until it returns false. Of a list the key is the index.
  template <class Step>
  static void each(const Value& range, Step step) {
    if (range.is(Kind::kMap)) {
      for (const auto& [key, value] : range.as_map())
        if (!step(key, value)) return;
      return;
    }
    std::int64_t index = 0;
    for (const Value& element : range.as_list())
      if (!step(Value::integer(index++), element)) return;
  }

  // The body `argument` for one element. With one variable: the value of a list, the key of a map.
  Value body(std::size_t argument, const Value& range, const Value& key, const Value& value) {
    const bool two = node_.names.size() == 2;
    const Local first{node_.names[0], two || range.is(Kind::kMap) ? key : value, locals_};
    if (!two) return evaluator_.evaluate(*node_.arguments[argument], &first);
    const Local second{node_.names[1], value, &first};
    return evaluator_.evaluate(*node_.arguments[argument], &second);
  }

  // A condition: a bool, or an error.
  Value condition(std::size_t argument, const Value& range, const Value& key, const Value& value) {
    Value result = body(argument, range, key, value);
    if (result.is(Kind::kBool) || result.is_error()) return result;
    return Value::error(EvaluationError{concat("no such overload: the condition of ", name_of(node_.macro),
                                               "() is a bool, not a value of type ", type_name(result)),
                                        node_.arguments[argument]->position, false});
  }

  // all and exists: like && and || over the elements.
  Value quantified(const Value& range, bool decisive) {
    Value result = Value::boolean(!decisive);
    each(range, [&](const Value& key, const Value& value) {
      Value holds = condition(0, range, key, value);
      const bool ends = holds.is_error() ? holds.as_error().limit : holds.as_bool() == decisive;
      if (ends || (holds.is_error() && !result.is_error())) result = std::move(holds);
      return !ends;
    });
    return result;
  }

  Value exists_one(const Value& range) {
    int count = 0;
    Value error;
    each(range, [&](const Value& key, const Value& value) {
      Value holds = condition(0, range, key, value);
      if (holds.is_error()) {
        error = std::move(holds);
        return false;
      }
      count += holds.as_bool() ? 1 : 0;
      return true;
    });
    return error.is_error() ? error : Value::boolean(count == 1);
  }

  // Calls take(key, value, body's value) for the elements that the condition lets through; null, or the first error.
  template <class Take>
  Value transformed(const Value& range, Take take) {
    Value error;
    const bool filter = node_.macro == Macro::kFilter;
    const bool conditional = filter || node_.arguments.size() == 2;
    each(range, [&](const Value& key, const Value& value) {
      Value result = conditional ? condition(0, range, key, value) : Value::boolean(true);
      if (result.is_false()) return true;
      if (!result.is_error() && !filter) result = body(node_.arguments.size() - 1, range, key, value);
      if (!result.is_error()) result = take(key, value, std::move(result));
      if (result.is_error()) error = std::move(result);
      return !error.is_error();
    });
    return error;
  }

  Value listed(const Value& range) {
    List out;
    Value error = transformed(range, [&](const Value& key, const Value& value, Value result) {
      if (node_.macro == Macro::kFilter) result = range.is(Kind::kMap) ? key : value;
      out.push_back(std::move(result));
      return Value();
    });
    return error.is_error() ? error : Value::list(std::move(out));
  }

  Value transformed_map(const Value& range) {
    Map out;
    Value error = transformed(range, [&](const Value& key, const Value&, Value result) {
      if (node_.macro == Macro::kTransformMap) {
        out.insert(key, std::move(result));
        return Value();
      }
      if (!result.is(Kind::kMap))
        return Value::error(concat("no such overload: transformMapEntry() takes a map for each entry, not a value of type ",
                                   type_name(result)));
      for (const auto& [new_key, new_value] : result.as_map())
        if (!out.insert(new_key, new_value)) return Value::error("insert failed: a key of transformMapEntry() exists already");
      return Value();
    });
    return error.is_error() ? error : Value::map(std::move(out));
  }

  Value sorted(const Value& range) {
    if (!range.is(Kind::kList)) return Value::error("no such overload: sortBy() takes a list");
    List keys;
    Value error = transformed(range, [&](const Value&, const Value&, Value result) {
      keys.push_back(std::move(result));
      return Value();
    });
    return error.is_error() ? error : sorted_by(range.as_list(), keys, evaluator_.budget());
  }

  Value over_optional(const Value& range) {
    if (range.is_error()) return range;
    if (!range.is(Kind::kOptional))
      return Value::error(concat("no such overload: ", name_of(node_.macro), "() of a value of type ", type_name(range)));
    if (range.as_optional() == nullptr) return range;
    const Local local{node_.names[0], *range.as_optional(), locals_};
    Value result = evaluator_.evaluate(*node_.arguments[0], &local);
    if (result.is_error()) return result;
    if (node_.macro == Macro::kOptMap) return Value::optional_of(std::move(result));
    if (result.is(Kind::kOptional)) return result;
    return Value::error(
        concat("no such overload: the body of optFlatMap() is an optional, not a value of type ", type_name(result)));
  }

  const Node& node_;
  NodeEvaluator& evaluator_;
  const Local* locals_;
};

}  // namespace

const Value* find_local(const Local* locals, std::string_view name) {
  for (; locals != nullptr; locals = locals->outer)
    if (locals->name == name) return &locals->value;
  return nullptr;
}

Value evaluate_macro(const Node& node, NodeEvaluator& evaluator, const Local* locals) {
  return Loop(node, evaluator, locals).run();
}

}  // namespace reliant::expr
