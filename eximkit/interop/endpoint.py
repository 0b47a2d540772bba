"""Addresses with ports, and sockets that listen there."""

from __future__ import annotations

import errno
import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from eximkit.errors import InputError, SettingsError

_FORM = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
_FAST_OPEN_QUEUE = 256


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address and a TCP port, 0 for a free one."""

    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return ip_address(self.address).is_loopback

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def parse(text: str, port: int | None = None) -> Endpoint:
    """What ADDRESS:PORT names; an IPv6 address stands in brackets.

    port: what an address alone means. Names are not looked up, localhost excepted.
    Raises SettingsError.
    """
    match = _FORM.fullmatch(text.strip())
    digits = match["port"] if match else None
    number = int(digits[:6]) if digits else port
    if match is None or number is None or digits == "":
        raise SettingsError(f"{text!r}: not ADDRESS:PORT, such as 127.0.0.1:2525")
    address = match["four"] if match["six"] is None else match["six"]
    address = "127.0.0.1" if address.lower() == "localhost" else address
    try:
        known = ip_address(address)
    except ValueError:
        raise SettingsError(
            f"{text!r}: {address!r} is not an IP address; IPv6 is written [::1]:2525"
        ) from None
    if number > 65535:
        raise SettingsError(f"{text!r}: there is no port {digits}")
    if (known.version == 6) != (match["six"] is not None):
        raise SettingsError(f"{text!r}: IPv6 and it alone is written [::1]:2525")
    return Endpoint(str(known), number)


_CAUSES = {
    errno.EADDRINUSE: "something listens there already; port 0 takes a free one",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "ports below 1024 need root; take another one",
    errno.EPERM: "ports below 1024 need root; take another one",
    errno.EAFNOSUPPORT: "this machine has no such addresses",
}


def listening(
    at: Endpoint, backlog: int = 1024, fast_open: bool = False
) -> socket.socket:
    """A socket that listens there. Raises InputError, with the reason and a way out.

    fast_open: data in a SYN is taken (RFC 7413), where the kernel allows it.
    """
    family = socket.AF_INET6 if ":" in at.address else socket.AF_INET
    listener: socket.socket | None = None
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Replies are collected here: what is written is to leave. Sockets that are
        # accepted have it from this one.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((at.address, at.port))
        if fast_open:
            with suppress(OSError):
                listener.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_FASTOPEN, _FAST_OPEN_QUEUE
                )
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError as error:
        if listener is not None:
            listener.close()
        code = error.errno or 0
        reason = _CAUSES.get(code) or os.strerror(code)
        raise InputError(f"cannot listen on {at}: {reason}") from None
    return listener


def bound(listener: socket.socket) -> Endpoint:
    """Where a socket listens."""
    address, port = listener.getsockname()[:2]
    return Endpoint(address, port)


FAST_OPEN_BY_SERVERS = 2
"""The bit of net.ipv4.tcp_fastopen that lets servers take data in a SYN."""


def fast_open_allowed() -> bool:
    """Whether the kernel lets servers use Fast Open, in this network namespace."""
    try:
        with open("/proc/sys/net/ipv4/tcp_fastopen", "rb") as setting:  # noqa: PTH123
            return bool(int(setting.read(16)) & FAST_OPEN_BY_SERVERS)
    except (OSError, ValueError):
        return False


_OPTIONS_AT = 5
_SYN_DATA = 32
_SYN_RECEIVED = 3


def fast_open_form(connection: socket.socket) -> str:
    """How a connection that was accepted just now was opened, as Exim logs it.

    "TFO*" with data in the SYN, "TFO" by Fast Open without, "" in the usual way
    (Linux: struct tcp_info).
    """
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
    except OSError:
        return ""
    if info[_OPTIONS_AT] & _SYN_DATA:
        return "TFO*"
    return "TFO" if info[0] == _SYN_RECEIVED else ""
