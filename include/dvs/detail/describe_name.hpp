// SPDX-License-Identifier: MIT
/// @file
/// The name of a type as text, taken from the compiler.
#ifndef DVS_DETAIL_DESCRIBE_NAME_HPP
#define DVS_DETAIL_DESCRIBE_NAME_HPP

#include <cstddef>
#include <string_view>

namespace dvs::detail {

template <class T>
constexpr std::string_view pretty_function() {
  return __PRETTY_FUNCTION__;
}

/// What g++ and clang write around the name of the type in `pretty_function`.
struct pretty_frame {
  std::size_t before, after;
};
constexpr pretty_frame frame_of_pretty_function() {
  constexpr std::string_view sample = pretty_function<double>();
  constexpr std::size_t at = sample.find("double");
  return {at, sample.size() - at - std::string_view("double").size()};
}

/// The whole name of `T`, such as "muk::fs::read".
template <class T>
constexpr std::string_view qualified_name() {
  constexpr pretty_frame frame = frame_of_pretty_function();
  std::string_view all = pretty_function<T>();
  all.remove_prefix(frame.before);
  all.remove_suffix(frame.after);
  return all;
}

/// Takes the last component off `name`, which then ends before the "::".
constexpr std::string_view take_component(std::string_view& name) {
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    if (name[i] == '>' || name[i] == ')') ++depth;
    if (name[i] == '<' || name[i] == '(') --depth;
    if (depth == 0 && name[i] == ':' && i > 0 && name[i - 1] == ':') {
      const std::string_view component = name.substr(i + 1);
      name = name.substr(0, i - 1);
      return component;
    }
  }
  const std::string_view component = name;
  name = {};
  return component;
}

/// The name of `T` without its namespaces.
template <class T>
constexpr std::string_view short_name() {
  std::string_view name = qualified_name<T>();
  return take_component(name);
}

/// The namespace in which `T` is, without those around it; empty for none and for an unnamed one.
template <class T>
constexpr std::string_view namespace_name() {
  std::string_view name = qualified_name<T>();
  take_component(name);
  const std::string_view space = take_component(name);
  const bool named = space.find_first_of("{(< ") == std::string_view::npos;
  return named ? space : std::string_view{};
}

}  // namespace dvs::detail

#endif
