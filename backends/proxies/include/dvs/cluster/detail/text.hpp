// SPDX-License-Identifier: MIT
/// @file
/// Words in messages: what may be shown, how long, and what a misspelt one was meant to be.
#ifndef DVS_CLUSTER_DETAIL_TEXT_HPP
#define DVS_CLUSTER_DETAIL_TEXT_HPP

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dvs::cluster::detail {

/// How many bytes of a value a message shows.
inline constexpr std::size_t shown_max = 60;

/// The length of the UTF-8 sequence at the front of `text`; 0 when it is none, or a control character.
[[nodiscard]] inline std::size_t printable_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7F ? 1 : 0;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  std::uint32_t code = first & (0x7Fu >> length);
  for (std::size_t at = 1; at < length; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(at) & 0x3F);
  }
  constexpr std::uint32_t shortest[] = {0, 0, 0xA0, 0x800, 0x10000};  // below 0xA0 are the C1 control characters
  return code < shortest[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : length;
}

/// `text` with everything that is not printable UTF-8 as `\xNN`, cut to about `bytes_max`.
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t bytes_max = std::string_view::npos) {
  constexpr char digits[] = "0123456789abcdef";
  std::string shown;
  while (!text.empty()) {
    if (shown.size() >= bytes_max) return shown + "...";
    const std::size_t length = printable_length(text);
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text[0]);
      shown.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

/// `text` in quotes, to be shown.
[[nodiscard]] inline std::string in_quotes(std::string_view text) {
  std::string shown("\"");
  shown.append(printable(text, shown_max)).append("\"");
  return shown;
}

/// `words` as in "a, b, c".
[[nodiscard]] inline std::string listed(const std::vector<std::string_view>& words) {
  std::string all;
  for (const auto word : words) all.append(all.empty() ? "" : ", ").append(word);
  return all;
}

/// How many letters must be changed, added, left out or swapped with their neighbour to make one word of the other.
[[nodiscard]] inline std::size_t distance(std::string_view one, std::string_view other) {
  std::vector<std::size_t> before(other.size() + 1), last(other.size() + 1), row(other.size() + 1);
  for (std::size_t j = 0; j <= other.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= one.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= other.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (one[i - 1] == other[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[other.size()];
}

/// The word that `word` was probably meant to be; empty when none is near.
[[nodiscard]] inline std::string_view nearest(std::string_view word, const std::vector<std::string_view>& words) {
  constexpr std::size_t word_max = 64;
  std::string_view best;
  if (word.size() > word_max) return best;
  // Some of its letters have to stay.
  std::size_t least = std::min(std::max<std::size_t>(1, word.size() / 3) + 1, word.size());
  for (const auto each : words) {
    if (each.size() + least <= word.size() || word.size() + least <= each.size()) continue;
    const std::size_t changes = distance(word, each);
    if (changes < least) {
      least = changes;
      best = each;
    }
  }
  return best;
}

}  // namespace dvs::cluster::detail

#endif
