// SPDX-License-Identifier: MIT
/// @file
/// A value or an error.
#ifndef DVS_RESULT_HPP
#define DVS_RESULT_HPP

#include <dvs/error.hpp>
#include <new>
#include <type_traits>
#include <utility>

namespace dvs {

namespace detail {
[[noreturn]] inline void throw_error(errc code) { throw error(code); }
}  // namespace detail

/// The value of an operation, or the error that kept it from having one.
///
/// Copying and moving follow `T`. A result that is not looked at is a compile-time warning.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  /// Holds a value.
  result(const T& value) requires std::is_copy_constructible_v<T> : code_(errc::ok), value_(value) {}
  result(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>) : code_(errc::ok), value_(std::move(value)) {}
  /// Holds a value that is not initialised yet, for those who fill it in place.
  explicit result(std::in_place_t) noexcept requires std::is_trivially_default_constructible_v<T> : code_(errc::ok) {
    ::new (&value_) T;
  }
  /// Holds an error; `code` is not `errc::ok`.
  result(errc code) noexcept : code_(code), nothing_() {}

  result(const result& other) requires std::is_copy_constructible_v<T> : code_(other.code_), nothing_() {
    if (code_ == errc::ok) ::new (&value_) T(other.value_);
  }
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : code_(other.code_), nothing_() {
    if (code_ == errc::ok) ::new (&value_) T(std::move(other.value_));
  }
  result& operator=(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (this == &other) return *this;
    destroy();
    code_ = other.code_;
    if (code_ == errc::ok) ::new (&value_) T(std::move(other.value_));
    return *this;
  }
  result& operator=(const result& other) requires std::is_copy_constructible_v<T> { return *this = result(other); }
  ~result() { destroy(); }

  /// Whether there is a value.
  [[nodiscard]] bool has_value() const noexcept { return code_ == errc::ok; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The error, or `errc::ok`.
  [[nodiscard]] errc error() const noexcept { return code_; }

  /// The value; throws `dvs::error` when there is none.
  T& value() & {
    check();
    return value_;
  }
  const T& value() const& {
    check();
    return value_;
  }
  T value() && {
    check();
    return std::move(value_);
  }
  /// The value, or `other`.
  [[nodiscard]] T value_or(T other) const { return has_value() ? value_ : std::move(other); }

  /// The value; there must be one.
  [[nodiscard]] T& operator*() noexcept { return value_; }
  [[nodiscard]] const T& operator*() const noexcept { return value_; }
  [[nodiscard]] T* operator->() noexcept { return &value_; }
  [[nodiscard]] const T* operator->() const noexcept { return &value_; }

 private:
  void check() const {
    if (code_ != errc::ok) detail::throw_error(code_);
  }
  void destroy() noexcept {
    if (code_ == errc::ok) value_.~T();
  }

  errc code_;
  union {
    T value_;
    char nothing_;
  };
};

/// The outcome of an operation that has no value.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept = default;
  result(errc code) noexcept : code_(code) {}

  [[nodiscard]] bool has_value() const noexcept { return code_ == errc::ok; }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] errc error() const noexcept { return code_; }
  /// Throws `dvs::error` when the operation failed.
  void value() const {
    if (code_ != errc::ok) detail::throw_error(code_);
  }

 private:
  errc code_ = errc::ok;
};

}  // namespace dvs

#endif
