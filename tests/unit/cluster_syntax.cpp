// SPDX-License-Identifier: MIT
/// @file
/// What is said of cluster files that are not TOML, that are no files, or that mean harm; and in which form.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <dvs/cluster/json.hpp>
#include <filesystem>
#include <fstream>

#include "cluster_world.hpp"

namespace {

std::string said_of(const std::string& text) {
  return dvs::cluster::text_of(dvs::cluster::parse(text, "c", cluster_world::machine()).complaints());
}

const std::string toml_remedy = ": write KEY = VALUE below a [TABLE], and text in \"quotes\"\n";
const std::string head = "[cluster]\nname = \"lab\"\nsecurity = \"none\"\n";

}  // namespace

TEST_CASE("every section that is not TOML is complained of, and the others are still read") {
  CHECK(said_of(head + "[node.a]\nid = 1x\n[node.b]\nid = yes\n[node.c]\nid = 65536\n") ==
        "c:5:7: \"id = 1x\" is not TOML (expected digit, saw 'x')" + toml_remedy +
            "c:7:6: \"id = yes\" is not TOML (could not determine value type)" + toml_remedy +
            "c:9:6: node.c.id: 65536 is out of range: write a number from 0 to 65534\n");
}

TEST_CASE("a table or a key that is there twice is complained of at the second one") {
  const std::string node = "[node.a]\nid = 1\naddress = \"a\"\n";
  CHECK(said_of(head + node + node) ==
        "c:7:1: \"[node.a]\" is there twice (cannot redefine existing table 'node.a'): keep one of them\n");
  CHECK(said_of(head + node + "  id = 2\n") ==
        "c:7:3: \"id = 2\" is there twice (cannot redefine existing integer 'id'): keep one of them\n");
}

TEST_CASE("a list without an end blames no section but its own and the next") {
  const std::string said = said_of(
      head + "[node.a]\nid = 1\naddress = \"a\"\n[dc.x]\nid = 1\nnodes = [\"a\"\n[dc.y]\nid = 2\n[dc.z]\nid = -1\n");
  CHECK(said == "c:10:1: \"[dc.y]\" is not TOML (expected comma or closing ']', saw '[')" + toml_remedy +
                    "c:13:6: dc.z.id: -1 is out of range: write a number from 0 to 65535\n");
}

TEST_CASE("bytes that are no text are complained of and never shown as they are") {
  const std::string said = said_of(head + "[node.a]\nid = 1 # \xff\x1b\n");
  CHECK(said.starts_with("c:5:"));
  CHECK(said.find("\\xff\\x1b") != std::string::npos);
  CHECK(said.find('\xff') == std::string::npos);
  CHECK(said.find('\x1b') == std::string::npos);
}

TEST_CASE("letters that are not ASCII are for texts and comments") {
  const std::string cafe = "caf\u00e9";
  CHECK(said_of(head + "  " + cafe + " = 1\n") ==
        "c:4:3: \"" + cafe + " = 1\" is not TOML (letters with accents are for text and comments)" + toml_remedy);
  CHECK(said_of("\ufeff" + head + "# " + cafe + "\n\"" + cafe + "\" = \"" + cafe + "\"\n") ==
        "c:1:1: node: is missing: write a [node.NAME] for each node\n"
        "c:5:1: cluster." +
            cafe +
            ": there is no such key: there are name, key_file, security, heartbeat, dead_after, "
            "proxy, compress, batch\n");
}

