// SPDX-License-Identifier: MIT
/// @file
/// The program muk for tests that run it: where it lies, a folder to run it in, and a process of it.
#ifndef TESTS_MUK_MUK_PROCESS_HPP
#define TESTS_MUK_MUK_PROCESS_HPP

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace muk_test {

/// The program, as it lies in the build tree beside the test.
inline std::string program() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "../../bin/muk").string();
}

/// An empty folder, removed at the end.
class temporary_folder {
 public:
  temporary_folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string path(const std::string& below) const { return path_ + "/" + below; }
  void write(const std::string& below, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
    std::ofstream(path(below), std::ios::binary) << text;
  }
  /// Writes muk.cfg and what it names: the image site.img, changed or not, served from `root` at any free port.
  void write_configuration(const std::string& root, bool is_volatile) const {
    write("muk.cfg",
          "muk TEST {\n  dcid 0; pm_ep 0; fs_ep 1; is_ep 8; rd_ep 3; web_ep 22; ftp_ep 14;\n"
          "  rd_cfg \"rd.cfg\"; fs_cfg \"fs.cfg\"; web_cfg \"web.cfg\";\n};\n");
    write("rd.cfg", std::string("device DISK { image_type FILE_IMAGE; image_file \"site.img\"; volatile ") +
                        (is_volatile ? "YES" : "NO") + "; buffer 65536; };\n");
    write("fs.cfg", "device ROOT { major 3; minor 0; type RDISK_IMG; root_dev YES; buffer_size 4096; };\n");
    write("web.cfg", "websrv SITE { port 0; endpoint 22; rootdir \"" + root + "\"; };\n");
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "muk-test-XXXXXX").string();
};

/// A muk that runs until it is stopped.
class muk_process {
 public:
  explicit muk_process(const std::vector<std::string>& arguments) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      std::vector<std::string> words{program()};
      words.insert(words.end(), arguments.begin(), arguments.end());
      std::vector<char*> pointers;
      for (auto& word : words) pointers.push_back(word.data());
      pointers.push_back(nullptr);
      ::execv(pointers[0], pointers.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  muk_process(const muk_process&) = delete;
  muk_process& operator=(const muk_process&) = delete;
  ~muk_process() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(output_);
  }
  /// Reads what it says until `text` is in it; everything so far, or until it ends.
  const std::string& read_until(const std::string& text) {
    std::array<char, 4096> piece;
    while (said_.find(text) == std::string::npos) {
      const auto got = ::read(output_, piece.data(), piece.size());
      if (got <= 0) break;
      said_.append(piece.data(), static_cast<std::size_t>(got));
    }
    return said_;
  }
  /// The URL that it serves, once it has booted.
  std::string url() {
    const auto& text = read_until("booted in ");
    const auto at = text.find("http://");
    REQUIRE(at != std::string::npos);
    return text.substr(at, text.find('\n', at) - at);
  }
  /// The port of that URL.
  std::uint16_t port() {
    const std::string address = url();
    return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }
  [[nodiscard]] pid_t process() const { return child_; }
  void send(int signal) const { REQUIRE(::kill(child_, signal) == 0); }
  /// Waits for its end; the exit status, or -1 when a signal ended it.
  int wait() {
    read_until("\nnever said\n");
    int status = 0;
    REQUIRE(::waitpid(child_, &status, 0) == child_);
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t child_ = 0;
  int output_ = -1;
  std::string said_;
};

}  // namespace muk_test

#endif
