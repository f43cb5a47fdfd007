# SPDX-License-Identifier: MIT
"""Web servers side by side: the same files in memory, one processor for all that serves, asked by wrk from another."""
import os
import re
import subprocess
from pathlib import Path

from muk import CONFIGURATIONS, boots, image_of, write_configuration
from programs import Programs, find_tool, free_port

FILES = {"1k": 1 << 10, "10m": 10 << 20, "50m": 50 << 20}
WRK_SECONDS = 2
UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}  # as wrk prints them


class Web:
    """The servers, each started when it is first asked; everything they need is in memory and goes with `close`."""

    def __init__(self, programs: Path, references: Path) -> None:
        for tool in ("wrk", "curl", "taskset", "setpriv"):
            find_tool(tool)
        self.programs = programs
        self.references = references
        self.running = Programs()
        self.addresses: dict[str, tuple[list[str], str]] = {}  # by server: how to get where it can be asked, and there
        self.failed: dict[str, str] = {}  # why a server did not start
        processors = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.client_cpu = str(processors[0]), str(processors[-1])
        try:
            self.files = self.running.folder / "files"
            self.files.mkdir()
            for name, size in FILES.items():
                (self.files / f"{name}.bin").write_bytes(os.urandom(size))
            self.image = image_of(self.files, programs / "muk", self.running.folder / "site.img")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.running.close()

    def compare(self, reference: str, subject: str, size: str, connections: int, rounds: int,
                figure: str) -> tuple[list[float], list[float]]:
        """Requests or bytes per second, as `figure` says, of two servers by round."""
        figures: dict[str, list[float]] = {reference: [], subject: []}
        for server in figures:
            self._check(server, size)
        for _ in range(rounds + 1):
            for server, rates in figures.items():
                rates.append(self._wrk(server, size, connections)[figure])
        return figures[reference][1:], figures[subject][1:]

    def _where(self, server: str) -> tuple[list[str], str]:
        if server in self.failed:
            raise RuntimeError(self.failed[server])
        if server not in self.addresses:
            start = {"nginx": self._nginx, "apache": self._apache, "muk": self._muk}.get(server)
            try:
                self.addresses[server] = start() if start else self._configuration(server)
            except (OSError, RuntimeError, subprocess.SubprocessError) as why:
                self.failed[server] = str(why)
                raise
        return self.addresses[server]

    def _check(self, server: str, size: str) -> None:
        """What is served is the file."""
        inside, address = self._where(server)
        file = self.running.folder / "fetched"
        subprocess.run([*inside, "curl", "--silent", "--show-error", "--fail", "--output", file,
                        f"{address}/{size}.bin"], check=True)
        if file.read_bytes() != (self.files / f"{size}.bin").read_bytes():
            raise RuntimeError(f"{server} does not serve the file {size}.bin as it is")
        file.unlink()

    def _wrk(self, server: str, size: str, connections: int) -> dict[str, float]:
        inside, address = self._where(server)
        done = subprocess.run([*inside, "taskset", "-c", self.client_cpu, "wrk", "-t1", f"-c{connections}",
                               f"-d{WRK_SECONDS}s", f"{address}/{size}.bin"], capture_output=True, text=True,
                              check=True)
        requests = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
        content = re.search(r"Transfer/sec:\s+([\d.]+)([KMG]?B)", done.stdout)
        if not requests or not content or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
            raise RuntimeError(f"wrk on {server} went wrong: {' '.join(done.stdout.split())}")
        return {"requests": float(requests.group(1)), "bytes": float(content.group(1)) * UNITS[content.group(2)]}

    # ---- how each is started ---------------------------------------------------------------------------------------

    def _start(self, name: str, command: list[str], inside: list[str], port: int) -> tuple[list[str], str]:
        address = f"http://127.0.0.1:{port}"
        asking = [*inside, "curl", "--silent", "--output", "/dev/null", f"{address}/1k.bin"]
        self.running.start(name, [*inside, "taskset", "-c", self.server_cpu, *command],
                           lambda: subprocess.run(asking, check=False).returncode == 0)
        return inside, address

    def _configured(self, name: str, port: int) -> str:
        """A configuration of bench/reference, with its blanks filled in."""
        text = (self.references / name).read_text(encoding="ascii")
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")
        for key, value in {"ROOT": self.running.folder, "PORT": port, "USER": user}.items():
            text = text.replace(f"@{key}@", str(value))
        (self.running.folder / name).write_text(text, encoding="ascii")
        return str(self.running.folder / name)

    def _nginx(self) -> tuple[list[str], str]:
        port = free_port()
        (self.running.folder / "tmp").mkdir(mode=0o777)
        return self._start("nginx", [find_tool("nginx"), "-e", "stderr", "-p", str(self.running.folder), "-c",
                                     self._configured("nginx.conf", port)], [], port)

    def _apache(self) -> tuple[list[str], str]:
        port = free_port()
        return self._start("apache", [find_tool("apache2"), "-D", "FOREGROUND", "-f",
                                      self._configured("apache.conf", port)], [], port)

    def _muk(self) -> tuple[list[str], str]:
        """MUK that reads the image from its file, as it is mostly used."""
        folder, port = self._folder_and_port("muk")
        write_configuration(folder, self.image, port)
        return self._start("muk", boots(self.programs, folder), [], port)

    def _configuration(self, letter: str) -> tuple[list[str], str]:
        """MUK in one of the papers' configurations: as there the image is in the memory of RDISK."""
        folder, port = self._folder_and_port(letter)
        write_configuration(folder, self.image, port, "MEMORY_IMAGE", rdisk_is_external=letter != "a")
        inside, command = CONFIGURATIONS[letter](self.running, self.programs, folder,
                                                 ["taskset", "-c", self.server_cpu])
        return self._start(f"muk-{letter}", command, inside, port)

    def _folder_and_port(self, name: str) -> tuple[Path, int]:
        folder = self.running.folder / name
        folder.mkdir()
        return folder, free_port()
