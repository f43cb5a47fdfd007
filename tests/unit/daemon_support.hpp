// SPDX-License-Identifier: MIT
/// @file
/// What the tests of the switchboard share: a switchboard without sockets, and lines to it that are driven by hand.
#ifndef DVS_TESTS_DAEMON_SUPPORT_HPP
#define DVS_TESTS_DAEMON_SUPPORT_HPP

#include <array>
#include <catch2/catch.hpp>
#include <dvs/backends/userspace/daemon/switchboard.hpp>

namespace dvs::userspace::test {

/// A switchboard, and what it has told the world.
class board_world {
 public:
  [[nodiscard]] switchboard& board() { return board_; }
  [[nodiscard]] bool wants_closed(line_id which) const { return hung_up_.contains(which); }

 private:
  std::set<line_id> hung_up_;
  switchboard board_{
      node_id{3},
      77,
      {.ready = [](line_id) {},
       .hang_up = [this](line_id which) { hung_up_.insert(which); },
       .process_of_thread = [](std::int32_t thread) { return thread / 100; },
       .process_number_for = [](std::int32_t process,
                                std::int32_t reader) { return process / 1000 == reader / 1000 ? process % 1000 : 0; },
       .make_way = [] { return std::make_shared<owned_descriptor>(make_memory_file("way", 4096)); },
       .user = 900}};
};

/// A frame that came out, and the bytes that it points to.
struct heard {
  packet bytes;
  dvk_frame frame;
};

/// The process `number`, and what it is told.
class hand {
 public:
  explicit hand(board_world& world, std::int32_t number = 1, std::uint32_t user = 1000,
                std::set<std::uint32_t> groups = {})
      : world_(world), id_(world.board().open({number, user, std::move(groups)})) {}

  [[nodiscard]] line_id id() const { return id_; }
  [[nodiscard]] bool is_cut_off() const { return world_.wants_closed(id_); }
  void close() { world_.board().close(id_); }

  // ---- What it says ----
  void say(const packet& what) { world_.board().receive(id_, what, descriptors_); }
  void say(dvk_frame frame) {
    frame.from_node = number(this_process);
    frame.to_node = number(world_.board().self());
    frame.clock = 1;
    say(make_packet(frame));
  }
  void say(packet_kind kind, const json& what) { say(make_packet(kind, what.dump())); }
  /// The number of the request.
  std::uint64_t request(json wanted) {
    wanted["id"] = ++last_request_;
    say(packet_kind::request, wanted);
    return last_request_;
  }
  void answer(const json& question, json with = json::object()) {
    with["id"] = question.at("id");
    say(packet_kind::answer, with);
  }

  /// Says hello, with a board of these files.
  void show_board(owned_descriptor states, owned_descriptor hints) {
    descriptors_.add(std::move(states));
    descriptors_.add(std::move(hints));
    request({{"op", "hello"}, {"version", control_version}, {"descriptors", 2}});
  }
  void show_board() {
    auto states = make_memory_file("states", sizeof(board_states));
    auto hints = make_memory_file("hints", sizeof(board_hint_words));
    REQUIRE(seal_memory_file(states, sharing::look));
    REQUIRE(seal_memory_file(hints, sharing::write));
    show_board(std::move(states), std::move(hints));
  }

  // ---- What it hears ----
  /// The answer to a request, or null.
  json answer_to(std::uint64_t request) {
    listen();
    return answers_.contains(request) ? answers_.at(request) : json();
  }
  /// Requests, and has the answer at once.
  json ask(json wanted) {
    json told = answer_to(request(std::move(wanted)));
    REQUIRE(!told.is_null());
    return told;
  }
  /// How a request ends that is answered at once.
  errc outcome(json wanted) { return outcome_of(ask(std::move(wanted))); }
  /// The next frame.
  std::optional<heard> next() {
    listen();
    if (frames_.empty()) return {};
    heard first = std::move(frames_.front());
    frames_.pop_front();
    return first;
  }
  /// The next frame of this kind; those before it are forgotten.
  std::optional<heard> next(dvk_frame_kind kind) {
    std::optional<heard> came;
    do came = next();
    while (came && came->frame.kind != kind);
    return came;
  }
  /// The next frame of this kind.
  dvk_frame expect(dvk_frame_kind kind) {
    const auto came = next(kind);
    REQUIRE(came.has_value());
    dvk_frame frame = came->frame;
    if (frame.data == nullptr) return frame;
    data_.assign(frame.data, frame.data + frame.data_bytes);
    frame.data = data_.data();
    return frame;
  }
  /// The next question of the switchboard, or null.
  json question() {
    listen();
    if (questions_.empty()) return {};
    json first = std::move(questions_.front());
    questions_.pop_front();
    return first;
  }
  [[nodiscard]] std::size_t frames() {
    listen();
    return frames_.size();
  }
  void forget_frames() {
    listen();
    frames_.clear();
  }

  /// The next report, or nothing.
  std::optional<trace_report> report() {
    listen();
    if (reports_.empty()) return {};
    trace_report first = std::move(reports_.front());
    reports_.pop_front();
    return first;
  }

  /// How many descriptors came with what it was told.
  std::size_t descriptors_heard() {
    listen();
    return std::exchange(descriptors_heard_, 0);
  }

