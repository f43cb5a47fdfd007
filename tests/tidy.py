#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that no compiler knows. Prints "file:line: what is wrong: what to do instead".

Run it from anywhere. With --compile-commands it also finds sources that no build compiles.
"""
import argparse
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED_FOLDERS = {".git", ".cache", "build"}
CODE = {".hpp", ".h", ".cpp", ".c"}
SCRIPTS = {".py", ".sh"}
LINE_LENGTH_MAX = 120
FILE_LINES_MAX = 450
ASIO = ("boost/asio", "boost/beast", "dvs/async.hpp", "dvs/detail/async_")
FREESTANDING = {"limits.h", "stdbool.h", "stddef.h", "stdint.h"}

# What a server must not name, because its run must be a function of its messages (and, simulated, of its seed).
BANNED_IN_SERVERS = [
    (r"\bstd::(j?thread|async|future|promise|packaged_task)\b",
     "the image decides what runs where; use dc.spawn there"),
    (r"\bstd::this_thread\b", "self.sleep_for() waits in the time of the backend"),
    (r"\bstd::(\w*mutex|\w*_lock|lock_guard|condition_variable\w*|counting_semaphore|latch|barrier)\b",
     "a server has one thread of control: keep the caller and reply later"),
    (r"\bstd::(chrono::)?\w*_clock\b|\b(clock_gettime|gettimeofday|time)\s*\(\s*(NULL|nullptr|CLOCK_)", "self.now()"),
    (r"\b(usleep|nanosleep|sleep)\s*\(", "self.sleep_for()"),
    (r"\bthread_local\b", "a member of the server"),
    (r"\bstd::(random_device|mt19937(_64)?|default_random_engine)\b|\bs?rand\s*\(", "self.random()"),
    (r"<sys/socket\.h>|<netinet/|\bboost::asio::ip\b|<boost/asio/ip/"
     r"|(?<![\w>])::(socket|accept|bind|listen|connect)\s*\(",
     "self.listen(port) gives a byte stream on every backend"),
    (r"<dvs/backends/|\bdvs::(userspace|kernel|sim|loopback)\b",
     "be a template on the backend; only muk/image/ names one"),
]


class Report:
    """Collects complaints, in the form that editors understand."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, path: Path, line: int, what: str, remedy: str) -> None:
        self.lines.append(f"{path.relative_to(ROOT)}:{line}: {what}: {remedy}")


def all_files() -> list[Path]:
    found = []
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        if path.is_file() and not SKIPPED_FOLDERS.intersection(parts) and "__pycache__" not in parts:
            found.append(path)
    return found


