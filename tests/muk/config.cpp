// SPDX-License-Identifier: MIT
/// @file
/// Configurations: what they mean, and what is said of wrong ones.
#include <catch2/catch.hpp>
#include <map>
#include <muk/config/load.hpp>

namespace {

namespace config = muk::config;

using files = std::map<std::string, std::string>;

const files good = {
    {"dir/muk.cfg",
     "# the figure of the paper\n"
     "muk SERVER1 {\n  dcid 0;\n  pm_ep 0; fs_ep 1; is_ep 8; rd_ep 3; web_ep 22;  // and a comment\n"
     "  fs_cfg \"fs.cfg\"; rd_cfg \"rd.cfg\";\n  web_cfg web.cfg;\n};\n"},
    {"dir/rd.cfg",
     "device ROOT { image_type FILE_IMAGE; image_file \"root.img\"; volatile NO; buffer 65536; };\n"
     "device SPARE { image_type MEMORY_IMAGE; size 1048576; };\n"},
    {"dir/fs.cfg", "device ROOT { major 3; minor 0; type RDISK_IMG; root_dev YES; buffer_size 4096; };\n"},
    {"dir/web.cfg", "websrv SITE { port 8080; endpoint 22; rootdir \"/\"; };\n"}};

config::unikernel load(const files& all) {
  const auto read = [&](const std::string& path) -> std::optional<std::vector<config::block>> {
    const auto found = all.find(path);
    if (found == all.end()) return {};
    return config::parse(found->second, path);
  };
  return config::unikernel_of(*read("dir/muk.cfg"), "dir/muk.cfg", read);
}

/// What is said when `from` in the file `name` of the good configuration is replaced by `to`.
std::string complaint(const std::string& name, const std::string& from, const std::string& to) {
  files all = good;
  auto& text = all.at(name);
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  try {
    static_cast<void>(load(all));
  } catch (const config::error& wrong) {
    return wrong.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("the configuration of the paper's figure is read, with what its servers need") {
  const auto read = load(good);
  CHECK(read.name == "SERVER1");
  CHECK(read.dc == 0);
  CHECK(read.pm == dvs::endpoint_id{0});
  CHECK(read.fs == dvs::endpoint_id{1});
  CHECK(read.is == dvs::endpoint_id{8});
  CHECK(read.rdisk == dvs::endpoint_id{3});
  CHECK(read.web == dvs::endpoint_id{22});
  CHECK(!read.rdisk_is_external);
  REQUIRE(read.disks.size() == 2);
  CHECK(read.disks[0].image_file == "dir/root.img");
  CHECK_FALSE(read.disks[0].in_memory);
  CHECK_FALSE(read.disks[0].is_volatile);
  CHECK(read.disks[0].buffer_bytes == 65536);
  CHECK(read.disks[1].in_memory);
  CHECK(read.disks[1].is_volatile);
  CHECK(read.disks[1].bytes == 1048576);
  CHECK(read.disks[1].buffer_bytes == 4096);
  REQUIRE(read.root);
  CHECK(read.root->minor == 0);
  REQUIRE(read.website);
  CHECK(read.website->port == 8080);
  CHECK(read.website->root == "/");
  CHECK_FALSE(read.ftp);
}

TEST_CASE("a server without an endpoint is not started, and its configuration is not read") {
  files all = {{"dir/muk.cfg", "muk SMALL { dcid 7; pm_ep 0; fs_cfg \"nowhere.cfg\"; };"}};
  const auto read = load(all);
  CHECK(read.dc == 7);
  CHECK(read.pm);
  CHECK_FALSE(read.fs);
  CHECK_FALSE(read.is);
  CHECK_FALSE(read.rdisk);
  CHECK_FALSE(read.web);
}

TEST_CASE("nweb_ep is another name of web_ep") {
  files all = good;
  auto& text = all.at("dir/muk.cfg");
  text.replace(text.find("web_ep"), 6, "nweb_ep");
  CHECK(load(all).web == dvs::endpoint_id{22});
}

TEST_CASE("a file transfer server is started where ftp_ep says, and its configuration is not read") {
  files all = good;
  auto& text = all.at("dir/muk.cfg");
  text.replace(text.find("pm_ep 0;"), 8, "pm_ep 0; ftp_ep 14; ftp_cfg \"m3ftp.cfg\";");
  CHECK(load(all).ftp == dvs::endpoint_id{14});
}

TEST_CASE("a wrong configuration is refused with the file, the line and the key, and what would be right") {
  const std::string muk = "dir/muk.cfg", rd = "dir/rd.cfg", fs = "dir/fs.cfg", web = "dir/web.cfg";
  CHECK(complaint(muk, "dcid 0", "dcid one") == "dir/muk.cfg:3: dcid: 'one' is not a number from 0 to 65535");
  CHECK(complaint(muk, "dcid 0", "dcid 65536") == "dir/muk.cfg:3: dcid: '65536' is not a number from 0 to 65535");
  CHECK(complaint(muk, "dcid 0;", "") == "dir/muk.cfg:2: dcid: the key is missing in this block 'muk'");
  CHECK(complaint(muk, "pm_ep 0", "pn_ep 0") ==
        "dir/muk.cfg:4: pn_ep: a block 'muk' does not have this key; it has dcid, pm_ep, fs_ep, is_ep, rd_ep, web_ep, "
        "nweb_ep, ftp_ep, rd_external, rd_cfg, fs_cfg, web_cfg, ftp_cfg");
  CHECK(complaint(muk, "rd_ep 3", "rd_external YES") ==
        "dir/muk.cfg:4: rd_external: there is no RDISK: add rd_ep and rd_cfg");
  CHECK(complaint(muk, "is_ep 8", "is_ep 1") == "dir/muk.cfg:4: is_ep: is the endpoint of fs_ep too; take another");
  CHECK(complaint(muk, "is_ep 8", "is_ep 15") == "dir/muk.cfg:4: is_ep: 15 is the endpoint of init; take another");
  CHECK(complaint(muk, "is_ep 8", "fs_ep 8") == "dir/muk.cfg:4: fs_ep: the key is there twice, first in line 4");
  CHECK(complaint(muk, "rd_ep 3;", "") == "dir/muk.cfg:4: fs_ep: FS needs RDISK: add rd_ep and rd_cfg");
  CHECK(complaint(muk, "fs_ep 1;", "") == "dir/muk.cfg:4: web_ep: NWEB needs FS: add fs_ep and fs_cfg");
  CHECK(complaint(muk, "fs_ep 1; is_ep 8; rd_ep 3; web_ep 22;", "ftp_ep 14;") ==
        "dir/muk.cfg:4: ftp_ep: M3FTP needs FS: add fs_ep and fs_cfg");
  CHECK(complaint(muk, "is_ep 8", "ftp_ep 22") == "dir/muk.cfg:4: ftp_ep: is the endpoint of web_ep too; take another");
  CHECK(complaint(muk, "fs_ep 1;", "fs_ep 1; nweb_ep 23;") ==
        "dir/muk.cfg:4: nweb_ep: is another name of web_ep; write one of them");
  CHECK(complaint(muk, "rd_cfg \"rd.cfg\";", "") == "dir/muk.cfg:2: rd_cfg: the key is missing in this block 'muk'");
  CHECK(complaint(muk, "\"rd.cfg\"", "\"no.cfg\"") == "dir/muk.cfg:5: rd_cfg: the file 'dir/no.cfg' cannot be read");
  CHECK(complaint(muk, "web.cfg", "\"\"") == "dir/muk.cfg:6: web_cfg: the value is empty");
  CHECK(complaint(muk, "muk SERVER1", "mok SERVER1") ==
        "dir/muk.cfg:2: mok: there is no such block; this file has blocks 'muk'");
  CHECK(complaint(rd, "FILE_IMAGE", "FILE") ==
        "dir/rd.cfg:1: image_type: 'FILE' is not one of FILE_IMAGE, MEMORY_IMAGE");
  CHECK(complaint(rd, "volatile NO", "volatile no") == "dir/rd.cfg:1: volatile: 'no' is not one of YES, NO");
  CHECK(complaint(rd, "buffer 65536", "buffer 100") ==
        "dir/rd.cfg:1: buffer: '100' is not a number from 512 to 1048576");
  CHECK(complaint(rd, "image_file \"root.img\";", "") ==
        "dir/rd.cfg:1: image_file: the key is missing in this block 'device'");
  CHECK(complaint(rd, "size 1048576", "volatile NO; size 1048576") ==
        "dir/rd.cfg:2: volatile: a device in memory is volatile: write YES");
  CHECK(complaint(rd, "volatile NO", "size 4096") ==
        "dir/rd.cfg:1: size: a device with an image_file has the size of that file");
  CHECK(complaint(fs, "major 3", "major 4") == "dir/fs.cfg:1: major: is not rd_ep, which is 3");
  CHECK(complaint(fs, "minor 0", "minor 2") == "dir/fs.cfg:1: minor: RDISK has the devices 0 to 1");
  CHECK(complaint(fs, "root_dev YES", "root_dev NO") ==
        "dir/fs.cfg:1: root_dev: no device is the root: write YES for one");
  CHECK(complaint(web, "endpoint 22", "endpoint 23") == "dir/web.cfg:1: endpoint: is not web_ep, which is 22");
  CHECK(complaint(web, "\"/\"", "\"www\"") ==
        "dir/web.cfg:1: rootdir: is no absolute path of the image: begin it with /");
}

TEST_CASE("a mistake in the syntax is refused where it stands") {
  const std::string muk = "dir/muk.cfg";
  CHECK(complaint(muk, "dcid 0;", "dcid 0") == "dir/muk.cfg:4: dcid: ; is missing after the value, before 'pm_ep'");
  CHECK(complaint(muk, "dcid 0;", "dcid;") == "dir/muk.cfg:3: dcid: the value is missing: write dcid VALUE;");
  CHECK(complaint(muk, "dcid 0;", "dcid 0; = 0;") ==
        "dir/muk.cfg:3: =: a block 'muk' does not have this key; it has dcid, pm_ep, fs_ep, is_ep, rd_ep, web_ep, "
        "nweb_ep, ftp_ep, rd_external, rd_cfg, fs_cfg, web_cfg, ftp_cfg");
  CHECK(complaint(muk, "};", "") == "dir/muk.cfg:8: muk: the block is not closed: } is missing");
  CHECK(complaint(muk, "SERVER1 {", "SERVER1") == "dir/muk.cfg:3: muk: { is missing before 'dcid'");
  CHECK(complaint(muk, "SERVER1 {", "{") == "dir/muk.cfg:2: muk: the block has no name: write muk NAME { … };");
  CHECK(complaint(muk, "\"rd.cfg\"", "\"rd.cfg") ==
        "dir/muk.cfg:5: a string does not end on its line: close it with \"");
  CHECK(complaint(muk, "dcid 0", std::string("dcid \x01")) ==
        "dir/muk.cfg:3: there is a character that belongs to no word");
  CHECK(complaint(muk, "muk SERVER1", "\"muk\" SERVER1") ==
        "dir/muk.cfg:2: 'muk' stands where a block should begin: write KIND NAME { … };");
}

TEST_CASE("the empty text has no blocks, and semicolons after a block are optional") {
  CHECK(config::parse("", "f").empty());
  CHECK(config::parse("# only a comment", "f").empty());
  CHECK(config::parse("a b { } c d { };;", "f").size() == 2);
}
