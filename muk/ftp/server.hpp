// SPDX-License-Identifier: MIT
/// @file
/// M3FTP: moves whole files to and from those who ask, many at a time.
#ifndef MUK_FTP_SERVER_HPP
#define MUK_FTP_SERVER_HPP

#include <dvs/ipc.hpp>
#include <map>
#include <muk/ftp/incoming.hpp>
#include <muk/ftp/outgoing.hpp>
#include <muk/ftp/protocol.hpp>
#include <new>
#include <utility>
#include <variant>
#include <vector>

namespace muk::ftp {

/// The limits of a server.
struct settings {
  std::uint32_t transfers = 64;                   ///< at the same time; more get `table_full`
  dvs::duration idle = std::chrono::seconds(30);  ///< how long a client may say nothing before it is given up
};

/// The file transfer server for the files of `Stores` (see `concept store_source`).
///
/// The endpoint receives; each transfer is a fiber of its own that opens the file, waits for its client, moves bytes,
/// and closes the file when the client is done, dies or is silent for too long. So nobody waits for a slow client, or
/// for somebody else's disk.
template <dvs::backend Backend, store_source<Backend> Stores>
class server {
 public:
  /// The endpoint must be that of a system process: user processes are not told of deaths.
  server(dvs::endpoint<Backend>& self, Stores stores, const settings& limits = {})
      : self_(self), stores_(std::move(stores)), limits_(limits) {}
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Serves until the DC ends or the endpoint is asked to leave; then ends all transfers, as if their clients had died.
  dvs::result<void> run() {
    const auto served = dvs::serve<protocol>(self_, *this);
    leaving_ = true;
    for (auto& [number, each] : transfers_) each.woken.wake_all();
    while (!transfers_.empty()) self_.yield();
    return served;
  }

  dvs::answer<get> on(const get& ask, dvs::caller from) { return begin(ask, from); }
  dvs::answer<put> on(const put& ask, dvs::caller from) { return begin(ask, from); }
  dvs::answer<stat> on(const stat& ask, dvs::caller from) { return begin(ask, from); }
  dvs::answer<gnext> on(const gnext& ask, dvs::caller from) { return hand_on(ask, from); }
  dvs::answer<pnext> on(const pnext& ask, dvs::caller from) { return hand_on(ask, from); }
  dvs::answer<finish> on(const finish& ask, dvs::caller from) { return hand_on(ask, from); }
  dvs::answer<cancel> on(const cancel& ask, dvs::caller from) { return hand_on(ask, from); }

  void on_death(dvs::endpoint_id who) {
    for (auto& [number, each] : transfers_) {
      if (each.client != who) continue;
      each.abandoned = true;
      each.woken.wake_all();
    }
  }

 private:
  static constexpr std::size_t start_bytes = 128 * 1024;  // read at a time of what is there already
  using store_type = decltype(std::declval<Stores&>().store_of(std::declval<dvs::endpoint<Backend>&>()));

  /// A request that waits for its fiber.
  struct job {
    std::variant<get, put, stat, gnext, pnext, finish, cancel> ask;
    dvs::caller from;
  };
  /// What one fiber works on.
  struct transfer {
    transfer(std::uint32_t its_number, dvs::endpoint_id who) : number(its_number), client(who) {}

    const std::uint32_t number;
    const dvs::endpoint_id client;
    std::optional<job> next;
    bool unanswered = false;              // a client that was not answered may not ask again
    bool abandoned = false;               // the client died
    std::optional<file_identity> writes;  // the file that a put writes
    dvs::condition<Backend> woken;
  };
  /// The last answer of a transfer; it goes out when everything is closed.
  struct last_word {
    dvs::caller to;
    dvs::message answer;
  };

  // ---- What the receiving fiber does ---------------------------------------------------------------------------

  template <dvs::request Request>
  dvs::answer<Request> begin(const Request& ask, dvs::caller from) {
    if (transfers_.size() >= limits_.transfers) return dvs::errc::table_full;
    while (transfers_.contains(++last_number_)) {
    }
    const std::uint32_t number = last_number_;
    transfer& made = transfers_.try_emplace(number, number, from.endpoint).first->second;
    const auto worker = self_.spawn([this, &made](dvs::endpoint<Backend>& own) { work(own, made); }, dvs::own,
                                    {.name = "ftp.transfer"});
    if (!worker) {
      transfers_.erase(number);
      return worker.error();
    }
    const auto admitted = stores_.admit(self_, *worker, from.endpoint);
    const auto still = transfers_.find(number);  // it ends by itself when the DC does
    if (still == transfers_.end()) return dvs::errc::shut_down;
    if (admitted)
      still->second.next = job{ask, from};
    else
      still->second.abandoned = true;
    still->second.woken.wake_all();
    if (!admitted) return admitted.error();
    return dvs::later;
  }
  template <dvs::request Request>
  dvs::answer<Request> hand_on(const Request& ask, dvs::caller from) {
    const auto found = transfers_.find(ask.transfer);
    if (found == transfers_.end() || found->second.client != from.endpoint) return dvs::errc::bad_descriptor;
    transfer& its = found->second;
    if (its.unanswered || its.next) return dvs::errc::busy;
    its.next = job{ask, from};
    its.woken.wake_all();
    return dvs::later;
  }

