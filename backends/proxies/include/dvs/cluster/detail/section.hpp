// SPDX-License-Identifier: MIT
/// @file
/// Reads the keys of one table as typed values, and complains of everything that it does not know.
#ifndef DVS_CLUSTER_DETAIL_SECTION_HPP
#define DVS_CLUSTER_DETAIL_SECTION_HPP

#include <cmath>
#include <dvs/cluster/detail/toml.hpp>
#include <dvs/cluster/detail/units.hpp>
#include <sstream>
#include <utility>

namespace dvs::cluster::detail {

/// What kind of value `node` is, for a sentence.
[[nodiscard]] inline std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or a time";
  }
}

/// Appends the value of `node` to `text`, until that is too long to be shown.
inline void append_shown(std::string& text, const toml::node& node) {
  if (text.size() > shown_max) return;
  const char* separator = "";
  if (const auto* list = node.as_array()) {
    text += '[';
    for (const auto& each : *list) {
      if (text.size() > shown_max) break;
      append_shown(text += std::exchange(separator, ", "), each);
    }
    text += ']';
  } else if (const auto* table = node.as_table()) {
    text += '{';
    for (auto&& [key, value] : *table) {
      if (text.size() > shown_max) break;
      append_shown(text.append(std::exchange(separator, ", ")).append(key.str()).append(" = "), value);
    }
    text += '}';
  } else if (const auto* string = node.as_string()) {
    text.append("\"").append(string->get()).append("\"");
  } else {
    std::ostringstream number;
    if (const auto* fraction = node.as_floating_point())
      number << fraction->get() << (fraction->get() == std::floor(fraction->get()) ? ".0" : "");
    else
      number << toml::toml_formatter(node);
    text += number.str();
  }
}

/// The value of `node`, to be shown.
[[nodiscard]] inline std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) return in_quotes(text->get());
  std::string text;
  append_shown(text, node);
  return printable(text, shown_max);
}

/// Complains that `node` is not what `wanted` says.
inline void wrong_kind(const toml::node& node, std::string_view key, std::string_view wanted, findings& out) {
  out.add(position_of(node), key, shown(node), "is " + std::string(kind_of(node)), "write " + std::string(wanted));
}

/// One table, read key by key. Each member asks for one key and gives nothing when it is absent or wrong; `finish`
/// then complains of the keys that nobody asked for.
class section {
 public:
  section(const toml::table& table, position at, std::string name, findings& out)
      : table_(table), at_(at), name_(std::move(name)), out_(out) {}

