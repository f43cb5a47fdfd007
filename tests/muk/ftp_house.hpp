// SPDX-License-Identifier: MIT
/// @file
/// What the tests of M3FTP share: a store in memory that can be full, fail or wait, a house with a server for it, and
/// the requests one by one.
#ifndef TESTS_MUK_FTP_HOUSE_HPP
#define TESTS_MUK_FTP_HOUSE_HPP

#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <muk/ftp/client.hpp>
#include <muk/ftp/server.hpp>
#include <mutex>
#include <random>
#include <string>

#include "muk_house.hpp"

namespace ftp_test {

namespace ftp = muk::ftp;
using dvs::errc;

/// Files in memory. What a test reads while servers run is atomic or taken under the lock.
class memory_disk {
 public:
  struct node {
    std::string bytes;
    std::uint32_t permissions;
    std::uint64_t inode;
  };

  void write(const std::string& path, std::string bytes, std::uint32_t permissions = 0644) {
    const std::scoped_lock guard(lock);
    names[path] = std::make_shared<node>(node{std::move(bytes), permissions, ++last_inode});
  }
  [[nodiscard]] std::optional<std::string> read(const std::string& path) {
    const std::scoped_lock guard(lock);
    const auto found = names.find(path);
    if (found == names.end()) return {};
    return found->second->bytes;
  }
  [[nodiscard]] std::size_t files() {
    const std::scoped_lock guard(lock);
    return names.size();
  }
  /// The bytes of all files with a name.
  [[nodiscard]] std::size_t bytes() {
    std::size_t sum = 0;
    for (const auto& [name, file] : names) sum += file->bytes.size();
    return sum;
  }
  [[nodiscard]] int open_now() const { return opened - closed; }

  std::mutex lock;
  std::map<std::string, std::shared_ptr<node>> names;
  std::uint64_t last_inode = 0;
  std::size_t room = ~std::size_t{0};                       // bytes that all files together may have
  std::atomic<std::size_t> until_failure{~std::size_t{0}};  // bytes that can be written before writes fail
  std::atomic<errc> flush_outcome{errc::ok};
  std::atomic<int> opened{0}, closed{0};
  std::string held;  // reads of this file ask the gate first
};
using disk = std::shared_ptr<memory_disk>;

/// Asks the gate whether it may go on; answered when the gate is opened.
struct pass {
  static constexpr std::uint32_t opcode = 1;
  struct reply {};
};
/// Answered when somebody waits at the gate.
struct await_waiting {
  static constexpr std::uint32_t opcode = 2;
  struct reply {};
};
struct open_gate {
  static constexpr std::uint32_t opcode = 3;
  struct reply {};
};
constexpr dvs::endpoint_id gate{30};

template <dvs::backend Backend>
struct gate_keeper {
  dvs::endpoint<Backend>& self;
  std::vector<dvs::caller> waiting = {}, watching = {};

  dvs::answer<pass> on(const pass&, dvs::caller from) {
    waiting.push_back(from);
    for (const auto& each : std::exchange(watching, {})) static_cast<void>(self.reply(each, await_waiting::reply{}));
    return dvs::later;
  }
  dvs::answer<await_waiting> on(const await_waiting&, dvs::caller from) {
    if (!waiting.empty()) return await_waiting::reply{};
    watching.push_back(from);
    return dvs::later;
  }
  dvs::answer<open_gate> on(const open_gate&, dvs::caller) {
    for (const auto& each : std::exchange(waiting, {})) static_cast<void>(self.reply(each, pass::reply{}));
    return open_gate::reply{};
  }
};

/// The files of a disk as a process sees them.
template <dvs::backend Backend>
class memory_store {
 public:
  memory_store(dvs::endpoint<Backend>& own, disk files) : own_(&own), disk_(std::move(files)) {}

