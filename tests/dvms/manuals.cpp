// SPDX-License-Identifier: MIT
/// @file
/// The completion of commands in bash, and the manual pages.
#include <sstream>

#include "command_house.hpp"

using dvms_test::content_of;
using dvms_test::house;
using dvms_test::outcome;
using dvms_test::words;

namespace {

/// What bash offers for the last of `line`.
words completed(const house& here, const words& line) {
  std::string script = "source <(" DVS_COMMAND " completion bash) || exit; COMP_WORDS=(" DVS_COMMAND;
  for (const std::string& word : line) script += " '" + word + "'";
  script += "); COMP_CWORD=" + std::to_string(line.size()) + "; _dvs; printf '%s\\n' \"${COMPREPLY[@]}\"";
  const outcome how = here.call({"/bin/bash", "-c", script});
  CHECK(how.err.empty());
  REQUIRE(how.status == 0);
  words found;
  std::istringstream lines(how.out);
  for (std::string each; std::getline(lines, each);) found.push_back(each);
  return found;
}

bool has(const words& all, const std::string& word) { return std::find(all.begin(), all.end(), word) != all.end(); }

}  // namespace

TEST_CASE("bash completes commands, subcommands, options and programs") {
  const house here;
  CHECK(completed(here, {"n"}) == words{"node"});
  CHECK(completed(here, {"node", "st"}) == words{"start", "stop", "status"});
  CHECK(completed(here, {"--json", "dc", "l"}) == words{"list"});
  CHECK(completed(here, {"top", "--in"}) == words{"--interval"});
  CHECK(completed(here, {"link", ""}).front() == "list");
  CHECK(completed(here, {"node", "start", "--config", "/pro"}) == words{"/proc"});
  CHECK(has(completed(here, {"run", "--"}), "--detach"));
  CHECK(has(completed(here, {"run", "--"}), "--socket"));
  CHECK(has(completed(here, {"run", "--dc", "x", "--", "prin"}), "printf"));
  CHECK(completed(here, {"--socket", "/pro"}) == words{"/proc"});
}

TEST_CASE("bash completes names of DCs, and executes none") {
  const house here;
  here.open_lab();
  REQUIRE(here.dvs({"dc", "create", "lathe"}).status == 0);
  REQUIRE(here.dvs({"dc", "create", "evil $(touch " + here.file("executed") + ")"}).status == 0);
  CHECK(completed(here, {"dc", "end", "la"}) == words{"lab", "lathe"});
  CHECK(completed(here, {"ps", "--dc", "lat"}) == words{"lathe"});
  CHECK(completed(here, {"trace", "--dc", "lat"}) == words{"lathe"});
  CHECK(completed(here, {"ps", "--dc", "ev"}).size() == 1);
  CHECK(::access(here.file("executed").c_str(), F_OK) != 0);
}

TEST_CASE("the manual pages draw no warnings, and name every option") {
  const house here;
  const std::string dvs_page = DVS_SOURCE "/dvms/man/dvs.1";
  const std::string dvsd_page = DVS_SOURCE "/backends/userspace/dvsd/man/dvsd.8";
  const std::string page = content_of(dvs_page);
  // Every word of the completion script that looks like an option is one.
  std::string script = here.dvs({"completion", "bash"}).out;
  for (char& each : script)
    if ((each < 'a' || each > 'z') && each != '-') each = ' ';
  std::istringstream all(script);
  for (std::string word; all >> word;) {
    if (!word.starts_with("n--") && !word.starts_with("--")) continue;
    word = word.substr(word.find("--") + 2);
    if (word.empty()) continue;
    std::string written = "\\-\\-";
    for (const char each : word) written += each == '-' ? std::string("\\-") : std::string(1, each);
    INFO(word);
    CHECK(page.find(written) != std::string::npos);
  }
  if (here.call({"/bin/sh", "-c", "command -v groff"}).status != 0) return;
  for (const std::string& each : {dvs_page, dvsd_page}) {
    const outcome how = here.call({"/bin/sh", "-c", "groff -man -ww -Tutf8 \"$0\" > /dev/null", each});
    CHECK(how.status == 0);
    CHECK(how.err == "");
  }
}
