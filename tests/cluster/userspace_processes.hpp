// SPDX-License-Identifier: MIT
/// @file
/// Processes of the host, brought together by the program dvsd; the law runs in one of them, on the shared stack.
#ifndef DVS_TESTS_CLUSTER_USERSPACE_PROCESSES_HPP
#define DVS_TESTS_CLUSTER_USERSPACE_PROCESSES_HPP

#include <sys/wait.h>

#include <dvs/backends/userspace/daemon/attachment.hpp>
#include <thread>

#include "daemon_program.hpp"
#include "shared_stack.hpp"

/// See the file comment.
class userspace_processes {
 public:
  using dc = dvs::dc<dvs::userspace::backend>;
  using body = std::function<void(dvs::endpoint<dvs::userspace::backend>&)>;

  static constexpr std::size_t nodes = 1;
  static constexpr bool has_gathered_tables = true;
  static constexpr std::size_t site(std::size_t) { return 0; }

  userspace_processes() = default;
  userspace_processes(const userspace_processes&) = delete;
  userspace_processes& operator=(const userspace_processes&) = delete;
  ~userspace_processes() {
    while (!children_.empty()) static_cast<void>(complaint());
  }

  [[nodiscard]] dvs::userspace::node& node(std::size_t) { return own_node_ != nullptr ? *own_node_ : node_; }
  [[nodiscard]] dc make_dc(std::size_t, std::string_view name, const dvs::dc_options& sizes) {
    return node_.create_dc(name, sizes);
  }
  [[nodiscard]] static bool knows(std::size_t, const dvs::process_info&) { return true; }
  void settle() { dynamic_cast<dvs::userspace::attachment&>(*node(0).implementation().home()).fence(); }

  [[nodiscard]] static dc* own_dc() { return own_dc_; }

  [[nodiscard]] dvs::result<dvs::endpoint_id> launch(std::string_view dc_name, dvs::endpoint_id who,
                                                     const dvs::bind_options& options, const body& life) {
    // On the shared stack: the process tells here how its bind ended.
    struct {
      std::atomic<bool> is_over{false};
      dvs::errc outcome = dvs::errc::not_supported;
      dvs::endpoint_id bound = dvs::none;
    } birth;
    const pid_t child = shared_stack::fork([&, name = std::string(dc_name), life = life] {
      std::thread([&] {
        dvs::userspace::node mine(daemon_.path());
        dc my_dc = mine.open_dc(name);
        own_node_ = &mine;
        own_dc_ = &my_dc;
        auto self = my_dc.bind(who, options);
        birth.outcome = self.error();
        if (self) birth.bound = (*self)->id();
        birth.is_over = true;
        if (self) life(**self);
        self = dvs::errc::not_bound;
        my_dc.end();
      }).join();
    });
    if (child < 0) return dvs::errc::no_memory;
    children_.push_back(child);
    while (!birth.is_over) {
      if (!complaint().empty()) return dvs::errc::bad_process;
      ::usleep(100);
    }
    if (birth.outcome != dvs::errc::ok) return birth.outcome;
    return birth.bound;
  }

  /// What is known of processes that ended otherwise than by returning.
  [[nodiscard]] std::string complaint() {
    std::erase_if(children_, [&](pid_t child) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) != child) return false;
      if (WIFSIGNALED(status)) complaint_ += "a process was ended by signal " + std::to_string(WTERMSIG(status)) + "; ";
      if (WIFEXITED(status) && WEXITSTATUS(status) != 0) complaint_ += "a process failed; ";
      return true;
    });
    return complaint_;
  }

 private:
  static inline dc* own_dc_ = nullptr;
  static inline dvs::userspace::node* own_node_ = nullptr;

  daemon_program daemon_;
  dvs::userspace::node node_{daemon_.path()};
  std::vector<pid_t> children_;
  std::string complaint_;
};

#endif