  class file {
   public:
    file(dvs::endpoint<Backend>& own, disk files, std::shared_ptr<memory_disk::node> node, bool held)
        : own_(&own), disk_(std::move(files)), node_(std::move(node)), held_(held) {
      ++disk_->opened;
    }
    file(file&&) = default;
    file& operator=(file&& other) noexcept {
      std::swap(own_, other.own_);
      std::swap(disk_, other.disk_);
      std::swap(node_, other.node_);
      std::swap(held_, other.held_);
      return *this;
    }
    ~file() {
      if (disk_) ++disk_->closed;
    }

    dvs::result<ftp::file_status> status() {
      const std::scoped_lock guard(disk_->lock);
      return status_of(*node_);
    }
    dvs::result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into) {
      if (held_)
        if (const auto passed = own_->sendrec(gate, pass{}); !passed) return passed.error();
      const std::scoped_lock guard(disk_->lock);
      const auto& bytes = node_->bytes;
      const auto begin = std::min<std::size_t>(offset, bytes.size());
      const auto length = std::min(into.size(), bytes.size() - begin);
      std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()) + begin, length, into.begin());
      return length;
    }
    dvs::result<void> write(std::uint64_t offset, std::span<const std::byte> from) {
      const std::scoped_lock guard(disk_->lock);
      if (disk_->until_failure < from.size()) return errc::io_error;
      const std::size_t end = offset + from.size(), now = node_->bytes.size();
      if (end > now && disk_->bytes() + (end - now) > disk_->room) return errc::no_space;
      disk_->until_failure -= from.size();
      node_->bytes.resize(std::max(end, now));
      std::copy(from.begin(), from.end(), reinterpret_cast<std::byte*>(node_->bytes.data()) + offset);
      return {};
    }
    dvs::result<void> truncate(std::uint64_t size) {
      const std::scoped_lock guard(disk_->lock);
      node_->bytes.resize(size);
      return {};
    }
    dvs::result<void> flush() { return disk_->flush_outcome.load(); }

   private:
    dvs::endpoint<Backend>* own_;
    disk disk_;
    std::shared_ptr<memory_disk::node> node_;
    bool held_;
  };

  dvs::result<ftp::file_status> stat(std::string_view path) {
    const std::scoped_lock guard(disk_->lock);
    const auto found = disk_->names.find(std::string(path));
    if (found == disk_->names.end()) return errc::no_entry;
    return status_of(*found->second);
  }
  dvs::result<file> open_to_read(std::string_view path) {
    const std::scoped_lock guard(disk_->lock);
    const auto found = disk_->names.find(std::string(path));
    if (found == disk_->names.end()) return errc::no_entry;
    return file(*own_, disk_, found->second, path == disk_->held);
  }
  dvs::result<file> open_to_write(std::string_view path, std::uint32_t permissions) {
    const std::scoped_lock guard(disk_->lock);
    auto& node = disk_->names[std::string(path)];
    if (!node) node = std::make_shared<memory_disk::node>(memory_disk::node{"", permissions, ++disk_->last_inode});
    return file(*own_, disk_, node, false);
  }
  dvs::result<void> rename(std::string_view from, std::string_view to) {
    const std::scoped_lock guard(disk_->lock);
    const auto found = disk_->names.find(std::string(from));
    if (found == disk_->names.end()) return errc::no_entry;
    auto node = found->second;
    disk_->names.erase(found);
    disk_->names[std::string(to)] = std::move(node);
    return {};
  }
  dvs::result<void> remove(std::string_view path) {
    const std::scoped_lock guard(disk_->lock);
    return disk_->names.erase(std::string(path)) == 1 ? errc::ok : errc::no_entry;
  }

 private:
  static ftp::file_status status_of(const memory_disk::node& node) {
    return {ftp::file_kind::regular, node.permissions, node.bytes.size(), {1, node.inode}};
  }

  dvs::endpoint<Backend>* own_;
  disk disk_;
};

struct memory_stores {
  disk files;

  template <dvs::backend Backend>
  dvs::result<void> admit(dvs::endpoint<Backend>&, dvs::endpoint_id, dvs::endpoint_id) {
    return {};
  }
  template <dvs::backend Backend>
  memory_store<Backend> store_of(dvs::endpoint<Backend>& own) {
    return {own, files};
  }
};

