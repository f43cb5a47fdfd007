// SPDX-License-Identifier: MIT
/// @file
/// The program dvs: manages a node, its DCs and its processes.
#include <fmt/core.h>

#include <dvs/backends/userspace/daemon/default_place.hpp>

#include "completion.hpp"
#include "dc.hpp"
#include "doctor.hpp"
#include "failure.hpp"
#include "link.hpp"
#include "node.hpp"
#include "processes.hpp"
#include "run.hpp"
#include "trace.hpp"

namespace {

/// What the program returns, but for dvs run.
enum status : int { success = 0, failed = 1, misused = 2 };

constexpr const char* footer = R"(Every command takes --socket and --json. The manual is dvs(1).
Exit status: 0 fine, 1 it failed, 2 wrong command line; of dvs run that of the program.)";

/// The command line, and what it was found to say.
class command_line {
 public:
  command_line() {
    app_.set_version_flag("--version", "dvs " DVS_VERSION);
    app_.footer(footer);
    app_.require_subcommand(1);
    app_.fallthrough();
    socket_ = app_.add_option("--socket", with_.socket,
                              "where the daemon listens; the environment variable DVS_NODE says so too");
    socket_->capture_default_str();
    app_.add_flag("--json", with_.json, "print one JSON document");
    add_node();
    add_dc();
    auto* const link = app_.add_subcommand("link", "Looks at the links to other nodes.");
    link->require_subcommand(1);
    links_ = link->add_subcommand("list", "Lists the links, and what they carry.");
    add_processes();
    add_trace();
    add_run();
    doctor_ = app_.add_subcommand("doctor", "Looks at what dvs needs of the host, and says how to mend it.");
    auto* const completion = app_.add_subcommand("completion", "Prints a script that completes commands.");
    completion->require_subcommand(1);
    bash_ = completion->add_subcommand("bash", "For bash: source <(dvs completion bash)");
  }

  [[nodiscard]] const dvms::setting& with() const { return with_; }

  int parse(int count, char** words) {
    try {
      app_.parse(count, words);
      with_.is_socket_given = socket_->count() > 0;
      return success;
    } catch (const CLI::Success& asked) {
      app_.exit(asked);
      return -1;
    } catch (const CLI::ParseError& wrong) {
      if (with_.json)
        dvms::print({{"error", dvs::name_of(dvs::errc::bad_argument)}, {"message", wrong.what()}});
      else
        app_.exit(wrong);
      return misused;
    }
  }

  int carry_out() {
    if (*start_) return dvms::start_node(with_, node_);
    if (*stop_) return dvms::stop_node(with_);
    if (*status_) return dvms::show_node(with_);
    if (*links_) return dvms::list_links(with_);
    if (*create_) return dvms::create_dc(with_, dc_);
    if (*list_) return dvms::list_dcs(with_);
    if (*end_) return dvms::end_dc(with_, dc_.name);
    if (*ps_) return dvms::list_processes(with_, top_settings_.dc);
    if (*top_) return dvms::watch_processes(with_, top_settings_);
    if (*trace_) return dvms::trace(with_, trace_settings_);
    if (*run_) return dvms::run(with_, run_settings_);
    if (*doctor_) return dvms::examine(with_);
    fmt::print("{}", dvms::bash_completion(app_));
    return success;
  }

 private:
  void add_node() {
    auto* const node = app_.add_subcommand("node", "Starts, stops and looks at the daemon of a node.");
    node->require_subcommand(1);
    start_ = node->add_subcommand("start", "Starts the daemon, and waits until it listens.");
    auto* const which = start_->add_option("--node", node_.node, "the number of the node, or with --config its name");
    which->capture_default_str();
    start_->add_option("--config", node_.config, "the configuration of the cluster that the node is in")->needs(which);
    start_->callback([this] {
      if (node_.config.empty() && !CLI::Range(0, 0xFFFE)(node_.node).empty())
        throw CLI::ValidationError("--node", "a number from 0 to 65534; a name needs --config");
    });
    start_->add_option("--mode", node_.mode, "who may connect, as the mode of the socket")
        ->check([](const std::string& text) {
          const bool good = text.size() == 3 && text.find_first_not_of("01234567") == std::string::npos;
          return good ? std::string() : "three octal digits, such as 660";
        })
        ->capture_default_str();
    start_->add_flag("--foreground", node_.foreground, "become the daemon, as service managers want it");
    stop_ = node->add_subcommand("stop", "Ends the daemon, and with it its DCs.");
    status_ = node->add_subcommand("status", "Says what the daemon has.");
  }

