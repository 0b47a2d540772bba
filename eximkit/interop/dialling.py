"""Where to connect to, and sockets on their way there, with Fast Open or without."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
from dataclasses import dataclass
from ipaddress import ip_address

from eximkit.errors import SettingsError

PORT, TLS_PORT = 25, 465
MOST_ADDRESSES = 16
"""Addresses of one name that are tried."""

_PLACE = re.compile(
    r"(?:\[(?P<bracketed>[^\[\]]+)\]|(?P<plain>[^\[\]:\s]+))(?::(?P<port>[0-9]{1,5}))?"
)
_SYN_DATA = 0x20
"""TCPI_OPT_SYN_DATA in the options of tcp_info: the SYN's data was acknowledged."""
_OPTIONS_AT = 5
_FAST_OPEN_AT = 7
"""tcpi_fastopen_client_fail, two bits above the lowest: 0 where nothing failed."""
_BIND_ADDRESS_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT, which Python's socket module has no name for."""


Place = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""An address as the socket module has it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address to connect to. name: what it was found by, "" for an address."""

    address: str
    port: int
    family: socket.AddressFamily
    place: Place
    name: str = ""

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def parse_place(text: str, port: int = PORT) -> tuple[str, int]:
    """Host and port of `host`, `host:25`, `192.0.2.1:25`, `[2001:db8::1]:25`.

    port: where the text has none, 0 where that is to be seen. An IPv6 address without a
    port needs no brackets. Raises SettingsError.
    """
    if text.count(":") > 1 and is_address(text):
        return text, port
    match = _PLACE.fullmatch(text)
    number = int(match["port"] or port) if match else 0
    if match is None or number > 65535 or (match["port"] and not number):
        raise SettingsError(f"not HOST:PORT: {text!r} (an IPv6 address is in brackets)")
    host = match["bracketed"] or match["plain"]
    if match["bracketed"] and not is_address(host):
        raise SettingsError(f"not an address: {host!r}")
    return host, number


def is_address(text: str) -> bool:
    """Whether this is an IPv4 or an IPv6 address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def literal(address: str, port: int) -> Target:
    """The target that an address names; nobody is asked. Raises SettingsError."""
    try:
        (family, *_, place), *_ = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"not an address: {address!r}: {error}") from None
    return Target(address, port, family, place)


async def resolve(host: str, port: int) -> list[Target]:
    """The targets of an address or a name, in the order in which to try them.

    Raises SettingsError for a name that has no address.
    """
    if is_address(host):
        return [literal(host, port)]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(f"{host}: no address: {reason}") from None
    targets = {
        place: Target(str(place[0]), port, family, place, host)
        for family, _kind, _proto, _name, place in found
    }
    return list(targets.values())[:MOST_ADDRESSES]


def open_socket(target: Target, interface: str = "") -> socket.socket:
    """A socket that does not block, for one connection. interface: to bind to, or "".

    Raises OSError, also for an interface of another family.
    """
    sock = socket.socket(target.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if interface:
            # Ports are then chosen by connect(), which may use one for many servers.
            sock.setsockopt(socket.SOL_IP, _BIND_ADDRESS_NO_PORT, 1)
            sock.bind((interface, 0))
    except socket.gaierror:
        sock.close()
        raise OSError(
            errno.EAFNOSUPPORT, f"{interface} cannot reach {target.address}"
        ) from None
    except OSError:
        sock.close()
        raise
    return sock


def connect(sock: socket.socket, target: Target, octets: bytes, syn: int | None) -> int:
    """Begin to connect. How many of the octets are on their way already.

    octets: what is to be sent first. syn: how many of them a SYN may carry that has the
    server's cookie (RFC 7413); None for a connection without Fast Open. A kernel
    without the cookie asks for it, and the SYN carries nothing; one that has it lets
    the server begin before the handshake is over, even where the SYN carries nothing.
    Raises OSError: BlockingIOError says that the connection is being made, EOPNOTSUPP
    that Fast Open is switched off here.
    """
    if octets:
        # The last ACK of the handshake waits for these octets and goes with them, so
        # that a server that looks for early input when it accepts does find some.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    if syn is not None:
        return sock.sendto(octets[:syn], socket.MSG_FASTOPEN, target.place)
    sock.connect(target.place)
    return 0


def took_syn_data(sock: socket.socket) -> bool:
    """Whether the server took data from the SYN. For a connection that is made."""
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    except OSError:
        return False
    return bool(info[_OPTIONS_AT] & _SYN_DATA)


def used_cookie(sock: socket.socket) -> bool:
    """Whether the SYN had a cookie, so that the server need not wait for the ACK.

    For a connection that was made with Fast Open. A server that has ceased to take
    cookies does wait; where the SYN carried nothing, that cannot be told.
    """
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    except OSError:
        return False
    return not info[_FAST_OPEN_AT] & 0x06


def reason(error: OSError) -> str:
    """What the system says, without its number."""
    if error.errno is None:
        return str(error)
    return error.strerror or os.strerror(error.errno)
