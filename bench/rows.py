# SPDX-License-Identifier: MIT
"""The rows of the benchmark: what is compared with what, and what is good enough."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound on the ratio subject / reference, or on the subject alone; without a bound the row only reports."""
    text: str
    ratio_at_most: float | None = None
    ratio_at_least: float | None = None
    ratio_below: float | None = None
    subject_at_most: float | None = None

    def met(self, ratio: float, subject: float) -> bool | None:
        """Whether the figures reach it; None when there is nothing to reach."""
        if self.ratio_at_most is not None:
            return ratio <= self.ratio_at_most
        if self.ratio_at_least is not None:
            return ratio >= self.ratio_at_least
        if self.ratio_below is not None:
            return ratio < self.ratio_below
        if self.subject_at_most is not None:
            return subject <= self.subject_at_most
        return None


def at_most(times: float) -> Target:
    return Target(f"at most {times:g} times", ratio_at_most=times)


def at_least(times: float) -> Target:
    return Target(f"at least {times:g} times", ratio_at_least=times)


@dataclass(frozen=True)
class Row:
    id: str
    subject: str
    reference: str
    unit: str
    target: Target
    method: str  # the function of bench/run that measures it
    argument: float = 1  # of that function: bytes of a copy or file, or 1


def copy_rows() -> tuple[Row, ...]:
    """Copies of memory of another process."""
    rows = []
    for name, what, size in (("4k", "4 KiB", 4 << 10), ("64k", "64 KiB", 64 << 10), ("1m", "1 MiB", 1 << 20),
                             ("4m", "4 MiB", 4 << 20)):
        subject = f"grant copy of {what} from another process"
        rows.append(Row(f"process-copy-{name}", subject, "process_vm_readv", "GB/s", at_least(0.95), "process_rate",
                        size))
        rows += [Row(f"process-copy-{name}-{other}", subject, title, "GB/s", Target("report"), "process_rate", size)
                 for other, title in (("memcpy", "memcpy"), ("pipe", "a pipe"), ("unix", "a Unix socket"))]
    return tuple(rows)


def loop_rows() -> tuple[Row, ...]:
    """The loops of the papers: messages a second of pairs of processes, by dvs and by what Linux has."""
    patterns = {1: "send and receive", 2: "sendrec, receive and send", 3: "notify and receive",
                4: "sendrec, receive_request and reply"}
    mechanisms = {"fifo": "FIFOs", "mq": "POSIX message queues", "unix": "Unix sockets", "tcp": "TCP over loopback",
                  "zeromq": "ZeroMQ", "nng": "nng", "iceoryx": "iceoryx, which polls"}
    ahead = Target("ahead", ratio_at_least=1)
    rows = [Row(f"loop-{number}-pipe-{pairs}", f"{what}, pairs: {pairs}", "pipes", "M/s",
                at_least(3) if pairs == 1 else ahead, "process_rate")
            for number, what in patterns.items() for pairs in (1, 2, 4, 8)]
    rows += [Row(f"pairs-{name}-{pairs}", f"{patterns[4]}, pairs: {pairs}", what, "M/s", ahead, "process_rate")
             for name, what in mechanisms.items() for pairs in (1, 2, 4, 8)]
    return tuple(rows)


def figure_rows() -> tuple[Row, ...]:
    """Figure 5 of the paper of 2019: files over HTTP by MUK in three configurations, and by other servers."""
    places = {"a": "RDISK within MUK", "b": "RDISK in another process", "c": "RDISK on another node"}
    servers = {"nginx": "nginx, one worker", "apache": "Apache, one child process"}
    return tuple(Row(f"nweb-{letter}-{size}m-{name}", f"NWEB, {size} MiB, {where}", what, "MB/s", Target("report"),
                     "web_bytes")
                 for letter, where in places.items() for size in (10, 50) for name, what in servers.items())