  void add_dc() {
    auto* const dc = app_.add_subcommand("dc", "Creates, lists and ends DCs.");
    dc->require_subcommand(1);
    create_ = dc->add_subcommand("create", "Creates a DC that stays until it is ended.");
    create_->add_option("NAME", dc_.name, "of the DC")->required();
    create_->add_option("--tasks", dc_.sizes.tasks, "slots below zero")->capture_default_str();
    create_->add_option("--servers", dc_.sizes.servers, "slots of servers")->capture_default_str();
    create_->add_option("--users", dc_.sizes.users, "slots of user processes")->capture_default_str();
    create_->add_option("--grants", dc_.sizes.grants, "entries of all grant tables")->capture_default_str();
    create_->add_flag("--strict", dc_.sizes.strict, "its processes share no memory");
    create_->add_option("--allow-user", dc_.users, "a user who may enter, by name or number")->allow_extra_args(false);
    create_->add_option("--allow-group", dc_.groups, "a group that may enter, by name or number")
        ->allow_extra_args(false);
    auto* const container = create_->add_flag("--container", dc_.container, "its programs run in a container");
    create_->add_option("--memory", dc_.limits.memory, "of the container, in bytes, or as 512M or 2G")
        ->transform(CLI::AsSizeValue(false))
        ->needs(container);
    create_->add_option("--cpus", dc_.limits.cpus, "processors that the container may use, such as 1.5")
        ->check(CLI::Range(0.01, 4096.0))
        ->needs(container);
    create_->add_option("--pids", dc_.limits.pids, "processes and threads in the container")
        ->check(CLI::Range(1, 4'194'304))
        ->needs(container);
    list_ = dc->add_subcommand("list", "Lists the DCs.");
    end_ = dc->add_subcommand("end", "Ends a DC, and waits until its processes have left.");
    end_->add_option("NAME", dc_.name, "of the DC")->required();
  }

  void add_processes() {
    ps_ = app_.add_subcommand("ps", "Lists processes, and what they wait for.");
    top_ = app_.add_subcommand("top", "Shows what processes do, the busiest first.");
    for (auto* const each : {ps_, top_})
      each->add_option("--dc", top_settings_.dc, "of this DC; by default of all that you may enter");
    top_->add_option("--interval", top_settings_.interval_s, "between two looks, in seconds")
        ->check(CLI::Range(0.01, 86400.0))
        ->capture_default_str();
    top_->add_option("--count", top_settings_.count, "end after so many")->check(CLI::Range(1, 1'000'000));
  }

  void add_trace() {
    trace_ = app_.add_subcommand("trace", "Shows the messages of a DC as they come, until it is interrupted.");
    trace_->add_option("--dc", trace_settings_.dc, "the DC")->required();
    trace_
        ->add_option("--endpoint", trace_settings_.endpoints, "only what this endpoint gets or sends; may be repeated")
        ->allow_extra_args(false);
    trace_->add_option("--count", trace_settings_.count, "end after so many messages")
        ->check(CLI::Range(1, 1'000'000'000));
  }

  void add_run() {
    run_ = app_.add_subcommand("run", "Runs a program that is told its place in a DC, and returns its exit status.");
    run_->add_option("--dc", run_settings_.dc, "the DC, in its variable DVS_DC")->required();
    run_->add_option("--endpoint", run_settings_.endpoint, "which to bind, in its variable DVS_ENDPOINT");
    run_->add_option("--name", run_settings_.name, "to bind under, in its variable DVS_NAME");
    run_->add_flag("--detach", run_settings_.detach, "do not wait: print its process and return");
    run_->add_option("PROGRAM", run_settings_.command, "the program and its arguments, after --")->required();
  }

  CLI::App app_{"Manages a node of a distributed virtual operating system.", "dvs"};
  dvms::setting with_{.socket = dvs::userspace::default_place()};
  dvms::node_options node_;
  dvms::dc_settings dc_;
  dvms::top_options top_settings_;
  dvms::trace_options trace_settings_;
  dvms::run_options run_settings_;
  CLI::Option* socket_ = nullptr;
  CLI::App *links_ = nullptr, *start_ = nullptr, *stop_ = nullptr, *status_ = nullptr, *create_ = nullptr,
           *list_ = nullptr, *end_ = nullptr, *ps_ = nullptr, *top_ = nullptr, *trace_ = nullptr, *run_ = nullptr,
           *doctor_ = nullptr, *bash_ = nullptr;
};

int complain(const dvms::setting& with, dvs::errc code, const char* what) {
  if (with.json)
    dvms::print({{"error", dvs::name_of(code)}, {"message", what}});
  else
    fmt::print(stderr, "dvs: {}\n", what);
  return failed;
}

}  // namespace

int main(int count, char** words) {
  command_line line;
  if (const int wrong = line.parse(count, words); wrong != success) return wrong < 0 ? success : wrong;
  try {
    return line.carry_out();
  } catch (const dvms::failure& why) {
    return complain(line.with(), why.code(), why.what());
  } catch (const std::exception& why) {
    return complain(line.with(), dvs::errc::io_error, why.what());
  }
}
