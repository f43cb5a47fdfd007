// SPDX-License-Identifier: MIT
/// @file
/// Any bytes to a connection of NWEB: it answers in HTTP or closes, reads nothing outside the site and never waits on.
#include <cstdint>
#include <cstdlib>
#include <muk/nweb/connection.hpp>
#include <tests/muk/nweb_fake.hpp>

namespace {

void demand(bool holds) {
  if (!holds) std::abort();
}

/// Cuts `bytes` into pieces whose lengths follow from `rule`.
std::deque<std::string> pieces_of(std::string_view bytes, unsigned rule) {
  std::deque<std::string> pieces;
  while (!bytes.empty()) {
    const std::size_t length = rule == 0 ? bytes.size() : 1 + (rule * 7 + pieces.size() * rule) % 97;
    pieces.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(std::min(length, bytes.size()));
  }
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using nweb_test::script_stream;
  nweb_test::map_site pages({{"/index.html", "home"}, {"/a/b", std::string(10'000, 'b')}, {"/a/c d", "c"}});
  const auto end = data[0] & 1 ? script_stream::ending::silent : script_stream::ending::closed;
  script_stream stream(pieces_of({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0] >> 1), end);
  const muk::nweb::settings limits;
  std::make_unique<muk::nweb::connection<script_stream, nweb_test::map_site>>(stream, pages, limits)->run();

  demand(stream.is_closed);
  demand(stream.waits_without_limit == 0);
  demand(pages.open_files == 0);
  demand(stream.sent.empty() || stream.sent.starts_with("HTTP/1.1 "));
  for (const std::string& path : pages.asked) {
    demand(path.starts_with('/'));
    demand((path + '/').find("/../") == std::string::npos);
    demand(path.find('\0') == std::string::npos);
  }
  return 0;
}
