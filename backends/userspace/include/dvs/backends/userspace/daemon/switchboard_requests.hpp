// SPDX-License-Identifier: MIT
/// @file
/// What processes ask of the daemon itself.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_REQUESTS_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_SWITCHBOARD_REQUESTS_HPP

#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace {

inline void switchboard::request_in(line_id from, line& at, const json& request, descriptor_queue& with) {
  if (request.is_null()) return fail(from);
  const auto number = field<std::uint64_t>(request, "id");
  const auto op = field<std::string>(request, "op");
  if (op == "suspect") return request.contains("who") ? suspect_wait(from, at, request) : suspect(from, at, request);
  if (op == "ring") return ring(from, at, request);
  if (at.requests++ >= requests_max) return answer(from, number, errc::table_full);
  if (op == "hello") {
    const bool is_known = field<std::uint32_t>(request, "version") == control_version;
    if (is_known) take_board(at, request, with);
    answer(from, number, is_known ? errc::ok : errc::not_supported,
           {{"version", control_version}, {"node", dvs::number(self_)}, {"incarnation", incarnation_}});
    if (is_known && !std::exchange(at.is_up, true))
      for (const auto& [peer, id] : peers_)
        if (const line& there = lines_.at(id); there.is_up)
          ask(from, {{"op", "link"}, {"node", dvs::number(peer)}, {"incarnation", there.incarnation}, {"up", true}},
              [](errc, const json&) {});
    return;
  }
  if (op == "create") return create(from, at, number, request);
  if (op == "open") return enter(from, at, number, request);
  if (op == "leave") return leave(from, at, number, request);
  if (op == "list") return list_dcs(from, at, number);
  if (op == "bind") return bind(from, at, number, request);
  if (op == "bind_thread") return bind_thread(from, at, number, request);
  if (op == "introduce") return introduce(from, at, number, request);
  if (op == "set_privileges") return set_privileges(from, at, number, request);
  if (op == "privileges") return privileges_of(from, at, number, request);
  if (op == "processes") return processes(from, at, number, request);
  if (op == "fence") return fence([this, from, number] { answer(from, number, errc::ok); });
  if (op == "trace") return trace(from, at, number, request);
  if (op == "links") return answer(from, number, errc::ok, {{"links", world_.links()}});
  if (op == "status")
    return answer(from, number, errc::ok,
                  {{"lines", lines_.size() - peers_.size()},
                   {"commands", exchanges_.size()},
                   {"dcs", dcs_.size()},
                   {"cluster", world_.cluster()}});
  answer(from, number, errc::not_supported);
}

inline void switchboard::answer(line_id to, std::uint64_t number, errc outcome, json told,
                                std::vector<shared_descriptor> with) {
  const auto at = lines_.find(to);
  if (at == lines_.end()) return;
  --at->second.requests;
  if (outcome != errc::ok) told = {{"error", name_of(outcome)}};
  told["id"] = number;
  if (!with.empty()) told["descriptors"] = with.size();
  send(at->second, make_packet(packet_kind::answer, told.dump(-1, ' ', false, json::error_handler_t::replace)),
       std::move(with));
}

/// Asks a process; `then(outcome, answer)` is called once.
inline void switchboard::ask(line_id to, json wanted, answer_handler then, std::vector<shared_descriptor> with) {
  line& at = lines_.at(to);
  const std::uint64_t number = ++at.last_question;
  const std::int64_t until_ns = monotonic_ns() + answer_within_ns;
  set_timer(until_ns);
  at.asked.emplace(number, question{std::move(then), until_ns});
  wanted["id"] = number;
  if (!with.empty()) wanted["descriptors"] = with.size();
  send(at, make_packet(packet_kind::request, wanted.dump(-1, ' ', false, json::error_handler_t::replace)),
       std::move(with));
}

