// SPDX-License-Identifier: MIT
/// @file
/// A unikernel: servers linked into one program, started in order and stopped in reverse.
#ifndef MUK_IMAGE_IMAGE_HPP
#define MUK_IMAGE_IMAGE_HPP

#include <chrono>
#include <exception>
#include <muk/image/host_signals.hpp>
#include <muk/image/parts.hpp>
#include <muk/image/report.hpp>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace muk {

/// Runs every server as a fiber of the calling thread; `dvs::on_thread` gives each a thread of its own.
struct as_fibers {};

/// Runs every server as a process of its own; `all` starts them and knows of their ends (`server_processes`).
template <class Processes>
struct in_processes {
  Processes* all;
};
template <class Where>
inline constexpr bool are_processes = false;
template <class Processes>
inline constexpr bool are_processes<in_processes<Processes>> = true;

/// What is inside a unikernel, in the order of starting. `image{…}.run(node)` is MUK2, `run(node, dvs::on_thread{})`
/// MUK, `run(node, in_processes{…})` MoL.
///
/// The calling context is init (pid 1): it starts one server after the other, each when the one before has told that it
/// is ready, waits, and stops them in reverse order. FS writes everything out when it is stopped.
template <image_part... Parts>
class image {
 public:
  /// `signals` may be null: then only `body` ends the run.
  image(config::unikernel config, report& events, host_signals* signals = nullptr)
      : config_(std::move(config)), events_(events), signals_(signals) {}

  /// Runs until a signal of the host or the end of a server. True when everything went well.
  template <dvs::backend Backend, class Where = as_fibers>
  bool run(dvs::node<Backend>& node, Where where = {}) {
    return run(node, where, [this](dvs::endpoint<Backend>& init) { return serve(init); });
  }
  /// Runs `body(init)` between start and stop instead; it returns whether it went well.
  template <dvs::backend Backend, class Where, class Body>
  bool run(dvs::node<Backend>& node, Where where, Body&& body) {
    started_.clear();
    auto dc = dc_of(node);
    const auto init = dc.bind(pm::init, {.name = "init"}).value();
    listening heard(signals_, [&] {
      if constexpr (are_processes<Where>) where.all->interrupt();
      static_cast<void>(dc.cancel(pm::init));
    });
    surroundings<Backend> around{config_, dc, date_at_start(*init)};
    bool well = (start<Parts>(dc, *init, where, around) && ...);
    if (well && !stop_requested()) {
      events_.booted();
      well = body(static_cast<dvs::endpoint<Backend>&>(*init));
    }
    heard.end();  // nothing may cut short what init waits for from here on
    well = stop_all(dc, where) && well;
    if (well) events_.stopped();
    return well;
  }

 private:
  /// A server that was started. What its own context writes is read after it told so, or after it was unbound.
  struct started {
    std::string_view name;
    dvs::endpoint_id where;
    bool is_external = false;  ///< started by somebody else
    bool is_ready = false;
    std::string detail = {};
    std::string failure = {};
  };
  /// Hears the signals of the host while it lives, if there are any to hear.
  class listening {
   public:
    listening(host_signals* signals, std::function<void()> wake) : signals_(signals) {
      if (signals_ != nullptr) signals_->listen(std::move(wake));
    }
    listening(const listening&) = delete;
    listening& operator=(const listening&) = delete;
    ~listening() { end(); }
    void end() {
      if (signals_ != nullptr) signals_->ignore();
    }

   private:
    host_signals* signals_;
  };
  /// How long a server may take to stop.
  static constexpr auto patience = std::chrono::seconds(10);

  /// The DC of the configuration: our own, which ends with us, or one that others share with us.
  template <dvs::backend Backend>
  dvs::dc<Backend> dc_of(dvs::node<Backend>& node) {
    try {
      return node.create_dc(config_.name);
    } catch (const dvs::error& refused) {
      if (refused.code() != dvs::errc::exists) throw;
      return node.open_dc(config_.name);
    }
  }
  [[nodiscard]] bool stop_requested() const { return signals_ != nullptr && signals_->stop_requested(); }

  template <class Part, dvs::backend Backend, class Where>
  bool start(dvs::dc<Backend>& dc, dvs::endpoint<Backend>& init, Where where, surroundings<Backend>& around) {
    const auto endpoint = Part::where(config_);
    if (!endpoint || stop_requested()) return true;
    started& slot = *started_.emplace_back(std::make_unique<started>(started{Part::name, *endpoint}));
    if constexpr (requires { Part::is_external(config_); }) slot.is_external = Part::is_external(config_);
    const bool well = slot.is_external ? await(init, slot) : launch<Part>(dc, init, where, around, slot);
    if (!slot.is_ready) return well;
    events_.ready(slot.name, slot.where, slot.detail);
    introduce(init, slot);
    return true;
  }

  /// Waits for a server that somebody else starts.
  template <dvs::backend Backend>
  bool await(dvs::endpoint<Backend>& init, started& slot) {
    while (!stop_requested()) {
      const auto bound = init.wait_bind(slot.where, dvs::timeout(patience));
      if (!bound && bound.error() == dvs::errc::cancelled) continue;
      slot.is_ready = bound.has_value();
      if (!bound) return refuse(slot, "nobody is at its endpoint: start it with muk server and the same configuration");
      slot.detail = "external";
      break;
    }
    return true;
  }

