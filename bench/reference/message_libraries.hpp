// SPDX-License-Identifier: MIT
/// @file
/// Libraries that move messages between processes, used as their own examples use them. Those that were not there when
/// the benchmark was built cannot be measured.
#ifndef DVS_BENCH_REFERENCE_MESSAGE_LIBRARIES_HPP
#define DVS_BENCH_REFERENCE_MESSAGE_LIBRARIES_HPP

#include <grp.h>
#include <sys/mman.h>

#include <bench/reference/kernel_channels.hpp>
#include <utility>
#include <vector>

#ifdef DVS_BENCH_ZEROMQ
#include <zmq.h>
#endif
#ifdef DVS_BENCH_NNG
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#endif
#ifdef DVS_BENCH_ICEORYX
#include <iceoryx_hoofs/log/logmanager.hpp>
#include <iceoryx_posh/popo/publisher.hpp>
#include <iceoryx_posh/popo/subscriber.hpp>
#include <iceoryx_posh/runtime/posh_runtime.hpp>
#include <optional>
#endif

namespace reference {

/// The number of a pair in this program.
inline std::string next_name() {
  static int made = 0;
  return "dvs_bench." + std::to_string(::getpid()) + "." + std::to_string(++made);
}

/// Files that the sides of a pair make and leave behind when they are killed; they go with this.
class left_files {
 public:
  explicit left_files(std::vector<std::string> paths) : paths_(std::move(paths)) {}
  left_files(const left_files&) = delete;
  left_files& operator=(const left_files&) = delete;
  ~left_files() {
    for (const std::string& each : paths_) ::unlink(each.c_str());
  }

 private:
  const std::vector<std::string> paths_;
};

#ifdef DVS_BENCH_ZEROMQ
/// Two PAIR sockets of ZeroMQ over ipc://. Each process opens its own.
class zeromq_pair {
 public:
  zeromq_pair() : path_("/tmp/" + next_name()), where_("ipc://" + path_), left_({path_}) {}
  void ask(words& m) {
    open(false);
    demand(::zmq_send(socket_, m.data(), sizeof m, 0) == sizeof m, "ZeroMQ did not send");
    get(m);
  }
  void answer(words& m) {
    open(true);
    get(m);
    ++m[0];
    demand(::zmq_send(socket_, m.data(), sizeof m, 0) == sizeof m, "ZeroMQ did not send");
  }

 private:
  void open(bool is_server) {
    if (socket_ != nullptr) return;
    socket_ = ::zmq_socket(::zmq_ctx_new(), ZMQ_PAIR);
    const int failed = is_server ? ::zmq_bind(socket_, where_.c_str()) : ::zmq_connect(socket_, where_.c_str());
    demand(failed == 0, "ZeroMQ did not connect");
  }
  void get(words& m) { demand(::zmq_recv(socket_, m.data(), sizeof m, 0) == sizeof m, "ZeroMQ did not receive"); }

  const std::string path_, where_;
  const left_files left_;
  void* socket_ = nullptr;
};
inline std::unique_ptr<zeromq_pair> zeromq() { return std::make_unique<zeromq_pair>(); }
#endif

#ifdef DVS_BENCH_NNG
/// The same of nng.
class nng_pair {
 public:
  nng_pair() : path_("/tmp/" + next_name()), where_("ipc://" + path_), left_({path_}) {}
  void ask(words& m) {
    open(false);
    put(m);
    get(m);
  }
  void answer(words& m) {
    open(true);
    get(m);
    ++m[0];
    put(m);
  }

 private:
  void open(bool is_server) {
    if (is_open_) return;
    demand(::nng_pair0_open(&socket_) == 0, "nng has no socket");
    while ((is_server ? ::nng_listen(socket_, where_.c_str(), nullptr, 0)
                      : ::nng_dial(socket_, where_.c_str(), nullptr, 0)) != 0)
      ::usleep(1000);
    is_open_ = true;
  }
  void put(words& m) { demand(::nng_send(socket_, m.data(), sizeof m, 0) == 0, "nng did not send"); }
  void get(words& m) {
    std::size_t bytes = sizeof m;
    demand(::nng_recv(socket_, m.data(), &bytes, 0) == 0 && bytes == sizeof m, "nng did not receive");
  }

