// SPDX-License-Identifier: MIT
/// @file
/// Grants: memory that another process may read or write while the grant lives.
#ifndef DVS_GRANT_HPP
#define DVS_GRANT_HPP

#include <dvs/backend.hpp>
#include <utility>

namespace dvs {

/// Tags for what a `grant_ref` lets its receiver do.
struct readable {};
struct writable {};

/// A grant as it travels in a message: 8 bytes that mean nothing to anybody but the endpoint it was made for.
/// `Access` documents the direction; the check is made where the memory lives.
template <class Access>
struct grant_ref {
  endpoint_id granter;
  grant_id id;
};

/// The default `grant_ref` refers to nothing: every copy through it fails with `errc::not_granted`.
template <class Access>
inline constexpr grant_ref<Access> no_grant{none, grant_id{-1}};

/// A grant that its owner holds: revoked when it leaves scope. Movable, not copyable.
///
/// The granted memory must outlive it. After the destructor has run no byte of it is touched any more.
/// Source: MINIX 3 safecopies; DVK semantics section 10.
template <backend Backend, class Access>
class grant {
 public:
  grant(typename Backend::port& owner, grant_id id) noexcept : owner_(&owner), id_(id) {}
  grant(grant&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), id_(other.id_) {}
  grant& operator=(grant&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~grant() { static_cast<void>(revoke()); }

  /// What to put into a request.
  [[nodiscard]] grant_ref<Access> ref() const { return {owner_->id(), id_}; }

  /// Ends the grant before its scope does; `errc::not_granted` when it was ended before.
  result<void> revoke() {
    if (owner_ == nullptr) return errc::not_granted;
    return std::exchange(owner_, nullptr)->revoke(id_);
  }

 private:
  typename Backend::port* owner_;
  grant_id id_;
};

/// One piece of a copy in several pieces.
struct copy_piece {
  std::uint64_t offset;         ///< from the start of the granted memory, in bytes
  std::span<std::byte> memory;  ///< the caller's side
};
/// One piece of a copy in several pieces, out of the caller's memory.
struct const_copy_piece {
  std::uint64_t offset;
  std::span<const std::byte> memory;
};

}  // namespace dvs

#endif
