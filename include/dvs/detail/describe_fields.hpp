// SPDX-License-Identifier: MIT
/// @file
/// Walks the members of a struct that Boost.Hana knows, and checks that they are all of it.
#ifndef DVS_DETAIL_DESCRIBE_FIELDS_HPP
#define DVS_DETAIL_DESCRIBE_FIELDS_HPP

#include <boost/hana/accessors.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/unpack.hpp>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace dvs::detail {

/// A struct that BOOST_HANA_ADAPT_STRUCT names, or that has nothing to name.
template <class T>
concept adapted = std::is_empty_v<T> || boost::hana::Struct<T>::value;

template <class Accessor>
using accessor_name = std::remove_cvref_t<decltype(boost::hana::first(std::declval<Accessor>()))>;
template <class Accessor>
using accessor_function = std::remove_cvref_t<decltype(boost::hana::second(std::declval<Accessor>()))>;
template <class Accessor, class T>
using accessor_member = std::remove_cvref_t<decltype(accessor_function<Accessor>{}(std::declval<const T&>()))>;

/// The sum of the sizes of the members that are described.
template <class T>
constexpr std::size_t described_bytes() {
  if constexpr (std::is_empty_v<T>)
    return sizeof(T);
  else
    return boost::hana::unpack(boost::hana::accessors<T>(), []<class... Accessor>(const Accessor&...) {
      return (std::size_t{0} + ... + sizeof(accessor_member<Accessor, T>));
    });
}

template <class T>
consteval bool check_description() {
  static_assert(adapted<T>, "this struct is not described: add BOOST_HANA_ADAPT_STRUCT(type, members...)");
  if constexpr (adapted<T>)
    static_assert(described_bytes<T>() == sizeof(T), "the description of this struct leaves members out");
  return true;
}

/// Calls `visit(name, member)` for each member.
template <class T, class Visitor>
void visit_fields(const T& object, Visitor&& visit) {
  static_assert(check_description<T>());
  if constexpr (!std::is_empty_v<T>)
    boost::hana::unpack(boost::hana::accessors<T>(), [&]<class... Accessor>(const Accessor&...) {
      (visit(std::string_view(accessor_name<Accessor>::c_str()), accessor_function<Accessor>{}(object)), ...);
    });
}

}  // namespace dvs::detail

#endif