  // ---- What the fiber of a transfer does -----------------------------------------------------------------------

  void work(dvs::endpoint<Backend>& own, transfer& me) {
    std::optional<last_word> last;
    if (const auto first = next_request(own, me, dvs::forever)) {
      try {
        store_type files = stores_.store_of(own);
        const auto serve = [&](const auto& ask) { return transact(own, me, files, ask, first->from); };
        last = std::visit(serve, first->ask);
      } catch (const std::bad_alloc&) {
        last = refuse(first->from, dvs::errc::no_memory);
      }
    }
    transfers_.erase(me.number);
    if (last) static_cast<void>(self_.reply(last->to, last->answer));
  }

  /// Waits for the client; nothing when there is no sense in waiting longer.
  std::optional<job> next_request(dvs::endpoint<Backend>& own, transfer& me, dvs::timeout limit) {
    while (!me.next) {
      if (leaving_ || me.abandoned) return {};
      if (!me.woken.wait(own, limit) && !me.next) return {};
    }
    me.unanswered = true;
    return std::exchange(me.next, std::nullopt);
  }

  std::optional<last_word> transact(dvs::endpoint<Backend>& own, transfer& me, store_type& files, const get& ask,
                                    dvs::caller from) {
    const auto name = text_of(ask.path, from);
    if (!name) return refuse(from, name.error());
    auto file = outgoing<store_type>::open(files, *name);
    if (!file) return refuse(from, file.error());
    std::vector<std::byte> buffer(std::min<std::uint64_t>(start_bytes, ask.offset));
    if (const auto there = file->skip_to(ask.offset, buffer, [&] { own.yield(); }); !there)
      return refuse(from, there.error());
    if (file->so_far() != ask.begun) return refuse(from, dvs::errc::bad_checksum);
    answer(me, from, get::reply{file->size(), me.number, 0});
    while (const auto now = next_request(own, me, limits_.idle)) {
      if (const auto* const wanted = std::get_if<gnext>(&now->ask)) {
        const auto given = give(*file, *wanted, now->from, buffer);
        if (!given) return refuse(now->from, given.error());
        answer(me, now->from, gnext::reply{static_cast<std::uint32_t>(given->size())});
        file->add(*given);
      } else if (const auto* const end = std::get_if<finish>(&now->ask)) {
        const digest whole = file->so_far();
        if (end->size != file->offset() || end->whole != whole) return refuse(now->from, dvs::errc::bad_checksum);
        return grant(now->from, finish::reply{whole});
      } else {
        return other(*now);
      }
    }
    return {};
  }

  std::optional<last_word> transact(dvs::endpoint<Backend>& own, transfer& me, store_type& files, const put& ask,
                                    dvs::caller from) {
    const auto name = text_of(ask.path, from);
    if (!name) return refuse(from, name.error());
    incoming<store_type> file(files);
    if (const auto opened = file.open(*name); !opened) return refuse(from, opened.error());
    for (const auto& [number, each] : transfers_)
      if (each.writes == file.identity()) return refuse(from, dvs::errc::busy);
    me.writes = file.identity();
    std::vector<std::byte> buffer(std::min<std::uint64_t>(start_bytes, ask.offset));
    if (const auto kept = file.keep(ask.offset, buffer, [&] { own.yield(); }); !kept) return refuse(from, kept.error());
    if (file.so_far() != ask.begun) return refuse(from, dvs::errc::bad_checksum);
    if (const auto started = file.start(); !started) return refuse(from, started.error());
    answer(me, from, put::reply{me.number});
    while (const auto now = next_request(own, me, limits_.idle)) {
      if (const auto* const offered = std::get_if<pnext>(&now->ask)) {
        const auto taken = take(file, *offered, now->from, buffer);
        if (!taken) return refuse(now->from, taken.error());
        answer(me, now->from, pnext::reply{});
        file.add(*taken);
      } else if (const auto* const end = std::get_if<finish>(&now->ask)) {
        const digest whole = file.so_far();
        if (const auto named = file.finish(end->size, end->whole); !named) return refuse(now->from, named.error());
        return grant(now->from, finish::reply{whole});
      } else {
        return other(*now);
      }
    }
    return {};
  }

