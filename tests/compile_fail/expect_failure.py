#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""expect_failure.py SOURCE COMPILER [OPTION...]: passes when SOURCE does not compile, for the reason it states.

The reason is every line "// expect: text" of SOURCE; each text must appear in what the compiler prints.
"""
import os
import re
import subprocess
import sys


def main() -> int:
    source, *compiler = sys.argv[1:]
    with open(source, encoding="utf-8") as lines:
        expected = re.findall(r"^\s*// expect: (.+?)\s*$", lines.read(), re.MULTILINE)
    if not expected:
        print(f"{source}: no line '// expect: text': say what the compiler must print")
        return 1

    run = subprocess.run([*compiler, source], capture_output=True, text=True, check=False,
                         env={**os.environ, "LC_ALL": "C"})
    if run.returncode == 0:
        print(f"{source}: compiles, and must not: {expected[0]}")
        return 1
    missing = [text for text in expected if text not in run.stderr]
    for text in missing:
        print(f"{source}: the compiler does not say: {text}")
    if missing:
        print(run.stderr[:6000])
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
