"""What a linter says: findings, and the edits that would mend them. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eximkit.source import Place


class Severity(Enum):
    """How bad. Ordered: ERROR before WARNING before INFO."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        return ("error", "warning", "info").index(self.value)


@dataclass(frozen=True, slots=True)
class Edit:
    """Octets [start, end) of the file at `path` become `text` (octets)."""

    path: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits that belong together. safe: they do not change what a sane user meant."""

    edits: tuple[Edit, ...]
    safe: bool
    title: str = ""


@dataclass(frozen=True, slots=True)
class Wire:
    """The greetings of a transport: on a first contact, and on a later one.

    Text such as `EHLO [<sending_ip_address>]`; None where no greeting is sent.
    """

    first: str | None
    later: str | None


@dataclass(frozen=True, slots=True)
class TransportGreetings:
    """One smtp transport: `early_possible` says whether it ever greets early."""

    path: str
    driver: str
    early_possible: bool
    wire: Wire


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect at one place. notes: further sentences for people, one line each.

    unfixable: why there is no fix although the rule has one, or "".
    """

    code: str
    name: str
    severity: Severity
    message: str
    place: Place
    section: str | None = None
    driver: str | None = None
    option: str | None = None
    exim_refuses: bool = False
    wire: Wire | None = None
    related: tuple[tuple[str, Place], ...] = ()
    notes: tuple[str, ...] = ()
    fix: Fix | None = None
    unfixable: str = ""
