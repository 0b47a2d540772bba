"""Regular expressions, matched by PCRE2 itself (Exim specification, chapter 8).

Patterns and subjects are octet strings, in PCRE2's octet mode, as Exim uses it. Patterns
come from configurations, so every match has limits.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Callable

_LIMITS = b"(*LIMIT_MATCH=1000000)(*LIMIT_HEAP=32000)"
_COMPILE_ERROR = re.compile(r"compilation failed at position (\d+); (.*)", re.DOTALL)


@lru_cache(maxsize=512)
def _compiled(pattern: str, caseless: bool) -> Any:  # noqa: ANN401 - untyped library
    # Loaded here: most configurations are read without matching anything.
    import pcre2  # noqa: PLC0415

    flags = pcre2.IGNORECASE if caseless else 0
    try:
        return pcre2.compile(_LIMITS + pattern.encode("latin-1"), flags, jit=False)
    except pcre2.PatternError as error:
        found = _COMPILE_ERROR.match(str(error))
        what, at = (found[2], int(found[1])) if found else (str(error), 0)
        raise ExpansionFailed(
            f'regular expression error in "{pattern}": '
            f"{what} at offset {max(0, at - len(_LIMITS))}"
        ) from None


def _groups(found: Any) -> tuple[str, ...]:  # noqa: ANN401
    """$0, $1, …: a group that took no part is empty."""
    captured = (found.group(), *found.groups())
    return tuple(b"" if g is None else g for g in captured)  # type: ignore[return-value]


def _decoded(groups: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(group.decode("latin-1") for group in groups)


def search(pattern: str, subject: str, caseless: bool = False) -> tuple[str, ...] | None:
    """$0, $1, … of the first match, or None.

    Raises ExpansionFailed for a pattern that PCRE2 refuses, NotPure where matching
    would take too long to follow.
    """
    import pcre2  # noqa: PLC0415 - as above

    compiled = _compiled(pattern, caseless)
    try:
        found = compiled.search(subject.encode("latin-1"))
    except pcre2.LibraryError:
        raise NotPure("a regular expression that takes too long to match") from None
    return None if found is None else _decoded(_groups(found))


def substitute(
    subject: str, pattern: str, replace: Callable[[tuple[str, ...]], str]
) -> str:
    """The core of `${sg`: every match replaced by what `replace` makes of its groups."""
    import pcre2  # noqa: PLC0415 - as above

    compiled = _compiled(pattern, caseless=False)
    parts: list[str] = []
    copied = 0
    try:
        for found in compiled.finditer(subject.encode("latin-1")):
            start, end = found.span()
            parts.append(subject[copied:start])
            parts.append(replace(_decoded(_groups(found))))
            copied = end
    except pcre2.LibraryError:
        raise NotPure("a regular expression that takes too long to match") from None
    parts.append(subject[copied:])
    return "".join(parts)
