"""What the lab asks of a client and of a server, whoever they are.

Both are judged by their main logs, which have Exim's form on either side, and by what
went over the link; nobody is asked for an opinion of itself where a log can tell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.logs.line import parse_line
from eximkit.logs.record import ARRIVALS, DELIVERIES, Kind, LogRecord
from eximkit.smtp.early import Tls

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "user", "secret"
SENDER, RECIPIENT = "", "recipient@server.example"
"""The envelope. From nobody, so that a failure makes no bounce, which would be mail."""


SUBJECT = "eximkit-interop"
"""The subject of each message, by which its content is found on a link."""


@dataclass(frozen=True, slots=True)
class Setup:
    """How a client and a server are to be set up for a scenario.

    tls_version: "1.2" or "1.3", "" for what they agree on. resume: TLS sessions are
    kept. avoid_pipelining: by the client. fast_open: of TCP. in_syn: a whole message
    may be in the SYN. octets: of the message. account: AUTH is required. patience:
    seconds that a contact may take.
    """

    tls: Tls = Tls.NONE
    tls_version: str = ""
    tls_required: bool = True
    resume: bool = False
    bdat: bool = False
    account: bool = False
    auth_required: bool = True
    mechanisms: tuple[str, ...] = ("PLAIN",)
    fast_open: bool = False
    in_syn: bool = False
    early_offered: bool = True
    pipelining: bool = True
    avoid_pipelining: bool = False
    octets: int = 400
    expire: int = 0
    patience: float = 60.0
    helo: str = "client.example"


@dataclass(frozen=True, slots=True)
class Contact:
    """What one attempt to deliver a message has come to, by the client's log.

    fate: delivered, deferred, rejected, or "" where the log says nothing. why: the
    reason. form: the L field. facts: what else the client tells of itself.
    """

    fate: str
    why: str = ""
    form: str = ""
    record: LogRecord | None = None
    facts: dict[str, object] = field(default_factory=dict)


_FATES = {
    **dict.fromkeys(DELIVERIES, "delivered"),
    Kind.DEFERRAL: "deferred",
    Kind.FAILURE: "rejected",
}


def contacts_of(log: str) -> list[Contact]:
    """The attempts that a client's main log tells of."""
    return [
        Contact(_FATES[record.kind], record.text, record.form, record)
        for record in records_of(log)
        if record.kind in _FATES
    ]


def arrivals_of(log: str) -> list[LogRecord]:
    """The messages that a server's main log tells of."""
    return [record for record in records_of(log) if record.kind in ARRIVALS]


def records_of(log: str) -> list[LogRecord]:
    """The entries of a main log."""
    octets = log.encode("utf-8", "surrogateescape")
    return [parse_line(line) for line in octets.split(b"\n") if line]


def read_log(path: Path) -> str:
    """A log as it is now; "" where there is none yet."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


class ServerPeer(ABC):
    """A server. port, tls_port: where it listens; TLS from the start on the second.

    authority: the file of the certificate that vouches for its own, "" for none.
    """

    name: str
    port: int = 0
    tls_port: int = 0
    authority: str = ""

    @abstractmethod
    async def start(self) -> None:
        """Come up. Raises InteropError."""

    @abstractmethod
    async def stop(self) -> None:
        """Go away."""

    @abstractmethod
    def log(self) -> str:
        """Its main log so far."""


class ClientPeer(ABC):
    """A client, and what it remembers of servers from one contact to the next."""

    name: str

    @abstractmethod
    async def contact(self, host: str, port: int, early: bool, count: int) -> None:
        """Deliver `count` messages, each over a connection of its own."""

    @abstractmethod
    def log(self) -> str:
        """Its main log so far."""

    def notes(self) -> list[dict[str, object]]:
        """What it tells of each delivery so far, in order; Exim tells nothing."""
        return []


def message(octets: int) -> bytes:
    """A message of about so many octets."""
    head = (
        f"Subject: {SUBJECT}\r\nFrom: <a@client.example>\r\nTo: <{RECIPIENT}>\r\n\r\n"
    )
    line = "All of this is padding, and nothing in it matters to anybody.\r\n"
    missing = max(1, octets - len(head))
    return (head + line * (missing // len(line) + 1)).encode()[: octets - 2] + b"\r\n"
