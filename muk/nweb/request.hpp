// SPDX-License-Identifier: MIT
/// @file
/// Requests, parsed by Boost.Beast without copies: all texts lie in the buffer of the connection.
#ifndef MUK_NWEB_REQUEST_HPP
#define MUK_NWEB_REQUEST_HPP

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>
#include <string_view>

namespace muk::nweb {

namespace http = boost::beast::http;

/// A head may have this many bytes.
inline constexpr std::size_t header_bytes_max = 8 * 1024;
/// A body may have this many bytes; it is read and dropped.
inline constexpr std::size_t body_bytes_max = 64 * 1024;

/// What the server wants to know of a request.
struct request {
  http::verb method = http::verb::unknown;
  std::string_view target;
  int version = 11;    ///< 10 for HTTP/1.0
  unsigned hosts = 0;  ///< how many Host fields there were
  bool expects = false;
  std::string_view range;
  std::string_view if_range;
  std::string_view if_none_match;
  std::string_view if_modified_since;
};

/// Reads one request.
class request_parser final : public http::basic_parser<true> {
 public:
  /// `memory` is where the bytes given to `put` lie; they must stay there until the request is answered.
  explicit request_parser(std::string_view memory) : memory_(memory) {
    header_limit(header_bytes_max);
    body_limit(body_bytes_max);
  }

  [[nodiscard]] const request& get() const { return request_; }

 private:
  using error_code = boost::beast::error_code;
  using text = boost::beast::string_view;

  void on_request_impl(http::verb method, text, text target, int version, error_code&) override {
    request_.method = method;
    request_.version = version;
    request_.target = view(target);
  }
  void on_response_impl(int, text, int, error_code&) override {}
  void on_field_impl(http::field name, text, text value, error_code& code) override {
    // A folded value was put together in memory that is gone soon; nobody sends these.
    if (!value.empty() && (value.data() < memory_.data() || value.data() >= memory_.data() + memory_.size())) {
      code = http::error::bad_value;
      return;
    }
    switch (name) {
      case http::field::host:
        ++request_.hosts;
        break;
      case http::field::expect:
        request_.expects = true;
        break;
      case http::field::range:
        request_.range = view(value);
        break;
      case http::field::if_range:
        request_.if_range = view(value);
        break;
      case http::field::if_none_match:
        request_.if_none_match = view(value);
        break;
      case http::field::if_modified_since:
        request_.if_modified_since = view(value);
        break;
      default:
        break;
    }
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(text body, error_code&) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, text body, error_code&) override { return body.size(); }
  void on_finish_impl(error_code&) override {}

  static std::string_view view(text from) { return {from.data(), from.size()}; }

  std::string_view memory_;
  request request_;
};

}  // namespace muk::nweb

#endif
