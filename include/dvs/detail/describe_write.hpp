// SPDX-License-Identifier: MIT
/// @file
/// Writes described values, as readable text or as JSON.
#ifndef DVS_DETAIL_DESCRIBE_WRITE_HPP
#define DVS_DETAIL_DESCRIBE_WRITE_HPP

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <dvs/detail/describe_fields.hpp>
#include <dvs/grant.hpp>
#include <dvs/protocol.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace dvs::detail {

struct text_style {
  static constexpr bool is_json = false;
};
struct json_style {
  static constexpr bool is_json = true;
};

template <class T>
inline constexpr bool is_grant_ref = false;
template <class Access>
inline constexpr bool is_grant_ref<grant_ref<Access>> = true;

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t Size>
inline constexpr bool is_std_array<std::array<T, Size>> = true;

/// An enum whose namespace says how its values are called.
template <class T>
concept named_enum = std::is_enum_v<T> && requires(T value) {
  { name_of(value) } -> std::convertible_to<std::string_view>;
};

template <class Number>
void write_number(std::string& out, Number value) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

inline void write_hex_byte(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

inline void write_hex(std::string& out, const std::byte* bytes, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) write_hex_byte(out, static_cast<unsigned char>(bytes[i]));
}

/// Writes `text` in quotes, so that it is one JSON string and stays on one line.
inline void write_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += "\\u00";
      write_hex_byte(out, byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

/// Writes a `bool` that may come from a stranger: its byte can be neither 0 nor 1, so it is not read as a `bool`.
inline void write_bool(std::string& out, const bool& value) {
  unsigned char byte;
  std::memcpy(&byte, &value, 1);
  out += byte != 0 ? "true" : "false";
}

/// Writes an endpoint: the constants of `dvs/ids.hpp` by name, others as their number.
inline void write_endpoint(std::string& out, endpoint_id who) {
  if (who == any)
    out += "any";
  else if (who == none)
    out += "none";
  else if (who == own)
    out += "own";
  else
    write_number(out, number(who));
}

template <class Style, class T>
void write_value(std::string& out, const T& value);

template <class Style, class Element>
void write_elements(std::string& out, const Element* elements, std::size_t size) {
  if constexpr (std::is_same_v<Element, char>) {
    write_quoted(out, {elements, ::strnlen(elements, size)});
  } else if constexpr (std::is_same_v<Element, std::byte>) {
    if constexpr (Style::is_json) out += '"';
    write_hex(out, elements, size);
    if constexpr (Style::is_json) out += '"';
  } else {
    out += '[';
    for (std::size_t i = 0; i < size; ++i) {
      if (i > 0) out += Style::is_json ? "," : ", ";
      write_value<Style>(out, elements[i]);
    }
    out += ']';
  }
}

template <class Style, class T>
void write_enum(std::string& out, T value) {
  if constexpr (std::is_same_v<T, endpoint_id> && !Style::is_json) {
    write_endpoint(out, value);
    return;
  }
  std::string_view name;
  if constexpr (named_enum<T>) name = name_of(value);
  if (name.empty())
    write_value<Style>(out, static_cast<std::underlying_type_t<T>>(value));
  else if constexpr (Style::is_json)
    write_quoted(out, name);
  else
    out += name;
}

template <class Style, class T>
void write_grant_ref(std::string& out, const T& ref) {
  out += Style::is_json ? "{\"granter\":" : "grant ";
  write_value<Style>(out, ref.granter);
  out += Style::is_json ? ",\"id\":" : ":";
  write_number(out, number(ref.id));
  if constexpr (Style::is_json) out += '}';
}

template <class Style, class T>
void write_struct(std::string& out, const T& object) {
  out += '{';
  bool first = true;
  visit_fields(object, [&](std::string_view name, const auto& member) {
    if (!first) out += Style::is_json ? "," : ", ";
    first = false;
    if constexpr (Style::is_json) {
      write_quoted(out, name);
      out += ':';
    } else {
      out += name;
      out += '=';
    }
    write_value<Style>(out, member);
  });
  out += '}';
}

template <class Style, class T>
void write_value(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    write_bool(out, value);
  else if constexpr (std::is_same_v<T, char>)
    write_quoted(out, {&value, 1});
  else if constexpr (std::is_integral_v<T>)
    write_number(out, value);
  else if constexpr (std::is_enum_v<T>)
    write_enum<Style>(out, value);
  else if constexpr (is_grant_ref<T>)
    write_grant_ref<Style>(out, value);
  else if constexpr (std::is_array_v<T>)
    write_elements<Style>(out, value, std::extent_v<T>);
  else if constexpr (is_std_array<T>)
    write_elements<Style>(out, value.data(), value.size());
  else
    write_struct<Style>(out, value);
}

}  // namespace dvs::detail

#endif
