// SPDX-License-Identifier: MIT
/// @file
/// The switchboard, whatever lines say and whenever they open and close: no crash, frames that decode, a completion for
/// nothing but what was asked, each once, and nothing left when all lines are closed.
#include <array>
#include <dvs/backends/userspace/daemon/switchboard.hpp>
#include <memory>

#include "link_script.hpp"

using namespace dvs;
using namespace dvs::userspace;
using dvs::proxies::fuzz::demand;
using dvs::proxies::fuzz::script;

namespace {

constexpr std::size_t lines_max = 4;
constexpr std::array<std::string_view, 2> names{"lab", "shop"};

/// One process, and what is known of it.
struct guest {
  line_id id;
  bool is_cut_off = false;
  bool has_watched = false;
  std::map<std::uint64_t, dvk_frame> asked{};  ///< commands without completion
  std::vector<dvk_frame> owes{};               ///< commands that it was given
  std::vector<json> questions{};
  std::multiset<std::uint64_t> requests{};  ///< without answer
  std::uint64_t last_request = 0, last_exchange = 0;
  std::array<std::uint8_t, 65'536> data{};
};

class run {
 public:
  explicit run(script& input) : input_(input) {
    for (std::size_t at = 0; at < 3; ++at) arrive(at);
    create(*guests_[0], 0);
    for (std::size_t at = 0; at < 3; ++at) {
      if (at != 0) request(*guests_[at], {{"op", "open"}, {"name", names[0]}});
      request(*guests_[at], {{"op", "bind"}, {"dc", 1}, {"who", at}, {"name", "x"}});
    }
    hear_all();
  }
  ~run() {
    for (std::size_t at = 0; at < lines_max; ++at) leave(at);
    demand(board_.lines() == 0);
    demand(board_.open_commands() == 0);
  }

  void step() {
    const std::uint8_t op = input_.next();
    const std::size_t which = op % lines_max;
    if (guests_[which] == nullptr) return arrive(which);
    guest& at = *guests_[which];
    switch (op / lines_max % 16) {
      case 0:
        return leave(which);
      case 1:
        raw(at);
        break;
      case 2:
      case 3:
      case 4:
        command(at);
        break;
      case 5:
      case 6:
      case 7:
        complete(at);
        break;
      case 8:
        news(at);
        break;
      case 9:
      case 10:
        administer(at);
        break;
      case 11:
        answer(at);
        break;
      case 12:
        create(at, input_.next() % 2);
        break;
      case 13:
        request(at, {{"op", "open"}, {"name", names[input_.next() % 2]}});
        break;
      case 14:
        request(at, {{"op", "bind"}, {"dc", some_dc()}, {"who", some_process()}, {"name", some_text()}});
        break;
      default:
        if (input_.next() % 2 == 0)
          board_.run_timers();
        else
          use_ways(at);
    }
    hear_all();
  }

 private:
  void arrive(std::size_t at) {
    guests_[at] = std::make_unique<guest>();
    const std::uint32_t user = at == 3 ? 0 : 1000 + static_cast<std::uint32_t>(at);
    guests_[at]->id = board_.open({static_cast<std::int32_t>(at) + 1, user, {5}});
    if (at < 2) show_board(*guests_[at]);
  }
  void show_board(guest& at) {
    static const auto [states, hints] = [] {
      auto both = std::pair(make_memory_file("states", sizeof(board_states)),
                            make_memory_file("hints", sizeof(board_hint_words)));
      demand(seal_memory_file(both.first, sharing::look) && seal_memory_file(both.second, sharing::write));
      return both;
    }();
    descriptor_queue with;
    for (const owned_descriptor* const each : {&states, &hints}) with.add(owned_descriptor(::dup(each->get())));
    at.requests.insert(++at.last_request);
    const json hello = {{"id", at.last_request}, {"op", "hello"}, {"version", control_version}, {"descriptors", 2}};
    board_.receive(at.id, make_packet(packet_kind::request, hello.dump()), with);
  }
  void leave(std::size_t at) {
    if (guests_[at] == nullptr) return;
    board_.close(guests_[at]->id);
    demand(board_.next(guests_[at]->id) == nullptr);
    guests_[at].reset();
    hear_all();
  }

