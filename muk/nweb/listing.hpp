// SPDX-License-Identifier: MIT
/// @file
/// The page of a directory that has no index.
#ifndef MUK_NWEB_LISTING_HPP
#define MUK_NWEB_LISTING_HPP

#include <algorithm>
#include <muk/nweb/site.hpp>
#include <muk/nweb/target.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace muk::nweb {

/// The listing of the directory at `path` (which ends with a slash): directories first, each part by name.
[[nodiscard]] inline std::string listing_page(std::string_view path, std::vector<entry>& entries) {
  std::ranges::sort(entries, [](const entry& a, const entry& b) {
    return a.is_directory != b.is_directory ? a.is_directory : a.name < b.name;
  });
  std::string page = "<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>";
  append_html_escaped(page, path);
  page += "</title>\n<h1>";
  append_html_escaped(page, path);
  page += "</h1>\n<ul>\n";
  if (path != "/") page += "<li><a href=\"../\">../</a></li>\n";
  for (const entry& row : entries) {
    const std::string_view slash = row.is_directory ? "/" : "";
    // "./" keeps a name with a colon from being read as the scheme of a link.
    page += "<li><a href=\"./";
    append_percent_encoded(page, row.name);
    page += slash;
    page += "\">";
    append_html_escaped(page, row.name);
    page += slash;
    page += "</a></li>\n";
  }
  return page += "</ul>\n";
}

}  // namespace muk::nweb

#endif
