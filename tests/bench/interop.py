"""How fast the reference server is: `python tests/bench/interop.py`. Asserts nothing.

Beside it, in one run and in turns: Postfix's smtp-sink, which is C and one process, and
aiosmtpd. All are driven by Postfix's smtp-source, with a connection for each message
and with many messages on a connection. Both Postfix programs come out of Debian's
package, unpacked into a temporary directory: installing it would remove Exim (--postfix
DIR: a directory where it is unpacked already). Then early pipelining is put beside
PIPELINING, with octets that were prepared, and idle connections are weighed.

Machines get faster and slower while this runs. So runs are short, what is compared runs
one right after the other, and a ratio is the median of those of all turns. What else
runs on a machine moves rates, and ratios too, as smtp-source gets less of it; it hardly
moves the processor time that a server takes for a connection and for a message.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import flights
from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVE = [sys.executable, "-m", "eximkit", "interop", "serve", "--format", "json"]
AIOSMTPD = """
import asyncio
from aiosmtpd.smtp import SMTP

class Discard:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Discard()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
AT_ONCE = 20
SESSIONS = (1, 2, 5, 20)
IDLE = 2000
PAIRS = 4
"""Of early pipelining and PIPELINING in each turn: they are over soon."""
SINK, ALONE, AIO = "smtp-sink", "eximkit", "aiosmtpd"


@dataclass(slots=True)
class Postfix:
    """The two programs out of Debian's package, and where their libraries are."""

    source: str
    sink: str
    environment: dict[str, str]


@dataclass(slots=True)
class Server:
    """Where it listens, and its process."""

    port: int
    pid: int

    def processor_time(self) -> float:
        """Seconds that it and its workers have taken so far."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        ticks = 0
        for pid in (self.pid, *children.read_text("ascii").split()):
            stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
            user, system = stat.rpartition(")")[2].split()[11:13]
            ticks += int(user) + int(system)
        return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Row:
    """One server's rates, one for each turn. costs: microseconds of processor time."""

    name: str
    connections: list[float] = field(default_factory=list)
    messages: list[float] = field(default_factory=list)
    costs: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))

    def middle(self) -> tuple[float, float]:
        return statistics.median(self.connections), statistics.median(self.messages)

    def of(self, other: Row) -> tuple[float, float]:
        """Its rates as parts of another's."""
        return (
            median_ratio(self.connections, other.connections),
            median_ratio(self.messages, other.messages),
        )


def median_ratio(of: list[float], to: list[float]) -> float:
    return statistics.median(here / there for here, there in zip(of, to, strict=True))


@contextmanager
def postfix(directory: str | None) -> Iterator[Postfix]:
    """Debian's package, unpacked and never installed."""
    with tempfile.TemporaryDirectory(prefix="eximkit-bench-") as made:
        top = Path(directory or made)
        if directory is None:
            apt = ["apt-get", "download", "-q", "postfix"]
            subprocess.run(apt, cwd=made, check=True, stdout=subprocess.DEVNULL)
            (package,) = Path(made).glob("postfix_*.deb")
            subprocess.run(["dpkg", "-x", package, made], check=True)
        libraries = {**os.environ, "LD_LIBRARY_PATH": str(top / "usr/lib/postfix")}
        programs = top / "usr/sbin"
        yield Postfix(
            str(programs / "smtp-source"), str(programs / "smtp-sink"), libraries
        )


@contextmanager
def running(
    command: list[str], environment: dict[str, str]
) -> Iterator[tuple[str, int]]:
    """A server: the first line that it prints, and its process."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().decode(), server.pid
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


@contextmanager
def eximkit(processes: int = 1, most: int = 1000) -> Iterator[Server]:
    """The reference server."""
    options = ["--processes", str(processes), "--max-connections", str(most)]
    options += ["--max-messages", "1000000"]
    with running([*SERVE, *options], dict(os.environ)) as (line, pid):
        yield Server(json.loads(line)["port"], pid)


@contextmanager
def aiosmtpd() -> Iterator[Server]:
    with running([sys.executable, "-c", AIOSMTPD], dict(os.environ)) as (line, pid):
        yield Server(int(line), pid)


@contextmanager
def sink(tools: Postfix) -> Iterator[Server]:
    """smtp-sink takes no port of its own choice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = subprocess.Popen(
        [tools.sink, "-c", "-u", "nobody", f"127.0.0.1:{port}", "1000"],
        stdout=subprocess.DEVNULL, env=tools.environment,
    )  # fmt: skip
    try:
        wait_for(port)
        yield Server(port, server.pid)
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    for _ in range(200):
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def source(tools: Postfix, port: int, messages: int, many: bool) -> float:
    """Messages a second. many: on one connection of each session, not on one each."""
    command = [tools.source, "-s", str(AT_ONCE), "-m", str(messages), "-l", "1000"]
    command += ["-d"] if many else []
    start = time.perf_counter()
    subprocess.run(
        [*command, f"127.0.0.1:{port}"], check=True, env=tools.environment, timeout=600
    )
    return messages / (time.perf_counter() - start)


