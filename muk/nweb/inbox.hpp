// SPDX-License-Identifier: MIT
/// @file
/// The bytes that a connection received: requests are parsed where they lie.
#ifndef MUK_NWEB_INBOX_HPP
#define MUK_NWEB_INBOX_HPP

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/status.hpp>
#include <cstring>
#include <dvs/stream.hpp>
#include <muk/nweb/request.hpp>
#include <muk/nweb/site.hpp>
#include <optional>
#include <string_view>
#include <utility>

namespace muk::nweb {

/// How reading a request ended.
enum class reading : std::uint8_t {
  complete,   ///< the head is there
  malformed,  ///< what came is no request; `inbox::refusal` is the status to answer
  slow,       ///< the head did not arrive in time
  silent,     ///< nothing came, or the peer closed the connection
};

/// The receiving half of a connection. The texts of a request are valid until the next one is read.
template <dvs::byte_stream Stream>
class inbox {
 public:
  explicit inbox(Stream& stream) : stream_(stream) {}

  /// Reads the head of the next request; `now()` is the time.
  template <class Clock>
  reading next_request(const settings& limits, Clock now) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    parser_.emplace(std::string_view(bytes_.data(), bytes_.size()));
    std::optional<dvs::duration> deadline;
    bool started = false;
    for (;;) {
      while (!started && begin_ < end_ && (bytes_[begin_] == '\r' || bytes_[begin_] == '\n')) ++begin_;
      if (begin_ < end_) {
        started = true;
        const auto code = parse();
        if (parser_->is_header_done()) return reading::complete;
        if (code && code != http::error::need_more) return refuse(code);
      }
      if (!started) begin_ = end_ = 0;
      if (end_ > 0 && !deadline) deadline = now() + limits.header;
      const dvs::duration left = deadline ? *deadline - now() : limits.idle;
      const auto got = receive(left);
      if (!got) return got.error() == dvs::errc::timed_out && started ? reading::slow : reading::silent;
      if (*got == 0) return reading::silent;
    }
  }

  /// The request that was read last.
  [[nodiscard]] const request& get() const { return parser_->get(); }
  [[nodiscard]] bool keep_alive() const { return parser_->keep_alive(); }
  /// Whether it has a body that was not skipped yet.
  [[nodiscard]] bool has_body() const { return !parser_->is_done(); }
  /// The status for a request that was malformed.
  [[nodiscard]] http::status refusal() const { return refusal_; }

  /// Reads the body and drops it. The head stays valid.
  reading skip_body(const settings& limits) {
    const std::size_t head_end = begin_;
    parser_->eager(true);
    // Beast before 1.86 asserts that it is never called with less than what ends a chunked body, which is "0\r\n\r\n".
    const std::size_t parseable = parser_->chunked() ? 5 : 1;
    for (;;) {
      if (end_ - begin_ >= parseable) {
        const auto code = parse();
        if (code && code != http::error::need_more) return refuse(code);
      }
      if (parser_->is_done()) return reading::complete;
      std::memmove(bytes_.data() + head_end, bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_ - head_end;
      begin_ = head_end;
      const auto got = receive(limits.header);
      if (!got || *got == 0) return reading::silent;
    }
  }

  /// Reads what the peer still sends, within limits: closing a connection with unread bytes would tear the answer away
  /// from a peer that has not read it yet.
  void drain() {
    constexpr auto patience = std::chrono::milliseconds(500);
    for (std::size_t drained = 0; drained < body_bytes_max;) {
      begin_ = end_ = 0;
      const auto got = receive(patience);
      if (!got || *got == 0) return;
      drained += *got;
    }
  }

 private:
  static constexpr std::size_t bytes_max = 2 * header_bytes_max;

  boost::beast::error_code parse() {
    boost::beast::error_code code;
    begin_ += parser_->put(boost::asio::const_buffer(bytes_.data() + begin_, end_ - begin_), code);
    return code;
  }

  dvs::result<std::size_t> receive(dvs::duration limit) {
    if (limit.count() <= 0) return dvs::errc::timed_out;
    if (end_ == bytes_.size()) return dvs::errc::too_big;
    const auto room = std::as_writable_bytes(std::span(bytes_)).subspan(end_);
    auto got = stream_.read_some(room, limit);
    if (got) end_ += *got;
    return got;
  }

  reading refuse(const boost::beast::error_code& code) {
    refusal_ = code == http::error::header_limit ? http::status::request_header_fields_too_large
               : code == http::error::body_limit ? http::status::payload_too_large
                                                 : http::status::bad_request;
    return reading::malformed;
  }

  Stream& stream_;
  std::optional<request_parser> parser_;
  std::size_t begin_ = 0;  // of what is not parsed yet
  std::size_t end_ = 0;
  http::status refusal_ = http::status::bad_request;
  std::array<char, bytes_max> bytes_;
};

}  // namespace muk::nweb

#endif
