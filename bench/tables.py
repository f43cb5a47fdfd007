# SPDX-License-Identifier: MIT
"""Measured rows as a table: of a terminal, or of docs/performance.md."""
MET = {True: "yes", False: "no", None: ""}
UNITS_OF_THOUSANDS = {"ns": "µs", "1/s": "k/s"}


def number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def print_text(results: list[dict]) -> None:
    head = ("id", "subject", "p10", "reference", "p10", "unit", "ratio", "target", "met", "compared with")
    lines = [head]
    for each in results:
        if "failed" in each:
            lines.append((each["id"], *["-"] * 7, "failed", each["failed"]))
            continue
        lines.append((each["id"], number(each["subject"]["median"]), number(each["subject"]["p10"]),
                      number(each["reference"]["median"]), number(each["reference"]["p10"]), each["unit"],
                      f"{each['ratio']:.2f}", each["target"], MET[each["met"]] or "-", each["reference"]["what"]))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    right = {1, 2, 3, 4, 6}
    for line in lines:
        cells = (cell.rjust(width) if column in right else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(line, widths)))
        print("  ".join(cells).rstrip())


def amount(side: dict, unit: str, rounds: int) -> str:
    """A median with its p10, as `16.7 (16.1) k/s`."""
    median, p10 = side["median"], side["p10"]
    if median >= (10_000 if unit == "ns" else 1000) and unit in UNITS_OF_THOUSANDS:
        median, p10, unit = median / 1000, p10 / 1000, UNITS_OF_THOUSANDS[unit]
    unit = "/s" if unit == "1/s" else unit
    return f"{number(median)} {unit}" if rounds == 1 else f"{number(median)} ({number(p10)}) {unit}"


def print_markdown(results: list[dict]) -> None:
    print("| id | dvs, median (p10) | reference, median (p10) | ratio | target | met |")
    print("| --- | --- | --- | --- | --- | --- |")
    for each in results:
        if "failed" in each:
            print(f"| `{each['id']}` | not measured: {each['failed']} | | | | |")
            continue
        sides = (amount(each[side], each["unit"], each["rounds"]) for side in ("subject", "reference"))
        cells = (f"`{each['id']}`", *sides, f"{each['ratio']:.2f}", each["target"], MET[each["met"]])
        print("| " + " | ".join(cells).rstrip() + " |")