  // ---- What it often does ----
  std::uint16_t create(std::string_view name, json with = json::object()) {
    with.update({{"op", "create"}, {"name", name}, {"sizes", to_json(dc_options{})}});
    with.emplace("stays", false);
    return field<std::uint16_t>(ask(std::move(with)), "dc");
  }
  std::uint16_t open(std::string_view name) {
    return field<std::uint16_t>(ask({{"op", "open"}, {"name", name}}), "dc");
  }
  std::int32_t bind(std::uint16_t dc, endpoint_id who) {
    return field<std::int32_t>(ask({{"op", "bind"}, {"dc", dc}, {"who", number(who)}, {"name", "one"}, {"place", 5}}),
                               "endpoint");
  }
  void join(std::uint16_t dc) {
    dvk_frame news{};
    news.kind = DVK_FRAME_join;
    news.dc = dc;
    say(news);
  }
  void tell_gone(std::uint16_t dc, std::int32_t who) {
    dvk_frame news{};
    news.kind = DVK_FRAME_gone;
    news.dc = dc;
    news.from = who;
    say(news);
  }

 private:
  void listen() {
    for (const packet* came; (came = world_.board().next(id_)) != nullptr; world_.board().sent(id_)) {
      descriptors_heard_ += world_.board().descriptors_of_next(id_).size();
      const std::span body = std::span(*came).subspan(1);
      if (came->front() == std::byte{'F'}) {
        heard all{*came, {}};
        std::size_t used = 0;
        REQUIRE(dvk_frame_decode(reinterpret_cast<const std::uint8_t*>(all.bytes.data()) + 1, body.size(), &all.frame,
                                 &used) == DVK_E_ok);
        REQUIRE(used == body.size());
        frames_.push_back(std::move(all));
        continue;
      }
      if (came->front() == std::byte{'T'}) {
        const auto told = trace_report::from(body);
        REQUIRE(told.has_value());
        reports_.push_back(*told);
        continue;
      }
      json told = parse_control(text_of(body));
      REQUIRE(!told.is_null());
      if (came->front() == std::byte{'Q'}) {
        questions_.push_back(std::move(told));
      } else {
        const auto number = field<std::uint64_t>(told, "id");
        REQUIRE(!answers_.contains(number));
        answers_.emplace(number, std::move(told));
      }
    }
  }

  board_world& world_;
  const line_id id_;
  std::uint64_t last_request_ = 0;
  descriptor_queue descriptors_;
  std::size_t descriptors_heard_ = 0;
  std::deque<heard> frames_;
  std::deque<json> questions_;
  std::deque<trace_report> reports_;
  std::map<std::uint64_t, json> answers_;
  std::vector<std::uint8_t> data_;
};

/// A valid command.
inline dvk_frame command(dvk_frame_kind kind, std::uint16_t dc, std::uint64_t exchange, std::int32_t from,
                         std::int32_t to) {
  static constexpr std::array<std::uint8_t, 4> data{1, 2, 3, 4};
  dvk_frame frame{};
  frame.kind = static_cast<std::uint8_t>(kind);
  frame.dc = dc;
  frame.exchange = exchange;
  frame.from = from;
  frame.to = to;
  frame.message.type = 5;
  frame.value = 1;
  frame.other = from;
  if (kind == DVK_FRAME_waits_for) frame.other_node = 0;
  frame.part = {7, 0, data.size(), 0, data.size(), 0};
  frame.into = {8, 0, 0, 0, 0, 0};
  frame.data = data.data();
  frame.data_bytes = data.size();
  return frame;
}

/// The valid completion of a command.
inline dvk_frame done(const dvk_frame& asked, errc outcome = errc::ok) {
  static constexpr std::array<std::uint8_t, 4> data{1, 2, 3, 4};
  dvk_frame frame = completion_of(asked, outcome);
  frame.message.type = 6;
  frame.data = data.data();
  frame.data_bytes = data.size();
  return frame;
}

[[nodiscard]] inline dvk_frame_kind completion_kind(dvk_frame_kind kind) {
  dvk_frame asked{};
  asked.kind = static_cast<std::uint8_t>(kind);
  return static_cast<dvk_frame_kind>(completion_of(asked, errc::ok).kind);
}

/// How a command ends that is refused at once.
inline errc refusal(hand& who, const dvk_frame& asked) {
  who.say(asked);
  const dvk_frame told = who.expect(completion_kind(static_cast<dvk_frame_kind>(asked.kind)));
  CHECK(told.exchange == asked.exchange);
  return errc{told.result};
}

/// Three processes of different users in a DC of the first.
struct three_lines : board_world {
  hand alice{*this, 1, 1000}, bob{*this, 2, 1001}, eve{*this, 3, 1002};
  const std::uint16_t dc = alice.create("lab", {{"users", {1001, 1002}}});
  std::int32_t a = 0, b = 0, e = 0;
  /// With slots 70, 71, 72 of users, or of servers.
  explicit three_lines(std::int32_t first = 70) {
    REQUIRE(bob.open("lab") == dc);
    REQUIRE(eve.open("lab") == dc);
    a = alice.bind(dc, endpoint_id{first});
    b = bob.bind(dc, endpoint_id{first + 1});
    e = eve.bind(dc, endpoint_id{first + 2});
  }
  json privileges_request(std::int32_t who, const privileges& rights) const {
    return {{"op", "set_privileges"}, {"dc", dc}, {"who", who}, {"privileges", to_json(rights, dc_options{})}};
  }
};

}  // namespace dvs::userspace::test

#endif
