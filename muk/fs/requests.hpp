// SPDX-License-Identifier: MIT
/// @file
/// What FS does for each request.
#ifndef MUK_FS_REQUESTS_HPP
#define MUK_FS_REQUESTS_HPP

#include <algorithm>
#include <dvs/ipc.hpp>
#include <muk/fs/protocol.hpp>
#include <muk/fs/rdisk_device.hpp>
#include <muk/fs/sessions.hpp>
#include <string>
#include <vector>

namespace muk::fs {

/// A mounted file system and the requests for it: `handle(request, from, session)` works one out and returns its reply.
/// It is called by the running fiber of the host, and may wait.
template <dvs::backend Backend>
class requests {
 public:
  using volume_type = minixfs::file_system<rdisk_device<Backend>, fiber_host<Backend>>;
  using node_type = typename volume_type::node;
  using session_type = session<node_type>;
  template <class Request>
  using reply_of = dvs::result<typename Request::reply>;

  /// `self` is the endpoint that the requests reach, and their grants are for.
  requests(dvs::endpoint<Backend>& self, fiber_host<Backend>& host, volume_type& volume)
      : self_(self), host_(host), volume_(volume) {}

  // ---- Open files ----------------------------------------------------------------------------------------------

  reply_of<open> handle(const open& ask, dvs::caller from, session_type& who) {
    constexpr auto known =
        open_flags::read_write | open_flags::create | open_flags::exclusive | open_flags::truncate | open_flags::append;
    const auto bits = static_cast<std::uint32_t>(ask.flags);
    if ((bits & ~static_cast<std::uint32_t>(known)) != 0 || !has(ask.flags, open_flags::read_write))
      return dvs::errc::bad_argument;
    auto name = text_of(ask.path, from);
    if (!name) return name.error();
    auto node = volume_.open(*name,
                             {.read = has(ask.flags, open_flags::read),
                              .write = has(ask.flags, open_flags::write),
                              .create = has(ask.flags, open_flags::create),
                              .exclusive = has(ask.flags, open_flags::exclusive),
                              .truncate = has(ask.flags, open_flags::truncate),
                              .mode = mode_of(ask.mode)},
                             who.who);
    if (!node) return node.error();
    const file_info info = info_of(*node);
    const auto number = who.add(std::move(*node), ask.flags);
    if (!number) return number.error();
    return open::reply{info, *number, 0};
  }
  reply_of<creat> handle(const creat& ask, dvs::caller from, session_type& who) {
    const auto flags = open_flags::write | open_flags::create | open_flags::truncate;
    return handle(open{ask.path, flags, ask.mode}, from, who);
  }
  reply_of<close> handle(const close& ask, dvs::caller, session_type& who) {
    auto file = who.find(ask.file);
    if (file == nullptr) return dvs::errc::bad_descriptor;
    who.files[ask.file] = nullptr;
    if (auto released = file->node.release(); !released) return released.error();
    return close::reply{};
  }

