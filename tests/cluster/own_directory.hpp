// SPDX-License-Identifier: MIT
/// @file
/// A directory of a test's own.
#ifndef DVS_TESTS_CLUSTER_OWN_DIRECTORY_HPP
#define DVS_TESTS_CLUSTER_OWN_DIRECTORY_HPP

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

/// A directory that goes with its owner.
class own_directory {
 public:
  own_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "dvs-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::system_error(errno, std::system_category(), name);
    path_ = name;
  }
  own_directory(const own_directory&) = delete;
  own_directory& operator=(const own_directory&) = delete;
  ~own_directory() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string file(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

#endif
