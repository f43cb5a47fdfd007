// SPDX-License-Identifier: MIT
/// @file
/// Collects the complaints about one file.
#ifndef DVS_CLUSTER_DETAIL_FINDINGS_HPP
#define DVS_CLUSTER_DETAIL_FINDINGS_HPP

#include <algorithm>
#include <dvs/cluster/complaint.hpp>
#include <dvs/cluster/detail/text.hpp>
#include <tuple>

namespace dvs::cluster::detail {

/// A place in a file; both count from 1.
struct position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

/// All complaints about one file.
class findings {
 public:
  explicit findings(std::string_view file) : file_(printable(file)) {}

  /// Complains. The texts are made printable here.
  void add(position at, std::string_view key, std::string_view value, std::string_view problem,
           std::string_view remedy) {
    all_.push_back({file_, at.line, at.column, printable(key, key_shown_max), printable(value), printable(problem),
                    printable(remedy)});
  }

  /// From now on parts of the file could not be read: what is missing from the rest may stand there.
  void not_whole() { whole_ = false; }
  /// Whether all of the file was read, so that one can complain of what is missing.
  [[nodiscard]] bool whole() const { return whole_; }

  /// "did you mean WORD?" when some word is near to `word`, otherwise empty. Only the first complaints get one: a
  /// hostile file could ask very often for a suggestion from very many names.
  [[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string_view>& words) {
    constexpr unsigned suggestions_max = 64;
    const auto best = suggestions_++ < suggestions_max ? nearest(word, words) : std::string_view();
    return best.empty() ? std::string() : "did you mean " + std::string(best) + "?";
  }

  [[nodiscard]] bool empty() const { return all_.empty(); }
  /// The complaints in order of their place.
  [[nodiscard]] std::vector<complaint> take() && {
    std::ranges::stable_sort(all_, {}, [](const complaint& each) { return std::tuple(each.line, each.column); });
    return std::move(all_);
  }

 private:
  static constexpr std::size_t key_shown_max = 160;

  std::string file_;
  std::vector<complaint> all_;
  bool whole_ = true;
  unsigned suggestions_ = 0;
};

}  // namespace dvs::cluster::detail

#endif