ROWS = (
    Row("fiber-sendrec", "sendrec between fibers of one thread", "two bare Boost.Context switches", "ns",
        at_most(3), "time"),
    Row("fiber-sendrec-word", "the same, of one word", "two bare Boost.Context switches", "ns",
        Target("report"), "time"),
    Row("thread-sendrec-2core", "sendrec between threads on two cores", "bare 64-byte slot ping-pong", "ns",
        at_most(1.3), "time"),
    Row("thread-sendrec-1core-futex", "sendrec between threads on one core", "futex ping-pong", "ns",
        at_most(1.15), "time"),
    Row("thread-sendrec-1core-pipe", "sendrec between threads on one core", "pipe ping-pong", "ns",
        Target("faster", ratio_below=1), "time"),
    Row("process-sendrec-2core", "sendrec between processes on two cores", "bare 64-byte slot ping-pong", "ns",
        at_most(1.3), "process_time"),
    Row("process-sendrec-1core-futex", "sendrec between processes on one core", "futex ping-pong", "ns",
        at_most(1.15), "process_time"),
    Row("process-sendrec-1core-pipe", "sendrec between processes on one core", "pipe ping-pong", "ns",
        Target("faster", ratio_below=1), "process_time"),
    *loop_rows(),
    *copy_rows(),
    Row("grant-copy-64k", "grant copy of 64 KiB", "memcpy", "GB/s", at_least(0.9), "rate", 64 << 10),
    Row("grant-copy-256k", "grant copy of 256 KiB", "memcpy", "GB/s", at_least(0.9), "rate", 256 << 10),
    Row("grant-copy-1m", "grant copy of 1 MiB", "memcpy", "GB/s", at_least(0.9), "rate", 1 << 20),
    Row("server-fibers-1", "one server, 1 client fiber", "1 client fiber", "M/s", at_least(0.8), "rate"),
    Row("server-fibers-8", "one server, 8 client fibers", "1 client fiber", "M/s", at_least(0.8), "rate"),
    Row("server-fibers-64", "one server, 64 client fibers", "1 client fiber", "M/s", at_least(0.8), "rate"),
    Row("server-fibers-512", "one server, 512 client fibers", "1 client fiber", "M/s", at_least(0.8), "rate"),
    Row("server-threads", "one server, 8 client threads", "1 client thread", "M/s", Target("report"), "rate"),
    Row("remote-sendrec-tcp", "sendrec between nodes, TCP over veth", "TCP ping-pong of 64 bytes", "ns",
        at_most(1.5), "remote_time"),
    Row("remote-clients-64", "64 clients of a server on another node", "one client", "M/s", at_least(5), "remote_rate"),
    Row("remote-copy-tcp-1m", "copy of 1 MiB to another node, TCP", "iperf3", "GB/s", at_least(0.8), "remote_rate",
        1 << 20),
    Row("remote-copy-tcp-100m", "copy of 100 MiB to another node, TCP", "iperf3", "GB/s", at_least(0.8), "remote_rate",
        100 << 20),
    Row("remote-copy-ethernet-1m", "copy of 1 MiB to another node, raw Ethernet", "iperf3", "GB/s", at_least(0.8),
        "remote_rate", 1 << 20),
    Row("remote-copy-ethernet-100m", "copy of 100 MiB to another node, raw Ethernet", "iperf3", "GB/s", at_least(0.8),
        "remote_rate", 100 << 20),
    Row("remote-copy-udp-100m", "copy of 100 MiB to another node, UDP", "iperf3", "GB/s", Target("report"),
        "remote_rate", 100 << 20),
    Row("remote-copy-udt-100m", "copy of 100 MiB to another node, UDT", "iperf3", "GB/s", Target("report"),
        "remote_rate", 100 << 20),
    Row("remote-sendrec-sealed", "sendrec between nodes, encrypted", "the same in the clear", "ns", Target("report"),
        "remote_time"),
    Row("remote-copy-sealed-1m", "copy of 1 MiB to another node, encrypted", "the same in the clear", "GB/s",
        Target("report"), "remote_rate", 1 << 20),
    Row("nweb-1k-1", "NWEB, 1 KiB, 1 connection", "nginx, one worker", "1/s", at_least(0.5), "web", 1),
    Row("nweb-1k-32", "NWEB, 1 KiB, 32 connections", "nginx, one worker", "1/s", at_least(0.5), "web", 32),
    Row("nweb-10m-1", "NWEB, 10 MiB, 1 connection", "nginx, one worker", "1/s", at_least(0.5), "web", 1),
    Row("nweb-10m-32", "NWEB, 10 MiB, 32 connections", "nginx, one worker", "1/s", at_least(0.5), "web", 32),
    *figure_rows(),
    Row("idle-endpoints-100", "100 processes that wait in receive, and their daemon", "one core", "%",
        Target("under 1 %", subject_at_most=1), "share"),
    Row("idle-cluster-3", "3 linked nodes that do nothing", "one core", "%", Target("under 1 %", subject_at_most=1),
        "cluster_share"),
    Row("muk-boot", "MUK from fork to the first byte served", "fork and exec of a static hello", "ms",
        Target("under 5 ms", subject_at_most=5), "boot"),
    Row("muk-size", "MUK executable, stripped", "852 KiB, as in the paper of 2019", "KiB", at_most(1), "size"),
    Row("compile-ipc", "compile <dvs/ipc.hpp> alone", "<iostream> alone", "ms", at_most(3), "compile"),
)
