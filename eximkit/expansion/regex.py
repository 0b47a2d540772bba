"""Regular expressions, matched by PCRE2 itself (Exim specification, chapter 8).

Patterns and subjects are octet strings, in PCRE2's octet mode, as Exim uses it.
Patterns come from configurations, so that every match has limits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMITS = b"(*LIMIT_MATCH=1000000)(*LIMIT_HEAP=32000)"
_REFUSED = re.compile(r"compilation failed at position (\d+); (.*)", re.DOTALL)
_TOO_LONG = "a regular expression that takes too long to match"


def _library() -> Any:  # noqa: ANN401 - it has no types
    """PCRE2, loaded here: most configurations are read without matching anything."""
    import pcre2  # type: ignore[import-untyped]

    return pcre2


@lru_cache(maxsize=512)
def _compiled(pattern: str, *, caseless: bool) -> Any:  # noqa: ANN401 - as above
    pcre2 = _library()
    flags = pcre2.IGNORECASE if caseless else 0
    try:
        return pcre2.compile(_LIMITS + pattern.encode("latin-1"), flags, jit=False)
    except pcre2.PatternError as error:
        found = _REFUSED.match(str(error))
        what, at = (found[2], int(found[1])) if found else (str(error), 0)
        raise ExpansionFailed(
            f'regular expression error in "{pattern}": '
            f"{what} at offset {max(0, at - len(_LIMITS))}"
        ) from None


def _captures(found: Any) -> tuple[str, ...]:  # noqa: ANN401 - as above
    """$0, $1, …: a group that took no part is empty."""
    groups = (found.group(), *found.groups())
    return tuple((group or b"").decode("latin-1") for group in groups)


def search(
    pattern: str, subject: str, *, caseless: bool = False
) -> tuple[str, ...] | None:
    """$0, $1, … of the first match, or None.

    Raises ExpansionFailed for a pattern that PCRE2 refuses, NotPure where matching
    would take too long to follow.
    """
    compiled = _compiled(pattern, caseless=caseless)
    try:
        found = compiled.search(subject.encode("latin-1"))
    except _library().LibraryError:
        raise NotPure(_TOO_LONG) from None
    return None if found is None else _captures(found)


def substitute(
    subject: str, pattern: str, replace: Callable[[tuple[str, ...]], str]
) -> str:
    """The core of `${sg`: each match becomes what `replace` makes of $0, $1, …

    Raises as `search` does, and what `replace` raises.
    """
    compiled = _compiled(pattern, caseless=False)
    parts: list[str] = []
    copied = 0
    matches = compiled.finditer(subject.encode("latin-1"))
    while True:
        try:
            found = next(matches, None)
        except _library().LibraryError:
            raise NotPure(_TOO_LONG) from None
        if found is None:
            parts.append(subject[copied:])
            return "".join(parts)
        start, end = found.span()
        parts += (subject[copied:start], replace(_captures(found)))
        copied = end