  std::optional<last_word> transact(dvs::endpoint<Backend>&, transfer&, store_type& files, const stat& ask,
                                    dvs::caller from) {
    const auto name = text_of(ask.path, from);
    if (!name) return refuse(from, name.error());
    const auto beside = unfinished_path(*name);
    if (!beside) return refuse(from, beside.error());
    const auto file = files.stat(*name), kept = files.stat(*beside);
    for (const auto& seen : {file, kept})
      if (!seen && seen.error() != dvs::errc::no_entry) return refuse(from, seen.error());
    const bool exists = file && file->kind == file_kind::regular;
    return grant(from, stat::reply{exists ? file->size : 0, kept ? kept->size : 0, exists ? 1u : 0u, 0});
  }

  /// The rest begins no transfer; `begin` is not called with it.
  template <class Request>
  std::optional<last_word> transact(dvs::endpoint<Backend>&, transfer&, store_type&, const Request&, dvs::caller from) {
    return refuse(from, dvs::errc::bad_argument);
  }
  /// What every transfer does with a request that moves nothing.
  static last_word other(const job& now) {
    if (std::holds_alternative<cancel>(now.ask)) return grant(now.from, cancel::reply{});
    return refuse(now.from, dvs::errc::bad_argument);
  }

  /// Copies the next bytes of a file to the client; returns them.
  dvs::result<std::span<std::byte>> give(outgoing<store_type>& file, const gnext& ask, dvs::caller from,
                                         std::vector<std::byte>& buffer) {
    if (ask.into.granter != from.endpoint) return dvs::errc::not_granted;
    if (ask.length > bytes_max) return dvs::errc::too_big;
    if (ask.offset != file.offset()) return dvs::errc::range;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(ask.length, file.size() - file.offset()));
    buffer.resize(std::max(buffer.size(), length));
    auto piece = file.next(std::span(buffer).first(length));
    if (!piece || piece->empty()) return piece;
    if (const auto copied = self_.copy_into(ask.into, *piece); !copied) return copied.error();
    return piece;
  }
  /// Copies bytes from the client to the end of a file; returns them.
  dvs::result<std::span<std::byte>> take(incoming<store_type>& file, const pnext& ask, dvs::caller from,
                                         std::vector<std::byte>& buffer) {
    if (ask.from.granter != from.endpoint) return dvs::errc::not_granted;
    if (ask.length > bytes_max) return dvs::errc::too_big;
    if (ask.offset != file.offset()) return dvs::errc::range;
    buffer.resize(std::max<std::size_t>(buffer.size(), ask.length));
    const auto piece = std::span(buffer).first(ask.length);
    if (const auto copied = self_.copy_from(ask.from, piece); !copied) return copied.error();
    if (const auto written = file.append(piece); !written) return written.error();
    return piece;
  }

  template <dvs::message_body Reply>
  void answer(transfer& me, dvs::caller to, const Reply& reply) {
    me.unanswered = false;
    static_cast<void>(self_.reply(to, reply));
  }
  dvs::result<std::string> text_of(const path& what, dvs::caller from) {
    if (what.memory.granter != from.endpoint) return dvs::errc::not_granted;
    if (what.length > path_max) return dvs::errc::name_too_long;
    std::string text(what.length, '\0');
    if (const auto copied = self_.copy_from(what.memory, std::as_writable_bytes(std::span(text))); !copied)
      return copied.error();
    const auto parts = split(text);
    if (!parts) return dvs::errc::bad_argument;
    if (is_unfinished(parts->name)) return dvs::errc::access_denied;
    return text;
  }

  static last_word refuse(dvs::caller to, dvs::errc why) {
    last_word made{to, {}};
    made.answer.type = dvs::answer_type(why);
    return made;
  }
  template <dvs::message_body Reply>
  static last_word grant(dvs::caller to, const Reply& reply) {
    last_word made{to, {}};
    made.answer.type = dvs::answer_type(dvs::errc::ok);
    dvs::put(made.answer, reply);
    return made;
  }

  dvs::endpoint<Backend>& self_;
  Stores stores_;
  settings limits_;
  std::map<std::uint32_t, transfer> transfers_;
  std::uint32_t last_number_ = 0;
  bool leaving_ = false;
};

}  // namespace muk::ftp

#endif