TEST_CASE("a file that nests deeper than any configuration is refused before it costs stack or memory") {
  const std::string dots = [] {
    std::string text = "a";
    for (int i = 0; i < 300'000; ++i) text += ".a";
    return text;
  }();
  const std::string problem = " nests tables or lists too deep: no key of a cluster has more than three parts\n";
  const std::string shown = "\"" + dots.substr(0, 60) + "...\"";
  CHECK(said_of(head + dots + " = 1\n") == "c:4:1: " + shown + problem);
  CHECK(said_of(head + "[" + dots + "]\n").starts_with("c:4:1: \"[a.a."));
  CHECK(said_of(head + "x = " + std::string(300'000, '[') + "\n").starts_with("c:4:1: \"x = [[["));
  CHECK(said_of(head + "x = {" + dots + " = 1}\n").starts_with("c:4:1: \"x = {a.a."));
  // Strings and comments may have as many dots and brackets as they like.
  const std::string harmless = std::string(50, '.') + std::string(50, '[');
  CHECK(said_of(head + "# " + harmless + "\nx = \"\\\"" + harmless + "\"\ny = '" + harmless + "'\nz = \"\"\"" +
                harmless + "\n" + harmless + "\"\"\"\"\nw = '''" + harmless + "'''\n")
            .find("deep") == std::string::npos);
}

TEST_CASE("a hostile file of the largest size is answered soon, whatever it is made of") {
  const auto filled = [](const std::string& unit) {
    std::string text = head;
    while (text.size() + unit.size() <= dvs::cluster::detail::file_bytes_max) text += unit;
    return text;
  };
  for (const std::string unit : {"\n", "[", "[a]\n", "[[link]]\n", "\"", "a=1\n", "x.y = 1\n", "'''", "#", "\\"}) {
    CAPTURE(unit);
    CHECK_FALSE(said_of(filled(unit)).empty());
  }
  std::string nodes = head;
  for (int i = 0; i < 10'000; ++i) nodes += "[node.n" + std::to_string(i) + "]\nid = 1\naddress = \"h\"\n";
  std::string names = "[dc.a]\nid = 1\nnodes = [";
  for (int i = 0; i < 30'000; ++i) names += "\"m" + std::to_string(i) + "\", ";
  CHECK_FALSE(said_of(nodes + names + "]\n").empty());
}

TEST_CASE("a file of more than a mebibyte is refused as a whole") {
  CHECK(said_of(std::string((1 << 20) + 1, '\n')) ==
        "c:1:1: the file has more than 1 MiB: give the path of a cluster configuration\n");
}

TEST_CASE("what is no readable file is complained of by its path") {
  const std::string remedy = ": give the path of a cluster configuration\n";
  const auto said_of_file = [](const std::string& path) {
    return dvs::cluster::text_of(dvs::cluster::load(path, cluster_world::machine()).complaints());
  };
  CHECK(said_of_file("/nonexistent/c\x1b.toml") ==
        "/nonexistent/c\\x1b.toml: the file cannot be read (No such file or directory)" + remedy);
  CHECK(said_of_file("/") == "/: the file cannot be read (it is not a regular file)" + remedy);
  CHECK(said_of_file("/dev/zero") == "/dev/zero: the file cannot be read (it is not a regular file)" + remedy);
}

TEST_CASE("complaints come in order of line and column") {
  const auto read =
      cluster_world::parse("dc = 1\n[node.b]\nid = -1\nx = 1\n[node.a]\nid = -1\n[cluster]\nbatch = 1\nname = 1\n");
  const auto& all = read.complaints();
  REQUIRE(all.size() > 5);
  CHECK(std::ranges::is_sorted(all, {}, [](const auto& each) { return std::pair(each.line, each.column); }));
}

TEST_CASE("complaints as JSON have all their parts") {
  const auto read =
      dvs::cluster::parse(head + "[node.a]\nid = 70000\naddress = \"a\"\n", "c", cluster_world::machine());
  const nlohmann::json expected = nlohmann::json::parse(R"([{
    "file": "c", "line": 5, "column": 6, "key": "node.a.id", "value": "70000", "problem": "is out of range",
    "remedy": "write a number from 0 to 65534",
    "text": "c:5:6: node.a.id: 70000 is out of range: write a number from 0 to 65534"}])");
  CHECK(nlohmann::json(read.complaints()) == expected);
}

TEST_CASE("complaints about any bytes can be dumped as JSON") {
  const auto read = dvs::cluster::parse("[\xc3\x28\"\\x1b", "bad\xff name", cluster_world::machine());
  CHECK_NOTHROW(nlohmann::json(read.complaints()).dump());
  CHECK(read.complaints().at(0).file == "bad\\xff name");
}
