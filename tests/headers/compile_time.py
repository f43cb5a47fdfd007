#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails when a header costs more than a multiple of a reference header to compile.

CPU time is measured, not wall time, the two headers take turns, and the quickest of several runs of each counts:
whatever else the machine does can only add to a run.
"""
import argparse
import os
import subprocess
import sys
import tempfile

ROUNDS = 7


def cpu_seconds(command: list[str]) -> float:
    """Runs a command and returns the CPU time that it and its children used."""
    before = os.times()
    subprocess.run(command, check=True)
    after = os.times()
    return (after.children_user - before.children_user) + (after.children_system - before.children_system)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, required=True, help="the largest allowed ratio")
    parser.add_argument("--reference", required=True, help="the header to compare with")
    parser.add_argument("--header", required=True, help="the header with the budget")
    parser.add_argument("compiler", nargs=argparse.REMAINDER, help="the compiler and its options")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        best = {}
        for name in [options.reference, options.header] * ROUNDS:
            unit = os.path.join(folder, name.replace("/", "_") + ".cpp")
            with open(unit, "w", encoding="ascii") as out:
                out.write(f"#include <{name}>\n")
            seconds = cpu_seconds([*options.compiler, "-c", unit, "-o", unit + ".o"])
            best[name] = min(seconds, best.get(name, seconds))

    ratio = best[options.header] / best[options.reference]
    for name, seconds in best.items():
        print(f"<{name}> alone: {seconds:.3f} s of CPU")
    print(f"ratio {ratio:.2f}, budget {options.budget:g}")
    return 0 if ratio <= options.budget else 1


if __name__ == "__main__":
    sys.exit(main())