def inside(path: Path, *folder: str) -> bool:
    return path.relative_to(ROOT).parts[:len(folder)] == folder


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def without_comments(text: str) -> str:
    """C++ text with comments and the insides of string literals blanked; lines keep their numbers."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|(?<!#include )"(?:\\.|[^"\\\n])*"', re.DOTALL)

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    return token.sub(blank, text)


def is_code(path: Path) -> bool:
    return path.suffix in CODE


def is_script(path: Path) -> bool:
    return path.suffix in SCRIPTS or path.relative_to(ROOT).as_posix() in ("dev", ".ci/run", "bench/run")


def is_text_by_hand(path: Path) -> bool:
    return is_code(path) or is_script(path) or path.suffix in (".cmake", ".md") or path.name == "CMakeLists.txt"


def check_heads(path: Path, text: str, report: Report) -> None:
    lines = text.splitlines()
    licence = "MIT OR GPL-2.0-only" if inside(path, "include", "dvs", "dvk") else "MIT"
    if is_code(path):
        if not lines or f"SPDX-License-Identifier: {licence}" not in lines[0]:
            report.add(path, 1, "the file does not say its licence",
                       f"begin with the comment SPDX-License-Identifier: {licence}")
        elif not any("@file" in line for line in lines[1:5]):
            report.add(path, 2, "the file does not say its purpose", "add /// @file and a sentence")
    elif is_script(path):
        if not any("SPDX-License-Identifier: MIT" in line for line in lines[:3]):
            report.add(path, 1, "the script does not say its licence", "add # SPDX-License-Identifier: MIT")


def check_lines(path: Path, text: str, report: Report) -> None:
    lines = text.splitlines()
    if path != Path(__file__).resolve():
        for number, line in enumerate(lines, 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                report.add(path, number, "unfinished work", "finish it, or leave the mark out")
    if path.suffix != ".md":
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_LENGTH_MAX:
                report.add(path, number, f"{len(line)} columns", f"at most {LINE_LENGTH_MAX}")
        if len(lines) > FILE_LINES_MAX:
            report.add(path, FILE_LINES_MAX, f"the file has {len(lines)} lines", "split it by purpose")


def check_server_names(path: Path, code: str, report: Report) -> None:
    """Files of muk/, but for the image and the program, know no thread, clock, chance, socket or backend."""
    if not inside(path, "muk") or inside(path, "muk", "image") or path == ROOT / "muk" / "main.cpp":
        return
    for number, line in enumerate(code.splitlines(), 1):
        for pattern, remedy in BANNED_IN_SERVERS:
            found = re.search(pattern, line)
            if found:
                report.add(path, number, f"a server may not name '{found.group().strip()}'", remedy)


def check_layers(path: Path, code: str, report: Report) -> None:
    """Includes point down the layers only."""
    in_api = inside(path, "include", "dvs")
    in_rules = inside(path, "include", "dvs", "dvk")
    for number, line in enumerate(code.splitlines(), 1):
        if in_api and re.match(r"\s*#\s*(el)?if.*\b(__linux__|__APPLE__|_WIN32|__unix__)\b", line):
            report.add(path, number, "the API depends on a platform", "what one platform needs belongs into a backend")
        found = re.match(r"\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", line)
        if not found:
            continue
        quote, name = found.groups()
        if quote == '"' and (name.startswith(("dvs/", "muk/")) or in_api):
            report.add(path, number, f'"{name}" is a public header', f"#include <{name}>")
        if in_api and (name.startswith(("dvs/backends/", "dvs/conformance/", "muk/", "ns3/"))):
            report.add(path, number, f"the API includes {name}", "include/dvs/ knows no backend and no server")
        if in_api and name.startswith(ASIO) and not path.name.startswith("async"):
            report.add(path, number, f"{name} costs every user a second and a half", "only dvs/async.hpp includes Asio")
        if in_rules and not name.startswith("dvs/dvk/") and name not in FREESTANDING:
            report.add(path, number, f"the rules include {name}", "they use nothing but freestanding C11 headers")
        if inside(path, "backends") and name.startswith("muk/"):
            report.add(path, number, f"a backend includes {name}", "an arrow may only point down")
        if name.startswith("ns3/") and path.name != "sim.hpp" and not inside(path, "sim"):
            report.add(path, number, f"{name} outside the simulator", "only dvs/backends/sim.hpp includes ns-3")


def check_dead_headers(texts: dict[Path, str], report: Report) -> None:
    """A header below detail/, muk/ or bench/ that nobody includes is dead; public headers are for the users."""
    included = set()
    for path, text in texts.items():
        if is_code(path):
            included.update(re.findall(r"#\s*include\s*[<\"]([^>\"]+)[>\"]", text))
    for path in texts:
        if path.suffix not in (".hpp", ".h"):
            continue
        name = path.relative_to(ROOT).as_posix()
        if "/detail/" not in name and not name.startswith(("muk/", "bench/", "tests/")):
            continue
        if inside(path, "tests", "conformance"):
            continue
        if not any(name == other or name.endswith("/" + other) for other in included):
            report.add(path, 1, "nothing includes this header", "use it or delete it")


def check_dead_sources(texts: dict[Path, str], database: Path, report: Report) -> None:
    """Every source is compiled by some build; mistakes, fuzz targets and the consumer have builds of their own."""
    compiled = {Path(entry["file"]).resolve() for entry in json.loads(text_of(database))}
    scripts = "".join(text for path, text in texts.items() if is_script(path))
    for path in texts:
        if path.suffix not in (".cpp", ".c") or path in compiled or f"{path.parent.name}/{path.name}" in scripts:
            continue
        if not any(inside(path, "tests", folder) for folder in ("compile_fail", "consumer", "fuzz")):
            report.add(path, 1, "no build compiles this source", "name it in a CMakeLists.txt or delete it")


def check_snippets(path: Path, text: str, report: Report) -> None:
    """A code block after <!-- snippet: FILE --> is that file without its head."""
    for found in re.finditer(r"<!-- snippet: (\S+) -->\n```\w*\n(.*?)```", text, re.DOTALL):
        line = text[:found.start()].count("\n") + 1
        source = ROOT / found.group(1)
        if not source.is_file():
            report.add(path, line, f"there is no {found.group(1)}", "name an existing example")
            continue
        body = re.sub(r"\A(//[^\n]*\n)+\n*", "", text_of(source))
        if body.strip() != found.group(2).strip():
            report.add(path, line, f"the program differs from {found.group(1)}", "copy the compiled example here")


def check_links(path: Path, text: str, report: Report) -> None:
    """Relative links of a document lead to something."""
    prose = re.sub(r"```.*?```", lambda block: re.sub(r"[^\n]", " ", block.group()), text, flags=re.DOTALL)
    for number, line in enumerate(prose.splitlines(), 1):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", line):
            if not re.match(r"\w+:", target) and not (path.parent / target).exists():
                report.add(path, number, f"the link {target} leads nowhere", "mend or remove it")


def check_documents(texts: dict[Path, str], report: Report) -> None:
    for path, text in texts.items():
        if path.suffix == ".md":
            check_snippets(path, text, report)
            check_links(path, text, report)
    readme = ROOT / "README.md"
    if "<!-- snippet: examples/01_ping/main.cpp -->" not in texts.get(readme, ""):
        report.add(readme, 1, "the README does not show the first example", "add its snippet")
    changes = ROOT / "CHANGELOG.md"
    if not re.search(r"^## \[Unreleased\]\n(?:\n|###[^\n]*\n)*- ", texts.get(changes, ""), re.MULTILINE):
        report.add(changes, 1, "no change is listed under [Unreleased]", "say what this change gives its users")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile-commands", type=Path, help="compile_commands.json of a build of everything")
    options = parser.parse_args()

    report = Report()
    texts = {path: text_of(path) for path in all_files() if is_text_by_hand(path)}
    for path, text in texts.items():
        check_heads(path, text, report)
        check_lines(path, text, report)
        if is_code(path):
            code = without_comments(text)
            check_server_names(path, code, report)
            check_layers(path, code, report)
    check_dead_headers(texts, report)
    check_documents(texts, report)
    if options.compile_commands:
        check_dead_sources(texts, options.compile_commands, report)

    for line in report.lines:
        print(line)
    print(f"tidy: {len(texts)} files, {len(report.lines)} complaints")
    return 1 if report.lines else 0


if __name__ == "__main__":
    sys.exit(main())