  reply_of<read> handle(const read& ask, dvs::caller from, session_type& who) {
    const auto file = who.find(ask.file);
    if (file == nullptr || !has(file->flags, open_flags::read)) return dvs::errc::bad_descriptor;
    if (ask.length > bytes_max) return dvs::errc::too_big;
    if (ask.into.granter != from.endpoint) return dvs::errc::not_granted;
    const std::uint64_t offset = ask.offset == at_position ? file->position : ask.offset;
    const auto got =
        volume_.read(file->node, offset, ask.length,
                     [&](std::uint64_t at, std::span<const std::byte> bytes) { return give(ask.into, at, bytes); });
    if (!got) return got.error();
    if (ask.offset == at_position) file->position += *got;
    return read::reply{static_cast<std::uint32_t>(*got)};
  }
  reply_of<write> handle(const write& ask, dvs::caller from, session_type& who) {
    const auto file = who.find(ask.file);
    if (file == nullptr || !has(file->flags, open_flags::write)) return dvs::errc::bad_descriptor;
    if (ask.length > bytes_max) return dvs::errc::too_big;
    if (ask.from.granter != from.endpoint) return dvs::errc::not_granted;
    const auto source = [&](std::uint64_t at, std::span<std::byte> into) { return take(ask.from, at, into); };
    const std::uint64_t offset = ask.offset == at_position ? file->position : ask.offset;
    const auto put = has(file->flags, open_flags::append) ? volume_.append(file->node, ask.length, source)
                                                          : volume_.write(file->node, offset, ask.length, source);
    if (!put) return put.error();
    if (has(file->flags, open_flags::append)) {
      file->position = volume_.status(file->node).size;
    } else if (ask.offset == at_position) {
      file->position += *put;
    }
    return write::reply{static_cast<std::uint32_t>(*put)};
  }
  reply_of<lseek> handle(const lseek& ask, dvs::caller, session_type& who) {
    constexpr std::int64_t position_max = std::int64_t{1} << 62;
    const auto file = who.find(ask.file);
    if (file == nullptr) return dvs::errc::bad_descriptor;
    std::uint64_t base = 0;
    if (ask.whence == whence::current)
      base = file->position;
    else if (ask.whence == whence::end)
      base = volume_.status(file->node).size;
    else if (ask.whence != whence::start)
      return dvs::errc::bad_argument;
    const auto from = static_cast<std::int64_t>(base);
    if (ask.offset < -from || ask.offset > position_max - from) return dvs::errc::bad_argument;
    file->position = static_cast<std::uint64_t>(from + ask.offset);
    return lseek::reply{file->position};
  }
  reply_of<fstat> handle(const fstat& ask, dvs::caller, session_type& who) {
    const auto file = who.find(ask.file);
    if (file == nullptr) return dvs::errc::bad_descriptor;
    return info_of(file->node);
  }
  reply_of<ftruncate> handle(const ftruncate& ask, dvs::caller, session_type& who) {
    const auto file = who.find(ask.file);
    if (file == nullptr || !has(file->flags, open_flags::write)) return dvs::errc::bad_descriptor;
    return done<ftruncate>(volume_.truncate(file->node, ask.size));
  }
  reply_of<getdents> handle(const getdents& ask, dvs::caller from, session_type& who) {
    const auto file = who.find(ask.file);
    if (file == nullptr) return dvs::errc::bad_descriptor;
    if (ask.length > bytes_max) return dvs::errc::too_big;
    if (ask.length < sizeof(name_row)) return dvs::errc::bad_argument;
    if (ask.into.granter != from.endpoint) return dvs::errc::not_granted;
    std::vector<name_row> rows;
    std::uint64_t next = ask.position;
    // No position is that large: it stands for the end.
    const auto begin = static_cast<std::uint32_t>(std::min<std::uint64_t>(ask.position, 0xFFFF'FFFF));
    const auto listed =
        volume_.list(file->node, begin, [&](std::uint32_t inode, std::string_view name, std::uint32_t after) {
          name_row row{inode, volume_.mode_of(inode).value_or(0), {}};
          name.copy(row.name.data(), row.name.size());
          rows.push_back(row);
          next = after;
          return (rows.size() + 1) * sizeof(name_row) <= ask.length;
        });
    if (!listed) return listed.error();
    const auto bytes = std::as_bytes(std::span{rows});
    if (auto given = give(ask.into, 0, bytes); !given) return given.error();
    return getdents::reply{next, static_cast<std::uint32_t>(bytes.size()), 0};
  }
  reply_of<fsync> handle(const fsync& ask, dvs::caller, session_type& who) {
    if (who.find(ask.file) == nullptr) return dvs::errc::bad_descriptor;
    return done<fsync>(volume_.sync());
  }

  // ---- Names ---------------------------------------------------------------------------------------------------

  reply_of<stat> handle(const stat& ask, dvs::caller from, session_type& who) {
    return with_file(ask.path, from, who, [&](const node_type& node) -> reply_of<stat> { return info_of(node); });
  }
  reply_of<lstat> handle(const lstat& ask, dvs::caller from, session_type& who) {
    auto name = text_of(ask.path, from);
    if (!name) return name.error();
    auto node = volume_.find(*name, who.who, false);
    if (!node) return node.error();
    return info_of(*node);
  }
  reply_of<access> handle(const access& ask, dvs::caller from, session_type& who) {
    if (ask.wanted > 7) return dvs::errc::bad_argument;
    return with_file(ask.path, from, who, [&](const node_type& node) {
      return done<access>(volume_.check(node, static_cast<minixfs::permission>(ask.wanted), who.who));
    });
  }
  reply_of<link> handle(const link& ask, dvs::caller from, session_type& who) {
    return with_two(ask.file, ask.name, from, [&](const std::string& file, const std::string& name) {
      return done<link>(volume_.link(file, name, who.who));
    });
  }
  reply_of<rename> handle(const rename& ask, dvs::caller from, session_type& who) {
    return with_two(ask.from, ask.to, from, [&](const std::string& old_name, const std::string& new_name) {
      return done<rename>(volume_.rename(old_name, new_name, who.who));
    });
  }
  reply_of<symlink> handle(const symlink& ask, dvs::caller from, session_type& who) {
    return with_two(ask.target, ask.path, from, [&](const std::string& target, const std::string& name) {
      return done<symlink>(volume_.make_symlink(target, name, who.who));
    });
  }
  reply_of<unlink> handle(const unlink& ask, dvs::caller from, session_type& who) {
    auto name = text_of(ask.path, from);
    return name ? done<unlink>(volume_.unlink(*name, who.who)) : name.error();
  }
  reply_of<mkdir> handle(const mkdir& ask, dvs::caller from, session_type& who) {
    auto name = text_of(ask.path, from);
    return name ? done<mkdir>(volume_.make_directory(*name, mode_of(ask.mode), who.who)) : name.error();
  }
  reply_of<rmdir> handle(const rmdir& ask, dvs::caller from, session_type& who) {
    auto name = text_of(ask.path, from);
    return name ? done<rmdir>(volume_.remove_directory(*name, who.who)) : name.error();
  }
  reply_of<readlink> handle(const readlink& ask, dvs::caller from, session_type& who) {
    auto name = text_of(ask.path, from);
    if (!name) return name.error();
    if (ask.into.granter != from.endpoint) return dvs::errc::not_granted;
    const auto target = volume_.read_symlink(*name, who.who);
    if (!target) return target.error();
    if (target->size() > ask.length) return dvs::errc::range;
    if (auto given = give(ask.into, 0, std::as_bytes(std::span{*target})); !given) return given.error();
    return readlink::reply{static_cast<std::uint32_t>(target->size())};
  }

  // ---- Attributes ----------------------------------------------------------------------------------------------

  reply_of<chmod> handle(const chmod& ask, dvs::caller from, session_type& who) {
    return with_file(ask.path, from, who, [&](const node_type& node) {
      return done<chmod>(volume_.change_mode(node, mode_of(ask.mode), who.who));
    });
  }
  reply_of<chown> handle(const chown& ask, dvs::caller from, session_type& who) {
    if (ask.uid > 0xFFFF || ask.gid > 0xFFFF) return dvs::errc::bad_argument;
    return with_file(ask.path, from, who, [&](const node_type& node) {
      return done<chown>(volume_.change_owner(node, static_cast<std::uint16_t>(ask.uid),
                                              static_cast<std::uint16_t>(ask.gid), who.who));
    });
  }
  reply_of<utime> handle(const utime& ask, dvs::caller from, session_type& who) {
    return with_file(ask.path, from, who, [&](const node_type& node) {
      if (ask.now != 0) return done<utime>(volume_.change_times(node, std::nullopt, std::nullopt, who.who));
      return done<utime>(volume_.change_times(node, ask.atime, ask.mtime, who.who));
    });
  }
  reply_of<truncate> handle(const truncate& ask, dvs::caller from, session_type& who) {
    return with_file(ask.path, from, who, [&](const node_type& node) -> reply_of<truncate> {
      if (auto allowed = volume_.check(node, minixfs::permission::write, who.who); !allowed) return allowed.error();
      return done<truncate>(volume_.truncate(node, ask.size));
    });
  }

  // ---- The whole -----------------------------------------------------------------------------------------------

  reply_of<sync> handle(const sync&, dvs::caller, session_type&) { return done<sync>(volume_.sync()); }
  reply_of<statfs> handle(const statfs&, dvs::caller, session_type&) {
    const auto now = volume_.statfs();
    if (!now) return now.error();
    return statfs::reply{static_cast<std::uint32_t>(now->format),
                         now->block_size,
                         now->blocks,
                         now->blocks_free,
                         now->inodes,
                         now->inodes_free,
                         now->name_length};
  }

 private:
  template <class Request>
  static reply_of<Request> done(const dvs::result<void>& outcome) {
    if (!outcome) return outcome.error();
    return typename Request::reply{};
  }
  static std::uint16_t mode_of(std::uint32_t mode) {
    return static_cast<std::uint16_t>(mode & minixfs::permission_mask);
  }
  [[nodiscard]] file_info info_of(const node_type& node) const {
    const auto status = volume_.status(node);
    return {.size = status.size,
            .inode = status.inode,
            .mode = status.mode,
            .links = status.links,
            .uid = status.uid,
            .gid = status.gid,
            .atime = status.atime,
            .mtime = status.mtime,
            .ctime = status.ctime};
  }

  template <class Action>
  std::invoke_result_t<Action, const node_type&> with_file(const path& what, dvs::caller from, session_type& who,
                                                           Action&& action) {
    auto name = text_of(what, from);
    if (!name) return name.error();
    auto node = volume_.find(*name, who.who);
    if (!node) return node.error();
    return action(*node);
  }
  template <class Action>
  std::invoke_result_t<Action, const std::string&, const std::string&> with_two(const path& first, const path& second,
                                                                                dvs::caller from, Action&& action) {
    auto one = text_of(first, from);
    if (!one) return one.error();
    auto two = text_of(second, from);
    if (!two) return two.error();
    return action(*one, *two);
  }

  // The bytes of a path. Only the caller's own memory counts: FS must not be talked into reading what somebody else
  // granted to it.
  dvs::result<std::string> text_of(const path& what, dvs::caller from) {
    if (what.memory.granter != from.endpoint) return dvs::errc::not_granted;
    if (what.length > path_max) return dvs::errc::name_too_long;
    std::string text(what.length, '\0');
    if (auto taken = take(what.memory, 0, std::as_writable_bytes(std::span{text})); !taken) return taken.error();
    return text;
  }
  dvs::result<void> take(dvs::grant_ref<dvs::readable> from, std::uint64_t at, std::span<std::byte> into) {
    if (into.empty()) return {};
    auto& me = host_.running();
    const auto copied = self_.copy_from(from, into, at);
    host_.resumed(me);
    return copied;
  }
  dvs::result<void> give(dvs::grant_ref<dvs::writable> into, std::uint64_t at, std::span<const std::byte> bytes) {
    if (bytes.empty()) return {};
    auto& me = host_.running();
    const auto copied = self_.copy_into(into, bytes, at);
    host_.resumed(me);
    return copied;
  }

  dvs::endpoint<Backend>& self_;
  fiber_host<Backend>& host_;
  volume_type& volume_;
};

}  // namespace muk::fs

#endif
