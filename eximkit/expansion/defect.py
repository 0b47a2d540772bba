"""What is wrong with an expansion that parses: a name, a number of arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.misplaced import short

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.catalog import Entry, Release


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that Exim would refuse, even in a branch that is not taken.

    start, end: the offending characters of the string. hint: what to do, or "".
    replacement: the text that would mend [start, end), or None.
    """

    code: str
    message: str
    start: int
    end: int
    hint: str = ""
    replacement: str | None = None


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it stands in the string: what it names, and how a user writes it."""

    what: str
    text: str
    start: int
    shown: str

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + len(self.text)


def unknown(code: str, name: Name, candidates: Iterable[str], hint: str = "") -> Defect:
    """A name that no release has; with the nearest of the candidates, if one is near.

    hint: better advice than a similar name, where the caller has it.
    """
    near = None if hint else catalog.suggest(name.text, candidates)
    if near is not None:
        hint = f"did you mean `{name.shown.replace(name.text, near, 1)}`?"
    message = f"unknown {name.what} `{short(name.shown)}`"
    return Defect(code, message, name.start, name.end, hint, near)


def out_of_date(code: str, name: Name, entry: Entry, release: Release) -> Defect | None:
    """A name that some release has, but not this one; None if this one has it."""
    if entry.in_release(release):
        return None
    if entry.since is not None and release < entry.since:
        when = f"it came with {entry.since}"
    else:
        when = f"{entry.until} was the last to have it"
    return Defect(
        code, f"Exim {release} has no {name.what} `{name.shown}`: {when}",
        name.start, name.end, "state the release that will run the configuration",
    )  # fmt: skip


def counted(arguments: int) -> str:
    """The number of arguments, in words that fit it."""
    return {0: "no argument", 1: "one argument"}.get(
        arguments, f"{arguments} arguments"
    )


def is_header(name: str) -> bool:
    """Whether `$name` would be a header's: h_, header_, and with r, b or l before."""
    kind, underscore, _ = name.partition("_")
    if kind[:1] in {"r", "b", "l"}:
        kind = kind[1:]
    return bool(underscore) and kind in {"h", "header"}