inline void switchboard::answer_in(line& at, const json& answer) {
  if (answer.is_null()) throw bad_control{};
  const auto asked = at.asked.find(field<std::uint64_t>(answer, "id"));
  if (asked == at.asked.end()) return;      // too late
  const errc outcome = outcome_of(answer);  // nonsense ends the line, and the question with it
  const answer_handler then = std::move(asked->second.then);
  at.asked.erase(asked);
  then(outcome, answer);
}

// ---- DCs ----

/// The DC that a request names, if it is open to the line and has not ended.
inline dc_record* switchboard::find_dc(const line& at, const json& request) {
  const auto number = field<std::uint16_t>(request, "dc");
  const auto in = dcs_.find(number);
  return in == dcs_.end() || !at.opened.contains(number) || in->second.has_ended ? nullptr : &in->second;
}

inline dc_record* switchboard::find_dc(std::string_view name) {
  for (auto& [number, in] : dcs_)
    if (in.name == name && !in.has_ended) return &in;
  return nullptr;
}

inline void switchboard::create(line_id from, line& at, std::uint64_t number, const json& request) {
  const auto name = field<std::string>(request, "name");
  const dc_options sizes = sizes_from(member(request, "sizes"));
  if (sizes.span && at.owner.user != 0 && at.owner.user != world_.user)
    return answer(from, number, errc::no_privilege);  // a DC of other nodes has members who did not let this one in
  const bool stays = field<bool>(request, "stays");
  std::optional<dc_container> container;
  if (request.contains("container"))
    container = {at.owner.process, field<std::string>(member(request, "container"), "cgroup")};
  if (container && stays) return answer(from, number, errc::bad_argument);  // it ends with its keeper
  dc_access access{.owner = at.owner.user, .users = {}, .groups = {}};
  for (const auto& [key, members] : {std::pair("users", &access.users), std::pair("groups", &access.groups)})
    if (const auto named = request.find(key); named != request.end() && named->is_array())
      for (const json& each : *named) members->insert(value_of<std::uint32_t>(each));
  const auto made = create_dc(name, sizes, access);
  if (!made) return answer(from, number, made.error());
  dc_record& in = dcs_.at(dvs::number(*made));
  if (!stays) in.creator = from;
  in.container = std::move(container);
  at.opened.insert(dvs::number(*made));
  answer(from, number, errc::ok, {{"dc", dvs::number(*made)}});
}

inline result<dc_id> switchboard::create_dc(const std::string& name, const dc_options& sizes, const dc_access& access,
                                            std::optional<dc_id> wanted) {
  if (find_dc(name) != nullptr) return errc::exists;
  if (sizes.span) wanted = sizes.span->number;
  if (wanted && dcs_.contains(dvs::number(*wanted))) return errc::exists;
  if (dcs_.size() >= 0xFFFF) return errc::table_full;
  if (!wanted) {
    do ++last_dc_;
    while (last_dc_ == 0 || dcs_.contains(last_dc_));
    wanted = dc_id{last_dc_};
  }
  try {
    dc_record& in = dcs_.try_emplace(dvs::number(*wanted), *wanted, name, sizes, access).first->second;
    for (const auto& [peer, id] : peers_)
      if (line& there = lines_.at(id); there.is_up && in.takes_part(peer)) greet(there, in, true);
    return *wanted;
  } catch (const error& refused) {
    return static_cast<errc>(refused.code().value());
  } catch (const std::bad_alloc&) {
    return errc::no_memory;
  }
}

inline bool switchboard::may_enter(const line_owner& who, const dc_record& in) {
  const bool is_member = std::ranges::any_of(in.groups, [&](auto group) { return who.groups.contains(group); });
  return who.user == 0 || who.user == in.owner || in.users.contains(who.user) || is_member;
}

inline void switchboard::enter(line_id from, line& at, std::uint64_t number, const json& request) {
  const dc_record* const found = find_dc(field<std::string>(request, "name"));
  if (found == nullptr) return answer(from, number, errc::no_entry);
  const dc_record& dc = *found;
  if (!may_enter(at.owner, dc)) return answer(from, number, errc::no_privilege);
  at.opened.insert(dvs::number(dc.id));
  json told = {{"dc", dvs::number(dc.id)}, {"sizes", to_json(dc.sizes)}};
  if (dc.container)
    told["container"] = {{"process", dc.container->keeper}, {"cgroup", dc.container->cgroup}, {"owner", dc.owner}};
  answer(from, number, errc::ok, std::move(told));
}

