// SPDX-License-Identifier: MIT
/// @file
/// Shows the messages of a DC as its processes report them, in the order of their times.
#include "trace.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <chrono>
#include <deque>
#include <dvs/backends/userspace/frames.hpp>
#include <dvs/backends/userspace/traced_message.hpp>
#include <dvs/trace.hpp>
#include <functional>
#include <map>
#include <muk/fs/protocol.hpp>
#include <muk/ftp/protocol.hpp>
#include <muk/is/protocol.hpp>
#include <muk/pm/protocol.hpp>
#include <muk/rdisk/protocol.hpp>
#include <muk/systask/protocol.hpp>

#include "control_line.hpp"
#include "failure.hpp"

namespace dvms {

namespace us = dvs::userspace;

namespace {

using clock = std::chrono::steady_clock;

/// Says messages in the words of the server that gets or answers them. Opcodes of different servers are the same
/// numbers; which protocol a server speaks is told by the name that it is bound under.
class interpreter {
 public:
  explicit interpreter(bool as_json) : as_json_(as_json) {
    speak<muk::fs::protocol>("fs");
    speak<muk::ftp::protocol>("ftp");
    speak<muk::is::protocol>("is");
    speak<muk::pm::protocol>("pm");
    speak<muk::rdisk::protocol>("rdisk");
    speak<muk::systask::protocol>("systask");
  }

  void name(dvs::endpoint_id who, std::string name) { names_[dvs::slot_of(who)] = std::move(name); }
  [[nodiscard]] std::string say(const us::traced_message& seen) {
    const dvs::trace_event event{dvs::duration{seen.when_ns}, seen.from(), seen.to, seen.content(), seen.kind};
    const auto server = names_.find(dvs::slot_of(seen.kind == dvs::trace_kind::answer ? seen.from() : seen.to));
    const auto known = server == names_.end() ? speakers_.end() : speakers_.find(server->second);
    return known == speakers_.end() ? unknown_(event) : known->second(event);
  }

 private:
  using speaker = std::function<std::string(const dvs::trace_event&)>;

  template <class... Protocols>
  [[nodiscard]] speaker speaker_of() const {
    return [as_json = as_json_, trace = dvs::tracer<Protocols...>()](const dvs::trace_event& seen) mutable {
      return as_json ? trace.json(seen) : trace.line(seen);
    };
  }
  template <class Protocol>
  void speak(const char* name) {
    speakers_.emplace(name, speaker_of<Protocol>());
  }

  const bool as_json_;
  const speaker unknown_ = speaker_of<>();
  std::map<std::string, speaker> speakers_;
  std::map<std::int32_t, std::string> names_;  ///< by slot
};

/// Messages that wait until those of other processes which came before them must be here, too.
class waiting_room {
 public:
  /// Processes report within 10 ms, unless they or the daemon are kept from running.
  static constexpr std::chrono::milliseconds patience{100};

  void add(const us::traced_message& what) { all_.emplace(what.when_ns, entry{clock::now(), what}); }
  /// The first, if it has waited long enough, or need not wait.
  [[nodiscard]] std::optional<us::traced_message> take(bool at_once) {
    if (all_.empty() || (!at_once && clock::now() - all_.begin()->second.came < patience)) return {};
    return all_.extract(all_.begin()).mapped().what;
  }
  /// When to look again.
  [[nodiscard]] int wait_ms() const {
    return all_.empty() ? control_line::forever_ms : static_cast<int>(patience.count()) / 4;
  }

 private:
  struct entry {
    clock::time_point came;
    us::traced_message what;
  };
  std::multimap<std::int64_t, entry> all_;
};

/// One trace under way.
class watch {
 public:
  watch(const setting& with, const trace_options& options)
      : with_(with), count_(options.count), line_(with.socket), interpreter_(with.json) {
    begin(options);
  }

  void run() {
    const us::owned_descriptor interruption = take_signals();
    bool is_over = false;
    while (!is_over && !is_done()) {
      const auto came = line_.hear(room_.wait_ms(), interruption.get());
      is_over = came ? carry_out(*came) : is_readable(interruption);
      show(is_over);
    }
  }

 private:
  void begin(const trace_options& options) {
    json wanted = {{"op", "trace"}, {"name", options.dc}};
    if (!options.endpoints.empty()) wanted["endpoints"] = options.endpoints;
    const auto told = line_.ask(std::move(wanted));
    if (told && with_.json) return;
    if (told) {
      fmt::print("SECONDS FROM -> TO MESSAGE\n");
      std::fflush(stdout);
      return;
    }
    if (told.error() == dvs::errc::no_privilege)
      throw failure(told.error(), "you may not watch the DC " + options.dc,
                    "ask its owner, the user of the daemon, or the superuser");
    if (told.error() == dvs::errc::no_entry)
      throw failure(told.error(), "the daemon at " + with_.socket + " has no DC " + options.dc, "see dvs dc list");
    throw failure(told.error(), "the daemon at " + with_.socket + " traces nothing",
                  "install it and this program from one release");
  }
  static us::owned_descriptor take_signals() {
    sigset_t awaited;
    ::sigemptyset(&awaited);
    ::sigaddset(&awaited, SIGINT);
    ::sigaddset(&awaited, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
    return us::owned_descriptor(::signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  static bool is_readable(const us::owned_descriptor& signals) {
    signalfd_siginfo which{};
    return ::read(signals.get(), &which, sizeof which) == sizeof which;
  }
  [[nodiscard]] bool is_done() const { return count_ != 0 && shown_ >= count_; }

  /// Carries out a packet; whether the DC has ended.
  bool carry_out(std::span<const std::byte> came) {
    const auto body = came.subspan(1);
    switch (us::packet_kind{static_cast<char>(came[0])}) {
      case us::packet_kind::frame: {
        dvk_frame news;
        if (us::decode_frame(body, news) == dvs::errc::ok && news.kind == DVK_FRAME_bound)
          interpreter_.name(dvs::endpoint_id{news.from}, news.name);
        return false;
      }
      case us::packet_kind::report:
        if (const auto report = us::trace_report::from(body)) {
          lost_ += report->lost;
          for (const us::traced_message& each : report->messages) room_.add(each);
        }
        return false;
      case us::packet_kind::request: {
        const json request = us::parse_control(us::text_of(body));
        if (request.is_null()) throw us::bad_control();
        line_.acknowledge(request);
        return us::field<std::string>(request, "op") == "end";
      }
      case us::packet_kind::answer:
        return false;
    }
    return false;
  }

  void show(bool all) {
    if (lost_ != 0) {
      if (with_.json)
        fmt::print("{{\"lost\":{}}}\n", lost_);
      else
        fmt::print("{} messages lost\n", lost_);
      lost_ = 0;
    }
    while (!is_done()) {
      const auto next = room_.take(all);
      if (!next) break;
      fmt::print("{}\n", interpreter_.say(*next));
      ++shown_;
    }
    std::fflush(stdout);
  }

  const setting& with_;
  const std::uint32_t count_;
  control_line line_;
  interpreter interpreter_;
  waiting_room room_;
  std::uint32_t shown_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace

int trace(const setting& with, const trace_options& options) {
  watch(with, options).run();
  return 0;
}

}  // namespace dvms
