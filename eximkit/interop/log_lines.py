"""What all lines of a main log have in common: the stamp, hosts, TLS, the end.

Exim specification, chapter "Log files".
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from eximkit.interop.log_fields import (
    DEFAULT_SELECTORS,
    MOST_NAME,
    cipher,
    duration,
    printing,
)
from eximkit.interop.log_file import LONGEST, LogFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from eximkit.interop.log_fields import Peer, Tls

DEFAULT = DEFAULT_SELECTORS | {"pipelining", "tls_resumption"}
"""What is logged unless a configuration says otherwise."""

BREAKING = ' "'
"""What would end a field without quotes before its end."""
_TRUNCATED = " <trunc>"


class LogLines:
    """A log file. selectors: words of `log_selector`. clock: seconds since 1970."""

    def __init__(
        self,
        path: Path,
        selectors: frozenset[str] = DEFAULT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.file = LogFile(path)
        self.selectors = selectors
        self._clock = clock
        self._stamp = (0, "")

    @property
    def fault(self) -> str:
        """Why the last line is not in the file, "" if it is."""
        return self.file.fault

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    def _write(
        self, message_id: str, parts: Sequence[str], text: str = "", *,
        listed: bool = False,
    ) -> None:  # fmt: skip
        """Write a line. text: follows the parts as it is. listed: it ends in a list."""
        line = " ".join(part for part in (*self._head(message_id), *parts) if part)
        line += text if parts else f" {text}"
        if listed and len(line.encode("utf-8", "surrogateescape")) >= LONGEST:
            octets = line.encode("utf-8", "surrogateescape")
            kept = octets[: LONGEST - 1 - len(_TRUNCATED)].rpartition(b" ")[0]
            line = kept.decode("utf-8", "surrogateescape") + _TRUNCATED
        self.file.add(line)

    def _head(self, message_id: str) -> list[str]:
        now = self._clock()
        whole = int(now)
        if self._stamp[0] != whole:
            self._stamp = whole, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
        stamp = self._stamp[1]
        if self._has("millisec"):
            stamp += f".{int((now - whole) * 1000):03d}"
        return [stamp, f"[{os.getpid()}]" * self._has("pid"), message_id]

    def _has(self, selector: str) -> bool:
        return selector in self.selectors

    def _form(self, form: str) -> str:
        return form if self._has("pipelining") else ""

    def _duration(self, seconds: float) -> str:
        return duration(seconds, self._has("millisec"))

    def _interface(self, peer: Peer) -> list[str]:
        """The local end of a connection that came in."""
        if not peer.local or not self._has("incoming_interface"):
            return []
        return [f"I=[{peer.local}]:{peer.local_port}"]

    def _sending_interface(self, peer: Peer) -> list[str]:
        """The local end of a connection that was made: takes both selectors."""
        both = self._has("incoming_interface") and self._has("outgoing_interface")
        if not peer.local or not both:
            return []
        port = f":{peer.local_port}" if self._has("outgoing_port") else ""
        return [f"I=[{peer.local}]{port}"]

    def _client(self, peer: Peer) -> str:
        """`name (helo) [ip]:port`, with what is known of it."""
        parts = []
        if peer.name:
            parts.append(printing(peer.name, MOST_NAME, " "))
        literal = peer.helo in (f"[{peer.address}]", f"[IPv6:{peer.address}]")
        same = peer.helo.lower() == peer.name.lower() or literal
        if peer.helo and not (peer.name and same):
            parts.append(f"({printing(peer.helo, MOST_NAME)})")
        port = f":{peer.port}" if self._has("incoming_port") and peer.port else ""
        return " ".join((*parts, f"[{peer.address}]{port}"))

    def _server(self, peer: Peer) -> str:
        """`name [ip]:port`; a host that has no name is known by its address."""
        name = printing(peer.name or peer.address, MOST_NAME, " ")
        port = f":{peer.port}" if self._has("outgoing_port") and peer.port else ""
        return f"{name} [{peer.address}]{port}"

    def _who(self, peer: Peer) -> list[str]:
        """A client where no tag stands before it."""
        return [self._client(peer), *self._interface(peer)]

    def _tls(self, tls: Tls | None, way: str = "incoming") -> list[str]:
        if tls is None:
            return []
        parts = []
        if self._has("tls_cipher"):
            shown = cipher(tls)
            known = shown if self._has("tls_resumption") else shown.rstrip("*")
            parts.append(f"X={known}")
        if self._has("tls_certificate_verified") and tls.verified:
            parts.append(f"CV={tls.verified}")
        if self._has("tls_peerdn") and tls.peer_dn:
            parts.append(f'DN="{printing(tls.peer_dn, MOST_NAME)}"')
        if way == "incoming" and self._has("tls_sni") and tls.sni:
            parts.append(f"SNI={printing(tls.sni, MOST_NAME, BREAKING)}")
        return parts


def named(tag: str, value: str) -> str:
    """A field, or nothing where it has no value."""
    return f"{tag}={value}" if value else ""
