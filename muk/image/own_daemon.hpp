// SPDX-License-Identifier: MIT
/// @file
/// A daemon for one MUK, which goes with it.
#ifndef MUK_IMAGE_OWN_DAEMON_HPP
#define MUK_IMAGE_OWN_DAEMON_HPP

#include <dvs/backends/userspace/daemon/find_daemon.hpp>
#include <filesystem>
#include <muk/image/child_process.hpp>
#include <optional>
#include <stdexcept>
#include <string>

namespace muk {

/// The program dvsd, at a socket in a new folder that only its user can enter.
class own_daemon {
 public:
  /// Returns when it listens. Throws `std::runtime_error`: there is none, or it does not start.
  own_daemon() {
    const std::string program = dvs::userspace::find_daemon();
    if (program.empty())
      throw std::runtime_error(
          "there is no program dvsd beside muk or in PATH; install it, or name a daemon with --at");
    std::string folder = (std::filesystem::temp_directory_path() / "muk-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) throw std::system_error(errno, std::system_category(), folder);
    folder_ = folder;
    try {
      daemon_.emplace(std::vector<std::string>{program, "--socket", socket()});
      if (daemon_->line().empty()) throw std::runtime_error(program + " does not start");
    } catch (...) {
      leave();
      throw;
    }
  }
  own_daemon(const own_daemon&) = delete;
  own_daemon& operator=(const own_daemon&) = delete;
  ~own_daemon() { leave(); }

  [[nodiscard]] std::string socket() const { return folder_ + "/node"; }

 private:
  void leave() {
    if (daemon_) daemon_->end(SIGTERM);
    daemon_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string folder_;
  std::optional<child_process> daemon_;
};

}  // namespace muk

#endif
