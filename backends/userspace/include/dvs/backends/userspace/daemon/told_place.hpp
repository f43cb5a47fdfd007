// SPDX-License-Identifier: MIT
/// @file
/// The place in a DC that a program is told by who starts it, such as `dvs run`.
///
///     #include <dvs/backends/userspace/daemon/told_place.hpp>
///     const dvs::userspace::told_place place;
///     dvs::userspace::node node(place.node);
///     auto dc = node.open_dc(place.dc);
///     auto self = dc.bind(place.endpoint, {.name = place.name}).value();
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_TOLD_PLACE_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_TOLD_PLACE_HPP

#include <charconv>
#include <dvs/backends/userspace/daemon/default_place.hpp>
#include <dvs/error.hpp>
#include <dvs/ids.hpp>
#include <string_view>

namespace dvs::userspace {

/// What the environment says. Names are empty, and the endpoint is `own`, if it does not.
struct told_place {
  static constexpr const char* node_variable = "DVS_NODE";
  static constexpr const char* dc_variable = "DVS_DC";
  static constexpr const char* endpoint_variable = "DVS_ENDPOINT";
  static constexpr const char* name_variable = "DVS_NAME";

  /// Throws `dvs::error` `bad_value`: the endpoint is no number.
  told_place() {
    const std::string_view said = variable(endpoint_variable);
    if (said.empty()) return;
    std::int32_t number = 0;
    const auto [end, wrong] = std::from_chars(said.data(), said.data() + said.size(), number);
    if (wrong != std::errc() || end != said.data() + said.size()) throw error(errc::bad_value);
    endpoint = endpoint_id{number};
  }

  std::string node = default_place();          ///< the socket of the daemon
  std::string dc = variable(dc_variable);      ///< the name of the DC
  endpoint_id endpoint = own;                  ///< to bind
  std::string name = variable(name_variable);  ///< to bind under

 private:
  static const char* variable(const char* name) {
    const char* const said = std::getenv(name);
    return said == nullptr ? "" : said;
  }
};

}  // namespace dvs::userspace

#endif
