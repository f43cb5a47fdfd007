# SPDX-License-Identifier: MIT
"""NWEB and nginx side by side: the same files in memory, one processor each in turn, asked by wrk from another."""
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

FILES = {"1k": 1 << 10, "10m": 10 << 20}
WRK_SECONDS = 2
START_SECONDS_MAX = 20

MUK_FILES = {
    "muk.cfg": 'muk BENCH {\n  dcid 0;\n  pm_ep 0;\n  fs_ep 1;\n  rd_ep 3;\n  web_ep 22;\n'
               '  rd_cfg "rdisk.cfg";\n  fs_cfg "fs.cfg";\n  web_cfg "web.cfg";\n};\n',
    "rdisk.cfg": 'device SITE {\n  image_type FILE_IMAGE;\n  image_file "site.img";\n'
                 '  volatile YES;\n  buffer 65536;\n};\n',
    "fs.cfg": 'device ROOT {\n  type RDISK_IMG;\n  root_dev YES;\n  buffer_size 65536;\n};\n',
    "web.cfg": 'websrv BENCH {\n  port PORT;\n};\n',
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare_muk(muk: Path, folder: Path, files: Path, port: int) -> list[str]:
    """Makes an image of `files` and a configuration in `folder`; returns the command that serves them."""
    subprocess.run([muk, "mkimage", files, folder / "site.img"], check=True, stdout=subprocess.DEVNULL)
    for name, text in MUK_FILES.items():
        (folder / name).write_text(text.replace("PORT", str(port)), encoding="ascii")
    return [str(muk), str(folder / "muk.cfg"), "--mode", "fibers"]


class Web:
    """Both servers, running; everything they need is in memory and goes with `close`."""

    def __init__(self, muk: Path, nginx_configuration: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dvs-bench-", dir="/dev/shm"))
        self.running: list[subprocess.Popen] = []
        try:
            self._start(muk, nginx_configuration)
        except BaseException:
            self.close()
            raise

    def _start(self, muk: Path, nginx_configuration: Path) -> None:
        for tool in ("nginx", "wrk", "taskset"):
            if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin") is None:
                raise RuntimeError(f"{tool} is not installed")
        self.folder.chmod(0o755)
        files = self.folder / "files"
        files.mkdir()
        (self.folder / "tmp").mkdir(mode=0o777)
        for name, size in FILES.items():
            (files / f"{name}.bin").write_bytes(os.urandom(size))
        processors = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.client_cpu = str(processors[0]), str(processors[-1])
        self.ports = {"reference": free_port(), "subject": free_port()}

        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
        text = nginx_configuration.read_text(encoding="ascii")
        for key, value in {"ROOT": self.folder, "PORT": self.ports["reference"], "USER": user}.items():
            text = text.replace(f"@{key}@", str(value))
        (self.folder / "nginx.conf").write_text(text, encoding="ascii")
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self._launch("reference", [nginx, "-e", "stderr", "-p", str(self.folder), "-c",
                                   str(self.folder / "nginx.conf")])
        self._launch("subject", prepare_muk(muk, self.folder, files, self.ports["subject"]))

    def _launch(self, side: str, command: list[str]) -> None:
        log = (self.folder / f"{side}.log").open("wb")
        process = subprocess.Popen(["taskset", "-c", self.server_cpu, *command], stdout=log, stderr=log)
        self.running.append(process)
        limit = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < limit and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.ports[side])) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError(f"{command[0]} did not start: " + (self.folder / f"{side}.log").read_text(errors="replace"))

    def compare(self, size: str, connections: int, rounds: int) -> tuple[list[float], list[float]]:
        """Requests per second of reference and subject, by round."""
        figures: dict[str, list[float]] = {"reference": [], "subject": []}
        for _ in range(rounds + 1):
            for side, rates in figures.items():
                rates.append(self._wrk(f"http://127.0.0.1:{self.ports[side]}/{size}.bin", connections))
        return figures["reference"][1:], figures["subject"][1:]

    def _wrk(self, url: str, connections: int) -> float:
        done = subprocess.run(["taskset", "-c", self.client_cpu, "wrk", "-t1", f"-c{connections}",
                               f"-d{WRK_SECONDS}s", url], capture_output=True, text=True, check=True)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        if rate is None or float(rate.group(1)) == 0 or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise RuntimeError(f"wrk on {url} went wrong: {' '.join(done.stdout.split())}")
        return float(rate.group(1))

    def close(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def one_page(muk: Path, folder: Path) -> list[str]:
        """An image with one page; returns what `first_byte` is to ask for, and the command that serves it."""
        files = folder / "files"
        files.mkdir()
        (files / "index.html").write_text("<p>hello</p>\n", encoding="ascii")
        port = free_port()
        return [f"{port}/index.html", *prepare_muk(muk, folder, files, port)]
