// SPDX-License-Identifier: MIT
/// @file
/// The conversation with a daemon, over its socket.
#include "control_line.hpp"

#include <poll.h>

#include <array>
#include <dvs/backends/userspace/daemon/default_place.hpp>

#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

std::string start_command(const std::string& socket) {
  return "dvs node start" + (socket == us::default_place() ? std::string() : " --socket " + socket);
}

us::owned_descriptor control_line::connect(const std::string& path) {
  us::owned_descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  try {
    const sockaddr_un address = us::unix_address(path);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  } catch (const std::system_error&) {
    throw failure(dvs::errc::name_too_long, "no socket can have the path " + path, "give a shorter one to --socket");
  }
  const int why = errno;
  if (why == EACCES || why == EPERM)
    throw failure(dvs::errc::access_denied, "you may not use the daemon at " + path,
                  "ask who started it for dvs node start --mode 660 and for its group");
  if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR)
    throw failure(dvs::errc::not_connected, "no daemon at " + path, "start one with " + start_command(path));
  throw failure(dvs::errc::not_connected, "no daemon at " + path + ": " + std::strerror(why), "run dvs doctor");
}

control_line::control_line(std::string socket) : path_(std::move(socket)), socket_(connect(path_)) {
  const auto told = ask({{"op", "hello"}, {"version", us::control_version}});
  if (!told)
    throw failure(dvs::errc::not_supported, "the daemon at " + path_ + " is of another version than this program",
                  "install both from one release and start the daemon anew");
  hello_ = {dvs::node_id{us::field<std::uint16_t>(*told, "node")}, us::field<std::uint64_t>(*told, "incarnation")};
}

ucred control_line::owner() const {
  ucred who{};
  socklen_t bytes = sizeof who;
  ::getsockopt(socket_.descriptor(), SOL_SOCKET, SO_PEERCRED, &who, &bytes);
  return who;
}

void control_line::lost() const {
  throw failure(dvs::errc::not_connected, "the daemon at " + path_ + " does not answer",
                "look whether it still runs, and start one with " + start_command(path_));
}

void control_line::queue(us::packet_kind kind, const json& what) {
  socket_.queue(us::make_packet(kind, what.dump(-1, ' ', false, json::error_handler_t::replace)));
}

std::optional<std::span<const std::byte>> control_line::hear(int within_ms, int interruption) {
  try {
    for (;;) {
      if (const auto came = socket_.next()) return came;
      if (!socket_.flush()) lost();
      const auto wanted = static_cast<short>(POLLIN | (socket_.is_flushed() ? 0 : POLLOUT));
      std::array<pollfd, 2> ready{pollfd{socket_.descriptor(), wanted, 0}, pollfd{interruption, POLLIN, 0}};
      const int count = ::poll(ready.data(), ready.size(), within_ms);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0 || ready[1].revents != 0) return {};
      if ((ready[0].revents & ~POLLOUT) != 0 && !socket_.fill()) lost();
    }
  } catch (const std::length_error&) {
    lost();
  }
}

void control_line::acknowledge(const json& request) {
  queue(us::packet_kind::answer, {{"id", us::member(request, "id")}});
}

std::pair<us::packet_kind, json> control_line::next(int within_ms) {
  try {
    for (;;) {
      const auto came = hear(within_ms);
      if (!came) lost();
      const auto kind = us::packet_kind{static_cast<char>((*came)[0])};
      if (kind == us::packet_kind::frame || kind == us::packet_kind::report) continue;
      json told = us::parse_control(us::text_of(came->subspan(1)));
      if (told.is_null()) lost();
      if (kind == us::packet_kind::request) acknowledge(told);
      return {kind, std::move(told)};
    }
  } catch (const us::bad_control&) {
    lost();
  }
}

dvs::result<json> control_line::ask(json wanted, int within_ms) {
  const std::uint64_t number = ++last_question_;
  wanted["id"] = number;
  queue(us::packet_kind::request, wanted);
  try {
    for (;;) {
      auto [kind, told] = next(within_ms);
      if (kind != us::packet_kind::answer || us::field<std::uint64_t>(told, "id") != number) continue;
      if (const dvs::errc outcome = us::outcome_of(told); outcome != dvs::errc::ok) return outcome;
      return std::move(told);
    }
  } catch (const us::bad_control&) {
    lost();
  }
}

void control_line::await_end() {
  try {
    for (;;)
      if (const auto [kind, told] = next(forever_ms);
          kind == us::packet_kind::request && us::field<std::string>(told, "op") == "end")
        break;
    static_cast<void>(socket_.flush());
  } catch (const std::exception&) {
    // The daemon has ended, and with it all its DCs.
  }
}

json control_line::open(const std::string& dc) {
  auto told = ask({{"op", "open"}, {"name", dc}});
  if (told) {
    told->erase("id");
    return std::move(*told);
  }
  if (told.error() == dvs::errc::no_privilege)
    throw failure(told.error(), "you may not enter the DC " + dc, "ask its owner to create it with --allow-user");
  throw failure(told.error(), "the daemon at " + path_ + " has no DC " + dc,
                "see dvs dc list, or create it with dvs dc create " + dc);
}

}  // namespace dvms
