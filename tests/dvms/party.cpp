// SPDX-License-Identifier: MIT
/// @file
/// A program that takes the place it is told, says so, and answers until its DC ends. Its arguments: an endpoint that
/// it asks first, or "signal": it waits for SIGTERM instead, and returns 9.
#include <csignal>
#include <cstdio>
#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <dvs/backends/userspace/daemon/told_place.hpp>
#include <dvs/ipc.hpp>
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

}  // namespace

int main(int count, char** words) {
  const std::string_view argument = count > 1 ? words[1] : "";
  if (argument == "signal") return wait_for_signal();
  const dvs::userspace::told_place place;
  dvs::userspace::node node(place.node);
  auto dc = node.open_dc(place.dc);
  auto self = dc.bind(place.endpoint, {.name = place.name}).value();
  if (!argument.empty()) {
    dvs::message question{};
    question.type = 1;
    if (!self->sendrec(dvs::endpoint_id{std::stoi(words[1])}, question)) return 1;
  }
  say("bound", dvs::number(self->id()));
  while (auto came = self->receive())
    if (came->exchange != 0)
      static_cast<void>(self->reply(dvs::caller{came->content.source, came->exchange}, dvs::message{}));
}
