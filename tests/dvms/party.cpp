// SPDX-License-Identifier: MIT
/// @file
/// A program that takes the place it is told, says so, and answers until its DC ends. Its arguments: an endpoint that
/// it asks first; "lend" and an endpoint that it lends memory to, and has what was found there back; "signal": it waits
/// for SIGTERM instead, and returns 9; "look": it says what it sees of the host.
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/backends/userspace/daemon/told_place.hpp>
#include <dvs/ipc.hpp>
#include <filesystem>
#include <string>
#include <string_view>

namespace {

void say(const char* what, int number) {
  std::printf("%s %d\n", what, number);
  std::fflush(stdout);
}

int wait_for_signal() {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, nullptr);
  say("waits", SIGTERM);
  int came = 0;
  sigwait(&awaited, &came);
  return 9;
}

/// Its number, the name of the host, how many processes there are, and the interfaces that are up.
int look() {
  std::array<char, 100> host{};
  gethostname(host.data(), host.size() - 1);
  int processes = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc"))
    processes += each.path().filename().string().find_first_not_of("0123456789") == std::string::npos ? 1 : 0;
  std::string up;
  const int any_socket = socket(AF_INET, SOCK_DGRAM, 0);
  for (unsigned at = 1; at < 100; ++at) {
    ifreq each{};
    if (if_indextoname(at, each.ifr_name) == nullptr || ioctl(any_socket, SIOCGIFFLAGS, &each) != 0) continue;
    if ((each.ifr_flags & IFF_UP) != 0) up += std::string(" ") + each.ifr_name;
  }
  close(any_socket);
  std::printf("%d %s %d%s\n", getpid(), host.data(), processes, up.c_str());
  return 0;
}

/// What a request that lends memory, and the answer to it, carry.
constexpr std::int32_t lending = 2;
constexpr std::size_t lent_bytes = 200'000, heard_bytes = dvs::payload_bytes - 1;

/// Lends a text, at the end of much memory, and says what the other found there.
template <class Self>
int lend(Self& self, dvs::endpoint_id to, const std::string& text) {
  std::vector<char> memory(lent_bytes, '.');
  std::copy(text.begin(), text.end(), memory.end() - heard_bytes);
  const auto window = self.grant_read(to, memory).value();
  dvs::message question{};
  question.type = lending;
  const auto ref = window.ref();
  std::memcpy(question.payload.data(), &ref, sizeof ref);
  if (!self.sendrec(to, question)) return 1;
  std::printf("heard %s\n", reinterpret_cast<const char*>(question.payload.data()));
  return 0;
}

/// The answer to a request.
template <class Self>
dvs::message answer_to(Self& self, const dvs::message& question) {
  dvs::message reply{};
  if (question.type != lending) return reply;
  dvs::grant_ref<dvs::readable> ref{};
  std::memcpy(&ref, question.payload.data(), sizeof ref);
  std::vector<char> memory(lent_bytes);
  if (!self.copy_from(ref, std::as_writable_bytes(std::span(memory)))) return reply;
  std::memcpy(reply.payload.data(), memory.data() + lent_bytes - heard_bytes, heard_bytes);
  return reply;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view argument = count > 1 ? words[1] : "";
  if (argument == "signal") return wait_for_signal();
  if (argument == "look") return look();
  const dvs::userspace::told_place place;
  dvs::userspace::node node(place.node);
  auto dc = node.open_dc(place.dc);
  auto self = dc.bind(place.endpoint, {.name = place.name}).value();
  if (argument == "lend") return lend(*self, dvs::endpoint_id{std::stoi(words[2])}, "lent by " + place.name + ".");
  if (!argument.empty()) {
    dvs::message question{};
    question.type = 1;
    if (!self->sendrec(dvs::endpoint_id{std::stoi(words[1])}, question)) return 1;
  }
  say("bound", dvs::number(self->id()));
  while (auto came = self->receive())
    if (came->exchange != 0)
      static_cast<void>(
          self->reply(dvs::caller{came->content.source, came->exchange}, answer_to(*self, came->content)));
}
