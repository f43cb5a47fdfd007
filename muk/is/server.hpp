// SPDX-License-Identifier: MIT
/// @file
/// IS: asks the other servers for their tables and writes them as text or JSON.
#ifndef MUK_IS_SERVER_HPP
#define MUK_IS_SERVER_HPP

#include <cstdio>
#include <dvs/ipc.hpp>
#include <muk/fs/protocol.hpp>
#include <muk/give_table.hpp>
#include <muk/is/protocol.hpp>
#include <muk/is/table_text.hpp>
#include <muk/pm/protocol.hpp>
#include <muk/rdisk/protocol.hpp>
#include <muk/systask/protocol.hpp>
#include <optional>
#include <string>
#include <vector>

namespace muk::is {

/// Whom IS asks. A server that is not there has an empty table.
struct sources {
  dvs::endpoint_id systask = systask::where;
  std::optional<dvs::endpoint_id> pm = pm::where;
  std::optional<dvs::endpoint_id> rdisk = rdisk::where;
  std::optional<dvs::endpoint_id> fs = fs::where;
};

/// The information server of a DC.
template <dvs::backend Backend>
class server {
 public:
  server(dvs::endpoint<Backend>& self, const sources& servers) : self_(self), servers_(servers) {}

  /// Serves until the DC ends.
  dvs::result<void> run() { return dvs::serve<protocol>(self_, *this); }

  dvs::answer<get> on(const get& ask, dvs::caller from) {
    if (name_of(ask.what).empty() || name_of(ask.format).empty()) return dvs::errc::bad_argument;
    if (ask.into.granter != from.endpoint) return dvs::errc::not_granted;  // before the work, not after it
    const std::string text = ask.format == format::json ? json(ask.what) : readable(ask.what);
    return give_table<get>(self_, from, ask.into, ask.length, std::span<const char>{text});
  }

  /// SIGUSR1, from PM or from init, prints everything.
  void on_notification(dvs::endpoint_id source, dvs::notification what) {
    if ((source != servers_.pm && source != pm::init) || (what.value & pm::signal::bit(pm::signal::user1)) == 0) return;
    std::fputs(readable(table::all).c_str(), stderr);
  }

 private:
  /// How long a server may take to answer: IS itself must not hang on one that does not.
  static constexpr auto patience = std::chrono::seconds(2);
  static constexpr table each_table[] = {table::dc,   table::processes, table::devices,
                                         table::pids, table::volume,    table::files};

  std::string json(table what) {
    std::string out;
    if (what != table::all) {
      visit(what, [&](const auto& rows) { write_json(out, rows); });
      return out;
    }
    for (const table each : each_table) {
      out.append(out.empty() ? "{\"" : ",\"").append(name_of(each)).append("\":");
      visit(each, [&](const auto& rows) { write_json(out, rows); });
    }
    return out += '}';
  }
  std::string readable(table what) {
    std::string out;
    for (const table each : each_table) {
      if (what != table::all && what != each) continue;
      if (!out.empty()) out += '\n';
      out.append(name_of(each)) += '\n';
      visit(each, [&](const auto& rows) {
        using row = typename std::remove_cvref_t<decltype(rows)>::value_type::value_type;
        if (rows)
          append_text(out, std::span<const row>{*rows});
        else
          out.append("  no answer: ").append(dvs::name_of(rows.error())) += '\n';
      });
    }
    return out;
  }
  template <class Row>
  static void write_json(std::string& out, const dvs::result<std::vector<Row>>& rows) {
    if (rows)
      append_json(out, std::span<const Row>{*rows});
    else
      out.append("{\"error\":\"").append(dvs::name_of(rows.error())) += "\"}";
  }

  /// Fetches a table and calls `use(dvs::result<std::vector<Row>>)`.
  template <class Use>
  void visit(table what, Use&& use) {
    switch (what) {
      case table::all:
        return;
      case table::dc:
        return use(rows_of<systask::dc_row>(servers_.systask, info_request(systask::info::kinfo)));
      case table::processes:
        return use(rows_of<systask::process_row>(servers_.systask, info_request(systask::info::proctab)));
      case table::devices:
        return use(rows_of<rdisk::device_row>(servers_.rdisk, [](std::uint32_t room, auto into) {
          return rdisk::dump{room, into};
        }));
      case table::pids:
        return use(rows_of<pm::process_row>(servers_.pm, [](std::uint32_t room, auto into) {
          return pm::getsysinfo{room, into};
        }));
      case table::volume:
        return use(rows_of<fs::volume_row>(servers_.fs, [](std::uint32_t room, auto into) {
          return fs::getsysinfo{fs::table::volume, room, into};
        }));
      case table::files:
        return use(rows_of<fs::file_row>(servers_.fs, [](std::uint32_t room, auto into) {
          return fs::getsysinfo{fs::table::files, room, into};
        }));
    }
  }
  static auto info_request(systask::info what) {
    return [what](std::uint32_t room, auto into) { return systask::getinfo{what, dvs::none, room, into}; };
  }

  /// All rows of one table; asks again with more memory when there were more rows than expected.
  template <class Row, class Ask>
  dvs::result<std::vector<Row>> rows_of(std::optional<dvs::endpoint_id> whom, Ask&& ask) {
    if (!whom) return std::vector<Row>{};
    for (std::size_t expected = 64;; expected *= 2) {
      std::vector<Row> rows(expected);
      const auto into = self_.grant_write(*whom, rows);
      if (!into) return into.error();
      const auto told = self_.sendrec(*whom, ask(static_cast<std::uint32_t>(rows.size() * sizeof(Row)), into->ref()),
                                      dvs::timeout(patience));
      if (!told) return told.error();
      if (told->total > rows.size() * sizeof(Row)) continue;
      rows.resize(std::min<std::size_t>(told->length / sizeof(Row), rows.size()));
      return rows;
    }
  }

  dvs::endpoint<Backend>& self_;
  sources servers_;
};

}  // namespace muk::is

#endif
