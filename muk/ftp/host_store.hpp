// SPDX-License-Identifier: MIT
/// @file
/// A directory of the host as a store.
#ifndef MUK_FTP_HOST_STORE_HPP
#define MUK_FTP_HOST_STORE_HPP

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <muk/ftp/store.hpp>
#include <utility>

namespace muk::ftp {

namespace detail {

/// What the host's last complaint means here.
[[nodiscard]] inline dvs::errc host_error() {
  switch (errno) {
    case ENOENT:
      return dvs::errc::no_entry;
    case ENOTDIR:
      return dvs::errc::not_directory;
    case EISDIR:
      return dvs::errc::is_directory;
    case EACCES:
    case EPERM:
    case EXDEV:  // the path leads out of the directory
      return dvs::errc::access_denied;
    case ELOOP:
      return dvs::errc::loop;
    case ENAMETOOLONG:
      return dvs::errc::name_too_long;
    case ENOSPC:
    case EDQUOT:
      return dvs::errc::no_space;
    case EFBIG:
      return dvs::errc::file_too_big;
    case EROFS:
      return dvs::errc::read_only;
    case EMFILE:
    case ENFILE:
      return dvs::errc::table_full;
    case EAGAIN:  // a lock is taken, or a directory was moved while the path was walked
    case EBUSY:
      return dvs::errc::busy;
    case ENOSYS:
      return dvs::errc::not_supported;
    default:
      return dvs::errc::io_error;
  }
}

/// A file descriptor of the host, closed once.
class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

}  // namespace detail

/// A directory and what is below it. No path leads out of it: not by `..`, not by a symbolic link, also when somebody
/// changes the directory meanwhile (`openat2` with `RESOLVE_BENEATH`, Linux 5.6); that is `access_denied`. A file that
/// is open for writing is locked against other stores, also of other programs.
class host_store {
 public:
  /// Opens the directory at `path` of the host. Errors: `no_entry`, `not_directory`, `access_denied`.
  [[nodiscard]] static dvs::result<host_store> open(const std::string& path) {
    detail::descriptor top(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!top) return detail::host_error();
    return host_store(std::make_shared<const detail::descriptor>(std::move(top)));
  }

  /// A file of the host that is open.
  class file {
   public:
    explicit file(detail::descriptor open) : open_(std::move(open)) {}

    dvs::result<file_status> status() {
      struct ::stat about {};
      if (::fstat(open_.number(), &about) != 0) return detail::host_error();
      return status_of(about);
    }
    dvs::result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) {
      std::size_t done = 0;
      while (done < into.size()) {
        const auto got = ::pread(open_.number(), into.data() + done, into.size() - done, place(offset, done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return detail::host_error();
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
      }
      return done;
    }
    dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
      std::size_t done = 0;
      while (done < from.size()) {
        const auto put = ::pwrite(open_.number(), from.data() + done, from.size() - done, place(offset, done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return detail::host_error();
        done += static_cast<std::size_t>(put);
      }
      return {};
    }
    dvs::result<void> truncate(std::uint64_t size) {
      return ::ftruncate(open_.number(), static_cast<off_t>(size)) == 0 ? dvs::errc::ok : detail::host_error();
    }
    dvs::result<void> flush() { return ::fdatasync(open_.number()) == 0 ? dvs::errc::ok : detail::host_error(); }

   private:
    static off_t place(std::uint64_t offset, std::size_t done) { return static_cast<off_t>(offset + done); }

    detail::descriptor open_;
  };

  dvs::result<file_status> stat(std::string_view path) {
    const auto found = parent(path);
    if (!found) return found.error();
    struct ::stat about {};
    if (::fstatat(found->directory.number(), found->name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0)
      return detail::host_error();
    return status_of(about);
  }
  dvs::result<file> open_to_read(std::string_view path) {
    if (!split(path)) return dvs::errc::bad_argument;
    return regular(beneath(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  }
  dvs::result<file> open_to_write(std::string_view path, std::uint32_t permissions) {
    const auto found = parent(path);
    if (!found) return found.error();
    constexpr int how = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    detail::descriptor opened(
        ::openat(found->directory.number(), found->name.c_str(), how, static_cast<mode_t>(permissions)));
    if (opened && ::flock(opened.number(), LOCK_EX | LOCK_NB) != 0) return detail::host_error();
    return regular(std::move(opened));
  }
  dvs::result<void> rename(std::string_view from, std::string_view to) {
    const auto before = parent(from), after = parent(to);
    if (!before) return before.error();
    if (!after) return after.error();
    const int failed =
        ::renameat(before->directory.number(), before->name.c_str(), after->directory.number(), after->name.c_str());
    return failed == 0 ? dvs::errc::ok : detail::host_error();
  }
  dvs::result<void> remove(std::string_view path) {
    const auto found = parent(path);
    if (!found) return found.error();
    return ::unlinkat(found->directory.number(), found->name.c_str(), 0) == 0 ? dvs::errc::ok : detail::host_error();
  }

 private:
  struct place_of_name {
    detail::descriptor directory;
    std::string name;
  };

  explicit host_store(std::shared_ptr<const detail::descriptor> top) : top_(std::move(top)) {}

  [[nodiscard]] detail::descriptor beneath(std::string_view path, int flags) const {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    const std::string below(path.empty() ? "." : path);
    open_how how{};
    how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return detail::descriptor(
        static_cast<int>(::syscall(SYS_openat2, top_->number(), below.c_str(), &how, sizeof how)));
  }
  [[nodiscard]] dvs::result<place_of_name> parent(std::string_view path) const {
    const auto parts = split(path);
    if (!parts) return dvs::errc::bad_argument;
    detail::descriptor directory = beneath(parts->directory, O_PATH | O_DIRECTORY);
    if (!directory) return detail::host_error();
    return place_of_name{std::move(directory), std::string(parts->name)};
  }
  static dvs::result<file> regular(detail::descriptor opened) {
    if (!opened) return detail::host_error();
    file made(std::move(opened));
    const auto status = made.status();
    if (!status) return status.error();
    if (status->kind == file_kind::directory) return dvs::errc::is_directory;
    if (status->kind != file_kind::regular) return dvs::errc::not_supported;
    return made;
  }
  static file_status status_of(const struct ::stat& about) {
    const file_kind kind = S_ISREG(about.st_mode)   ? file_kind::regular
                           : S_ISDIR(about.st_mode) ? file_kind::directory
                                                    : file_kind::other;
    return {kind, about.st_mode & 07777u, static_cast<std::uint64_t>(about.st_size), {about.st_dev, about.st_ino}};
  }

  std::shared_ptr<const detail::descriptor> top_;
};

/// Gives each transfer the same directory of the host.
class host_stores {
 public:
  explicit host_stores(host_store directory) : directory_(std::move(directory)) {}

  template <dvs::backend Backend>
  dvs::result<void> admit(dvs::endpoint<Backend>&, dvs::endpoint_id, dvs::endpoint_id) {
    return {};
  }
  template <dvs::backend Backend>
  host_store store_of(dvs::endpoint<Backend>&) {
    return directory_;
  }

 private:
  host_store directory_;
};

}  // namespace muk::ftp

#endif