  // ---- What is said ----
  /// Bytes of the input, which may happen to ask for something.
  void raw(guest& at) {
    const auto some = std::as_bytes(input_.take(input_.next()));
    if (!some.empty()) {
      const auto body = some.subspan(1);
      dvk_frame frame;
      std::size_t used = 0;
      if (some[0] == std::byte{'F'} &&
          dvk_frame_decode(reinterpret_cast<const std::uint8_t*>(body.data()), body.size(), &frame, &used) == DVK_E_ok)
        at.asked.emplace(frame.exchange, frame);
      const json told = some[0] == std::byte{'Q'} ? parse_control(text_of(body)) : json();
      if (told.contains("id") && told["id"].is_number_unsigned()) at.requests.insert(told["id"].get<std::uint64_t>());
    }
    board_.receive(at.id, some);
  }
  std::uint16_t some_dc() { return 1 + input_.next() % 3; }
  std::int32_t some_process() {
    const std::uint8_t choice = input_.next();
    if (choice >= 0xF0) return static_cast<std::int32_t>(number_of(4));
    const std::int32_t slot = choice % 16 - 4;
    return dvk_endpoint_make(choice / 16 % 4, slot);
  }
  std::uint64_t number_of(std::size_t bytes) {
    std::uint64_t read = 0;
    while (bytes-- != 0) read = read << 8 | input_.next();
    return read;
  }
  std::string some_text() {
    const auto some = input_.take(input_.next() % 24);
    return {some.begin(), some.end()};
  }
  json some_rights() {
    return {{"calls", input_.next()},
            {"to", {{"without", {some_process()}}, {"users", input_.next() % 2 == 0}}},
            {"from", {{"without", {some_process()}}, {"users", input_.next() % 2 == 0}}}};
  }

  void say(guest& at, packet_kind kind, const json& what) {
    board_.receive(at.id, make_packet(kind, what.dump(-1, ' ', false, json::error_handler_t::replace)));
  }
  void request(guest& at, json wanted) {
    wanted["id"] = ++at.last_request;
    at.requests.insert(at.last_request);
    say(at, packet_kind::request, wanted);
  }
  void say(guest& at, dvk_frame& frame) {
    frame.from_node = number(this_process);
    frame.to_node = number(board_.self());
    if (dvk_frame_check(&frame) == DVK_E_ok) board_.receive(at.id, make_packet(frame));
  }
  /// A frame with members from the input, whatever its kind makes of them.
  dvk_frame filled(guest& at, std::uint8_t kind) {
    dvk_frame frame{};
    frame.kind = kind;
    frame.dc = some_dc();
    frame.from = some_process();
    frame.to = some_process();
    frame.message.type = input_.next();
    frame.value = input_.next();
    frame.other = some_process();
    frame.other_node = input_.next() % 2;
    frame.began = input_.next();
    frame.data = at.data.data();
    const std::uint32_t bytes = input_.next() % 8 == 0 ? 65'536 : 1 + input_.next() % 16;
    frame.data_bytes = bytes;
    frame.part = {static_cast<std::int32_t>(input_.next()) - 1, input_.next(), bytes, 0, bytes, 0};
    frame.into.grant = static_cast<std::int32_t>(input_.next()) - 1;
    return frame;
  }

