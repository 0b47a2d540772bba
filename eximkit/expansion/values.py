"""The values of the evaluator: `Known`, `Unknown` and `Failure`.

An unknown value is still a string with a shape: known text around *holes*. A hole says
what it stands for, what it varies with, and the little that is certain of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOTHING: frozenset[str] = frozenset()

Kind = Literal["syntax", "value", "forced", "unsupported", "file"]
"""Why there is no value: the text is malformed; the data do not fit; the word `fail`;
something is needed that is not there or not allowed; a file could not be used.
"""


class ExpansionFailed(Exception):
    """An expansion that has no value. forced: by the word `fail`, not by an error.

    syntax: the text is malformed, or names what does not exist, which no data can mend.
    file: a file that it names could not be used.
    """

    def __init__(
        self,
        message: str,
        forced: bool = False,
        *,
        syntax: bool = False,
        file: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.forced = forced
        self.syntax = syntax
        self.file = file

    def again(self, message: str) -> ExpansionFailed:
        """The same failure in other words."""
        return ExpansionFailed(message, self.forced, syntax=self.syntax, file=self.file)

    @property
    def kind(self) -> Kind:
        """As `Failure.kind`."""
        return _kind(self.forced, self.syntax, self.file)


def _kind(forced: bool, syntax: bool, file: bool) -> Kind:
    if forced:
        return "forced"
    if syntax:
        return "syntax"
    return "file" if file else "value"


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch of a string that is not known.

    name: what it stands for (`sending_ip_address`, `lookup dnsdb`), shown as `<name>`.
    depends: the variables and outside sources that it varies with.
    empty: True where it is certainly empty, False where it certainly is not, else None.
    low, high: inclusive bounds where it is certainly an integer.
    address: it is certainly an IP address (if not empty). opaque: nothing can be said
    of what it depends on. of: what tells it from another of the same name, never shown.
    """

    name: str
    depends: frozenset[str] = NOTHING
    empty: bool | None = None
    low: int | None = None
    high: int | None = None
    address: bool = False
    opaque: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A string. depends: the sources that were read, known, to make it."""

    text: str
    depends: frozenset[str] = NOTHING

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Unknown:
    """A string of known text and at least one hole, in order."""

    parts: tuple[str | Hole, ...]
    known_depends: frozenset[str] = NOTHING

    def __str__(self) -> str:
        return "".join(p if isinstance(p, str) else f"<{p.name}>" for p in self.parts)

    @property
    def holes(self) -> tuple[Hole, ...]:
        return tuple(p for p in self.parts if isinstance(p, Hole))

    @property
    def depends(self) -> frozenset[str]:
        """Everything that it varies with."""
        return self.known_depends.union(*(h.depends for h in self.holes))

    @property
    def opaque(self) -> bool:
        return any(h.opaque for h in self.holes)


@dataclass(frozen=True, slots=True)
class Failure:
    """No value, and why.

    forced, syntax, file: as for `ExpansionFailed`. missing: what is not there, or not
    allowed, without which the value cannot be known.
    """

    message: str
    forced: bool = False
    syntax: bool = False
    file: bool = False
    missing: str = ""

    @classmethod
    def of(cls, failed: ExpansionFailed) -> Failure:
        return cls(failed.message, failed.forced, failed.syntax, failed.file)

    @classmethod
    def unsupported(cls, missing: str) -> Failure:
        """Where the value is not known for want of something."""
        return cls(f"cannot be known here: {missing}", missing=missing)

    @property
    def kind(self) -> Kind:
        """The word for it in a report."""
        if self.missing:
            return "unsupported"
        return _kind(self.forced, self.syntax, self.file)


Value = Known | Unknown
Result = Known | Unknown | Failure

EMPTY = Known("")


def hole(
    name: str,
    depends: frozenset[str] | None = None,
    *,
    empty: bool | None = None,
    opaque: bool = False,
) -> Unknown:
    """A value of which nothing is known but its name."""
    sources = frozenset((name,)) if depends is None else depends
    return Unknown((Hole(name, sources, empty=empty, opaque=opaque),))


def concatenate(values: list[Value]) -> Value:
    """The values one after the other."""
    if len(values) == 1:
        return values[0]
    parts: list[str | Hole] = []
    depends: frozenset[str] = NOTHING
    for value in values:
        if isinstance(value, Known):
            depends |= value.depends
            pieces: tuple[str | Hole, ...] = (value.text,)
        else:
            depends |= value.known_depends
            pieces = value.parts
        for piece in pieces:
            if isinstance(piece, str) and parts and isinstance(parts[-1], str):
                parts[-1] += piece
            elif piece:
                parts.append(piece)
    if any(isinstance(p, Hole) for p in parts):
        return Unknown(tuple(parts), depends)
    return Known("".join(p for p in parts if isinstance(p, str)), depends)


def size(value: Value) -> int:
    """About how many octets it takes."""
    if isinstance(value, Known):
        return len(value.text)
    return sum(len(p) if isinstance(p, str) else 16 for p in value.parts)


def up_to_zero(value: Value) -> Value:
    """A value as C has it: an octet zero ends it."""
    if isinstance(value, Known) and "\0" in value.text:
        return Known(value.text.partition("\0")[0], value.depends)
    return value


def emptiness(value: Value) -> bool | None:
    """Whether a value is the empty string; None where that is not known."""
    if isinstance(value, Known):
        return not value.text
    states = [not p if isinstance(p, str) else p.empty for p in value.parts]
    if any(state is False for state in states):
        return False
    return True if all(state is True for state in states) else None


def bounds(value: Value) -> tuple[int, int] | None:
    """The inclusive bounds of a value that is certainly one integer, else None."""
    if isinstance(value, Unknown) and len(value.parts) == 1:
        part = value.parts[0]
        if isinstance(part, Hole) and part.low is not None and part.high is not None:
            return part.low, part.high
    return None


def is_address(value: Value) -> bool:
    """Whether it certainly is an IP address, or would be were it not empty."""
    if isinstance(value, Known) or len(value.parts) != 1:
        return False
    part = value.parts[0]
    return isinstance(part, Hole) and part.address


def derived(
    name: str,
    *values: Value,
    opaque: bool = False,
    empty: bool | None = None,
    low: int | None = None,
    high: int | None = None,
) -> Unknown:
    """What an unknown function makes of `values`: one hole that varies with them all.

    It is shown under the name of the first hole among them, or else as `name`.
    """
    depends: frozenset[str] = NOTHING
    shown = ""
    for value in values:
        depends |= value.depends
        if isinstance(value, Unknown):
            opaque = opaque or value.opaque
            shown = shown or value.holes[0].name
    of = "\0".join((name, *map(str, values)))
    sources = depends or frozenset((name,))
    return Unknown((
        Hole(shown or name, sources, empty, low, high, opaque=opaque, of=of),
    ))  # fmt: skip


class NotPure(Exception):
    """A result that depends on more than the strings given: files, options, the host.

    reason: what it depends on, in a few words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def inside(what: str) -> Iterator[None]:
    """Failures in here say that it is `inside` of something, as Exim's do."""
    try:
        yield
    except ExpansionFailed as failed:
        raise failed.again(f"{failed.message} inside {what}") from None


NUMBERED = 20
"""How many numeric variables a match can set."""

_NUMBERS = tuple(map(str, range(NUMBERED)))
_UNSET: dict[str, Value] = dict.fromkeys(_NUMBERS, EMPTY)


def numbered(
    texts: Sequence[str], depends: frozenset[str] = NOTHING
) -> dict[str, Value]:
    """The numeric variables after a match: those that it does not set are empty."""
    found = _UNSET.copy()
    for number, text in enumerate(texts):
        found[_NUMBERS[number] if number < NUMBERED else str(number)] = Known(
            text, depends
        )
    return found


def stops(what: str) -> ExpansionFailed:
    """The failure of an expansion at which Exim itself ends: a crash, or a panic."""
    return ExpansionFailed(f"Exim stops: {what}")
