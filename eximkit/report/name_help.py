"""What a name of Exim's languages means, for a person at the prompt."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Description, Release
    from eximkit.report.style import Style

_MOST = 6
"""Meanings that are told in full; an option such as `driver` has dozens."""


def report(name: str, release: Release, style: Style) -> Iterator[str]:
    """All that `name` can mean, or what else may have been meant."""
    found = catalog.describe(name, release)
    if not found:
        near = catalog.suggest(name.strip("${}:!"), _names(release))
        hint = f"; did you mean {near}?" if near else ""
        yield f"{display(name)} is nothing that Exim knows{hint}\n"
    for meaning in found[:_MOST]:
        yield from _meaning(meaning, release, style)
    if len(found) > _MOST:
        kinds = dict.fromkeys(f"{m.kind} ({m.where})" for m in found[_MOST:])
        yield from _wrapped(f"Also: {', '.join(kinds)}", style, 0)


def _meaning(meaning: Description, release: Release, style: Style) -> Iterator[str]:
    title = f"{meaning.kind} {meaning.name}"
    if meaning.where:
        title += f" ({meaning.where})"
    told = _releases(meaning, release)
    yield f"{style.paint('bold', title)}{told}\n"
    for form in meaning.form:
        yield f"    {form}\n"
    if meaning.text:
        yield from _wrapped(meaning.text, style, 2)
    if meaning.optional:
        yield from _wrapped("Only in an Exim built with the feature.", style, 2)


def _releases(meaning: Description, release: Release) -> str:
    """Since when, or until when, there is such a name, and whether there is one now."""
    parts = []
    if meaning.since is not None:
        parts.append(f"since {meaning.since}{'' if meaning.certain else ' or later'}")
    if meaning.until is not None:
        parts.append(f"until {meaning.until}")
    if (meaning.since and release < meaning.since) or (
        meaning.until and release > meaning.until
    ):
        parts.append(f"not in {release}")
    return f", {', '.join(parts)}" if parts else ""


def _wrapped(text: str, style: Style, margin: int) -> Iterator[str]:
    space = " " * margin
    for line in textwrap.wrap(
        text, style.width, initial_indent=space, subsequent_indent=space
    ):
        yield line + "\n"


def _names(release: Release) -> tuple[str, ...]:
    return (
        *catalog.item_names(release), *catalog.operator_names(release),
        *catalog.condition_names(release), *catalog.variable_names(release),
        *catalog.lookup_type_names(release),
    )  # fmt: skip
