// SPDX-License-Identifier: MIT
/// @file
/// Remembers the first difference between the DVK rules and the simple model.
#ifndef DVS_TESTS_UNIT_DVK_REFEREE_HPP
#define DVS_TESTS_UNIT_DVK_REFEREE_HPP

#include <cstdint>
#include <sstream>
#include <string>
#include <utility>

namespace dvk_model {

class referee {
 public:
  /// What differed first, and in which step; empty if nothing did.
  const std::string& trouble() const { return trouble_; }

 protected:
  template <class Got, class Wanted>
  void expect(const char* what, Got got, Wanted wanted) {
    if (std::cmp_equal(static_cast<long long>(got), static_cast<long long>(wanted)) || !trouble_.empty()) return;
    std::ostringstream text;
    text << "step " << steps_ << ": " << what << " is " << got << ", the model says " << wanted;
    trouble_ = text.str();
  }

  std::uint64_t steps_ = 0;
  std::string trouble_;
};

}  // namespace dvk_model

#endif
