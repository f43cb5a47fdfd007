// SPDX-License-Identifier: MIT
/// @file
/// The grants that one of two processes has given to the other, as both see them: with them the other copies by itself.
///
/// The granter writes a row; who copies keeps it meanwhile, so that `withdraw` returns when no copy is under way.
/// Whatever is not there, or not as it should be, is asked for on the way through the daemon, which knows why.
#ifndef DVS_BACKENDS_USERSPACE_SHARED_GRANTS_HPP
#define DVS_BACKENDS_USERSPACE_SHARED_GRANTS_HPP

#include <sched.h>
#include <sys/uio.h>

#include <array>
#include <atomic>
#include <dvs/backend.hpp>

namespace dvs::userspace {

/// One grant.
struct alignas(64) shared_grant {
  std::atomic<std::uint64_t> id{0};  ///< with `is_given`; 0: none
  std::atomic<std::uint64_t> address{0}, bytes{0};
  std::atomic<std::uint32_t> access{0};
  std::atomic<std::uint32_t> in_use{0};  ///< a copy is under way: its grantee has one thread

  static constexpr std::uint64_t is_given = std::uint64_t{1} << 32;
  [[nodiscard]] static constexpr std::uint64_t known_as(grant_id id) {
    return static_cast<std::uint32_t>(number(id)) | is_given;
  }
};

/// See the file comment.
class shared_grants {
 public:
  // ---- The granter ----
  /// Shows a grant, if there is room; null if there is none.
  shared_grant* show(grant_id id, std::uint64_t address, std::uint64_t bytes, access direction) {
    shared_grant& row = row_of(id);
    if (row.id.load(std::memory_order_relaxed) != 0 || row.in_use.load(std::memory_order_relaxed) != 0) return nullptr;
    row.address.store(address, std::memory_order_relaxed);
    row.bytes.store(bytes, std::memory_order_relaxed);
    row.access.store(static_cast<std::uint32_t>(direction), std::memory_order_relaxed);
    row.id.store(shared_grant::known_as(id), std::memory_order_release);
    return &row;
  }
  /// Takes a grant back; returns when no copy is under way or `is_alone()`: the other is gone.
  template <class IsAlone>
  static void withdraw(shared_grant& row, IsAlone&& is_alone) {
    row.id.store(0, std::memory_order_seq_cst);
    while (row.in_use.load(std::memory_order_seq_cst) != 0 && !is_alone()) ::sched_yield();
  }

  // ---- The other ----
  /// Copies between granted memory of the process `granter` and `here`. False: nothing can be said of it here.
  bool copy(pid_t granter, granted_range part, std::byte* here, std::size_t bytes, access direction) {
    shared_grant& row = row_of(part.grant);
    row.in_use.store(1, std::memory_order_seq_cst);
    const bool is_copied =
        row.id.load(std::memory_order_seq_cst) == shared_grant::known_as(part.grant) &&
        allows(row, part.offset, bytes, direction) &&
        move(granter, row.address.load(std::memory_order_relaxed) + part.offset, here, bytes, direction);
    row.in_use.store(0, std::memory_order_release);
    return is_copied;
  }

 private:
  static constexpr std::size_t rows = 24;

  [[nodiscard]] shared_grant& row_of(grant_id id) { return rows_[static_cast<std::uint32_t>(number(id)) % rows]; }
  [[nodiscard]] static bool allows(const shared_grant& row, std::uint64_t offset, std::uint64_t bytes,
                                   access direction) {
    const std::uint64_t length = row.bytes.load(std::memory_order_relaxed);
    const auto wanted = static_cast<std::uint32_t>(direction);
    return (row.access.load(std::memory_order_relaxed) & wanted) == wanted && offset <= length &&
           bytes <= length - offset;
  }
  static bool move(pid_t granter, std::uint64_t there, std::byte* here, std::size_t bytes, access direction) {
    const iovec remote{reinterpret_cast<void*>(there), bytes}, own{here, bytes};
    const ssize_t moved = direction == access::read ? ::process_vm_readv(granter, &own, 1, &remote, 1, 0)
                                                    : ::process_vm_writev(granter, &own, 1, &remote, 1, 0);
    return moved >= 0 && static_cast<std::size_t>(moved) == bytes;
  }

  std::array<shared_grant, rows> rows_;
};

}  // namespace dvs::userspace

#endif
