// SPDX-License-Identifier: MIT
/// @file
/// The errors of dvs: a closed set, interoperable with `std::error_code`.
#ifndef DVS_ERROR_HPP
#define DVS_ERROR_HPP

#include <dvs/dvk/errors.h>

#include <system_error>

namespace dvs {

/// What went wrong. The numbers are those of M3-IPC and MINIX (positive); `ok` is 0.
/// The sentence of each value is in `dvs/dvk/errors.h`, and `message()` returns it.
enum class errc : int {
#define DVS_ERRC_ENUMERATOR(name, number, sentence) name = number,
  DVK_ERRORS(DVS_ERRC_ENUMERATOR)
#undef DVS_ERRC_ENUMERATOR
};

/// The name of `error` as it is written in code, or "unknown".
[[nodiscard]] constexpr const char* name_of(errc error) {
  switch (error) {
#define DVS_ERRC_NAME(name, number, sentence) \
  case errc::name:                            \
    return #name;
    DVK_ERRORS(DVS_ERRC_NAME)
#undef DVS_ERRC_NAME
  }
  return "unknown";
}

/// One sentence that says the cause of `error`.
[[nodiscard]] constexpr const char* sentence_of(errc error) {
  switch (error) {
#define DVS_ERRC_SENTENCE(name, number, sentence) \
  case errc::name:                                \
    return sentence;
    DVK_ERRORS(DVS_ERRC_SENTENCE)
#undef DVS_ERRC_SENTENCE
  }
  return "An error that this version of dvs does not know.";
}

/// Whether `number` is one of the set: what arrives from outside is checked with this before it becomes an `errc`.
[[nodiscard]] constexpr bool is_errc(int number) {
  switch (number) {
#define DVS_ERRC_KNOWN(name, number_, sentence) case number_:
    DVK_ERRORS(DVS_ERRC_KNOWN)
#undef DVS_ERRC_KNOWN
    return true;
    default:
      return false;
  }
}

namespace detail {
class error_category final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "dvs"; }
  [[nodiscard]] std::string message(int value) const override { return sentence_of(static_cast<errc>(value)); }
};
inline const error_category category_instance{};
}  // namespace detail

/// The category of all errors of dvs.
[[nodiscard]] inline const std::error_category& category() noexcept { return detail::category_instance; }

/// Lets an `errc` become a `std::error_code`.
[[nodiscard]] inline std::error_code make_error_code(errc error) noexcept {
  return {static_cast<int>(error), category()};
}

/// What `result<T>::value()` throws when there is no value.
class error : public std::system_error {
 public:
  explicit error(errc code) : std::system_error(make_error_code(code)) {}
};

}  // namespace dvs

template <>
struct std::is_error_code_enum<dvs::errc> : std::true_type {};

#endif
