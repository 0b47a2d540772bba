"""What an evaluation may ask of the machine it runs on, as an interface.

The evaluator and the lookups do no input or output: they ask a `World`, which whoever
evaluates gives them (`eximkit.machine` is the real one). Text is octets, one character
per octet, as everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class NotAllowed(Exception):
    """The user did not allow it, or it is not there. what: it, in a few words.

    The result is then unsupported, never a guess.
    """

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class FileFailed(Exception):
    """A file could not be used. reason: as strerror(3) words it."""

    def __init__(self, path: str, reason: str, number: int = 0) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.number = number


@dataclass(frozen=True, slots=True)
class FileStatus:
    """What stat(2) tells: mode bits (type included), owner, group, size in octets.

    Times are seconds since the epoch.
    """

    mode: int
    uid: int
    gid: int
    size: int
    inode: int = 0
    device: int = 0
    links: int = 1
    atime: int = 0
    mtime: int = 0
    ctime: int = 0


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record of an answer. fields: its data as text, one string for each field.

    A: the address. MX: preference, host. SRV: priority, weight, port, host. TXT, SPF:
    the character-strings. TLSA: usage, selector, matching, data in hexadecimal digits.
    SOA: host, mailbox, serial, refresh, retry, expire, minimum.
    """

    type: str
    fields: tuple[str, ...]
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a resolver said.

    status: "found", "no data", "no domain", "again" or "failed". records: of any type,
    in order; the aliases that led to those asked for are among them. secure: the
    resolver vouches for it. zone: where there are no records, whose SOA came instead.
    """

    status: str
    records: tuple[DnsRecord, ...] = ()
    secure: bool = False
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended: its exit status (negative: the signal) and output."""

    status: int
    output: str


class World(Protocol):
    """The machine, as far as the user lets it be touched. Each may raise NotAllowed."""

    def read(self, path: str) -> str:
        """The octets of a file, bounded. Raises FileFailed."""
        ...

    def status(self, path: str, *, follow: bool = True) -> FileStatus:
        """stat(2), or lstat(2) where `follow` is false. Raises FileFailed."""
        ...

    def names(self, path: str) -> Sequence[str]:
        """The names in a directory, `.` and `..` left out. Raises FileFailed."""
        ...

    def sqlite(
        self, path: str, query: str
    ) -> tuple[Sequence[str], Sequence[Sequence[str | None]]]:
        """The column names and the rows of a query. Raises FileFailed."""
        ...

    def environment(self, name: str) -> str | None:
        """The value of an environment variable, None where it is not set."""
        ...

    def passwd(self, name: str) -> tuple[str, ...] | None:
        """The seven fields of a user's entry, None for no such user."""
        ...

    def group(self, name: str) -> int | None:
        """The number of a group, None for no such group."""
        ...

    def resolve(
        self,
        name: str,
        record_type: str,
        *,
        dnssec: bool,
        retrans: float | None,
        retry: int | None,
    ) -> DnsAnswer:
        """Ask the DNS. retrans: seconds until a first try is given up; retry: tries."""
        ...

    def run(self, arguments: Sequence[str]) -> Finished:
        """Run a command, no shell, bounded in time and output. Raises FileFailed."""
        ...

    def clock(self) -> float:
        """Seconds since the epoch."""
        ...
