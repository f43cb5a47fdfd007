// SPDX-License-Identifier: MIT
/// @file
/// The site of a running MUK: files from FS, the state of the servers from IS, the time from PM.
#ifndef MUK_NWEB_FS_SITE_HPP
#define MUK_NWEB_FS_SITE_HPP

#include <algorithm>
#include <cstring>
#include <dvs/endpoint.hpp>
#include <memory>
#include <muk/nweb/site.hpp>
#include <muk/nweb/target.hpp>

namespace muk::nweb {

/// One connection's view of the image. FS writes into the buffer of the connection by a grant that is made once.
template <dvs::backend Backend>
class fs_site {
 public:
  fs_site(dvs::endpoint<Backend>& self, const settings& limits)
      : self_(self),
        file_server_(limits.file_server),
        information_server_(limits.information_server),
        process_manager_(limits.process_manager),
        root_(limits.root == "/" ? std::string_view{} : std::string_view(limits.root)),
        buffer_(std::make_unique_for_overwrite<char[]>(head_room + piece_bytes)),
        path_(std::make_unique_for_overwrite<char[]>(path_bytes)),
        data_grant_(self.grant_write(file_server_, data())),
        path_grant_(self.grant_read(file_server_, std::span(path_.get(), path_bytes))) {}

  dvs::result<file> open(std::string_view path) {
    const auto opened = open_in_fs(path);
    if (!opened) return opened.error();
    const fs::file_info& info = opened->info;
    const file_kind kind = info.is_regular()     ? file_kind::regular
                           : info.is_directory() ? file_kind::directory
                                                 : file_kind::other;
    const file made{opened->file, kind, info.inode, info.size, info.mtime};
    if (kind != file_kind::regular) close(made);
    return made;
  }

  dvs::result<std::size_t> read(const file& from, std::uint64_t offset, std::size_t length) {
    const auto bytes = static_cast<std::uint32_t>(std::min<std::size_t>(length, piece_bytes));
    const auto got = self_.sendrec(file_server_, fs::read{from.handle, bytes, offset, data_grant_->ref()});
    if (!got) return got.error();
    return std::min<std::size_t>(got->length, bytes);
  }

  void close(const file& opened) { static_cast<void>(self_.sendrec(file_server_, fs::close{opened.handle})); }

  dvs::result<void> list(std::string_view path, std::vector<entry>& entries) {
    const auto opened = open_in_fs(path);
    if (!opened) return opened.error();
    const auto listed = list_open(opened->file, entries);
    static_cast<void>(self_.sendrec(file_server_, fs::close{opened->file}));
    return listed;
  }

  dvs::result<std::string> status(std::string_view name, bool json) {
    const auto wanted = table_of(name);
    if (!wanted || !information_server_) return dvs::errc::no_entry;
    const auto format = json ? is::format::json : is::format::text;
    std::string text(16 * 1024, '\0');
    for (;;) {
      const auto window = self_.grant_write(*information_server_, text);
      if (!window) return window.error();
      const auto room = static_cast<std::uint32_t>(text.size());
      const auto got = self_.sendrec(*information_server_, is::get{*wanted, format, room, window->ref()}, patience);
      if (!got) return got.error();
      const bool whole = got->total <= text.size();
      text.resize(whole ? std::min<std::size_t>(got->length, text.size()) : got->total + text.size() / 2);
      if (whole) return text;
      if (text.size() > text_bytes_max) return dvs::errc::too_big;
    }
  }

  std::span<char> buffer() { return {buffer_.get(), head_room + piece_bytes}; }

  /// PM is asked once for each connection. Before anybody has set its clock there is no date.
  std::int64_t seconds() {
    constexpr std::int64_t year_2000 = 946'684'800;
    const auto since_start = std::chrono::duration_cast<std::chrono::seconds>(self_.now()).count();
    if (!process_manager_) return 0;
    if (!start_of_node_) {
      const auto told = self_.sendrec(*process_manager_, pm::time{}, patience);
      start_of_node_ = told && told->seconds > year_2000 ? told->seconds - since_start : 0;
    }
    return *start_of_node_ == 0 ? 0 : *start_of_node_ + since_start;
  }

  dvs::duration now() { return self_.now(); }

 private:
  static constexpr std::size_t piece_bytes = 256 * 1024;
  static constexpr std::size_t path_bytes = fs::path_max;
  static constexpr std::size_t text_bytes_max = 16 << 20;
  static constexpr auto patience = std::chrono::seconds(5);
  static_assert(piece_bytes <= fs::bytes_max);

  std::span<char> data() { return buffer().subspan(head_room); }

  dvs::result<fs::open::reply> open_in_fs(std::string_view path) {
    if (!data_grant_) return data_grant_.error();
    if (!path_grant_) return path_grant_.error();
    if (root_.size() + path.size() > path_bytes) return dvs::errc::name_too_long;
    root_.copy(path_.get(), root_.size());
    path.copy(path_.get() + root_.size(), path.size());
    const auto length = static_cast<std::uint32_t>(root_.size() + path.size());
    return self_.sendrec(file_server_, fs::open{{path_grant_->ref(), length, 0}, fs::open_flags::read, 0});
  }

  dvs::result<void> list_open(std::uint32_t directory, std::vector<entry>& entries) {
    constexpr auto room = static_cast<std::uint32_t>(piece_bytes - piece_bytes % sizeof(fs::name_row));
    for (std::uint64_t position = 0;;) {
      const auto got = self_.sendrec(file_server_, fs::getdents{directory, room, position, data_grant_->ref()});
      if (!got) return got.error();
      const std::size_t rows = std::min(got->length, room) / sizeof(fs::name_row);
      if (rows == 0) return {};
      for (std::size_t i = 0; i < rows; ++i) {
        fs::name_row row;
        std::memcpy(&row, data().data() + i * sizeof row, sizeof row);
        const bool is_directory = (row.mode & 0170000) == 0040000;
        if (row.text() != "." && row.text() != "..") entries.push_back({std::string(row.text()), is_directory});
      }
      position = got->next;
    }
  }

  static std::optional<is::table> table_of(std::string_view name) {
    for (std::uint32_t i = 0; !name_of(is::table{i}).empty(); ++i)
      if (name_of(is::table{i}) == name) return is::table{i};
    return {};
  }

  dvs::endpoint<Backend>& self_;
  const dvs::endpoint_id file_server_;
  const std::optional<dvs::endpoint_id> information_server_, process_manager_;
  std::string_view root_;
  std::unique_ptr<char[]> buffer_;  // not cleared: pages that are never used cost no memory
  std::unique_ptr<char[]> path_;
  dvs::result<dvs::grant<Backend, dvs::writable>> data_grant_;
  dvs::result<dvs::grant<Backend, dvs::readable>> path_grant_;
  std::optional<std::int64_t> start_of_node_;
};

}  // namespace muk::nweb

#endif
