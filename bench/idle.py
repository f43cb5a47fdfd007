# SPDX-License-Identifier: MIT
"""What a cluster costs in which nothing happens."""
import json
import subprocess
import time
from pathlib import Path

from muk import start_daemon, write_cluster
from programs import START_SECONDS_MAX, Programs, free_port

NODES = ("one", "two", "three")
SETTLE_SECONDS = 2
WINDOW_SECONDS = 2


def processor_seconds(process: int) -> float:
    """Of all threads of a process so far: its own clock, as clock_getcpuclockid(3) makes it of the number."""
    return time.clock_gettime((~process << 3) | 2)


def are_linked(programs: Path, folder: Path) -> bool:
    def links_of(node: str) -> list[dict]:
        told = subprocess.run([programs / "dvs", "link", "list", "--json", "--socket", folder / node / "node"],
                              capture_output=True, text=True, check=True)
        return json.loads(told.stdout)["links"]

    return all(len(links) == len(NODES) - 1 and all(link["up"] for link in links) for links in map(links_of, NODES))


def cluster_shares(programs: Path, rounds: int) -> list[float]:
    """Percent of a core that the daemons of three linked nodes use together, by round."""
    running = Programs()
    try:
        write_cluster(running.folder, {node: ("127.0.0.1", free_port()) for node in NODES})
        daemons = [start_daemon(running, programs, running.folder, node, []) for node in NODES]
        limit = time.monotonic() + START_SECONDS_MAX
        while not are_linked(programs, running.folder):
            if time.monotonic() > limit:
                raise RuntimeError(f"the nodes have not found each other in {START_SECONDS_MAX} s")
            time.sleep(0.05)
        time.sleep(SETTLE_SECONDS)
        shares = []
        for _ in range(rounds):
            began, before = time.monotonic(), sum(map(processor_seconds, daemons))
            time.sleep(WINDOW_SECONDS)
            shares.append((sum(map(processor_seconds, daemons)) - before) / (time.monotonic() - began) * 100)
        return shares
    finally:
        running.close()
