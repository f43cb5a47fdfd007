// SPDX-License-Identifier: MIT
/// @file
/// Servers as processes of the host, each this program again: `muk server NAME CONFIG --at SOCKET`.
#ifndef MUK_IMAGE_SERVER_PROCESSES_HPP
#define MUK_IMAGE_SERVER_PROCESSES_HPP

#include <sys/eventfd.h>

#include <map>
#include <muk/image/child_process.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace muk {

/// The servers of one configuration, at one daemon. Belongs to one thread, but for `interrupt`.
class server_processes {
 public:
  /// `options`: what follows the name of a server on the command line.
  server_processes(std::string program, std::vector<std::string> options)
      : program_(std::move(program)), options_(std::move(options)), interrupted_(::eventfd(0, EFD_CLOEXEC)) {}
  server_processes(const server_processes&) = delete;
  server_processes& operator=(const server_processes&) = delete;
  ~server_processes() { ::close(interrupted_); }

  /// Starts a server, and waits until it is ready: more about it, such as an URL. Nothing: it ended and has said why,
  /// or the wait was interrupted.
  [[nodiscard]] std::optional<std::string> start(std::string_view name) {
    std::vector<std::string> words{program_, "server", std::string(name)};
    words.insert(words.end(), options_.begin(), options_.end());
    child_process& made = running_.try_emplace(std::string(name), std::move(words)).first->second;
    const auto event = nlohmann::json::parse(made.line(interrupted_), nullptr, false);
    if (!event.is_object() || event.value("event", "") != "ready") return {};
    return event.value("detail", "");
  }
  /// Ends the wait for a server, and all later ones.
  void interrupt() const { ::eventfd_write(interrupted_, 1); }
  /// Waits for the end of a server that was asked to leave; true if it says that it ended well.
  bool join(std::string_view name) {
    const auto at = running_.find(std::string(name));
    if (at == running_.end()) return true;
    const bool well = at->second.wait();
    running_.erase(at);
    return well;
  }

 private:
  const std::string program_;
  const std::vector<std::string> options_;
  const int interrupted_;
  std::map<std::string, child_process> running_;
};

}  // namespace muk

#endif