  void command(guest& at) {
    dvk_frame frame = filled(at, 1 + input_.next() % 13);
    frame.exchange = input_.next() % 16 == 0 ? 1 + at.last_exchange / 2 : ++at.last_exchange;
    const bool is_new = !at.asked.contains(frame.exchange);
    if (frame.kind == DVK_FRAME_cancel || frame.kind == DVK_FRAME_inspect)
      frame.value = at.last_exchange > frame.value ? at.last_exchange - frame.value : 1;
    if (is_new && dvk_frame_check(&frame) == DVK_E_ok) at.asked.emplace(frame.exchange, frame);
    say(at, frame);
  }
  void complete(guest& at) {
    const std::uint8_t choice = input_.next();
    if (at.owes.empty()) return;
    const std::size_t which = choice % at.owes.size();
    const dvk_frame asked = at.owes[which];
    if (choice < 0xC0) at.owes.erase(at.owes.begin() + static_cast<std::ptrdiff_t>(which));
    dvk_frame frame = filled(at, completion_of(asked, errc::ok).kind);
    frame.data_bytes = asked.part.bytes;
    frame.exchange = asked.exchange;
    const std::uint8_t how = input_.next();
    if (how >= 0x80) frame.result = static_cast<std::int32_t>(errc::cancelled);
    if (how % 16 == 15) frame.kind = DVK_FRAME_redirect, frame.result = 0;
    if (how % 16 == 14) frame.kind = static_cast<std::uint8_t>(0x81 + input_.next() % 13);
    if (how % 16 == 13) frame.exchange = number_of(8);
    say(at, frame);
  }
  void news(guest& at) {
    dvk_frame frame{};
    frame.kind = static_cast<std::uint8_t>(0x40 + input_.next() % 5);
    frame.dc = some_dc();
    if (frame.kind == DVK_FRAME_gone || frame.kind == DVK_FRAME_bound) frame.from = some_process();
    say(at, frame);
  }

  void create(guest& at, std::size_t name) {
    const unsigned how = name == 1 ? input_.next() : 1U;
    json wanted = {{"op", "create"},
                   {"name", names[name]},
                   {"sizes", to_json(dc_options{.tasks = 40, .servers = 4, .users = 4, .grants = 1})},
                   {"groups", {5}},
                   {"stays", how % 2 == 0}};
    if (how / 2 % 4 == 1) wanted["container"] = {{"cgroup", "/x"}};
    request(at, std::move(wanted));
  }
  void administer(guest& at) {
    const std::uint16_t dc = some_dc();
    switch (input_.next() % 12) {
      case 0:
        return request(at, {{"op", "leave"}, {"dc", dc}});
      case 1:
        return request(at, {{"op", "leave"}, {"dc", dc}, {"end", true}});
      case 2:
        return request(at,
                       {{"op", "set_privileges"}, {"dc", dc}, {"who", some_process()}, {"privileges", some_rights()}});
      case 3:
        return request(at, {{"op", "privileges"}, {"dc", dc}, {"who", some_process()}});
      case 4:
        return request(at, {{"op", "processes"}, {"dc", dc}});
      case 5:
        return request(at, {{"op", "fence"}});
      case 6:
        return request(at, {{"op", "bind_thread"},
                            {"dc", dc},
                            {"who", some_process()},
                            {"thread", input_.next() % 6},
                            {"name", some_text()}});
      case 7:
        return say(at, packet_kind::request, {{"id", 0}, {"op", "suspect"}, {"exchange", input_.next()}});
      case 8:
        return request(at, {{"op", "bind"},
                            {"dc", dc},
                            {"who", some_process()},
                            {"name", some_text()},
                            {"privileges", some_rights()}});
      case 9:
        return request(at, {{"op", some_text()}, {"dc", some_text()}});
      case 10:
        return watch(at);
      default:
        return report(at, dc);
    }
  }
  void watch(guest& at) {
    at.has_watched = true;
    json wanted = {{"op", "trace"}, {"name", names[input_.next() % 2]}};
    if (input_.next() % 2 == 1) wanted["endpoints"] = {some_process()};
    request(at, std::move(wanted));
  }
  /// Reports messages, the last of which may be cut short, or more of them than there are wanted by anybody.
  void report(guest& at, std::uint16_t dc) {
    trace_report told{dc, input_.next(), {}};
    for (auto more = input_.next() % 8; more > 0; --more) {
      message content{};
      content.source = endpoint_id{some_process()};
      content.type = input_.next();
      const auto kind = static_cast<trace_kind>(input_.next() % 6);
      told.messages.push_back({static_cast<std::int64_t>(number_of(2)) << 48,
                               endpoint_id{some_process()},
                               kind,
                               {},
                               std::bit_cast<std::array<std::byte, sizeof content>>(content)});
    }
    const std::uint8_t how = input_.next();
    if (how >= 0xC0) told.messages.resize(how * std::size_t{8});
    packet made = make_packet(packet_kind::report, told.bytes());
    if (how % 16 == 15) made.pop_back();
    board_.receive(at.id, made);
  }
  void use_ways(guest& at) {
    const json ends = {{"dc", some_dc()}, {"who", some_process()}, {"partner", some_process()}};
    const auto with = [&](json what) {
      what.update(ends);
      return what;
    };
    switch (input_.next() % 6) {
      case 0:
      case 1:
        return request(at, with({{"op", "introduce"}, {"place", input_.next() % 70}}));
      case 2:
        return say(at, packet_kind::request, with({{"id", 0}, {"op", "ring"}}));
      case 3:
        return say(at, packet_kind::request, with({{"id", 0}, {"op", "suspect"}, {"wait", input_.next()}}));
      default:
        return request(at, {{"op", "bind"},
                            {"dc", some_dc()},
                            {"who", some_process()},
                            {"name", some_text()},
                            {"place", input_.next() % 70}});
    }
  }
  void answer(guest& at) {
    if (at.questions.empty()) return;
    json told = {{"id", at.questions.front().at("id")}};
    at.questions.erase(at.questions.begin());
    const std::uint8_t how = input_.next();
    if (how % 8 == 0) told["error"] = some_text();
    if (how % 8 == 1) told["error"] = how;
    told["grants"] = how;
    if (how % 4 == 0) told["place"] = how;
    told["processes"] = json::array();
    if (how % 2 == 0)
      told["processes"].push_back(
          to_json(process_info{endpoint_id{some_process()}, some_text(), static_cast<activity>(input_.next() % 7), none,
                               how, 1, 1, 1, node_id{how}}));
    say(at, packet_kind::answer, told);
  }

