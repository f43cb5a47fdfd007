// SPDX-License-Identifier: MIT
/// @file
/// FS: a MINIX file system for many processes at once.
#ifndef MUK_FS_SERVER_HPP
#define MUK_FS_SERVER_HPP

#include <array>
#include <cstring>
#include <dvs/ipc.hpp>
#include <memory>
#include <muk/fs/protocol.hpp>
#include <muk/fs/requests.hpp>
#include <muk/fs/workers.hpp>
#include <muk/give_table.hpp>
#include <new>
#include <vector>

namespace muk::fs {

/// What a file server is told at its start.
struct settings {
  dvs::endpoint_id driver = rdisk::where;           ///< the block device driver
  std::uint32_t minor = 0;                          ///< and its device
  std::size_t cache_bytes = std::size_t{16} << 20;  ///< memory of the block cache
  bool read_only = false;                           ///< refuse every change
  std::uint64_t date_at_start = 0;                  ///< seconds since 1970 when the clock of the node was zero
  minixfs::credentials users = {65534, 65534};      ///< who a user process is that nobody vouched for
  std::uint32_t workers_max = 64;                   ///< requests that are worked on at the same time
};

/// The file server. One fiber receives; each request is worked on by a fiber of its own, which may wait for the disk.
template <dvs::backend Backend>
class server {
  using device_type = rdisk_device<Backend>;
  using requests_type = requests<Backend>;
  using volume_type = typename requests_type::volume_type;
  using session_type = typename requests_type::session_type;
  using worker_type = worker<Backend>;

 public:
  /// The endpoint must be that of a system process: user processes are not told of deaths.
  server(dvs::endpoint<Backend>& self, const settings& how)
      : self_(self),
        settings_(how),
        first_{self},
        host_(first_, how.date_at_start),
        device_(host_, how.driver, how.minor),
        volume_(device_, host_, {.cache_bytes = how.cache_bytes, .read_only = how.read_only}),
        requests_(self, host_, volume_),
        sessions_(how.users),
        workers_(self, how.workers_max) {}

  /// Opens the device and mounts the file system on it; before `run`.
  /// Errors: `bad_file` (no MINIX file system), `io_error`, and those of the driver; `last_fault()` says more.
  dvs::result<void> mount() {
    if (auto opened = device_.open(!settings_.read_only); !opened) return opened;
    return volume_.mount();
  }

  /// Serves until the DC ends or the endpoint is asked to leave; then closes all files and writes everything out, which
  /// succeeds while the driver still answers. Errors: those of `serve`, and `io_error` from the last writes.
  dvs::result<void> run() {
    const auto served = dvs::serve<protocol>(self_, *this);
    dvs::result<void> written;
    const auto leave = [](server& me, job& last) {
      me.sessions_.take_all();
      *static_cast<dvs::result<void>*>(last.context) = me.volume_.sync();
    };
    job last{.owner = this, .run = leave, .context = &written};
    if (!workers_.add(last)) last(first_);
    workers_.finish();
    host_.resumed(first_);
    return served ? written : served;
  }

  /// What was wrong with the image or the device last.
  [[nodiscard]] const std::optional<minixfs::fault>& last_fault() const { return volume_.last_fault(); }

  /// Every request goes to a worker.
  template <dvs::request Request>
  dvs::answer<Request> on(const Request& ask, dvs::caller from) {
    job made{.owner = this, .run = &server::work<Request>, .from = from, .who = sessions_.at(from.endpoint)};
    if constexpr (!std::is_empty_v<Request>) std::memcpy(made.body.data(), &ask, sizeof ask);
    if (auto queued = workers_.add(std::move(made)); !queued) return queued.error();
    return dvs::later;
  }

  void on_death(dvs::endpoint_id who) {
    auto gone = sessions_.take(who);
    // Closing may need the disk: a worker lets go of the files.
    if (gone != nullptr) (void)workers_.add({.owner = this, .run = [](server&, job&) {}, .who = std::move(gone)});
  }

 private:
  template <class Request>
  using reply_of = typename requests_type::template reply_of<Request>;

  // What a worker does next: a request with its caller, or something of the server's own.
  struct job {
    server* owner;
    void (*run)(server&, job&);
    void* context = nullptr;
    dvs::caller from{};
    std::shared_ptr<session_type> who{};
    std::array<std::byte, dvs::payload_bytes> body{};

    void operator()(worker_type& me) {
      owner->host_.resumed(me);
      run(*owner, *this);
      who.reset();
    }
  };

  template <class Request>
  static void work(server& me, job& now) {
    Request ask{};
    if constexpr (!std::is_empty_v<Request>) std::memcpy(&ask, now.body.data(), sizeof ask);
    reply_of<Request> outcome = dvs::errc::no_memory;
    try {
      outcome = me.handle(ask, now.from, *now.who);
    } catch (const std::bad_alloc&) {
      // The request is refused; what it had begun is undone by those it held.
    }
    if (outcome) {
      (void)me.self_.reply(now.from, *outcome);
    } else {
      (void)me.self_.reply(now.from, outcome.error());
    }
  }

  template <class Request>
  reply_of<Request> handle(const Request& ask, dvs::caller from, session_type& who) {
    return requests_.handle(ask, from, who);
  }
  reply_of<setuid> handle(const setuid& ask, dvs::caller from, session_type&) {
    if (!is_system(from)) return dvs::errc::no_privilege;
    if (ask.uid > 0xFFFF || ask.gid > 0xFFFF) return dvs::errc::bad_argument;
    if (!self_.is_bound(ask.who)) return dvs::errc::bad_process;
    sessions_.at(ask.who)->who = {static_cast<std::uint16_t>(ask.uid), static_cast<std::uint16_t>(ask.gid)};
    return setuid::reply{};
  }
  reply_of<getsysinfo> handle(const getsysinfo& ask, dvs::caller from, session_type&) {
    if (ask.what == table::files) return give_rows(ask, from, rows_of_files());
    if (ask.what != table::volume) return dvs::errc::bad_argument;
    const auto now = volume_.statfs();
    if (!now) return now.error();
    const auto numbers = volume_.statistics();
    return give_rows(
        ask, from,
        std::vector{volume_row{static_cast<std::uint32_t>(now->format), now->block_size, now->blocks, now->blocks_free,
                               now->inodes, now->inodes_free, numbers.inodes_in_use, workers_.alive(), workers_.done(),
                               numbers.cache_bytes, numbers.device_reads, numbers.device_writes, numbers.faults,
                               volume_.last_fault() ? volume_.last_fault()->block : 0}});
  }

  std::vector<file_row> rows_of_files() const {
    std::vector<file_row> rows;
    sessions_.for_each_file([&](dvs::endpoint_id owner, std::uint32_t number, const auto& file) {
      const auto status = volume_.status(file.node);
      rows.push_back({owner, number, status.inode, file.flags, status.size, file.position});
    });
    return rows;
  }
  template <class Row>
  reply_of<getsysinfo> give_rows(const getsysinfo& ask, dvs::caller from, const std::vector<Row>& rows) {
    const auto answer = give_table<getsysinfo>(self_, from, ask.into, ask.length, std::span<const Row>{rows});
    if (answer.outcome() != dvs::errc::ok) return answer.outcome();
    return answer.reply();
  }

  dvs::endpoint<Backend>& self_;
  settings settings_;
  worker_type first_;  // the fiber that receives, for what happens before and after the others
  fiber_host<Backend> host_;
  device_type device_;
  volume_type volume_;
  requests_type requests_;
  sessions<typename volume_type::node> sessions_;
  workers<Backend, job> workers_;
};

}  // namespace muk::fs

#endif
