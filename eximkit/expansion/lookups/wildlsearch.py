"""`wildlsearch` and `nwildlsearch`: the keys of the file are patterns, tried in order.

Exim specification, section 9.3. A pattern is a list of one string; `wildlsearch`
expands it first. A lookup may stand in it; named lists and the forms with `@` do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from eximkit.expansion import regex
from eximkit.expansion.lookups.files import read_regular
from eximkit.expansion.lookups.lsearch import Entry, entries
from eximkit.expansion.lookups.table import Deferred, Table
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure, stops
from eximkit.expansion.world import NotAllowed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context


@lru_cache(maxsize=4)
def _entries(text: str) -> tuple[Entry, ...]:
    return tuple(entries(text))


@dataclass(frozen=True, slots=True)
class Wildlsearch(Table):
    """An open file whose keys are patterns."""

    context: Context
    text: str
    full: bool
    expands: bool

    forgets: ClassVar[bool] = True

    def find(self, key: str) -> str | None:
        """The data of the first entry whose pattern matches."""
        folded = lower(key)
        for entry in _entries(self.text):
            pattern = self._expanded(entry.key) if self.expands else entry.key
            if pattern is not None and self._matches(pattern.strip(BLANK), key, folded):
                return entry.full if self.full else entry.data
        return None

    def _expanded(self, pattern: str) -> str | None:
        """None where the word `fail` says that there is no pattern."""
        try:
            return self.context.expand(pattern)
        except ExpansionFailed as failed:
            if failed.forced:
                return None
            # The reason goes to the log; what is said of the lookup has none.
            raise Deferred("") from failed

    def _matches(self, pattern: str, key: str, folded: str) -> bool:
        if pattern.startswith("!"):
            return not self._one(pattern[1:].lstrip(BLANK), key, folded)
        return bool(pattern) and self._one(pattern, key, folded)

    def _one(self, pattern: str, key: str, folded: str) -> bool:
        if pattern.startswith("^"):
            try:
                return regex.search(pattern, key, caseless=True) is not None
            except ExpansionFailed as failed:
                raise stops(failed.message) from failed
            except NotPure as error:
                raise NotAllowed(error.reason) from error
        if pattern.startswith("*"):
            return folded.endswith(lower(pattern[1:]))
        if pattern.startswith("/"):
            raise NotAllowed(f'the list in the file "{pattern}"')
        if ";" in pattern:
            return self.context.matches(pattern, key)
        return folded == lower(pattern)


def open_wildlsearch(context: Context, path: str, kind: Kind) -> Wildlsearch:
    """Raises ExpansionFailed (file), NotAllowed."""
    text = read_regular(context, path)
    return Wildlsearch(context, text, kind.returns_all, expands=True)


def open_nwildlsearch(context: Context, path: str, kind: Kind) -> Wildlsearch:
    """Raises ExpansionFailed (file), NotAllowed."""
    text = read_regular(context, path)
    return Wildlsearch(context, text, kind.returns_all, expands=False)