  const std::string path_, where_;
  const left_files left_;
  nng_socket socket_{};
  bool is_open_ = false;
};
inline std::unique_ptr<nng_pair> nng() { return std::make_unique<nng_pair>(); }
#endif

#ifdef DVS_BENCH_ICEORYX
/// The daemon of iceoryx. It does not end well once its processes were killed, so its shared memory is removed for it.
class iceoryx_daemon {
 public:
  iceoryx_daemon()
      : process_([] {
          static_cast<void>(::freopen("/dev/null", "w", stdout));
          ::execlp("iox-roudi", "iox-roudi", "-l", "off", nullptr);
        }) {
    ::usleep(1'000'000);
  }
  iceoryx_daemon(const iceoryx_daemon&) = delete;
  iceoryx_daemon& operator=(const iceoryx_daemon&) = delete;
  ~iceoryx_daemon() {
    siginfo_t end{};
    ::waitid(P_PID, static_cast<id_t>(process_.process()), &end, WEXITED | WNOHANG | WNOWAIT);
    if (end.si_pid != 0) return;  // there was another one, to which the memory belongs
    const group* const mine = ::getgrgid(::getegid());
    ::shm_unlink("/iceoryx_mgmt");
    if (mine != nullptr) ::shm_unlink((std::string("/") + mine->gr_name).c_str());  // that of the messages
    ::unlink("/tmp/iox-unique-roudi.lock");
  }

 private:
  const bench::forked process_;
};

/// A publisher and a subscriber of iceoryx on each side, polled, as its own benchmark does. Its daemon is started once.
class iceoryx_pair {
 public:
  iceoryx_pair()
      : name_(next_name()),
        left_({path("client"), path("client") + ".lock", path("server"), path("server") + ".lock"}) {
    static const iceoryx_daemon daemon;
  }
  void ask(words& m) {
    open("client", "asked", "answered");
    put(m);
    get(m);
  }
  void answer(words& m) {
    open("server", "answered", "asked");
    get(m);
    ++m[0];
    put(m);
  }

 private:
  void open(const char* who, const char* out, const char* in) {
    if (out_) return;
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(iox::log::LogLevel::kOff,
                                                             iox::log::LogLevelOutput::kHideLogLevel);
    const auto text = [](const std::string& from) {
      return iox::capro::IdString_t(iox::cxx::TruncateToCapacity, from);
    };
    iox::runtime::PoshRuntime::initRuntime(iox::RuntimeName_t(iox::cxx::TruncateToCapacity, name_ + "." + who));
    out_.emplace(iox::capro::ServiceDescription{text("dvs"), text(name_), text(out)});
    in_.emplace(iox::capro::ServiceDescription{text("dvs"), text(name_), text(in)});
    while (in_->getSubscriptionState() != iox::SubscribeState::SUBSCRIBED || !out_->hasSubscribers()) ::usleep(1000);
  }
  void put(const words& m) {
    out_->loan().and_then([&](auto& sample) {
      *sample = m;
      sample.publish();
    });
  }
  void get(words& m) {
    for (bool has_come = false; !has_come;)
      in_->take().and_then([&](const auto& sample) {
        m = *sample;
        has_come = true;
      });
  }

  [[nodiscard]] std::string path(const char* who) const { return "/tmp/" + name_ + "." + who; }

  const std::string name_;
  const left_files left_;
  std::optional<iox::popo::Publisher<words>> out_;
  std::optional<iox::popo::Subscriber<words>> in_;
};
inline std::unique_ptr<iceoryx_pair> iceoryx() { return std::make_unique<iceoryx_pair>(); }
#endif

}  // namespace reference

#endif