/// The line leaves a DC; one that it has created ends, and so does any that an administrator wants ended. An end is
/// answered when all processes have left.
inline void switchboard::leave(line_id from, line& at, std::uint64_t number, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::bad_dc);
  const bool wants_end = request.contains("end") && field<bool>(request, "end");
  if (wants_end && at.owner.user != 0 && at.owner.user != in->owner) return answer(from, number, errc::no_privilege);
  at.opened.erase(dvs::number(in->id));
  in->listeners.erase(from);
  if (!wants_end && in->creator != from) return answer(from, number, errc::ok);
  in->when_left.push_back([this, from, number] { answer(from, number, errc::ok); });
  end_dc(*in);
  forget_if_left(dvs::number(in->id));
}

/// Tells the processes of a DC that it has ended.
inline void switchboard::end_dc(dc_record& in) {
  in.has_ended = true;
  const std::uint16_t which = dvs::number(in.id);
  for (const auto& [peer, id] : peers_) forget_processes_of(id, in, false);
  for (auto& [id, each] : lines_)
    if ((each.opened.contains(which) || in.tracers.contains(id)) && !each.is_closing)
      ask(id, {{"op", "end"}, {"dc", which}}, [](errc, const json&) {});
  std::vector<std::uint64_t> over;
  exchanges_.for_each([&](std::uint64_t number, const open_command& open) {
    if (open.frame.dc == which) over.push_back(number);
  });
  for (const std::uint64_t number : over)
    finish(number, completion_of(exchanges_.find(number)->frame, errc::shut_down));
}

/// Forgets a DC that has ended when its last process has left, and its container is no more.
inline void switchboard::forget_if_left(std::uint16_t which) {
  const auto at = dcs_.find(which);
  if (!at->second.has_ended || !at->second.processes.empty() || at->second.container) return;
  const auto when_left = std::move(at->second.when_left);
  dcs_.erase(at);
  for (auto& [id, each] : lines_) {
    each.opened.erase(which);
    each.traces.erase(which);
  }
  for (const auto& tell : when_left) tell();
}

/// Lists all DCs. Whose one is, and whether it stays without its creator, is told to those who may enter it.
inline void switchboard::list_dcs(line_id from, const line& at, std::uint64_t number) {
  json rows = json::array();
  for (const auto& [id, in] : dcs_) {
    if (in.has_ended) continue;
    const auto processes = static_cast<std::uint32_t>(in.processes.size());
    json row = to_json(dc_info{in.id, in.name, true, in.sizes, processes, 0});
    if (may_enter(at.owner, in))
      row.update({{"owner", in.owner},
                  {"stays", in.creator == line_id{} || in.container.has_value()},
                  {"container", in.container.has_value()}});
    rows.push_back(std::move(row));
  }
  answer(from, number, errc::ok, {{"dcs", std::move(rows)}});
}

// ---- Binding ----

/// Gives a slot of a DC to the process at a line, and tells the others.
inline result<endpoint_id> switchboard::give_slot(dc_record& in, line_id to, endpoint_id who, const json& request) {
  if (who == any || who == hardware || who == clock_task || who == process_events) return errc::range;
  if (who != own && generation_of(who) != 0) return errc::bad_endpoint;
  std::string name = field<std::string>(request, "name").substr(0, DVK_NAME_BYTES - 1);
  name.resize(std::strlen(name.c_str()));  // a name of a frame has no zeros in it
  const auto rights = request.find("privileges");
  const auto wanted = rights == request.end() ? std::optional<privileges>() : privileges_from(*rights);
  dvk_endpoint given;
  const int bound =
      dvk_bind(in.table(), who == own ? static_cast<std::int32_t>(DVK_ANY) : slot_of(who), name.c_str(), 0, &given);
  if (bound != DVK_E_ok) return errc{bound};
  const endpoint_id id{given};
  set_calls(in.table(), id, default_calls(in.table(), id));
  if (wanted) apply_privileges(in.table(), id, *wanted);
  const std::uint64_t birth = ++in.births;
  in.processes.emplace(id, dc_record::process{.at = to, .birth = birth, .name = name});
  tell(in, to, DVK_FRAME_bound, id, birth, name);
  return id;
}

