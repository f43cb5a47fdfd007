// SPDX-License-Identifier: MIT
/// @file
/// How long a program takes from fork to its first byte: on its standard output, or of an answer to an HTTP request.
///
/// usage: first_byte stdout PROGRAM ARGUMENT...
///        first_byte PORT/PATH PROGRAM ARGUMENT...   asks 127.0.0.1:PORT for /PATH, then ends it with SIGTERM
/// Prints nanoseconds. Fails when the program ends or 10 seconds pass before the byte has come.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bench/bench.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr std::uint64_t patience_ns = 10'000'000'000;

[[noreturn]] void fail(const char* why) {
  std::fprintf(stderr, "first_byte: %s\n", why);
  std::exit(1);
}

/// Starts the program; its standard output is `output`.
pid_t start(char** command, int output) {
  const pid_t child = fork();
  if (child < 0) fail("no process can be made");
  if (child == 0) {
    dup2(output, STDOUT_FILENO);
    execv(command[0], command);
    _exit(127);
  }
  return child;
}

/// Whether one attempt brought the first byte of an answer.
bool answers(std::uint16_t port, const std::string& request) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  char byte;
  const bool got = connect(connection, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 &&
                   write(connection, request.data(), request.size()) == static_cast<ssize_t>(request.size()) &&
                   read(connection, &byte, 1) == 1;
  close(connection);
  return got;
}

std::uint64_t until_output(char** command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("no pipe can be made");
  const std::uint64_t began = bench::now_ns();
  const pid_t child = start(command, ends[1]);
  close(ends[1]);
  char byte;
  if (read(ends[0], &byte, 1) != 1) fail("the program ended without a word");
  const std::uint64_t took = bench::now_ns() - began;
  waitpid(child, nullptr, 0);
  return took;
}

std::uint64_t until_answer(const char* target, char** command) {
  char* rest = nullptr;
  const auto port = static_cast<std::uint16_t>(std::strtoul(target, &rest, 10));
  const std::string request = "GET " + std::string(rest) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (answers(port, request)) fail("somebody else answers on that port");
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  const std::uint64_t began = bench::now_ns();
  const pid_t child = start(command, nowhere);
  std::uint64_t took = 0;
  while (!answers(port, request)) {
    took = bench::now_ns() - began;
    if (waitpid(child, nullptr, WNOHANG) == child) fail("the program ended without an answer");
    if (took > patience_ns) {
      kill(child, SIGKILL);
      fail("no answer in time");
    }
  }
  took = bench::now_ns() - began;
  kill(child, SIGTERM);
  waitpid(child, nullptr, 0);
  return took;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: first_byte stdout|PORT/PATH PROGRAM ARGUMENT...\n");
    return 2;
  }
  const bool wants_output = std::strcmp(arguments[1], "stdout") == 0;
  const std::uint64_t took = wants_output ? until_output(arguments + 2) : until_answer(arguments[1], arguments + 2);
  std::printf("%llu\n", static_cast<unsigned long long>(took));
  return 0;
}
