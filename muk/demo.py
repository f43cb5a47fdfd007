#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Serves a directory from MUK and compares every byte that comes back.

Makes a MINIX image of the directory with `muk mkimage`, boots MUK from it as threads and as fibers, fetches every file
with curl, eight at a time, compares checksums, stops MUK, and has fsck.minix look at the image. Prints one table.
Exit status: 0 every file came back as it was, 1 otherwise.
"""
import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

CURLS_AT_ONCE = 8
BOOT_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
MODES = ("threads", "fibers")

# What MUK reads: which servers run under which endpoints, and a file for each that has something to say.
CONFIGURATION = {
    "muk.cfg": """muk DEMO {
  dcid     0;
  pm_ep    0;
  fs_ep    1;
  rd_ep    3;
  is_ep    8;
  web_ep   22;
  rd_cfg   "rdisk.cfg";
  fs_cfg   "fs.cfg";
  web_cfg  "web.cfg";
};
""",
    "rdisk.cfg": """device SITE {
  image_type  FILE_IMAGE;
  image_file  "site.img";
  buffer      65536;
};
""",
    "fs.cfg": """device ROOT {
  type         RDISK_IMG;
  root_dev     YES;
  buffer_size  65536;
};
""",
    "web.cfg": """websrv DEMO {
  port  PORT;
};
""",
}


class DemoFailure(Exception):
    """Something did not work, said in a sentence for the person who watches."""


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def run(what: str, *command: str) -> str:
    """Runs a command that has to succeed; returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DemoFailure(f"{what} failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port(wanted: int) -> int:
    """The wanted TCP port when nobody listens there, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise DemoFailure("there is no free TCP port")


def checksums(top: Path) -> dict[str, str]:
    """The SHA-256 of every regular file below a directory, by its path there."""
    return {path.relative_to(top).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(top.rglob("*")) if path.is_file() and not path.is_symlink()}


class Muk:
    """A running MUK: started from a configuration, asked over HTTP, stopped by SIGTERM."""

    def __init__(self, program: Path, folder: Path, mode: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        for name, text in CONFIGURATION.items():
            (folder / name).write_text(text.replace("PORT", str(port)), encoding="ascii")
        self.output: list[str] = []
        self.process = subprocess.Popen([program, folder / "muk.cfg", "--mode", mode], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()

    def _collect(self) -> None:
        for line in self.process.stdout:
            self.output.append(line)

    def wait_until_ready(self) -> str:
        """Returns the boot time as MUK itself reports it."""
        limit = time.monotonic() + BOOT_SECONDS_MAX
        while time.monotonic() < limit and self.process.poll() is None:
            found = re.search(r"boot\w*\D*([\d.]+ ?[mµu]?s)\b", "".join(self.output))
            if found:
                return found.group(1)
            time.sleep(0.002)
        raise DemoFailure("MUK did not boot:\n" + "".join(self.output))

    def tables(self) -> dict:
        with urllib.request.urlopen(self.url + ".muk/is/all.json", timeout=10) as answer:
            return json.load(answer)

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise DemoFailure("MUK did not stop on SIGTERM") from None
        if status != 0:
            raise DemoFailure(f"MUK ended with status {status}:\n" + "".join(self.output))


def fetch_all(url: str, names: list[str], into: Path) -> float:
    """Fetches every file with curl, several at a time; returns the seconds that took."""
    requests = into.with_suffix(".curl")
    with requests.open("w", encoding="utf-8") as out:
        for name in names:
            target = str(into / name).replace("\\", "\\\\").replace('"', '\\"')
            out.write(f'url = "{url}{urllib.parse.quote(name)}"\noutput = "{target}"\n')
    began = time.monotonic()
    fetching = subprocess.Popen(["curl", "--silent", "--show-error", "--fail", "--create-dirs", "--parallel",
                                 "--parallel-immediate", "--parallel-max", str(CURLS_AT_ONCE), "--max-time", "300",
                                 "--config", requests], stderr=subprocess.PIPE, text=True)
    while True:
        try:
            _, complaints = fetching.communicate(timeout=2)
            break
        except subprocess.TimeoutExpired:
            say(f"  still fetching, {sum(1 for path in into.rglob('*') if path.is_file())} of {len(names)} files")
    seconds = time.monotonic() - began
    if fetching.returncode != 0:
        raise DemoFailure(f"curl failed with status {fetching.returncode}:\n{complaints[:2000]}")
    return seconds


def differences(wanted: dict[str, str], got: dict[str, str]) -> list[str]:
    return [name for name in sorted(wanted) if got.get(name) != wanted[name]]


def print_columns(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "   ".join(cells).rstrip())


def traffic_by_server(processes: list[dict]) -> dict[str, list[str]]:
    """Messages, copies and megabytes copied of each name; a server may be several processes."""
    sums: dict[str, list[int]] = {}
    for one in processes:
        if one["name"]:
            counts = (one["messages_sent"] + one["messages_received"], one["copies"], one["bytes_copied"])
            sums[one["name"]] = [a + b for a, b in zip(sums.get(one["name"], [0, 0, 0]), counts)]
    return {name: [f"{messages:,}", f"{copies:,}", f"{copied / 1e6:.1f}"]
            for name, (messages, copies, copied) in sums.items()}


def size_stripped(program: Path, folder: Path) -> int:
    stripped = folder / "muk.stripped"
    run("strip", "strip", "-o", str(stripped), str(program))
    return stripped.stat().st_size


def measure(program: Path, folder: Path, image: Path, mode: str, wanted: dict[str, str], total: int) -> dict:
    """Boots, fetches, compares and stops in one mode; returns the figures."""
    muk = Muk(program, folder, mode, free_port(0))
    try:
        figures = {"boot": muk.wait_until_ready()}
        say(f"{mode}: booted in {figures['boot']}, fetching {len(wanted)} files")
        into = folder / mode
        seconds = fetch_all(muk.url, list(wanted), into)
        figures["rate"] = f"{total / 1e6 / seconds:.1f}"
        figures["memory"] = f"{muk.resident_bytes() / 1e6:.1f} MB"
        figures["processes"] = muk.tables()["processes"]
        wrong = differences(wanted, checksums(into))
        if wrong:
            raise DemoFailure(f"{len(wrong)} of {len(wanted)} files differ in mode {mode}: {', '.join(wrong[:5])}")
        muk.stop()
    finally:
        if muk.process.poll() is None:
            muk.process.kill()
    run("fsck.minix", "fsck.minix", "-f", str(image))
    return figures


def print_report(figures: dict[str, dict], files: int, total: int, executable: int) -> None:
    def row(name: str, cell) -> list[str]:
        return [name, *(cell(figures[mode]) for mode in MODES)]

    print()
    print_columns([["", *MODES],
                   row("files, all equal", lambda _: f"{files:,}"),
                   row("bytes", lambda _: f"{total:,}"),
                   row("MB/s", lambda of: of["rate"]),
                   row("boot time", lambda of: of["boot"]),
                   row("resident memory", lambda of: of["memory"]),
                   row("executable, stripped", lambda _: f"{executable / 1e3:.0f} kB")])
    print()
    traffic = {mode: traffic_by_server(figures[mode]["processes"]) for mode in MODES}
    print_columns([["server", *(f"{what}, {mode}" for mode in MODES for what in ("messages", "copies", "MB copied"))],
                   *([name, *(cell for mode in MODES for cell in traffic[mode].get(name, ["", "", ""]))]
                     for name in traffic[MODES[0]])])
    print()


def serve(program: Path, folder: Path) -> None:
    muk = Muk(program, folder, "fibers", free_port(8080))
    try:
        muk.wait_until_ready()
        say(f"serving at {muk.url} and the state of every server at {muk.url}.muk/is/all; Ctrl-C ends it")
        muk.process.wait()
    except KeyboardInterrupt:
        muk.stop()
        say("stopped")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--muk", type=Path, required=True, help="the program muk")
    parser.add_argument("--serve", action="store_true", help="stay up afterwards and print the URL")
    parser.add_argument("directory", type=Path, help="what to serve")
    options = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="muk-demo-"))
    try:
        wanted = checksums(options.directory)
        if not wanted:
            raise DemoFailure(f"there are no files in {options.directory}")
        total = sum((options.directory / name).stat().st_size for name in wanted)
        image = folder / "site.img"
        say(f"making a MINIX image of {len(wanted)} files, {total:,} bytes")
        run("muk mkimage", str(options.muk), "mkimage", str(options.directory), str(image))
        run("fsck.minix", "fsck.minix", "-f", str(image))
        figures = {mode: measure(options.muk, folder, image, mode, wanted, total) for mode in MODES}
        print_report(figures, len(wanted), total, size_stripped(options.muk, folder))
        if options.serve:
            serve(options.muk, folder)
        return 0
    except DemoFailure as failure:
        print(f"demo: {failure}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # where fsck.minix is, also for ordinary users
    sys.exit(main())
