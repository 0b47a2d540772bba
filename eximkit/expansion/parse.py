"""Expansion text to its tree, positions kept (Exim specification, chapter 11).

Names are only looked at where they decide the shape (which condition takes how many
strings, which items have yes and no parts). Whether a name exists, and takes that many
arguments, is `check.py`'s business.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from eximkit import grammar
from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.nodes import Expansion, Literal
from eximkit.expansion.walk import depth

if TYPE_CHECKING:
    from lark import Lark

MAX_LENGTH = 262_144
"""Octets that are parsed at most (about a second of the densest text)."""

MAX_DEPTH = 2_000
"""Items within items at most. Exim itself runs out of stack between 3,000 and 5,000."""

_ADVICE = "split it: macros, an ACL or a lookup"


class TooLarge(ExpansionSyntaxError):
    """A string that Exim might take, but that is not read here."""


def parse(text: str) -> Expansion:
    """The tree of an expansion string (octet text, see `source.py`).

    Raises ExpansionSyntaxError for what Exim could not take apart, for text longer
    than MAX_LENGTH and for nesting deeper than MAX_DEPTH.
    """
    if "$" not in text and "\\" not in text:
        plain = (Literal(0, len(text), text),) if text else ()
        return Expansion(0, len(text), plain, source=text)
    if len(text) > MAX_LENGTH:
        raise TooLarge(
            f"the expansion has {len(text)} characters; "
            f"no more than {MAX_LENGTH} are read",
            MAX_LENGTH, len(text), _ADVICE,
        )  # fmt: skip
    from lark import UnexpectedInput

    try:
        tree: Expansion = _parser().parse(text)  # type: ignore[assignment]
    except UnexpectedInput as error:
        from eximkit.expansion.diagnosis import diagnose

        raise diagnose(text, error) from None
    # Each level has a brace of its own, so few braces need no measuring.
    if text.count("{") > MAX_DEPTH:
        deepest, where = depth(tree)
        if deepest > MAX_DEPTH:
            raise TooLarge(
                f"the expansion is nested {deepest} deep; "
                f"no more than {MAX_DEPTH} levels are read",
                where.start, where.end, _ADVICE,
            )  # fmt: skip
    return replace(tree, source=text)


@cache
def _parser() -> Lark:
    from eximkit.expansion.builder import Builder

    return grammar.build("expansion", ("start",), Builder(visit_tokens=False))
