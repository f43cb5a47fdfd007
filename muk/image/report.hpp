// SPDX-License-Identifier: MIT
/// @file
/// What a MUK says while it starts, runs and stops: lines for people, or JSON objects, one a line.
#ifndef MUK_IMAGE_REPORT_HPP
#define MUK_IMAGE_REPORT_HPP

#include <chrono>
#include <cstdio>
#include <dvs/ids.hpp>
#include <string>
#include <string_view>

namespace muk {

/// Where a MUK reports to: events to standard output, complaints to standard error.
class report {
 public:
  using clock = std::chrono::steady_clock;
  enum class style {
    text,
    json,
    complaints_only,
  };

  /// `began` is when the program started.
  report(style how, clock::time_point began) : style_(how), began_(began) {}

  /// A server is ready. `detail` is more about it, such as an URL; may be empty.
  void ready(std::string_view server, dvs::endpoint_id where, std::string_view detail) {
    const std::string name(server), more(detail), endpoint = std::to_string(dvs::number(where));
    event("muk: " + name + " is ready at endpoint " + endpoint + (more.empty() ? "" : ": " + more),
          "{\"event\":\"ready\",\"server\":\"" + name + "\",\"endpoint\":" + endpoint +
              (more.empty() ? "" : ",\"detail\":\"" + more + "\"") + "}");
  }
  /// All servers are ready.
  void booted() {
    const std::chrono::duration<double, std::milli> took = clock::now() - began_;
    char text[32];
    std::snprintf(text, sizeof text, "%.1f", took.count());
    const std::string ms(text);
    event("muk: booted in " + ms + " ms", "{\"event\":\"booted\",\"ms\":" + ms + "}");
  }
  /// Everything ended as it should.
  void stopped() { event("muk: stopped", "{\"event\":\"stopped\"}"); }
  /// Something is wrong, or not as the configuration wants it.
  void complain(std::string_view what) { line(stderr, "muk: " + std::string(what)); }

 private:
  void event(const std::string& text, const std::string& json) {
    if (style_ != style::complaints_only) line(stdout, style_ == style::json ? json : text);
  }
  static void line(std::FILE* to, const std::string& text) {
    std::fprintf(to, "%s\n", text.c_str());
    std::fflush(to);
  }

  style style_;
  clock::time_point began_;
};

}  // namespace muk

#endif
