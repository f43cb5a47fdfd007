# SPDX-License-Identifier: MIT
"""MUK as the papers measured it: whole (a), with RDISK in another process (b), with RDISK on another node (c)."""
import subprocess
from collections.abc import Callable
from pathlib import Path

from programs import Programs, free_port

FILES = {
    "muk.cfg": 'muk BENCH {\n  dcid 7;\n  pm_ep 0;\n  fs_ep 1;\n  rd_ep 3;\n  web_ep 22;\n  rd_external @EXTERNAL@;\n'
               '  rd_cfg "rdisk.cfg";\n  fs_cfg "fs.cfg";\n  web_cfg "web.cfg";\n};\n',
    "rdisk.cfg": 'device SITE {\n  image_type @DISK@;\n  image_file "@IMAGE@";\n'
                 '  volatile YES;\n  buffer 65536;\n};\n',
    "fs.cfg": 'device ROOT {\n  type RDISK_IMG;\n  root_dev YES;\n  buffer_size 65536;\n};\n',
    "web.cfg": 'websrv BENCH {\n  port @PORT@;\n};\n',
}
CLUSTER = '''[cluster]
name = "bench"
security = "none"

{nodes}
[dc.BENCH]
id = 7
'''
MTU = 9000

Start = tuple[list[str], list[str]]  # the words before a command that is to run where MUK is, and the command for MUK


def image_of(files: Path, muk: Path, image: Path) -> Path:
    subprocess.run([muk, "mkimage", files, image], check=True, stdout=subprocess.DEVNULL)
    return image


def write_configuration(folder: Path, image: Path, port: int, disk: str = "FILE_IMAGE", *,
                        rdisk_is_external: bool = False) -> None:
    values = {"PORT": str(port), "IMAGE": str(image), "DISK": disk, "EXTERNAL": "YES" if rdisk_is_external else "NO"}
    for name, text in FILES.items():
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        (folder / name).write_text(text, encoding="ascii")


def write_cluster(folder: Path, addresses: dict[str, tuple[str, int]]) -> None:
    """Nodes by name, with the address and port of each."""
    nodes = "".join(f'[node.{name}]\nid = {number}\naddress = "{address}"\nport = {port}\nrun = "{folder / name}"\n\n'
                    for number, (name, (address, port)) in enumerate(addresses.items(), 1))
    (folder / "cluster.toml").write_text(CLUSTER.format(nodes=nodes), encoding="ascii")


def start_daemon(running: Programs, programs: Path, folder: Path, node: str, inside: list[str]) -> int:
    """A daemon of the cluster of that folder; its process."""
    name = f"dvsd-{folder.name}-{node}"
    return running.start(name, [*inside, str(programs / "dvsd"), "--config", str(folder / "cluster.toml"), "--node",
                                node], lambda: running.said(name, "dvsd: node "))


def start_rdisk(running: Programs, programs: Path, folder: Path, node: str, inside: list[str]) -> None:
    name = f"rdisk-{folder.name}"
    running.start(name, [*inside, str(programs / "muk"), "server", "rdisk", str(folder / "muk.cfg"), "--at",
                         str(folder / node / "node")], lambda: running.said(name, "ready"))


def boots(programs: Path, folder: Path, node: str | None = None) -> list[str]:
    """The command that boots MUK as fibers of one process, at a node of the folder's cluster or at none."""
    at = ["--at", str(folder / node / "node")] if node else []
    return [str(programs / "muk"), str(folder / "muk.cfg"), "--mode", "fibers", *at]


def whole(_: Programs, programs: Path, folder: Path, __: list[str]) -> Start:
    return [], boots(programs, folder)


def with_local_disk(running: Programs, programs: Path, folder: Path, pinned: list[str]) -> Start:
    write_cluster(folder, {"web": ("127.0.0.1", free_port())})
    start_daemon(running, programs, folder, "web", pinned)
    start_rdisk(running, programs, folder, "web", pinned)
    return [], boots(programs, folder, "web")


def with_remote_disk(running: Programs, programs: Path, folder: Path, pinned: list[str]) -> Start:
    """Two network namespaces, joined by a cable (veth), are two machines. Needs root."""
    addresses = {"web": ("10.77.0.1", 7300), "disk": ("10.77.0.2", 7300)}
    write_cluster(folder, addresses)
    holders = {node: network(running, f"network-{node}") for node in addresses}
    inside = {node: ["nsenter", f"--net=/proc/{holder}/ns/net"] for node, holder in holders.items()}
    configure(inside["web"], f"link add eth0 mtu {MTU} type veth peer name eth0 mtu {MTU} netns {holders['disk']}")
    for node, (address, _) in addresses.items():
        for line in (f"addr add {address}/24 dev eth0", "link set eth0 up", "link set lo up"):
            configure(inside[node], line)
    for node in addresses:
        start_daemon(running, programs, folder, node, [*inside[node], *pinned])
    start_rdisk(running, programs, folder, "disk", [*inside["disk"], *pinned])
    return inside["web"], boots(programs, folder, "web")


def network(running: Programs, name: str) -> int:
    """A process that keeps a new network namespace."""
    return running.start(name, ["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"],
                         lambda: running.said(name, "ready"))


def configure(inside: list[str], line: str) -> None:
    done = subprocess.run([*inside, "ip", *line.split()], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {line} failed: {done.stderr.strip()}")


CONFIGURATIONS: dict[str, Callable[[Programs, Path, Path, list[str]], Start]] = {
    "a": whole, "b": with_local_disk, "c": with_remote_disk}