def measure(tools: Postfix, row: Row, server: Server, scale: float) -> None:
    wait_for(server.port)
    source(tools, server.port, 200, many=False)
    counts = int(3000 * scale), int(6000 * scale)
    rates = row.connections, row.messages
    for many, count in enumerate(counts):
        before = server.processor_time()
        rates[many].append(source(tools, server.port, count, many=bool(many)))
        took = server.processor_time() - before
        row.costs[many].append(took / count * 1e6)


def beside_others(tools: Postfix, turns: int, scale: float) -> list[list[str]]:
    cores = os.cpu_count() or 1
    several = f"{ALONE}, {cores} processes"
    rows = {name: Row(name) for name in (SINK, ALONE, several, AIO)}
    for _ in range(turns):
        with sink(tools) as server:
            measure(tools, rows[SINK], server, scale)
        with eximkit() as server:
            measure(tools, rows[ALONE], server, scale)
        with eximkit(cores) as server:
            measure(tools, rows[several], server, scale)
        with aiosmtpd() as server:
            measure(tools, rows[AIO], server, scale / 4)
    table = []
    for row in rows.values():
        cells = [f"{rate:,.0f}" for rate in row.middle()]
        cells += [f"{ratio:.2f}" for ratio in row.of(rows[SINK])]
        cells += [f"{ratio:.1f}" for ratio in row.of(rows[AIO])]
        cells += [f"{statistics.median(cost):.0f}" for cost in row.costs]
        table.append([row.name, *cells])
    return table


def early_beside_pipelining(turns: int, scale: float) -> list[list[str]]:
    pairs = (
        (flights.EARLY, flights.PIPELINING),
        (flights.EARLY_DATA, flights.PIPELINING_DATA),
    )
    rates: dict[tuple[int, str], list[float]] = {}
    count = int(400 * scale)
    with eximkit() as server:
        port = server.port
        flights.load(flights.EARLY, port, count, AT_ONCE)
        for _ in range(turns * PAIRS):
            for at_once in SESSIONS:
                for plan in (plan for pair in pairs for plan in pair):
                    rate = flights.load(plan, port, count, at_once)
                    rates.setdefault((at_once, plan.name), []).append(rate)
    table = []
    for early, usual in pairs:
        for at_once in SESSIONS:
            fast, slow = (rates[at_once, plan.name] for plan in (early, usual))
            cells = [f"{statistics.median(rate):,.0f}" for rate in (fast, slow)]
            cells.append(f"{median_ratio(fast, slow):.2f}")
            table.append([f"{early.name}, {at_once} at once", *cells])
    return table


def memory(pid: int) -> float:
    """Of a process, in MiB: what it has in memory."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def idle() -> tuple[float, float]:
    """MiB of a server with IDLE connections that have said EHLO, and without."""
    command = [*SERVE, "--max-connections", str(IDLE + 10)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    clients: list[socket.socket] = []
    try:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        before = memory(server.pid)
        for _ in range(IDLE):
            client = socket.create_connection(("127.0.0.1", port))
            clients.append(client)
            client.sendall(b"EHLO idle.example\r\n")
        for client in clients:
            got = b""
            while b"\r\n250 " not in got:
                got += client.recv(4096)
        return memory(server.pid), before
    finally:
        for client in clients:
            client.close()
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        if server.stdout is not None:
            server.stdout.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postfix", metavar="DIR")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0, help="of all counts")
    given = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors,")
    print(f"{given.turns} turns, medians. Load: smtp-source, {AT_ONCE} sessions.\n")
    if given.postfix is None and shutil.which("apt-get") is None:
        raise SystemExit("no apt-get here: unpack postfix and name it with --postfix")
    with postfix(given.postfix) as tools:
        table = beside_others(tools, given.turns, given.scale)
    heads = ["server", "conn./s", "mess./s", "conn. of sink", "mess. of sink"]
    heads += ["conn. of aio", "mess. of aio", "µs a conn.", "µs a mess."]
    print(tabulate(table, heads, disable_numparse=True), "\n")
    table = early_beside_pipelining(given.turns, given.scale)
    heads = ["connections/s", "early", "PIPELINING", "ratio"]
    print(tabulate(table, heads, disable_numparse=True), "\n")
    full, empty = idle()
    print(f"{IDLE} idle connections: {full:.0f} MiB ({empty:.0f} MiB without them)")


if __name__ == "__main__":
    main()
