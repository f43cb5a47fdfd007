// SPDX-License-Identifier: MIT
/// @file
/// Direct ways between two processes of the host, past the switchboard.
///
/// Memory for one is made when a process wants to ask another one that it may send to and ask, and that may answer. It
/// is given to the two alone. When the privileges of one of them change, both are told to use it no more.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_WAYS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_WAYS_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

/// Takes the board that a process shows with its first words, if it is one.
inline void switchboard::take_board(line& at, const json& request, descriptor_queue& with) {
  if (!request.contains("descriptors") || at.has_board()) return;
  auto states = with.take(), hints = with.take();
  if (!is_sealed_memory(states, sizeof(board_states), sharing::look) ||
      !is_sealed_memory(hints, sizeof(board_hint_words), sharing::write))
    throw bad_control{};
  at.board = {std::make_shared<owned_descriptor>(std::move(states)),
              std::make_shared<owned_descriptor>(std::move(hints))};
}

/// Where a process that is bound can be rung, if it says so.
inline std::optional<std::uint32_t> switchboard::place_in(const json& request) {
  if (!request.contains("place")) return {};
  const auto place = field<std::uint32_t>(request, "place");
  if (place >= board_places) throw bad_control{};
  return place;
}

/// The number by which one process can name another to the host, or 0.
inline std::int32_t switchboard::process_number(line_id of, line_id reader) const {
  if (!world_.process_number_for) return 0;
  return world_.process_number_for(lines_.at(of).owner.process, lines_.at(reader).owner.process);
}

/// Whether all that a direct way makes possible is allowed, and both ends can have one.
inline errc switchboard::may_have_way(dc_record& in, line_id from, endpoint_id asker, endpoint_id server) const {
  const auto *const one = in.find(asker), *const other = in.find(server);
  if (one == nullptr || one->at != from) return errc::bad_endpoint;
  if (other == nullptr || other->at == from) return errc::bad_endpoint;
  const line& there = lines_.at(other->at);
  if (in.sizes.strict || there.peer || !lines_.at(from).has_board() || !there.has_board() || !other->place)
    return errc::not_supported;
  for (const dvk_call call : {DVK_CALL_send, DVK_CALL_sendrec})
    if (dvk_may_call_meanwhile(in.table(), number(asker), call) != DVK_E_ok) return errc::trap_denied;
  if (!in.may_pass(asker, server) || !in.may_pass(server, asker)) return errc::trap_denied;
  // What the other does not take is not to fill the descriptors of the daemon.
  if (in.ways.contains({asker, server}) || there.queue_descriptors > line::descriptors_max) return errc::table_full;
  return errc::ok;
}

inline void switchboard::introduce(line_id from, line& at, std::uint64_t number, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::bad_dc);
  const endpoint_id asker = endpoint_field(request, "who"), server = endpoint_field(request, "partner");
  const auto place = place_in(request);
  if (!place) return answer(from, number, errc::bad_argument);
  if (const errc refused = may_have_way(*in, from, asker, server); refused != errc::ok)
    return answer(from, number, refused);
  const shared_descriptor memory = world_.make_way ? world_.make_way() : nullptr;
  if (memory == nullptr) return answer(from, number, errc::no_memory);
  const auto& process = *in->find(server);
  ++ways_made_;
  in->ways.emplace(std::pair(asker, server), dc_record::way{});
  const bool may_notify = dvk_is_system(in->table(), dvk_index_of_slot(in->table(), slot_of(asker))) &&
                          dvk_is_system(in->table(), dvk_index_of_slot(in->table(), slot_of(server))) &&
                          dvk_may_call_meanwhile(in->table(), dvs::number(asker), DVK_CALL_notify) == DVK_E_ok;
  const auto describe = [&](line_id partner, line_id reader, std::uint32_t its_place, json told) {
    told.update({{"number", ways_made_},
                 {"notify", may_notify},
                 {"pid", process_number(partner, reader)},
                 {"process", static_cast<std::uint64_t>(partner)},
                 {"place", its_place}});
    return told;
  };
  const auto with = [&](const line& partner) { return std::vector{memory, partner.board.states, partner.board.hints}; };
  ask(
      process.at,
      describe(
          from, process.at, *place,
          {{"op", "way"}, {"dc", dvs::number(in->id)}, {"who", dvs::number(asker)}, {"partner", dvs::number(server)}}),
      [](errc, const json&) {}, with(at));
  answer(from, number, errc::ok, describe(process.at, from, *process.place, json::object()),
         with(lines_.at(process.at)));
}

/// Ends the direct ways of a process; `done` is called when nothing new goes over them.
inline void switchboard::sever_ways(dc_record& in, endpoint_id who, std::function<void()> done) {
  const auto awaited = std::make_shared<std::size_t>(1);
  const auto count = [awaited, done = std::move(done)] {
    if (--*awaited == 0) done();
  };
  for (auto at = in.ways.begin(); at != in.ways.end();) {
    const auto [asker, server] = at->first;
    if (asker != who && server != who) {
      ++at;
      continue;
    }
    at = in.ways.erase(at);
    for (const endpoint_id end : {asker, server}) {
      ++*awaited;
      ask(in.find(end)->at,
          {{"op", "sever"}, {"dc", number(in.id)}, {"who", number(asker)}, {"partner", number(server)}},
          [count](errc, const json&) { count(); });
    }
  }
  count();
}

/// Rings a process for its partner, which cannot do it.
inline void switchboard::ring(line_id from, line& at, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return;
  const endpoint_id who = endpoint_field(request, "who"), partner = endpoint_field(request, "partner");
  const auto* const ringer = in->find(who);
  if (ringer == nullptr || ringer->at != from) return;
  for (const auto& ends : {std::pair(who, partner), std::pair(partner, who)})
    if (const auto known = in->ways.find(ends); known != in->ways.end())
      return ring(dvs::number(in->id), ends, partner);
}

inline void switchboard::ring(std::uint16_t dc, std::pair<endpoint_id, endpoint_id> ends, endpoint_id who) {
  const auto in = dcs_.find(dc);
  if (in == dcs_.end()) return;
  const auto known = in->second.ways.find(ends);
  if (known == in->second.ways.end()) return;
  dc_record::way& way = known->second;
  if (way.rings) {
    way.rings_again = true;
    return;
  }
  way.rings = true;
  way.rings_again = false;
  ask(in->second.find(who)->at, {{"op", "ring"}, {"dc", dc}, {"who", number(who)}},
      [this, dc, ends, who](errc, const json&) {
        const auto still = dcs_.find(dc);
        if (still == dcs_.end()) return;
        const auto rung = still->second.ways.find(ends);
        if (rung == still->second.ways.end()) return;
        rung->second.rings = false;
        if (rung->second.rings_again) ring(dc, ends, who);
      });
}

/// A process waits long for another one by a direct way: it may be in a cycle.
inline void switchboard::suspect_wait(line_id from, line& at, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return;
  const endpoint_id who = endpoint_field(request, "who");
  const auto waiter = in->processes.find(who);
  if (waiter == in->processes.end() || waiter->second.at != from || !waiter->second.search.expired()) return;
  const auto search = std::make_shared<cycle_search>(number(in->id), field<std::uint64_t>(request, "wait"), who,
                                                     endpoint_field(request, "partner"));
  waiter->second.search = search;
  search_on(search);
}

}  // namespace dvs::userspace

#endif
