// SPDX-License-Identifier: MIT
/// @file
/// The members of described structs with their types and offsets, for tables in the documentation.
#ifndef DVS_DETAIL_DESCRIBE_TABLE_HPP
#define DVS_DETAIL_DESCRIBE_TABLE_HPP

#include <dvs/detail/describe_name.hpp>
#include <dvs/detail/describe_write.hpp>

namespace dvs::detail {

/// The name of a member's type as a reader of another language would write it: u32, text[28], file_id (u32).
template <class T>
void write_type(std::string& out) {
  if constexpr (std::is_same_v<T, bool>) {
    out += "bool";
  } else if constexpr (std::is_same_v<T, char>) {
    out += "char";
  } else if constexpr (std::is_integral_v<T>) {
    out += std::is_signed_v<T> ? 'i' : 'u';
    write_number(out, 8 * sizeof(T));
  } else if constexpr (std::is_enum_v<T>) {
    out += short_name<T>();
    out += " (";
    write_type<std::underlying_type_t<T>>(out);
    out += ')';
  } else if constexpr (is_grant_ref<T>) {
    out += std::is_same_v<T, grant_ref<readable>> ? "readable grant" : "writable grant";
  } else if constexpr (std::is_array_v<T> || is_std_array<T>) {
    using element = std::remove_cvref_t<decltype(std::declval<T&>()[0])>;
    if constexpr (std::is_same_v<element, char>)
      out += "text";
    else if constexpr (std::is_same_v<element, std::byte>)
      out += "bytes";
    else
      write_type<element>(out);
    out += '[';
    write_number(out, sizeof(T) / sizeof(element));
    out += ']';
  } else {
    out += short_name<T>();
  }
}

/// All members of `T`: "`file` file_id (u32) at 0, `length` u32 at 4".
template <class T>
void write_members(std::string& out) {
  const T object{};
  bool first = true;
  visit_fields(object, [&]<class Member>(std::string_view name, const Member& member) {
    if (!first) out += ", ";
    first = false;
    out += '`';
    out += name;
    out += "` ";
    write_type<Member>(out);
    out += " at ";
    write_number(out, reinterpret_cast<const char*>(&member) - reinterpret_cast<const char*>(&object));
  });
  if (first) out += '-';
}

}  // namespace dvs::detail

#endif
