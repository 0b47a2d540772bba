"""A main log in Exim's own format, written as a server and a client go along.

Exim specification, chapter "Log files". One write for each line, at the end of the
file, so that several processes may write to one file; it may be moved away and deleted
at any time. What a peer says is escaped as Exim does it, and no line gets longer than
Exim's. `eximkit logs` reads every field back as it was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from eximkit.smtp.session import Use

DEFAULT_SELECTORS = frozenset((
    "connection_reject", "delay_delivery", "dkim", "dnslist_defer", "etrn",
    "host_lookup_failed", "lost_incoming_connection", "msg_id", "queue_run",
    "rejected_header", "retry_defer", "sender_verify_fail", "size_reject",
    "skip_delivery", "smtp_confirmation", "tls_certificate_verified", "tls_cipher",
    "pipelining",
))  # fmt: skip
"""What Exim logs by default, and `pipelining`, which is what this is about."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection.

    name: of the host, "" where it is not known. helo: as a client gave it, "" before.
    local, local_port: this end, for `I=`.
    """

    address: str
    port: int = 0
    name: str = ""
    helo: str = ""
    local: str = ""
    local_port: int = 0


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS on a connection. version, cipher, bits: as `SSLObject.cipher()` names them.

    verified: "yes", "no", "dane", or "" where nobody showed a certificate.
    """

    version: str
    cipher: str
    bits: int
    resumed: bool = False
    verified: str = ""
    peer_dn: str = ""
    sni: str = ""


def inbound_form(use: Use) -> str:
    """The L field of an arrival."""
    if not use.pipelining_offered:
        return ""
    sign = "*" if use.early else "." if use.early_offered else ""
    return f"L{sign}{'' if use.pipelined else '-'}"


def outbound_form(pipelining: bool, early: bool) -> str:
    """The L field of a delivery. pipelining: offered, and not to be avoided."""
    return "L*" if early else "L" if pipelining else ""


def protocol(
    extended: bool, tls: bool, authenticated: bool = False, utf8: bool = False
) -> str:
    """The name for `P=`: `smtp`, `esmtpsa`, `utf8esmtps`, …"""
    plain = "esmtp" if extended else "smtp"
    signs = "s" * tls + "a" * (authenticated and extended)
    return f"{'utf8' * utf8}{plain}{signs}"


class MainLog:
    """A log file. fault: why the last line could not be written, "" if it was.

    selectors: words of `log_selector`. clock: seconds since 1970. No method raises for
    what is wrong with the file.
    """

    def __init__(
        self,
        path: Path,
        selectors: frozenset[str] = DEFAULT_SELECTORS,
        clock: Callable[[], float] | None = None,
    ) -> None: ...

    # -- of messages ---------------------------------------------------------------

    def arrival(
        self,
        message_id: str,
        sender: str,
        peer: Peer | None,
        *,
        size: int,
        protocol: str,
        form: str = "",
        tls: Tls | None = None,
        tfo: str = "",
        authenticated: tuple[str, str] = ("", ""),
        prdr: bool = False,
        chunked: bool = False,
        header_id: str = "",
        subject: str = "",
        recipients: Sequence[str] = (),
        user: str = "",
    ) -> None:
        """`<=`: a message was received; without a peer, from a local user.

        size: octets. tfo: "TFO" or "TFO*". authenticated: authenticator and id.
        """

    def delivery(
        self,
        message_id: str,
        recipient: str,
        peer: Peer,
        *,
        router: str,
        transport: str,
        further: bool = False,
        continued: bool = False,
        form: str = "",
        tls: Tls | None = None,
        tfo: str = "",
        authenticated: str = "",
        prdr: bool = False,
        chunked: bool = False,
        confirmation: str = "",
        queue_time: float | None = None,
        delivery_time: float | None = None,
    ) -> None:
        """`=>`, or `->` for a further recipient of the same transaction.

        continued: not the first message of its connection.
        """

    def deferral(
        self,
        message_id: str,
        recipient: str,
        reason: str,
        *,
        router: str,
        transport: str,
        peer: Peer | None = None,
        number: int = 0,
        error: str = "",
    ) -> None:
        """`==`: put off. number: an errno, or Exim's own, negative one."""

    def failure(
        self,
        message_id: str,
        recipient: str,
        reason: str,
        *,
        router: str,
        transport: str,
        peer: Peer | None = None,
        tls: Tls | None = None,
    ) -> None:
        """`**`: failed for good."""

    def completed(self, message_id: str, queue_time: float | None = None) -> None:
        """The message needs nothing more."""

    # -- of connections ------------------------------------------------------------

    def rejected(
        self,
        what: str,
        peer: Peer,
        reason: str,
        *,
        message_id: str = "",
        sender: str | None = None,
        tls: Tls | None = None,
        temporarily: bool = False,
    ) -> None:
        """`rejected RCPT <b@c>: reason`. what: `RCPT <b@c>`, `MAIL <a@b>`, `EHLO`,
        `connection`, `after DATA`, …"""

    def sync_error(
        self,
        peer: Peer,
        following: bytes,
        *,
        command: bytes = b"",
        advertised: bool = False,
    ) -> None:
        """Input that came too soon; without a command, before the banner."""

    def connected(self, peer: Peer, count: int) -> None:
        """Selector `smtp_connection`: a client is there. count: of connections."""

    def closed(self, peer: Peer, *, by: str = "QUIT", seconds: float = 0.0) -> None:
        """Selector `smtp_connection`: closed by QUIT, or lost."""

    def lost(self, peer: Peer, *, command: bool = True) -> None:
        """Selector `lost_incoming_connection`: unexpected disconnection."""

    def no_mail(
        self,
        peer: Peer,
        commands: Sequence[str],
        seconds: float,
        tls: Tls | None = None,
    ) -> None:
        """Selector `smtp_no_mail`: a connection that brought no message."""

    def no_host_name(self, address: str) -> None:
        """Selector `host_lookup_failed`: the address has no name."""

    def authentication_failed(
        self, authenticator: str, peer: Peer, reason: str, who: str = ""
    ) -> None:
        """`plain authenticator failed for …`."""

    def dropped(self, peer: Peer, why: str) -> None:
        """`SMTP call from … dropped: too many …`."""

    def refused(self, peer: Peer, why: str = "") -> None:
        """`refused connection from …`."""

    def tls_error(self, peer: Peer, reason: str) -> None:
        """`TLS error on connection from …`."""

    def note(self, text: str, message_id: str = "") -> None:
        """Free text: `exim … daemon started`, an error of a host, …"""