inline void switchboard::bind(line_id from, line& at, std::uint64_t number, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::dc_not_running);
  const auto place = place_in(request);
  const auto given = give_slot(*in, from, endpoint_field(request, "who"), request);
  if (!given) return answer(from, number, given.error());
  in->processes.at(*given).place = place;
  answer(from, number, errc::ok, {{"endpoint", dvs::number(*given)}});
}

inline void switchboard::bind_thread(line_id from, line& at, std::uint64_t number, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::dc_not_running);
  if (in->container) return answer(from, number, errc::not_supported);  // threads have other numbers there
  const auto thread = field<std::int32_t>(request, "thread");
  const std::int32_t process = world_.process_of_thread(thread);
  const auto there = std::ranges::find_if(lines_, [&](const auto& each) {
    return each.second.owner.process == process && each.second.opened.contains(dvs::number(in->id));
  });
  if (process == 0 || there == lines_.end()) return answer(from, number, errc::bad_process);
  if (at.owner.user != 0 && at.owner.user != in->owner && at.owner.user != there->second.owner.user)
    return answer(from, number, errc::no_privilege);
  const auto given = give_slot(*in, there->first, endpoint_field(request, "who"), request);
  if (!given) return answer(from, number, given.error());
  json order = {{"op", "bind_thread"},
                {"dc", dvs::number(in->id)},
                {"thread", thread},
                {"endpoint", dvs::number(*given)},
                {"name", field<std::string>(request, "name")}};
  if (const auto rights = request.find("privileges"); rights != request.end())
    order["privileges"] = to_json(privileges_from(*rights), in->sizes);
  ask(there->first, std::move(order),
      [this, from, number, dc = dvs::number(in->id), id = *given](errc outcome, const json& told) {
        const auto still = dcs_.find(dc);
        if (outcome == errc::ok && still != dcs_.end() && still->second.find(id) != nullptr)
          still->second.processes.at(id).place = place_in(told);
        if (outcome != errc::ok && still != dcs_.end() && still->second.find(id) != nullptr) {
          unbind(still->second, id);
          forget_if_left(dc);
        }
        answer(from, number, outcome, {{"endpoint", dvs::number(id)}});
      });
}

// ---- Privileges and tables ----

inline void switchboard::set_privileges(line_id from, line& at, std::uint64_t number, const json& request) {
  dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::bad_dc);
  const endpoint_id who = endpoint_field(request, "who");
  const privileges rights = privileges_from(member(request, "privileges"));
  const auto* const process = in->find(who);
  if (process == nullptr) return answer(from, number, errc::bad_endpoint);
  if (at.owner.user != 0 && at.owner.user != in->owner) return answer(from, number, errc::no_privilege);
  if (lines_.at(process->at).peer) return answer(from, number, errc::not_supported);
  apply_privileges(in->table(), who, rights);
  const json order = {{"op", "privileges"},
                      {"dc", dvs::number(in->id)},
                      {"who", dvs::number(who)},
                      {"privileges", to_json(rights, in->sizes)}};
  const line_id holder = process->at;
  sever_ways(*in, who, [this, from, number, order, holder] {
    if (!lines_.contains(holder)) return answer(from, number, errc::ok);
    ask(holder, order, [this, from, number](errc, const json&) { answer(from, number, errc::ok); });
  });
}