  [[nodiscard]] findings& out() const { return out_; }
  /// The key with its tables.
  [[nodiscard]] std::string full(std::string_view key) const {
    return name_.empty() ? std::string(key) : name_ + '.' + std::string(key);
  }
  /// Whether `key` is there, right or wrong.
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }
  /// The value of `key`, whatever it is.
  [[nodiscard]] const toml::node* find(std::string_view key) {
    asked_.push_back(key);
    return table_.get(key);
  }

  /// A whole number from `least` to `most`.
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view key, std::int64_t least, std::int64_t most) {
    const auto* const node = find(key);
    if (node == nullptr) return {};
    const std::string wanted = "a number from " + std::to_string(least) + " to " + std::to_string(most);
    const auto* const value = node->as_integer();
    if (value == nullptr) return wrong_kind(*node, full(key), wanted, out_), std::nullopt;
    if (value->get() < least || value->get() > most)
      return refuse(key, "is out of range", "write " + wanted), std::nullopt;
    return value->get();
  }
  /// true or false.
  [[nodiscard]] std::optional<bool> flag(std::string_view key) {
    const auto* const node = find(key);
    if (node == nullptr) return {};
    if (const auto* value = node->as_boolean()) return value->get();
    return wrong_kind(*node, full(key), "true or false, without quotes", out_), std::nullopt;
  }
  /// A text that `is_right` accepts; `wanted` says which those are.
  template <class IsRight>
  [[nodiscard]] std::optional<std::string> text(std::string_view key, std::string_view wanted, IsRight&& is_right) {
    const auto* const node = find(key);
    if (node == nullptr) return {};
    const auto* const value = node->as_string();
    if (value == nullptr) return wrong_kind(*node, full(key), wanted, out_), std::nullopt;
    if (!is_right(value->get()))
      return refuse(key, value->get().empty() ? "is empty" : "cannot be used", "write " + std::string(wanted)),
             std::nullopt;
    return value->get();
  }
  /// One of several words.
  template <class Value, std::size_t N>
  [[nodiscard]] std::optional<Value> choice(std::string_view key,
                                            const std::array<std::pair<std::string_view, Value>, N>& values) {
    std::vector<std::string_view> words;
    words.reserve(N);
    for (const auto& each : values) words.push_back(each.first);
    const auto word = text(key, "one of " + listed(words), [&](const std::string& written) {
      return std::ranges::find(words, written) != words.end();
    });
    for (const auto& [name, value] : values)
      if (word == name) return value;
    return {};
  }
  /// A time from `least` to `most`.
  [[nodiscard]] std::optional<duration> time(std::string_view key, duration least, duration most) {
    const auto count = with_unit_in(key, time_units, least.count(), most.count());
    return count ? std::optional(duration(*count)) : std::nullopt;
  }
  /// A size from `least` to `most` bytes.
  [[nodiscard]] std::optional<std::int64_t> bytes(std::string_view key, std::int64_t least, std::int64_t most) {
    return with_unit_in(key, size_units, least, most);
  }
  /// A list; its elements are not looked at.
  [[nodiscard]] const toml::array* list(std::string_view key, std::string_view wanted) {
    const auto* const node = find(key);
    if (node != nullptr && !node->is_array()) wrong_kind(*node, full(key), wanted, out_);
    return node == nullptr ? nullptr : node->as_array();
  }
  /// A table inside this one.
  [[nodiscard]] std::optional<section> table(std::string_view key, std::string_view wanted) {
    const auto* const node = find(key);
    if (node == nullptr) return {};
    const auto* const inner = node->as_table();
    if (inner == nullptr) return wrong_kind(*node, full(key), wanted, out_), std::nullopt;
    return section(*inner, position_of(*node), full(key), out_);
  }
  /// The keys of this table with their values, in the order of the file.
  [[nodiscard]] std::vector<std::pair<const toml::key*, const toml::node*>> entries() const {
    std::vector<std::pair<const toml::key*, const toml::node*>> all;
    for (auto&& [key, value] : table_) all.emplace_back(&key, &value);
    std::ranges::sort(all, {}, [](const auto& each) {
      const auto at = each.first->source().begin;
      return std::pair(at.line, at.column);
    });
    return all;
  }

  /// Where `key` stands: its value, or this table when it is absent.
  [[nodiscard]] position where(std::string_view key) const {
    const auto* const node = table_.get(key);
    return node == nullptr ? at_ : position_of(*node);
  }
  /// Complains of the value of `key`, or of this table when it is absent.
  void refuse(std::string_view key, std::string_view problem, std::string_view remedy) const {
    const auto* const node = table_.get(key);
    out_.add(where(key), full(key), node == nullptr ? std::string() : shown(*node), problem, remedy);
  }
  /// Complains that `key` is missing, unless it is there or may be in a part that could not be read.
  void require(std::string_view key, std::string_view remedy) const {
    if (!has(key) && out_.whole()) refuse(key, "is missing", remedy);
  }
  /// Complains of the keys that were not asked for.
  void finish() const {
    for (const auto& [key, value] : entries()) {
      if (std::ranges::find(asked_, key->str()) != asked_.end()) continue;
      auto remedy = out_.suggestion(key->str(), asked_);
      if (remedy.empty()) remedy = "there are " + listed(asked_);
      out_.add(position_of(key->source().begin), full(key->str()), {}, "there is no such key", remedy);
    }
  }

 private:
  template <std::size_t N>
  [[nodiscard]] std::optional<std::int64_t> with_unit_in(std::string_view key, const std::array<unit, N>& units,
                                                         std::int64_t least, std::int64_t most) {
    std::vector<std::string_view> names;
    names.reserve(N);
    for (const unit& each : units) names.push_back(each.name);
    const std::string wanted = "\"" + in_units(least, units) + "\" to \"" + in_units(most, units) +
                               "\", a whole number and one of the units " + listed(names);
    const auto written =
        text(key, wanted, [&](const std::string& value) { return with_unit(value, units).has_value(); });
    if (!written) return {};
    const auto count = with_unit(*written, units);
    if (*count < least || *count > most) return refuse(key, "is out of range", "write " + wanted), std::nullopt;
    return count;
  }

  const toml::table& table_;
  position at_;
  std::string name_;
  findings& out_;
  std::vector<std::string_view> asked_;
};

}  // namespace dvs::cluster::detail

#endif