  // ---- What is heard ----
  void hear_all() {
    for (auto& at : guests_) {
      if (at == nullptr) continue;
      for (const packet* came; (came = board_.next(at->id)) != nullptr; board_.sent(at->id)) hear(*at, *came);
    }
    for (std::size_t at = 0; at < lines_max; ++at)
      if (guests_[at] != nullptr && guests_[at]->is_cut_off) leave(at);
  }
  void hear(guest& at, const packet& came) {
    const auto body = std::span(came).subspan(1);
    if (came[0] == std::byte{'F'}) return hear_frame(at, body);
    if (came[0] == std::byte{'T'}) return demand(at.has_watched && trace_report::from(body).has_value());
    const json told = parse_control(text_of(body));
    demand(!told.is_null());
    if (came[0] == std::byte{'Q'}) {
      at.questions.push_back(told);
    } else {
      const auto asked = at.requests.find(field<std::uint64_t>(told, "id"));
      demand(asked != at.requests.end());
      at.requests.erase(asked);
    }
  }
  void hear_frame(guest& at, std::span<const std::byte> body) {
    dvk_frame frame;
    std::size_t used = 0;
    demand(dvk_frame_decode(reinterpret_cast<const std::uint8_t*>(body.data()), body.size(), &frame, &used) ==
           DVK_E_ok);
    demand(used == body.size());
    frame.data = nullptr;
    if (dvk_frame_is_news(frame.kind)) return;
    if (!dvk_frame_completes(frame.kind)) return at.owes.push_back(frame);
    const auto asked = at.asked.find(frame.exchange);
    demand(asked != at.asked.end());
    const bool is_redirect = asked->second.kind == DVK_FRAME_request && frame.kind == DVK_FRAME_redirect;
    demand(is_redirect || frame.kind == completion_of(asked->second, errc::ok).kind);
    at.asked.erase(asked);
  }

  script& input_;
  std::array<std::unique_ptr<guest>, lines_max> guests_;
  switchboard board_{node_id{3},
                     1,
                     {.ready = [](line_id) {},
                      .hang_up =
                          [this](line_id which) {
                            for (auto& at : guests_)
                              if (at != nullptr && at->id == which) at->is_cut_off = true;
                          },
                      .process_of_thread = [](std::int32_t thread) { return thread; },
                      .make_way =
                          [] {
                            static const auto made = std::make_shared<owned_descriptor>(make_memory_file("way", 4096));
                            return made;
                          }}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  script input(data, size);
  run all(input);
  for (int steps = 0; !input.is_over() && steps < 500; ++steps) all.step();
  return 0;
}
