"""A process that is a link: two network namespaces, and each packet comes later.

    python -m eximkit.interop.link_carrier --delay-ms 50 --capture FILE

It makes two namespaces, each with one end of the link (a TUN device), and carries every
packet across after a fixed time. Handshakes, Fast Open and a segment's way of half a
round trip are those of the kernel's own TCP. The namespaces have no names: they are
gone, whatever happens, with the last process in them. The first line on standard output
tells how to get in (`nsenter --net=PATH`); the link lasts while standard input is open,
and no longer than --max-seconds.

A process of its own, so that nobody else's work makes a packet late. Needs root and
/dev/net/tun.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO

CLIENT, SERVER = "192.0.2.1", "192.0.2.2"
"""Addresses of the two ends (RFC 5737): nobody else can reach either."""
MOST_PACKETS = 20_000
"""Packets under way in one direction; what comes on top of that is lost."""
PCAP_HEADER = struct.Struct("<IHHiIII")
PCAP_RECORD = struct.Struct("<IIII")
PCAP_MAGIC = 0xA1B23C4D
"""Of a capture with nanoseconds; 101 below says that packets begin with IP."""

_NEW_NETWORK = 0x40000000
_SET_TUN = 0x400454CA
_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
_SET_ADDRESS, _SET_MASK, _GET_FLAGS, _SET_FLAGS = 0x8916, 0x891C, 0x8913, 0x8914
_UP = 0x1
_SYSCTLS = {
    "ipv4/tcp_fastopen": "3",
    # One SYN that is lost does not turn Fast Open off for an hour.
    "ipv4/tcp_fastopen_blackhole_timeout_sec": "0",
    "ipv4/ip_forward": "0",
    "ipv6/conf/all/disable_ipv6": "1",
}


class Capture:
    """What the client's end of the link sees, as a pcap file.

    offset: seconds from the monotonic clock to the file's time stamps.
    """

    def __init__(self, path: Path) -> None:
        self.offset = time.time() - time.monotonic()
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._file.write(PCAP_HEADER.pack(PCAP_MAGIC, 2, 4, 0, 0, 65535, 101))

    def put(self, at: float, packet: bytes) -> None:
        seconds, rest = divmod(at + self.offset, 1)
        size = len(packet)
        head = PCAP_RECORD.pack(int(seconds), int(rest * 1e9), size, size)
        # One write, so that a reader never sees half a packet.
        self._file.write(head + packet)


def _namespace(name: str, address: str) -> tuple[int, int]:
    """A new namespace with a device in it: descriptors of both. We stay in it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"a network namespace: {os.strerror(number)}")
    namespace = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    for key, value in _SYSCTLS.items():
        # A kernel without IPv6 has no such switch, and needs none.
        with suppress(OSError):
            Path("/proc/sys/net", key).write_text(value, "ascii")
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
    device = os.open("/dev/net/tun", flags)
    wanted = struct.pack("16sH22x", name.encode(), _TUN_WITHOUT_HEADER)
    fcntl.ioctl(device, _SET_TUN, wanted)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((_SET_ADDRESS, address), (_SET_MASK, "255.255.255.252")):
            inner = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", name.encode(), inner))
        for each in (name, "lo"):
            asked = struct.pack("16sh22x", each.encode(), 0)
            got = fcntl.ioctl(control, _GET_FLAGS, asked)
            (now,) = struct.unpack("16xh22x", got)
            up = struct.pack("16sh22x", each.encode(), now | _UP)
            fcntl.ioctl(control, _SET_FLAGS, up)
    return namespace, device


def _hurry() -> None:
    """Be served before those whose packets we carry."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -15)


def carry(
    devices: tuple[int, int], delay: float, capture: Capture | None, seconds: float
) -> None:
    """Carry packets between two devices until standard input ends. delay: one way."""
    near, far = devices
    other = {near: far, far: near}
    queues: dict[int, deque[tuple[float, bytes]]] = {near: deque(), far: deque()}
    clock = time.monotonic
    end = clock() + seconds
    while (now := clock()) < end:
        due = min((queue[0][0] for queue in queues.values() if queue), default=end)
        # select, whose timeout has microseconds where that of epoll has milliseconds.
        ready, _, _ = select.select([near, far, 0], [], [], max(0.0, due - now))
        if 0 in ready and not os.read(0, 4096):
            return
        for device in ready:
            if device == 0:
                continue
            with suppress(BlockingIOError):
                while True:
                    packet = os.read(device, 65535)
                    at = clock()
                    if capture is not None and device == near:
                        capture.put(at, packet)
                    if len(queues[device]) < MOST_PACKETS:
                        queues[device].append((at + delay, packet))
        now = clock()
        for device, queue in queues.items():
            while queue and queue[0][0] <= now:
                packet = queue.popleft()[1]
                if capture is not None and device == far:
                    capture.put(clock(), packet)
                # A device that takes no more loses it, as any link does.
                with suppress(OSError):
                    os.write(other[device], packet)


def _tell(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Be a link until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--delay-ms", type=float, required=True, help="one way")
    parser.add_argument("--capture", type=Path, help="a pcap file of the client's end")
    parser.add_argument("--max-seconds", type=float, default=3600.0)
    given = parser.parse_args()
    try:
        ends = [_namespace("client0", CLIENT), _namespace("server0", SERVER)]
        capture = Capture(given.capture) if given.capture else None
    except OSError as error:
        _tell({"error": str(error)})
        return 1
    _hurry()
    here = f"/proc/{os.getpid()}/fd"
    line = {
        "client": {"address": CLIENT, "namespace": f"{here}/{ends[0][0]}"},
        "server": {"address": SERVER, "namespace": f"{here}/{ends[1][0]}"},
        "offset": capture.offset if capture else 0.0,
    }
    _tell(line)
    carry((ends[0][1], ends[1][1]), given.delay_ms / 1000, capture, given.max_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
