// SPDX-License-Identifier: MIT
/// @file
/// A conversation with the daemon of a node: a question, and its answer.
#ifndef DVMS_CONTROL_LINE_HPP
#define DVMS_CONTROL_LINE_HPP

#include <sys/types.h>

#include <dvs/backends/userspace/daemon/control.hpp>
#include <dvs/backends/userspace/daemon/packet_socket.hpp>

namespace dvms {

using json = nlohmann::json;

/// What is known of the daemon when it has greeted.
struct greeting {
  dvs::node_id node{};
  std::uint64_t incarnation = 0;
};

/// See the file comment. Unlike a process that takes part in DCs it needs no thread and no carrier.
class control_line {
 public:
  static constexpr int answer_within_ms = 10'000;
  static constexpr int forever_ms = -1;

  /// Connects the daemon at `socket`, and greets it. Throws `failure`: nobody is there, it must not be used, or it is
  /// of another version.
  explicit control_line(std::string socket);

  [[nodiscard]] const greeting& hello() const { return hello_; }
  [[nodiscard]] const std::string& socket() const { return path_; }
  /// The daemon's process and user, as the host vouches for them; 0: it is in another process namespace.
  [[nodiscard]] ucred owner() const;

  /// Asks, and waits. Errors: what the daemon answers. Throws `failure`: it does not.
  dvs::result<json> ask(json wanted, int within_ms = answer_within_ms);
  /// Enters a DC; what the daemon tells of it. Throws `failure`: there is none of that name, or the caller must not.
  json open(const std::string& dc);
  /// The same; its number.
  std::uint16_t enter(const std::string& dc) { return dvs::userspace::field<std::uint16_t>(open(dc), "dc"); }
  /// Returns when a DC that was entered has ended, or the daemon.
  void await_end();
  /// The next packet, valid until the next call; nothing: none came within `within_ms`, or `interruption`, a
  /// descriptor, can be read.
  [[nodiscard]] std::optional<std::span<const std::byte>> hear(int within_ms, int interruption = -1);
  /// Answers a request of the daemon, which asks every line for fences, and tells the end of DCs: a line without
  /// processes has nothing to do.
  void acknowledge(const json& request);

 private:
  [[nodiscard]] static dvs::userspace::owned_descriptor connect(const std::string& path);
  void queue(dvs::userspace::packet_kind kind, const json& what);
  /// The next request or answer of the daemon; a request is answered already.
  [[nodiscard]] std::pair<dvs::userspace::packet_kind, json> next(int within_ms);
  [[noreturn]] void lost() const;

  const std::string path_;
  dvs::userspace::packet_socket socket_;
  std::uint64_t last_question_ = 0;
  greeting hello_;
};

/// The command that starts a daemon at `socket`, for remedies.
[[nodiscard]] std::string start_command(const std::string& socket);

}  // namespace dvms

#endif
