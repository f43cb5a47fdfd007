# SPDX-License-Identifier: MIT
"""Programs that run beside a measurement, in a folder in memory that goes with them."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

START_SECONDS_MAX = 20


def find_tool(name: str) -> str:
    """Where a program of the host is, also for ordinary users."""
    found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: ./dev setup bench")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Programs:
    """They end with `close`, the last one first, and with this process at the latest."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dvs-bench-", dir="/dev/shm"))
        self.folder.chmod(0o755)
        self._running: list[subprocess.Popen] = []

    def start(self, name: str, command: list[str], is_ready: Callable[[], bool]) -> int:
        """Returns the number of the process when it is ready; what it says goes to NAME.log."""
        path = self.folder / f"{name}.log"
        with path.open("wb") as log:
            process = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *command], stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        self._running.append(process)
        limit = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < limit and process.poll() is None:
            if is_ready():
                return process.pid
            time.sleep(0.01)
        raise RuntimeError(f"{name} did not start: " + " ".join(path.read_text(errors="replace").split()))

    def said(self, name: str, text: str) -> bool:
        return text in (self.folder / f"{name}.log").read_text(errors="replace")

    def close(self) -> None:
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
