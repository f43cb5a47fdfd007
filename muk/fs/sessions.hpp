// SPDX-License-Identifier: MIT
/// @file
/// The processes that FS knows, and what they have open.
#ifndef MUK_FS_SESSIONS_HPP
#define MUK_FS_SESSIONS_HPP

#include <cstdint>
#include <map>
#include <memory>
#include <muk/fs/minixfs/file_system.hpp>
#include <muk/fs/protocol.hpp>
#include <vector>

namespace muk::fs {

/// A file that a process has open.
template <class Node>
struct open_file {
  Node node;
  open_flags flags;
  std::uint64_t position = 0;
};

/// One process: who it is, and its open files by number. A fiber that works for it holds it, also when it dies.
template <class Node>
struct session {
  using file_type = open_file<Node>;

  minixfs::credentials who;
  std::vector<std::shared_ptr<file_type>> files;

  /// The open file of this number; null when there is none.
  [[nodiscard]] std::shared_ptr<file_type> find(std::uint32_t number) const {
    return number < files.size() ? files[number] : nullptr;
  }
  /// Gives a file the lowest free number. Errors: `table_full`.
  dvs::result<std::uint32_t> add(Node node, open_flags flags) {
    std::size_t number = 0;
    while (number < files.size() && files[number] != nullptr) ++number;
    if (number >= files_max) return dvs::errc::table_full;
    if (number == files.size()) files.emplace_back();
    files[number] = std::make_shared<file_type>(file_type{std::move(node), flags});
    return static_cast<std::uint32_t>(number);
  }
};

/// All processes that asked for something and still live.
template <class Node>
class sessions {
 public:
  using session_type = session<Node>;

  /// `users` is who a user process is until somebody vouches for it.
  explicit sessions(minixfs::credentials users) : users_(users) {}

  /// The process at this endpoint, made known if it is new.
  [[nodiscard]] std::shared_ptr<session_type> at(dvs::endpoint_id endpoint) {
    auto& known = known_[endpoint];
    if (known == nullptr) {
      const bool is_system = dvs::generation_of(endpoint) == 0;
      known = std::make_shared<session_type>(session_type{is_system ? minixfs::credentials{} : users_, {}});
    }
    return known;
  }
  /// Takes a process out; null when it is not known. Its files are closed when the last holder lets go.
  std::shared_ptr<session_type> take(dvs::endpoint_id endpoint) {
    const auto found = known_.find(endpoint);
    if (found == known_.end()) return nullptr;
    auto taken = std::move(found->second);
    known_.erase(found);
    return taken;
  }
  /// Takes all out.
  void take_all() { auto all = std::exchange(known_, {}); }

  /// Calls `visit(endpoint, number, file)` for every open file.
  template <class Visit>
  void for_each_file(Visit&& visit) const {
    for (const auto& [endpoint, one] : known_)
      for (std::uint32_t number = 0; number < one->files.size(); ++number)
        if (one->files[number] != nullptr) visit(endpoint, number, *one->files[number]);
  }

 private:
  minixfs::credentials users_;
  std::map<dvs::endpoint_id, std::shared_ptr<session_type>> known_;
};

}  // namespace muk::fs

#endif
