"""Where the text of a finding came from: macros within macros, includes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Finding
    from eximkit.source import Place

_DEEPEST = 8
"""Steps shown at most; a chain of a hundred macros helps nobody."""


def related(finding: Finding) -> list[tuple[str, Place]]:
    """What the finding itself points at, then the macros and includes behind it."""
    rows = [*finding.related, *_macros(finding.place), *_includes(finding.place)]
    seen: set[tuple[str, int]] = set()
    kept: list[tuple[str, Place]] = []
    for message, place in rows:
        key = (place.path, place.start)
        if key not in seen:
            seen.add(key)
            kept.append((message, place))
    return kept


def _macros(place: Place) -> Iterator[tuple[str, Place]]:
    use, steps = place.use, 0
    while use is not None and steps < _DEEPEST:
        macro = use.macro
        if macro.place is not None:
            yield f"macro {display(macro.name)} is defined here", macro.place
        use, steps = use.outer, steps + 1


def _includes(place: Place) -> Iterator[tuple[str, Place]]:
    origin, steps = place.file.included_from, 0
    while origin is not None and steps < _DEEPEST:
        yield f"{origin.path} includes the file here", origin
        origin, steps = origin.file.included_from, steps + 1
