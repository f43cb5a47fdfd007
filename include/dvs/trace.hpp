// SPDX-License-Identifier: MIT
/// @file
/// Messages as readable lines and as JSON, for people who watch a conversation.
///
/// The protocols must be described (see `dvs/describe.hpp`). Any bytes can be shown: what the protocols do not know
/// appears as its type and its payload in hex.
#ifndef DVS_TRACE_HPP
#define DVS_TRACE_HPP

#include <dvs/describe.hpp>
#include <dvs/detail/trace_opcodes.hpp>
#include <dvs/time.hpp>
#include <dvs/trace_kind.hpp>
#include <string>
#include <unordered_map>

namespace dvs {

/// One message on its way, as somebody saw it.
struct trace_event {
  duration when;     ///< node time
  endpoint_id from;  ///< who sent it
  endpoint_id to;    ///< who got it
  message content;
  trace_kind kind = trace_kind::unknown;  ///< if whoever saw it knows
};

/// Turns messages into text and JSON. `Protocols` are those whose messages it names; their opcodes must all differ.
///
/// An answer does not say what it answers. The tracer remembers the last question of each process (one word each), so
/// that it can name the members of the answer if it was shown the question first.
///
///     dvs::tracer<muk::fs::protocol, muk::pm::protocol> trace;
///     std::cout << trace.line({self.now(), client, server, message}) << '\n';
///
/// Thread safety: none; use one tracer for each thread, or a lock.
template <class... Protocols>
class tracer {
 public:
  /// One line without line end: `0.001204 70000 -> 1 fs.read{file=3, length=4096, offset=0, into=grant 70000:17}`;
  /// for answers `0.001250 1 -> 70000 fs.read: {length=4096}` or `… fs.read: no_entry`. The time is in seconds.
  [[nodiscard]] std::string line(const trace_event& seen) {
    std::string out;
    detail::write_seconds(out, seen.when);
    out += ' ';
    detail::write_endpoint(out, seen.from);
    out += " -> ";
    detail::write_endpoint(out, seen.to);
    out += ' ';
    detail::trace_writer<detail::text_style>::template write<all>(out, seen.content, seen.kind, question_of(seen));
    return out;
  }

  /// The same as a JSON object with `time_ns`, `from`, `to`, `kind` ("message", "request", "answer", "notification"),
  /// `name`, `outcome` (answers) and `fields`; what is not known has `type` and `payload` (hex) in place of the last.
  [[nodiscard]] std::string json(const trace_event& seen) {
    std::string out = "{\"time_ns\":";
    detail::write_number(out, seen.when.count());
    out += ",\"from\":";
    detail::write_number(out, number(seen.from));
    out += ",\"to\":";
    detail::write_number(out, number(seen.to));
    detail::trace_writer<detail::json_style>::template write<all>(out, seen.content, seen.kind, question_of(seen));
    out += '}';
    return out;
  }

 private:
  using all = typename detail::joined<Protocols...>::type;
  static_assert(is_described<all>());

  /// The opcode that `seen` answers, 0 when it is no answer or the question was not seen. Remembers questions.
  std::int32_t question_of(const trace_event& seen) {
    if (seen.content.type > 0 && seen.kind != trace_kind::answer) {
      if (!is_notification(seen.content)) questions_[number(seen.from)] = seen.content.type;
      return 0;
    }
    const auto found = questions_.find(number(seen.to));
    return found == questions_.end() ? 0 : found->second;
  }

  std::unordered_map<std::int32_t, std::int32_t> questions_;
};

}  // namespace dvs

#endif
