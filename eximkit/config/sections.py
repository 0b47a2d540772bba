"""The sections of a configuration, and the lines that begin them.

Exim specification, chapter 6, "Configuration file format"; details by trying 4.96.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.config.refusal import guess, refusal, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.config.statements import Part
    from eximkit.problem import Problem
    from eximkit.source import Text

SECTIONS = {
    "acl": "acl_line",
    "routers": "driver_line",
    "transports": "driver_line",
    "authenticators": "driver_line",
    "retry": "retry_line",
    "rewrite": "rewrite_line",
    "local_scan": "driver_line",
}
"""The sections that `begin` can start, and the grammar's rule for their lines."""

KINDS = {"routers": "router", "transports": "transport",
         "authenticators": "authenticator"}  # fmt: skip

FRAGMENTS = {
    "main": "main",
    "acl": "acl",
    "router": "routers",
    "transport": "transports",
    "authenticator": "authenticators",
    "retry": "retry",
    "rewrite": "rewrite",
    "expansion": "expansion",
}
"""What a fragment is said to be, and the section whose body it then is."""

SKIPPED = "nothing"
"""The section of lines after a `begin` that cannot be followed: they are not judged."""


def section_named(name: str) -> str | None:
    """The section that `begin NAME` begins, None for none.

    Letter case does not count, and Exim compares plurals: "begin router" and "begin
    retrys" will do.
    """
    return _PLURALS.get(_plural(name.lower()))


def _plural(name: str) -> str:
    return name if name.endswith("s") else f"{name}s"


_PLURALS = {_plural(known): known for known in SECTIONS}


def begin_problem(
    section: str | None, part: Part, begun: Mapping[str, Text]
) -> Problem | None:
    """What is wrong with a `begin` line.

    section: what `section_named` makes of its name. begun: the sections before it, each
    with its line.
    """
    place = part.place
    if section is None:
        hint, near = guess(part.text, SECTIONS, place)
        if "#" in part.text:
            hint, near = "a # starts a comment only at the start of a line", None
        return refusal(
            "EXR315", f'"{shown(part.text)}" is no section of a configuration', place,
            hint, replacement=near,
        )  # fmt: skip
    if section in begun:
        first = begun[section]
        return refusal(
            "EXR315", f'the section "{section}" begins for the second time', place,
            related=(("it began here", first.place(0, len(first))),),
        )  # fmt: skip
    if section == "local_scan":
        return refusal(
            "EXR315", "this Exim is built without options for local_scan()", place,
            hint="remove the section",
        )  # fmt: skip
    return None
