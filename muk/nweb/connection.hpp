// SPDX-License-Identifier: MIT
/// @file
/// One connection: requests in, answers out, one after the other.
#ifndef MUK_NWEB_CONNECTION_HPP
#define MUK_NWEB_CONNECTION_HPP

#include <cstring>
#include <dvs/stream.hpp>
#include <muk/nweb/answer.hpp>
#include <muk/nweb/byte_range.hpp>
#include <muk/nweb/content_type.hpp>
#include <muk/nweb/inbox.hpp>
#include <muk/nweb/listing.hpp>
#include <muk/nweb/site.hpp>
#include <muk/nweb/target.hpp>

namespace muk::nweb {

/// Where the state of the servers is shown: "/.muk/is/processes" as text, "/.muk/is/processes.json" as JSON.
inline constexpr std::string_view status_prefix = "/.muk/is/";

/// Serves one client until it leaves, asks to close, is silent for too long or sends nonsense.
template <dvs::byte_stream Stream, site Site>
class connection {
 public:
  connection(Stream& stream, Site& pages, const settings& limits)
      : stream_(stream), pages_(pages), limits_(limits), inbox_(stream) {}

  void run() {
    while (serve_one()) {
    }
    stream_.close();
  }

 private:
  /// Reads and answers one request; false when the connection is to be closed.
  bool serve_one() {
    keep_alive_ = false;
    is_head_ = false;
    is_http_1_0_ = false;
    switch (inbox_.next_request(limits_, [this] { return pages_.now(); })) {
      case reading::complete:
        break;
      case reading::malformed:
        return refuse(inbox_.refusal());
      case reading::slow:
        return refuse(http::status::request_timeout);
      case reading::silent:
        return false;
    }
    const request& asked = inbox_.get();
    is_head_ = asked.method == http::verb::head;
    is_http_1_0_ = asked.version < 11;
    const bool reads = is_head_ || asked.method == http::verb::get;
    if (!reads) return refuse_method(asked.method);
    if (asked.hosts > 1 || (asked.hosts == 0 && !is_http_1_0_)) return refuse(http::status::bad_request);
    if (inbox_.has_body()) {
      // Who expects "100 Continue" has not sent the body yet and is answered without it.
      if (asked.expects) return refuse(http::status::expectation_failed);
      const reading body = inbox_.skip_body(limits_);
      if (body != reading::complete) return body == reading::malformed && refuse(inbox_.refusal());
    }
    keep_alive_ = inbox_.keep_alive();
    return answer(asked) && keep_alive_;
  }

  bool answer(const request& asked) {
    auto where = parse_target(asked.target);
    if (!where) return send_page(http::status::bad_request);
    if (where->path.starts_with(status_prefix)) return answer_status(where->path.substr(status_prefix.size()));
    const bool wants_directory = where->path.back() == '/';
    if (wants_directory) where->path.pop_back();
    const auto found = pages_.open(where->path.empty() ? "/" : where->path);
    if (!found) return send_page(status_of(found.error()));
    if (found->kind == file_kind::directory)
      return wants_directory ? answer_directory(asked, where->path) : redirect(*where);
    const closing guard{pages_, *found};
    if (found->kind != file_kind::regular) return send_page(http::status::forbidden);
    if (wants_directory) return send_page(http::status::not_found);
    return answer_file(asked, *found, where->path);
  }

  /// The index of a directory, or else its listing. `path` has no final slash.
  bool answer_directory(const request& asked, std::string& path) {
    const std::size_t length = path.size();
    path += "/index.html";
    const auto index = pages_.open(path);
    if (index && index->kind == file_kind::regular) {
      const closing guard{pages_, *index};
      return answer_file(asked, *index, path);
    }
    if (!index && index.error() != dvs::errc::no_entry) return send_page(status_of(index.error()));
    path.resize(length);
    std::vector<entry> entries;
    if (const auto listed = pages_.list(path.empty() ? "/" : path, entries); !listed)
      return send_page(status_of(listed.error()));
    path += '/';
    return send_text(http::status::ok, "text/html; charset=utf-8", listing_page(path, entries));
  }

  bool redirect(const target& where) {
    start(http::status::moved_permanently);
    std::string location;
    append_percent_encoded(location, where.path);
    location += '/';
    if (!where.query.empty()) {
      location += '?';
      location += where.query;
    }
    head_.field("Location", location);
    return finish_text("text/html; charset=utf-8", error_page(http::status::moved_permanently));
  }

  bool answer_status(std::string_view name) {
    constexpr std::string_view suffix = ".json";
    const bool json = name.ends_with(suffix);
    if (json) name.remove_suffix(suffix.size());
    const auto text = pages_.status(name.empty() ? "all" : name, json);
    if (!text) return send_page(status_of(text.error()));
    return send_text(http::status::ok, json ? "application/json" : "text/plain; charset=utf-8", *text);
  }

