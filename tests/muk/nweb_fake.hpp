// SPDX-License-Identifier: MIT
/// @file
/// A site in memory and a byte stream that plays a script, for the tests of NWEB.
#ifndef DVS_TESTS_MUK_NWEB_FAKE_HPP
#define DVS_TESTS_MUK_NWEB_FAKE_HPP

#include <algorithm>
#include <cstring>
#include <deque>
#include <dvs/stream.hpp>
#include <map>
#include <memory>
#include <muk/nweb/site.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace nweb_test {

/// Gives the pieces of a script one by one; then the client has closed, or says nothing more.
class script_stream {
 public:
  enum class ending { closed, silent };

  explicit script_stream(std::deque<std::string> pieces, ending end = ending::closed)
      : pieces_(std::move(pieces)), end_(end) {}

  dvs::result<std::size_t> read_some(std::span<std::byte> into, dvs::timeout limit) {
    if (limit.is_forever()) ++waits_without_limit;
    while (!pieces_.empty() && pieces_.front().empty()) pieces_.pop_front();
    if (pieces_.empty()) {
      if (end_ == ending::silent) return dvs::errc::timed_out;
      return std::size_t{0};
    }
    std::string& piece = pieces_.front();
    const std::size_t n = std::min(into.size(), piece.size());
    std::memcpy(into.data(), piece.data(), n);
    piece.erase(0, n);
    return n;
  }
  dvs::result<void> write_all(std::span<const std::byte> from, dvs::timeout limit) {
    if (limit.is_forever()) ++waits_without_limit;
    if (is_closed) return dvs::errc::not_connected;
    ++writes;
    sent.append(reinterpret_cast<const char*>(from.data()), from.size());
    return {};
  }
  void close() { is_closed = true; }
  std::string peer() { return "script"; }

  std::string sent;
  int writes = 0;
  int waits_without_limit = 0;
  bool is_closed = false;

 private:
  std::deque<std::string> pieces_;
  ending end_;
};
static_assert(dvs::byte_stream<script_stream>);

/// Files in a map; directories are what files lie in.
class map_site {
 public:
  using file_map = std::map<std::string, std::string>;

  explicit map_site(file_map files = {}) : map_site(std::make_shared<const file_map>(std::move(files)), 4096) {}
  explicit map_site(std::shared_ptr<const file_map> files, std::size_t piece)
      : files_(std::move(files)), buffer_(muk::nweb::head_room + piece) {
    for (const auto& [path, content] : *files_)
      for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
        directories_.insert(path.substr(0, slash));
    directories_.insert("/");
  }

  dvs::result<muk::nweb::file> open(std::string_view path) {
    asked.emplace_back(path);
    if (refuse != dvs::errc::ok) return refuse;
    const std::string name(path);
    if (directories_.contains(name)) return muk::nweb::file{0, muk::nweb::file_kind::directory, 1, 0, modified};
    const auto found = files_->find(name);
    if (found == files_->end()) return dvs::errc::no_entry;
    ++open_files;
    const auto handle = static_cast<std::uint32_t>(std::distance(files_->begin(), found));
    return muk::nweb::file{handle, muk::nweb::file_kind::regular, 100 + handle, found->second.size(), modified};
  }
  dvs::result<std::size_t> read(const muk::nweb::file& of, std::uint64_t offset, std::size_t length) {
    if (read_error != dvs::errc::ok && offset >= read_error_from) return read_error;
    const std::string& content = std::next(files_->begin(), of.handle)->second;
    const std::size_t from = std::min<std::size_t>(offset, content.size());
    const std::size_t n = std::min({length, content.size() - from, buffer_.size() - muk::nweb::head_room});
    std::memcpy(buffer_.data() + muk::nweb::head_room, content.data() + from, n);
    return n;
  }
  void close(const muk::nweb::file&) { --open_files; }
  dvs::result<void> list(std::string_view path, std::vector<muk::nweb::entry>& entries) {
    const std::string prefix = path == "/" ? "/" : std::string(path) + '/';
    std::set<std::string> seen;
    for (const auto& [name, content] : *files_) {
      if (!name.starts_with(prefix)) continue;
      const std::string rest = name.substr(prefix.size());
      const bool is_directory = rest.find('/') != std::string::npos;
      const std::string first = rest.substr(0, rest.find('/'));
      if (seen.insert(first).second) entries.push_back({first, is_directory});
    }
    return {};
  }
  dvs::result<std::string> status(std::string_view name, bool json) {
    if (name != "processes" && name != "all") return dvs::errc::no_entry;
    return std::string(json ? "{\"name\":\"" : "state of ") + std::string(name) + (json ? "\"}" : "");
  }
  std::span<char> buffer() { return buffer_; }
  std::int64_t seconds() { return 784'111'777; }
  dvs::duration now() { return time += step; }

  int open_files = 0;
  std::int64_t modified = 1'000'000'000;
  dvs::errc refuse = dvs::errc::ok;
  dvs::errc read_error = dvs::errc::ok;
  std::uint64_t read_error_from = 0;
  dvs::duration time{0};
  dvs::duration step{0};
  std::vector<std::string> asked;

 private:
  std::shared_ptr<const file_map> files_;
  std::set<std::string> directories_;
  std::vector<char> buffer_;
};
static_assert(muk::nweb::site<map_site>);

}  // namespace nweb_test

#endif
