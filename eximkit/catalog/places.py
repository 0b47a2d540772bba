"""Which words an ACL may use, by the ACL that it is."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from eximkit.catalog.names import acl_condition
from eximkit.catalog.options import option_names
from eximkit.catalog.releases import Release
from eximkit.catalog.tables import load

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACE = re.compile(r"(\w+?)(?:(>=|<)([0-9.]+))?")
# The ACL for the parts of a message that came without SMTP counts as that for those
# that came with it (Exim 4.96: its refusals say "MIME ACL").
_SAME = {"not_smtp_mime": "mime"}


@cache
def acls(release: Release) -> tuple[str, ...]:
    """The main options of a release that name an ACL: `acl_smtp_rcpt`, …"""
    names = option_names("main", None, release)
    return tuple(name for name in names if name.startswith("acl_"))


def allowed_in(word: str, acl: str, release: Release) -> bool:
    """Whether a condition or modifier may stand in the ACL that a main option names.

    A word that does not exist is allowed nowhere. Where one is allowed, a single
    `control` or `verify` may still be refused: that depends on its argument.
    """
    info = acl_condition(word)
    if info is None or not info.in_release(release) or acl not in acls(release):
        return False
    place = acl.removeprefix("acl_").removeprefix("smtp_")
    place = _SAME.get(place, place)
    tables = load("places")
    if word in tables["nowhere_but"]:
        return place in _places(tables["nowhere_but"][word], release)
    return place not in _places(tables["but_not_in"].get(word, ""), release)


def _places(line: str, release: Release) -> Iterator[str]:
    for word in line.split():
        found = _PLACE.fullmatch(word)
        if found is None:
            raise ValueError(f"not a place of an ACL: {word!r}")
        place, sign, of = found.groups()
        if sign is None or (release < Release.parse(of)) is (sign == "<"):
            yield place
