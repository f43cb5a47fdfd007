#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows a MUK on a cluster of three nodes, and what happens when parts of it are lost.

Three network namespaces, joined by a bridge, are three machines: `web` has MUK, `disk` the disk driver RDISK, `client`
a client. Each has a daemon, started from one configuration. The client fetches a file through all of it, over HTTP and
over messages alone. Then a cable is pulled, a server killed and a daemon killed while it fetches; each time whoever
waits gets a result, and the file can be fetched again. Needs root, or the right to make user namespaces.
Exit status: 0 all of it went as it should, 1 otherwise; the last line says which.
"""
import argparse
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NODES = {"web": 1, "disk": 2, "client": 3}
SECONDS_MAX = 20
FILE_BYTES = 64 << 20
SLOWLY = "16M"  # a second: slow enough that something can happen meanwhile

CLUSTER = """[cluster]
name = "demo"
key_file = "cluster.key"
heartbeat = "50ms"
dead_after = "400ms"

{nodes}
[[link]]
between = ["web", "client"]
proxy = "udp"

[dc.DEMO]
id = 7
"""
MUK = {
    "muk.cfg": """muk DEMO {
  dcid 7; pm_ep 0; fs_ep 1; rd_ep 3; is_ep 8; web_ep 22; ftp_ep 14;
  rd_external  YES;
  rd_cfg "rdisk.cfg"; fs_cfg "fs.cfg"; web_cfg "web.cfg";
};
""",
    "rdisk.cfg": 'device SITE { image_type FILE_IMAGE; image_file "site.img"; buffer 65536; };\n',
    "fs.cfg": "device ROOT { type RDISK_IMG; root_dev YES; buffer_size 65536; };\n",
    "web.cfg": "websrv DEMO { port 8080; };\n",
}


class DemoFailure(Exception):
    """Something did not go as it should, said in a sentence for the person who watches."""


def say(text: str) -> None:
    print(f"demo: {text}", flush=True)


def run(*command: str) -> str:
    """Runs a command that has to succeed; returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise DemoFailure(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def until(what: str, is_so) -> None:
    """Asks until it is so."""
    limit = time.monotonic() + SECONDS_MAX
    while not is_so():
        if time.monotonic() > limit:
            raise DemoFailure(f"in vain: waited {SECONDS_MAX} s until {what}")
        time.sleep(0.02)


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Program:
    """A program that runs until it is told to end; its output goes to a file. The kernel ends it when this one ends."""

    running: list["Program"] = []

    def __init__(self, log: Path, *command: str) -> None:
        self.log = log
        with log.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdout=output,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        Program.running.append(self)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        until(f"{self.log.name} says '{text}'", lambda: text in self.said() or self.process.poll() is not None)
        if text not in self.said():
            raise DemoFailure(f"{self.log.name} ended:\n{self.said()}")

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise DemoFailure(f"{self.log.name} does not end") from None

    @classmethod
    def end_all(cls) -> None:
        for each in reversed(cls.running):
            if each.process.poll() is None:
                each.process.terminate()
                try:
                    each.process.wait(5)
                except subprocess.TimeoutExpired:
                    each.process.kill()
                    each.process.wait()


class Machine:
    """A network namespace, with a cable to the bridge."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.address = f"10.77.0.{NODES[name]}"
        self.holder = Program(folder / f"{name}.namespace", "unshare", "--net", "sleep", "infinity")
        namespace = Path(f"/proc/{self.holder.process.pid}/ns/net")
        until(f"{name} has a network of its own", lambda: namespace.readlink() != Path("/proc/self/ns/net").readlink())
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.process.pid))
        run("ip", "link", "set", name, "master", "bridge", "up")
        for line in (f"addr add {self.address}/24 dev eth0", "link set eth0 up", "link set lo up"):
            run(*self.inside("ip", *line.split()))

    def inside(self, *command: str) -> list[str]:
        return ["nsenter", "--target", str(self.holder.process.pid), "--net", *command]

    def start(self, name: str, *command: str) -> Program:
        return Program(self.folder / f"{name}.log", *self.inside(*command))

    @property
    def socket(self) -> str:
        return str(self.folder / self.name / "node")


class Cluster:
    """The three nodes with what runs on them."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "link", "set", "bridge", "up")
        self.machines = {name: Machine(name, folder) for name in NODES}
        self.daemons: dict[str, Program] = {}
        self.rdisk: Program
        self.muk: Program

    def program(self, name: str) -> str:
        return str(self.programs / name)

    def configure(self) -> None:
        nodes = "".join(f'[node.{name}]\nid = {number}\naddress = "{self.machines[name].address}"\n'
                        f'run = "{self.folder / name}"\n\n' for name, number in NODES.items())
        (self.folder / "cluster.toml").write_text(CLUSTER.format(nodes=nodes), encoding="ascii")
        key = self.folder / "cluster.key"
        key.touch(0o600)
        key.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        for name, text in MUK.items():
            (self.folder / name).write_text(text, encoding="ascii")

    def start_daemon(self, name: str) -> None:
        self.daemons[name] = self.machines[name].start(f"dvsd-{name}", self.program("dvsd"), "--config",
                                                       str(self.folder / "cluster.toml"), "--node", name)
        self.daemons[name].wait_for("dvsd: node ")

    def links_of(self, name: str) -> dict[str, bool]:
        told = json.loads(run(self.program("dvs"), "link", "list", "--json", "--socket", self.machines[name].socket))
        return {link["name"]: link["up"] for link in told["links"]}

    def wait_for_links(self) -> None:
        for name in NODES:
            until(f"{name} is linked with the others", lambda name=name: all(self.links_of(name).values()))

    def start_rdisk(self) -> None:
        disk = self.machines["disk"]
        self.rdisk = disk.start("rdisk", self.program("muk"), "server", "rdisk", str(self.folder / "muk.cfg"), "--at",
                                disk.socket)
        self.rdisk.wait_for("ready")

    def start_muk(self) -> None:
        web = self.machines["web"]
        self.muk = web.start("muk", self.program("muk"), str(self.folder / "muk.cfg"), "--mode", "processes", "--at",
                             web.socket)
        self.muk.wait_for("booted in ")

    def pid_of_server(self, name: str) -> int:
        muk = self.muk.process.pid
        for pid in Path(f"/proc/{muk}/task/{muk}/children").read_text(encoding="ascii").split():
            if f"\0server\0{name}\0" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
                return int(pid)
        raise DemoFailure(f"MUK has no process for {name}")

    def fetching(self, into: Path, *options: str) -> Program:
        into.unlink(missing_ok=True)
        client = self.machines["client"]
        return client.start("curl", "curl", "--silent", "--show-error", "--fail", "--max-time", "60", *options,
                            "--output", str(into), f"http://{self.machines['web'].address}:8080/file.bin")

    def fetch(self, file: Path) -> None:
        """The client fetches the file by both ways, and it is what it was."""
        got = self.folder / "fetched"
        began = time.monotonic()
        if self.fetching(got).process.wait(60) != 0 or checksum(got) != checksum(file):
            raise DemoFailure("the file did not come over HTTP as it was:\n" + (self.folder / "curl.log").read_text())
        http = time.monotonic() - began
        got.unlink()
        client = self.machines["client"]
        began = time.monotonic()
        run(*client.inside(self.program("muk"), "get", str(self.folder / "muk.cfg"), "/file.bin", str(got), "--at",
                           client.socket))
        if checksum(got) != checksum(file):
            raise DemoFailure("the file did not come by messages as it was")
        messages = time.monotonic() - began
        size = file.stat().st_size / 1e6
        say(f"client has fetched {size:.0f} MB, and the checksum is right: over HTTP in {http:.1f} s, by messages and "
            f"copies alone in {messages:.1f} s")

    def lose(self, what: str, happens) -> None:
        """While the client fetches slowly something happens; it gets an error, and soon."""
        part = self.folder / "part"
        client = self.fetching(part, "--limit-rate", SLOWLY)
        until("the client gets the first bytes", lambda: part.exists() and part.stat().st_size > 1 << 20)
        say(what)
        happens()
        began = time.monotonic()
        status = client.process.wait(60)
        if status == 0:
            raise DemoFailure("the client was told that it has the whole file, which cannot be")
        if status == 28:
            raise DemoFailure("the client waited until its own limit of time: nobody told it anything")
        say(f"client was told after {time.monotonic() - began:.1f} s that the rest does not come (curl: {status})")


def show_links(cluster: Cluster) -> None:
    print(run(cluster.program("dvs"), "link", "list", "--socket", cluster.machines["web"].socket), flush=True)


def play(programs: Path, folder: Path) -> None:
    site = folder / "site"
    site.mkdir()
    file = site / "file.bin"
    file.write_bytes(secrets.token_bytes(FILE_BYTES))
    cluster = Cluster(programs, folder)
    say("three machines are there: web, disk and client, each a network namespace with a cable to a bridge")
    cluster.configure()
    run(cluster.program("muk"), "mkimage", str(site), str(folder / "site.img"))
    for name in NODES:
        cluster.start_daemon(name)
    cluster.wait_for_links()
    say("each has a daemon, from one cluster.toml with a new key; they have found each other. What web says:")
    show_links(cluster)
    cluster.start_rdisk()
    cluster.start_muk()
    boot = re.search(r"booted in ([\d.]+ ms)", cluster.muk.said())
    say(f"MUK has booted on web in {boot.group(1)}, each server a process; its disk is on disk")
    cluster.fetch(file)

    cluster.lose("the cable of disk is pulled while client fetches again",
                 lambda: run("ip", "link", "set", "disk", "down"))
    until("web has noticed that disk is away", lambda: not cluster.links_of("web")["disk"])
    run("ip", "link", "set", "disk", "up")
    cluster.wait_for_links()
    say("the cable is plugged in; web and disk have linked themselves again, and nobody was started anew")
    cluster.fetch(file)

    cluster.lose("the file server on web is killed while client fetches again",
                 lambda: os.kill(cluster.pid_of_server("fs"), signal.SIGKILL))
    if cluster.muk.process.wait(SECONDS_MAX) != 1 or "fs: it ended by itself" not in cluster.muk.said():
        raise DemoFailure(f"MUK did not say what it has lost:\n{cluster.muk.said()}")
    say("MUK has said which server it lost, and has ended with all the others. It is booted again")
    cluster.start_muk()
    cluster.fetch(file)

    cluster.lose("the daemon of disk is killed while client fetches again",
                 lambda: cluster.daemons["disk"].end(signal.SIGKILL))
    cluster.rdisk.process.wait(SECONDS_MAX)
    say("RDISK has ended with its DC. The daemon, RDISK and MUK are started again")
    cluster.start_daemon("disk")
    cluster.wait_for_links()
    cluster.start_rdisk()
    cluster.muk.end()
    cluster.start_muk()
    cluster.fetch(file)
    show_links(cluster)

    for each in (cluster.muk, cluster.rdisk, *cluster.daemons.values()):
        if each.end() != 0:
            raise DemoFailure(f"{each.log.name} did not end well:\n{each.said()}")
    run("fsck.minix", "-f", str(folder / "site.img"))
    say("all were told to end, and did; fsck.minix finds the image clean")


def enter_network() -> None:
    """Starts this program again in a network namespace of its own, where it may do everything."""
    options = ["--net"] if os.geteuid() == 0 else ["--net", "--map-root-user"]
    if subprocess.run(["unshare", *options, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
        print("demo: failed: no network namespace can be made here; run it as root, or allow user namespaces "
              "(sysctl kernel.unprivileged_userns_clone=1)", file=sys.stderr)
        sys.exit(1)
    os.execvp("unshare", ["unshare", *options, sys.executable, *sys.argv, "--inside"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, required=True, help="the folder with dvs, dvsd, muk and muk-node")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:
        enter_network()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="dvs-demo-"))
    began = time.monotonic()
    try:
        play(options.programs.resolve(), folder)
        say(f"all of it went as it should, in {time.monotonic() - began:.0f} s")
        return 0
    except (DemoFailure, subprocess.TimeoutExpired) as failure:
        print(f"demo: failed: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: failed: interrupted", file=sys.stderr)
        return 1
    finally:
        Program.end_all()
        shutil.rmtree(folder)


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # where fsck.minix and ip are, also for ordinary users
    sys.exit(main())