/// A house with M3FTP for the files of a disk, and a gate.
template <class Setup>
struct ftp_house : house<Setup> {
  using backend = typename Setup::backend;
  using endpoint = dvs::endpoint<backend>;
  using store = memory_store<backend>;

  explicit ftp_house(ftp::settings limits = {}) {
    this->start(gate, "gate", [](auto& self) {
      gate_keeper<backend> keeper{self};
      static_cast<void>(dvs::serve<dvs::protocol<pass, await_waiting, open_gate>>(self, keeper));
    });
    this->start(ftp::where, "ftp", [files = far, limits](auto& self) {
      ftp::server<backend, memory_stores> server(self, {files}, limits);
      static_cast<void>(server.run());
    });
  }

  disk far = std::make_shared<memory_disk>();  // what the server has
};

/// Waits until `condition()`; whether it came true. The bound is for what never comes.
template <class Endpoint, class Condition>
bool eventually(Endpoint& self, Condition&& condition) {
  for (int i = 0; i < 20'000 && !condition(); ++i) static_cast<void>(self.sleep_for(std::chrono::milliseconds(1)));
  return condition();
}

inline std::string random_text(std::mt19937_64& chance, std::size_t length) {
  std::string text(length, ' ');
  for (std::size_t i = 0; i < length; i += 8) {
    const std::uint64_t word = chance();
    std::memcpy(text.data() + i, &word, std::min<std::size_t>(8, length - i));
  }
  return text;
}
inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
inline ftp::digest digest_of(std::string_view text) {
  ftp::checksum sum;
  sum.add(bytes_of(text));
  return sum.value();
}
inline std::string beside(std::string_view path) { return ftp::unfinished_path(path).value(); }

/// The requests of M3FTP, one by one, for clients that do not keep to the order.
template <class Endpoint>
class raw_client {
 public:
  explicit raw_client(Endpoint& self) : self_(self) {}

  dvs::result<ftp::get::reply> get(std::string_view path, std::uint64_t offset = 0, std::string_view begun = "") {
    const auto name = self_.grant_read(ftp::where, path).value();
    return self_.sendrec(ftp::where, ftp::get{path_of(name, path), offset, digest_of(begun)});
  }
  dvs::result<std::uint32_t> put(std::string_view path, std::uint64_t offset = 0, std::string_view begun = "") {
    const auto name = self_.grant_read(ftp::where, path).value();
    const auto got = self_.sendrec(ftp::where, ftp::put{path_of(name, path), offset, digest_of(begun)});
    if (!got) return got.error();
    return got->transfer;
  }
  dvs::result<ftp::stat::reply> stat(std::string_view path) {
    const auto name = self_.grant_read(ftp::where, path).value();
    return self_.sendrec(ftp::where, ftp::stat{path_of(name, path)});
  }
  dvs::result<std::string> gnext(std::uint32_t transfer, std::uint64_t offset, std::uint32_t length) {
    std::string text(length, ' ');
    const auto window = self_.grant_write(ftp::where, text).value();
    const auto got = self_.sendrec(ftp::where, ftp::gnext{transfer, length, offset, window.ref()});
    if (!got) return got.error();
    text.resize(got->length);
    return text;
  }
  errc pnext(std::uint32_t transfer, std::uint64_t offset, std::string_view text) {
    const auto window = self_.grant_read(ftp::where, text).value();
    const auto length = static_cast<std::uint32_t>(text.size());
    return self_.sendrec(ftp::where, ftp::pnext{transfer, length, offset, window.ref()}).error();
  }
  errc finish(std::uint32_t transfer, std::string_view whole) {
    return self_.sendrec(ftp::where, ftp::finish{transfer, 0, whole.size(), digest_of(whole)}).error();
  }
  errc cancel(std::uint32_t transfer) { return self_.sendrec(ftp::where, ftp::cancel{transfer}).error(); }

 private:
  template <class Grant>
  static ftp::path path_of(const Grant& memory, std::string_view text) {
    return {memory.ref(), static_cast<std::uint32_t>(text.size()), 0};
  }

  Endpoint& self_;
};

}  // namespace ftp_test

#endif