  bool answer_file(const request& asked, const file& found, std::string_view path) {
    assign_entity_tag(tag_, found);
    if (is_unchanged(asked, found)) {
      start(http::status::not_modified);
      add_validators(found);
      return finish();
    }
    byte_range part{0, found.size};
    const auto kind =
        is_head_ || !range_applies(asked, found) ? range_kind::whole : parse_range(asked.range, found.size, part);
    if (kind == range_kind::unsatisfiable) {
      start(http::status::range_not_satisfiable);
      std::string size = "bytes */";
      append_number(size, found.size);
      head_.field("Content-Range", size);
      return finish_text("text/html; charset=utf-8", error_page(http::status::range_not_satisfiable));
    }
    start(kind == range_kind::part ? http::status::partial_content : http::status::ok);
    head_.field("Content-Type", content_type_of(path));
    head_.number("Content-Length", part.length);
    if (kind == range_kind::part) head_.content_range(part.first, part.length, found.size);
    add_validators(found);
    head_.field("Accept-Ranges", "bytes");
    return is_head_ || part.length == 0 ? finish() : finish_file(found, part);
  }

  void add_validators(const file& found) {
    head_.date("Last-Modified", found.modified);
    head_.field("ETag", tag_);
  }

  bool is_unchanged(const request& asked, const file& found) const {
    if (!asked.if_none_match.empty()) return has_entity_tag(asked.if_none_match, tag_);
    if (asked.if_modified_since.empty()) return false;
    const auto since = parse_http_date(asked.if_modified_since);
    return since && found.modified <= *since;
  }

  bool range_applies(const request& asked, const file& found) const {
    if (asked.range.empty() || asked.if_range.empty()) return !asked.range.empty();
    if (asked.if_range.front() == '"') return asked.if_range == tag_;
    const auto since = parse_http_date(asked.if_range);
    return since && found.modified == *since;
  }

  void start(http::status status) { head_.start(status, pages_.seconds(), keep_alive_, is_http_1_0_); }

  /// Sends the head alone.
  bool finish() {
    head_.finish();
    return write(head_.text());
  }

  /// Sends the head and `text`.
  bool finish_text(std::string_view type, std::string_view text) {
    head_.field("Content-Type", type);
    head_.number("Content-Length", text.size());
    head_.finish();
    if (!is_head_) head_.text() += text;
    return write(head_.text());
  }

  /// Sends the head and a part of a file: as much as possible in the first write.
  bool finish_file(const file& found, byte_range part) {
    head_.finish();
    const std::string_view head = head_.text();
    const std::span<char> buffer = pages_.buffer();
    const std::size_t piece = buffer.size() - head_room;
    bool with_head = head.size() <= head_room;
    if (!with_head && !write(head)) return false;
    while (part.length > 0) {
      const auto got = pages_.read(found, part.first, std::min<std::uint64_t>(piece, part.length));
      if (with_head && !got) return send_page(status_of(got.error()));
      // Once the length was promised, a file that became shorter can only be told by closing the connection.
      if (!got || *got == 0) return false;
      const std::size_t in_front = with_head ? head.size() : 0;
      std::memcpy(buffer.data() + head_room - in_front, head.data(), in_front);
      if (!write({buffer.data() + head_room - in_front, in_front + *got})) return false;
      with_head = false;
      part.first += *got;
      part.length -= *got;
    }
    return true;
  }

  bool send_text(http::status status, std::string_view type, std::string_view text) {
    start(status);
    return finish_text(type, text);
  }
  bool send_page(http::status status) { return send_text(status, "text/html; charset=utf-8", error_page(status)); }

  /// Answers with an error, after which nothing of this client is understood any more.
  bool refuse(http::status status) {
    keep_alive_ = false;
    if (send_page(status)) inbox_.drain();
    return false;
  }

  bool refuse_method(http::verb method) {
    keep_alive_ = inbox_.keep_alive() && !inbox_.has_body();
    const bool known = method != http::verb::unknown;
    const auto status = known ? http::status::method_not_allowed : http::status::not_implemented;
    start(status);
    if (known) head_.field("Allow", "GET, HEAD");
    if (!finish_text("text/html; charset=utf-8", error_page(status))) return false;
    if (!keep_alive_) inbox_.drain();
    return keep_alive_;
  }

  bool write(std::string_view bytes) {
    return stream_.write_all(std::as_bytes(std::span(bytes.data(), bytes.size())), limits_.write).has_value();
  }

  /// Closes a file at the end of its scope.
  struct closing {
    Site& pages;
    const file& opened;
    ~closing() {
      if (opened.kind == file_kind::regular) pages.close(opened);
    }
  };

  Stream& stream_;
  Site& pages_;
  const settings& limits_;
  inbox<Stream> inbox_;
  head head_;
  std::string tag_;
  bool keep_alive_ = false;
  bool is_head_ = false;
  bool is_http_1_0_ = false;
};

}  // namespace muk::nweb

#endif