  /// Starts a server, and waits until it is ready. False: it is not, and why was said; true without `is_ready`: we were
  /// told to stop.
  template <class Part, dvs::backend Backend, class Where>
  bool launch(dvs::dc<Backend>& dc, dvs::endpoint<Backend>& init, Where where, surroundings<Backend>& around,
              started& slot) {
    if constexpr (are_processes<Where>) {
      const auto detail = where.all->start(Part::name);
      if (!detail) return stop_requested();
      slot.detail = *detail;
      return sees(init, slot) || refuse(slot, "it ended by itself");
    } else {
      return launch_here<Part>(dc, init, where, around, slot);
    }
  }
  template <class Part, dvs::backend Backend, class Where>
  bool launch_here(dvs::dc<Backend>& dc, dvs::endpoint<Backend>& init, Where where, surroundings<Backend>& around,
                   started& slot) {
    const auto body = [&slot, &around](dvs::endpoint<Backend>& self) {
      const auto ready = [&](const std::string& detail) {
        slot.detail = detail;
        static_cast<void>(self.notify(pm::init));
      };
      try {
        if (const auto ended = Part::run(self, around, ready); !ended) slot.failure = dvs::sentence_of(ended.error());
      } catch (const std::exception& why) {
        slot.failure = why.what();
      }
    };
    const dvs::bind_options named{.name = Part::name};
    const auto spawned = [&] {
      if constexpr (std::is_same_v<Where, dvs::on_thread>)
        return dc.spawn(slot.where, where, body, named);
      else
        return dc.spawn(slot.where, body, named);
    }();
    if (!spawned) return refuse(slot, dvs::sentence_of(spawned.error()));
    for (auto heard = init.receive(slot.where); !heard || !heard->is_notification(); heard = init.receive(slot.where)) {
      if (stop_requested()) return true;
      if (heard || heard.error() == dvs::errc::cancelled) continue;
      return refuse(slot, slot.failure.empty() ? "it ended before it was ready" : slot.failure);
    }
    slot.is_ready = true;
    return true;
  }
  /// Waits until `init` knows a server that said in its own process that it is bound; only then can it be stopped.
  template <dvs::backend Backend>
  bool sees(dvs::endpoint<Backend>& init, started& slot) {
    auto bound = init.wait_bind(slot.where, dvs::timeout(patience));
    while (!bound && bound.error() == dvs::errc::cancelled) bound = init.wait_bind(slot.where, dvs::timeout(patience));
    return slot.is_ready = bound.has_value();
  }
  bool refuse(const started& slot, const std::string& why) {
    events_.complain(std::string(slot.name) + ": " + why);
    return false;
  }

  /// Registers a server with PM, and tells PM the time.
  template <dvs::backend Backend>
  void introduce(dvs::endpoint<Backend>& init, const started& slot) {
    if (!config_.pm) return;
    if (slot.where == *config_.pm) {
      using namespace std::chrono;
      const auto now = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
      static_cast<void>(init.sendrec(slot.where, pm::stime{now / 1'000'000'000, now % 1'000'000'000}));
      for (const auto& earlier : started_) add_to_pm(init, *earlier);
    } else {
      add_to_pm(init, slot);
    }
  }
  template <dvs::backend Backend>
  void add_to_pm(dvs::endpoint<Backend>& init, const started& slot) {
    if (slot.where == *config_.pm || !init.is_bound(*config_.pm)) return;
    static_cast<void>(init.sendrec(*config_.pm, pm::bindproc{slot.where, 0, 0, 0, make_name(slot.name)}));
  }

  /// Init at work: collects orphans, passes SIGUSR1 on to IS, and leaves when a signal or a missing server says so.
  template <dvs::backend Backend>
  bool serve(dvs::endpoint<Backend>& init) {
    static_cast<void>(init.watch_deaths());
    for (;;) {
      if (stop_requested()) return true;
      for (const auto& each : started_)
        if (!init.is_bound(each->where))
          return refuse(*each, each->failure.empty() ? "it ended by itself" : each->failure);
      if (signals_ != nullptr && signals_->take_print_request() && config_.is)
        static_cast<void>(init.notify(*config_.is, pm::signal::bit(pm::signal::user1)));
      const auto heard = init.receive();
      if (!heard && heard.error() != dvs::errc::cancelled) {
        events_.complain("init: " + std::string(dvs::sentence_of(heard.error())));
        return false;
      }
      if (!heard) continue;
      if (heard->is_request()) static_cast<void>(init.reply(heard->from(), dvs::errc::bad_call));
      if (config_.pm && heard->content.source == *config_.pm) collect_orphans(init);
    }
  }
  template <dvs::backend Backend>
  void collect_orphans(dvs::endpoint<Backend>& init) {
    for (;;) {
      const auto ended = init.sendrec(*config_.pm, pm::waitpid{-1, pm::wait_options::no_hang});
      if (!ended || ended->pid == 0) return;
    }
  }

  template <dvs::backend Backend, class Where>
  bool stop_all(dvs::dc<Backend>& dc, [[maybe_unused]] Where where) {
    bool well = true;
    for (auto each = started_.rbegin(); each != started_.rend(); ++each) {
      started& slot = **each;
      if (slot.is_external) continue;
      const auto left = dc.unbind(slot.where, dvs::timeout(patience));
      if (!left && left.error() != dvs::errc::bad_endpoint && !has_ended(left.error()))
        well = refuse(slot, std::string("it does not stop: ") + dvs::sentence_of(left.error()));
      else if (!slot.failure.empty() && left)
        well = refuse(slot, slot.failure);
      if constexpr (are_processes<Where>) well = where.all->join(slot.name) && well;
    }
    return well;
  }

  /// Whether an error says that the DC is gone, and its servers with it.
  static bool has_ended(dvs::errc why) { return why == dvs::errc::not_connected || why == dvs::errc::shut_down; }

  config::unikernel config_;
  report& events_;
  host_signals* signals_;
  std::vector<std::unique_ptr<started>> started_;
};

}  // namespace muk

#endif
