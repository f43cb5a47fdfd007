# SPDX-License-Identifier: MIT
"""Measured rows as plots: one SVG each, drawn by gnuplot."""
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from programs import find_tool

PAIRS = (1, 2, 4, 8)
PATTERNS = {1: "send", 2: "sendrec, send", 3: "notify", 4: "sendrec, reply"}
MECHANISMS = {"fifo": "FIFO", "mq": "message queue", "unix": "Unix socket", "tcp": "TCP loopback", "zeromq": "ZeroMQ",
              "nng": "nng", "iceoryx": "iceoryx (polls)"}
COPIES = {"4k": 4 << 10, "64k": 64 << 10, "1m": 1 << 20, "4m": 4 << 20}
COLOURS = ("#c00000", "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf")


@dataclass
class Plot:
    name: str
    title: str
    settings: str  # lines of gnuplot: axes and their labels
    style: str  # how each line is drawn: the words after its data
    lines: dict[str, list[tuple[str, float | None]]] = field(default_factory=dict)  # by what: x and y of each point

    def add(self, what: str, points: list[tuple[str, float | None]]) -> None:
        """A line; points that were not measured are left out, and so is a line without any."""
        if any(y is not None for _, y in points):
            self.lines[what] = points

    def script(self, path: Path) -> str:
        data = "".join(f"$line{index} << END\n" + "".join(f"{x} {'?' if y is None else y}\n" for x, y in points) +
                       "END\n" for index, points in enumerate(self.lines.values()))
        drawn = ", ".join(f"$line{index} {self.style} linecolor rgb '{COLOURS[index]}' title '{what}'"
                          for index, what in enumerate(self.lines))
        return (f"set terminal svg noenhanced size 760,420 font 'sans-serif,13' background '#ffffff'\n"
                f"set output '{path}'\nset title '{self.title}'\nset grid ytics\nset key outside right\n"
                f"set datafile missing '?'\n{self.settings}\n"
                f"{data}plot {drawn}\n")


class Rows:
    """The medians of rows by id."""

    def __init__(self, results: list[dict]) -> None:
        self.by_id = {each["id"]: each for each in results if "failed" not in each}

    def median(self, row: str, side: str) -> float | None:
        return self.by_id[row][side]["median"] if row in self.by_id else None

    def by_pairs(self, row: str, side: str) -> list[tuple[str, float | None]]:
        return [(str(pairs), self.median(f"{row}-{pairs}", side)) for pairs in PAIRS]


def plots_of(rows: Rows) -> list[Plot]:
    of_pairs = ("set xlabel 'pairs of processes'\nset logscale x 2\nset xrange [0.9:9]\nset xtics (1, 2, 4, 8)\n"
                "set ylabel 'million messages a second'\nset format y '%g'\nset logscale y")
    with_points = "using 1:2 with linespoints linewidth 2 pointtype 7 pointsize 0.6"

    patterns = Plot("loops", "Messages between processes, by pattern", of_pairs, with_points)
    for number, what in PATTERNS.items():
        patterns.add(f"dvs: {what}", rows.by_pairs(f"loop-{number}-pipe", "subject"))
    patterns.add("pipe", rows.by_pairs("loop-4-pipe", "reference"))

    mechanisms = Plot("mechanisms", "Messages between processes, by mechanism", of_pairs, with_points)
    mechanisms.add("dvs: sendrec, reply", rows.by_pairs("loop-4-pipe", "subject"))
    mechanisms.add("pipe", rows.by_pairs("loop-4-pipe", "reference"))
    for name, what in MECHANISMS.items():
        mechanisms.add(what, rows.by_pairs(f"pairs-{name}", "reference"))

    copies = Plot("copies", "Copies between processes, by size",
                  "set xlabel 'bytes of a copy'\nset logscale x 2\n"
                  "set xtics ('4 KiB' 4096, '64 KiB' 65536, '1 MiB' 1048576, '4 MiB' 4194304)\n"
                  "set ylabel 'MB/s'\nset format y '%g'\nset logscale y", with_points)
    for what, suffix, side in (("dvs: granted memory", "", "subject"), ("process_vm_readv", "", "reference"),
                               ("memcpy, one process", "-memcpy", "reference"), ("pipe", "-pipe", "reference"),
                               ("Unix socket", "-unix", "reference")):
        rates = [(str(size), rows.median(f"process-copy-{name}{suffix}", side)) for name, size in COPIES.items()]
        copies.add(what, [(size, rate and rate * 1000) for size, rate in rates])

    web = Plot("nweb", "Files served over HTTP, one connection",
               "set style data histograms\nset style fill solid\nset xlabel 'file'\nset ylabel 'MB/s'\n"
               "set xrange [-0.6:1.6]\nset yrange [0:*]", "using 2:xticlabels(1)")
    for what, row, side in (("NWEB, Config-A", "a-{}m-nginx", "subject"), ("NWEB, Config-B", "b-{}m-nginx", "subject"),
                            ("NWEB, Config-C", "c-{}m-nginx", "subject"), ("Apache", "a-{}m-apache", "reference"),
                            ("nginx", "a-{}m-nginx", "reference")):
        web.add(what, [(f'"{size} MiB"', rows.median(f"nweb-{row.format(size)}", side)) for size in (10, 50)])
    return [patterns, mechanisms, copies, web]


def draw(results: list[dict], folder: Path) -> list[Path]:
    """Draws what the rows suffice for; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for plot in plots_of(Rows(results)):
        if plot.lines:
            path = folder / f"{plot.name}.svg"
            done = subprocess.run([find_tool("gnuplot"), "-"], input=plot.script(path), capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                raise RuntimeError(f"gnuplot did not draw {path}:\n{done.stderr}")
            drawn.append(path)
    return drawn
