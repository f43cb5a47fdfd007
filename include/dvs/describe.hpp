// SPDX-License-Identifier: MIT
/// @file
/// Requests described once: a readable line, JSON and a table for the documentation come from the same description.
///
/// A protocol page describes each request and reply with one line, at global scope, after its namespace:
///
///     BOOST_HANA_ADAPT_STRUCT(muk::fs::read, file, length, offset, into);
///     BOOST_HANA_ADAPT_STRUCT(muk::fs::read::reply, length);
///     static_assert(dvs::is_described<muk::fs::protocol>());
///
/// A type outside every namespace is written with `::`. Structs without members need no line. The description must
/// cover every byte of the struct, otherwise compilation fails. Names are not written at all: `muk::fs::read` is called
/// "fs.read".
///
/// Members can be integers, `bool`, `char`, enums, `grant_ref`, described structs, and arrays of these (`T[n]` and
/// `std::array`); an array of `char` is text that ends at the first NUL, an array of `std::byte` is shown as hex. An
/// enum for which `name_of(value)` is found by its namespace is shown by that name. A nested struct is described before
/// the one that contains it. `dvs/ipc.hpp` does not include this header.
#ifndef DVS_DESCRIBE_HPP
#define DVS_DESCRIBE_HPP

#include <boost/hana/adapt_struct.hpp>
#include <dvs/detail/describe_fields.hpp>
#include <dvs/detail/describe_name.hpp>
#include <dvs/detail/describe_table.hpp>
#include <dvs/detail/describe_write.hpp>
#include <string>

namespace dvs {

/// The short name of a message type: its namespace and its own name, such as "fs.read".
template <class T>
[[nodiscard]] std::string message_name() {
  std::string name(detail::namespace_name<T>());
  if (!name.empty()) name += '.';
  return name += detail::short_name<T>();
}

/// True when every request and reply of `Protocol` is described; otherwise compilation fails and says which is not.
template <class Protocol>
[[nodiscard]] consteval bool is_described() {
  Protocol::for_each([]<class Body>() {
    static_assert(detail::check_description<Body>());
    if constexpr (request<Body>) static_assert(detail::check_description<typename Body::reply>());
  });
  return true;
}

/// Calls `visit(std::string_view name, const member&)` for each member of a described struct, in order.
template <class T, class Visitor>
void for_each_field(const T& object, Visitor&& visit) {
  detail::visit_fields(object, visit);
}

/// The members as text: `{file=3, length=4096, offset=0, into=grant 1:17}`.
template <message_body T>
[[nodiscard]] std::string text_of(const T& body) {
  std::string out;
  detail::write_value<detail::text_style>(out, body);
  return out;
}

/// The members as a JSON object. Characters outside ASCII are escaped byte by byte.
template <message_body T>
[[nodiscard]] std::string json_of(const T& body) {
  std::string out;
  detail::write_value<detail::json_style>(out, body);
  return out;
}

/// A table of `Protocol` in Markdown: opcode, name, members with type and offset in the payload, members of the reply.
template <class Protocol>
[[nodiscard]] std::string protocol_table() {
  std::string out = "| opcode | message | members | reply |\n| ---: | --- | --- | --- |\n";
  Protocol::for_each([&]<class Body>() {
    out += "| ";
    detail::write_number(out, static_cast<std::uint32_t>(Body::opcode));
    out += " | `";
    out += message_name<Body>();
    out += "` | ";
    detail::write_members<Body>(out);
    out += " | ";
    if constexpr (request<Body>)
      detail::write_members<typename Body::reply>(out);
    else
      out += "(one way)";
    out += " |\n";
  });
  return out;
}

}  // namespace dvs

BOOST_HANA_ADAPT_STRUCT(dvs::notification, time_ns, value);
BOOST_HANA_ADAPT_STRUCT(dvs::caller, endpoint, exchange);

#endif