inline void switchboard::privileges_of(line_id from, line& at, std::uint64_t number, const json& request) {
  const dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::bad_dc);
  const endpoint_id who = endpoint_field(request, "who");
  const auto* const process = in->find(who);
  if (process == nullptr) return answer(from, number, errc::bad_endpoint);
  if (lines_.at(process->at).peer) return answer(from, number, errc::not_supported);
  answer(from, number, errc::ok, {{"privileges", to_json(read_privileges(in->table(), who), in->sizes)}});
}

/// The row of a process in the answer to "processes".
inline json switchboard::row_of(const process_info& row, line_id holder) const {
  json made = to_json(row);
  made["process"] = lines_.at(holder).owner.process;
  return made;
}

/// Asks every process of the host for its rows. One that does not answer is listed without its state.
inline void switchboard::processes(line_id from, line& at, std::uint64_t number, const json& request) {
  const dc_record* const in = find_dc(at, request);
  if (in == nullptr) return answer(from, number, errc::bad_dc);
  const auto all = std::make_shared<gathering>(gathering{dvs::number(in->id), from, number, {}, 0, 0});
  std::set<line_id> holders;
  for (const auto& [who, process] : in->processes) {
    if (!lines_.at(process.at).peer) holders.insert(process.at);
    all->rows[who] = row_of({who, process.name, activity::running, none, 0, 0, 0, 0, node_of(process.at)}, process.at);
  }
  all->awaited = holders.size();
  if (holders.empty()) return tell_gathered(*all);
  for (const line_id holder : holders)
    ask(holder, {{"op", "processes"}, {"dc", all->dc}}, [this, holder, all](errc outcome, const json& told) {
      try {
        if (outcome == errc::ok) gather(*all, holder, told);
      } catch (const bad_control&) {
        fail(holder);
      }
      if (--all->awaited == 0) tell_gathered(*all);
    });
}

/// Takes what a process tells about its own endpoints.
inline void switchboard::gather(gathering& all, line_id holder, const json& told) {
  const auto in = dcs_.find(all.dc);
  if (in == dcs_.end()) return;
  all.grants += field<std::uint32_t>(told, "grants");
  for (const json& each : member(told, "processes")) {
    process_info row = process_from(each);
    const auto* const process = in->second.find(row.endpoint);
    const auto* const partner = in->second.find(row.peer);
    // What a process of another node wants is known where its partner is.
    const bool is_visitor =
        process != nullptr && lines_.at(process->at).peer && partner != nullptr && partner->at == holder;
    if (process == nullptr || (process->at != holder && !is_visitor)) continue;
    row.name = process->name;
    row.node = node_of(process->at);
    all.rows[row.endpoint] = row_of(row, process->at);
  }
}

inline void switchboard::tell_gathered(gathering& all) {
  json rows = json::array();
  for (auto& [who, row] : all.rows) rows.push_back(std::move(row));
  answer(all.from, all.number, errc::ok, {{"processes", std::move(rows)}, {"grants", all.grants}});
}

/// Calls `done` when every process has carried out what was sent to it before, here and on the nodes that are linked.
inline void switchboard::fence(std::function<void()> done) {
  const auto awaited = std::make_shared<std::size_t>(lines_.size());
  const auto count = [awaited, done = std::move(done)] {
    if (--*awaited == 0) done();
  };
  for (auto& [id, each] : lines_) {
    if (!each.peer) {
      ask(id, {{"op", "fence"}}, [count](errc, const json&) { count(); });
      continue;
    }
    dvk_frame wave{};
    wave.kind = DVK_FRAME_cancel;
    wave.value = ~std::uint64_t{0};
    const auto spanned =
        std::ranges::find_if(dcs_, [peer = *each.peer](const auto& dc) { return dc.second.takes_part(peer); });
    wave.dc = spanned == dcs_.end() ? std::uint16_t{0} : spanned->first;
    if (each.is_up)
      ask(id, wave, [count](const dvk_frame&) { count(); });
    else
      count();
  }
}

}  // namespace dvs::userspace

#endif
