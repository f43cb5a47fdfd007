// SPDX-License-Identifier: MIT
/// @file
/// Which users and groups there are.
#ifndef DVS_CLUSTER_IDENTITIES_HPP
#define DVS_CLUSTER_IDENTITIES_HPP

#include <grp.h>
#include <pwd.h>
#include <sys/types.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace dvs::cluster {

/// Gives the numbers of users and groups; nothing for a name that nobody has.
struct identities {
  std::function<std::optional<uid_t>(const std::string& name)> user;
  std::function<std::optional<gid_t>(const std::string& name)> group;
};

namespace detail {

/// The entry that `find`, getpwnam_r or getgrnam_r, has for `name`.
template <class Entry, class Number, class Find>
std::optional<Number> number_of(const std::string& name, Number Entry::*number, Find&& find) {
  constexpr std::size_t bytes_max = 1 << 20;
  for (std::size_t bytes = 1 << 10; bytes <= bytes_max; bytes *= 4) {
    std::vector<char> buffer(bytes);
    Entry entry{};
    Entry* found = nullptr;
    const int error = find(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return entry.*number;
    if (error != ERANGE) return {};
  }
  return {};
}

}  // namespace detail

/// The users and groups of this machine.
[[nodiscard]] inline identities system_identities() {
  return {[](const std::string& name) { return detail::number_of(name, &passwd::pw_uid, getpwnam_r); },
          [](const std::string& name) { return detail::number_of(name, &group::gr_gid, getgrnam_r); }};
}

}  // namespace dvs::cluster

#endif
