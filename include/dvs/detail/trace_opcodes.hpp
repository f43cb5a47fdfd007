// SPDX-License-Identifier: MIT
/// @file
/// Names a raw message by the protocols that know its type.
#ifndef DVS_DETAIL_TRACE_OPCODES_HPP
#define DVS_DETAIL_TRACE_OPCODES_HPP

#include <dvs/describe.hpp>
#include <dvs/time.hpp>
#include <dvs/trace_kind.hpp>
#include <string>
#include <string_view>

namespace dvs::detail {

/// One protocol with the requests of several; `dvs::protocol` checks that their opcodes differ.
template <class... Protocols>
struct joined;
template <>
struct joined<> {
  using type = protocol<>;
};
template <class... Requests>
struct joined<protocol<Requests...>> {
  using type = protocol<Requests...>;
};
template <class... First, class... Second, class... Rest>
struct joined<protocol<First...>, protocol<Second...>, Rest...> : joined<protocol<First..., Second...>, Rest...> {};

/// Seconds with six places.
inline void write_seconds(std::string& out, duration when) {
  const auto microseconds = static_cast<std::uint64_t>(when.count()) / 1000;
  write_number(out, microseconds / 1'000'000);
  std::string places;
  write_number(places, microseconds % 1'000'000);
  out += '.';
  out.append(6 - places.size(), '0');
  out += places;
}

/// The payload in hex, without the zeros at its end.
inline void write_payload(std::string& out, const message& content) {
  std::size_t size = content.payload.size();
  while (size > 0 && content.payload[size - 1] == std::byte{0}) --size;
  write_hex(out, content.payload.data(), size);
}

/// Writes messages in one style.
template <class Style>
struct trace_writer {
  /// Writes `content`; `question` is the opcode that it answers, 0 when that is not known.
  template <class Protocol>
  static void write(std::string& out, const message& content, trace_kind kind, std::int32_t question) {
    if (is_notification(content))
      named(out, "notification", "notification", content.type, {}, [&] { fields(out, get<notification>(content)); });
    else if (content.type > 0 && kind != trace_kind::answer)
      write_question<Protocol>(out, content, kind);
    else
      write_answer<Protocol>(out, content, question);
  }

 private:
  template <class Protocol>
  static void write_question(std::string& out, const message& content, trace_kind kind) {
    const bool known = Protocol::with(content.type, [&]<class Body>() {
      named(out, request<Body> ? "request" : "message", message_name<Body>(), content.type, {},
            [&] { fields(out, get<Body>(content)); });
    });
    if (known) return;
    named(out, kind == trace_kind::request ? "request" : "message", {}, content.type, {}, [&] { raw(out, content); });
  }

  template <class Protocol>
  static void write_answer(std::string& out, const message& content, std::int32_t question) {
    const std::string_view outcome = outcome_name(content);
    const bool succeeded = content.type >= 0;
    const bool known = Protocol::with(question, [&]<class Body>() {
      named(out, "answer", message_name<Body>(), content.type, outcome, [&] {
        if constexpr (request<Body>)
          if (succeeded) fields(out, get<typename Body::reply>(content));
      });
    });
    if (known) return;
    named(out, "answer", {}, content.type, outcome, [&] {
      if (succeeded) raw(out, content);
    });
  }

  /// The name of the error that an answer carries; MINIX-style servers answer with numbers that have none.
  static std::string_view outcome_name(const message& answer) {
    const std::int64_t code = -static_cast<std::int64_t>(answer.type);
    return code < 4096 && is_errc(static_cast<int>(code)) ? name_of(static_cast<errc>(code)) : std::string_view{};
  }

  /// Writes the head of a line and then its `body`.
  template <class Body>
  static void named(std::string& out, std::string_view kind, std::string_view name, std::int32_t type,
                    std::string_view outcome, Body body) {
    if constexpr (Style::is_json) {
      out += ",\"kind\":";
      write_quoted(out, kind);
      if (!name.empty()) {
        out += ",\"name\":";
        write_quoted(out, name);
      }
      if (name.empty() || (kind == "answer" && outcome.empty())) {
        out += ",\"type\":";
        write_number(out, type);
      }
      if (!outcome.empty()) {
        out += ",\"outcome\":";
        write_quoted(out, outcome);
      }
    } else {
      const bool is_answer = kind == "answer";
      if (!name.empty()) out += name;
      if (name.empty() && is_answer) out += "answer";
      if (name.empty() && !is_answer) {
        out += "type ";
        write_number(out, type);
      }
      if (is_answer) {
        out += ": ";
        if (outcome.empty()) write_number(out, type);
        if (type != 0) out += outcome;
      }
    }
    body();
  }

  template <class Body>
  static void fields(std::string& out, const Body& body) {
    if constexpr (Style::is_json) out += ",\"fields\":";
    write_value<Style>(out, body);
  }
  static void raw(std::string& out, const message& content) {
    out += Style::is_json ? ",\"payload\":\"" : "{";
    write_payload(out, content);
    out += Style::is_json ? "\"" : "}";
  }
};

}  // namespace dvs::detail

#endif
