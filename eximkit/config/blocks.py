"""The names of ACLs and drivers, which begin blocks; and what every block needs.

Exim specification, chapters 15 and 43; details by trying 4.96.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.driver_checks import name_place
from eximkit.config.refusal import refusal, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.catalog import Release
    from eximkit.config.model import Driver
    from eximkit.config.statements import BlockName
    from eximkit.problem import Problem
    from eximkit.source import Place, Text

NAME_LIMIT = 63
"""The longest name of a driver or an ACL."""

_LIMITED = catalog.release("4.95")


def _code(what: str) -> str:
    return "EXS237" if what == "ACL" else "EXS236"


def _a(what: str) -> str:
    return f"{'an' if what[0] in 'Aa' else 'a'} {what}"


def name_problems(
    block: BlockName, what: str, release: Release, before: Text | None
) -> Iterator[Problem]:
    """What is wrong with a line `NAME:`.

    what: "ACL", "router", ... before: the line of another such block of that name.
    """
    name, junk = block.name.text, block.junk
    if junk is not None and what != "ACL":
        hint = "put it on a line of its own"
        if junk.text.startswith("#"):
            hint = "a # starts a comment only at the start of a line"
        message = f"nothing can follow the name of {_a(what)} on its line"
        yield refusal(_code(what), message, junk.place, hint)
    if len(name) > NAME_LIMIT and release >= _LIMITED:
        message = f"this name is too long: {NAME_LIMIT} characters are allowed"
        yield refusal(_code(what), message, block.name.place)
    if before is not None:
        yield refusal(
            "EXR305",
            f'there is {_a(what)} called "{shown(name)}" already',
            block.name.place,
            hint="rename one of them",
            related=(("the first one is here", before.place(0, len(name))),),
        )


def no_name(line: Text, what: str) -> Problem:
    """A line that ought to begin a block, and does not."""
    return refusal(
        _code(what),
        f'the name of {_a(what)} is expected, not "{shown(line.text)}"',
        line.place(0, len(line)),
        hint="a name is a letter, then letters, digits and underscores, then a colon",
    )


def no_driver(driver: Driver, macro: Text | None) -> Problem:
    """A block without `driver`; macro: the definition that ended it, if one did."""
    related: tuple[tuple[str, Place], ...] = ()
    if macro is not None:
        at = macro.place(0, len(macro))
        related = (("this macro definition ended the block", at),)
    return refusal(
        "EXS236",
        f'the {driver.kind} "{driver.name}" has no driver',
        name_place(driver),
        hint='add "driver = ..." as its first line',
        related=related,
    )
