"""Lookup types as `${lookup` and `${quote_` name them (specification, chapter 9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.defect import Defect, Name, out_of_date, unknown
from eximkit.expansion.lookups.kind import OPTIONS_SINCE

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.expansion.nodes import Lookup, Operator

# `partial-`, `partial3-`, `partial(.)`, `partial3(*.)`: the affix is punctuation.
_PARTIAL = re.compile(r"partial[0-9]*(?:-|\([!-'*-/:-@\[-`{-~(]*\))")


def check_lookup(node: Lookup, release: Release) -> Defect | None:
    """The type of a lookup, and whether it goes with a key."""
    text, start = node.type, node.type_start
    partial = _PARTIAL.match(text)
    if partial is None and text.startswith("partial"):
        return Defect(
            "EXS202", f"`{text}` is not a partial lookup",
            start, start + len(text),
            "write `partial-TYPE`, `partial2-TYPE` or `partial(.)TYPE`",
        )  # fmt: skip
    if partial:
        text, start = text[partial.end() :], start + partial.end()
    # A star ends the type's name, else a comma does, which options follow.
    plain, star, _ = text.partition("*")
    if not star:
        plain = text.partition(",")[0]
    name = Name("lookup type", plain, start, plain)
    entry = catalog.lookup_type(plain)
    if entry is None:
        return unknown("EXS206", name, catalog.lookup_type_names(release))
    late = out_of_date("EXS206", name, entry, release)
    if late is not None:
        return late
    if not star and plain != text and release < OPTIONS_SINCE:
        return Defect(
            "EXS206", f"Exim {release} has no options of lookup types: they came with "
            f"{OPTIONS_SINCE}", name.end, start + len(text),
        )  # fmt: skip
    if entry.single_key and node.key is None:
        return _misused(
            name, f"the lookup type `{plain}` needs a key",
            f"write `${{lookup{{key}}{plain}{{file}}}}`",
        )  # fmt: skip
    if entry.single_key:
        return None
    if node.key is not None:
        return _misused(
            name, f"the lookup type `{plain}` takes a query, not a key",
            f"write `${{lookup {plain}{{query}}}}`",
        )  # fmt: skip
    if partial or star:
        what = "`partial`" if partial else "`*`"
        return _misused(name, f"{what} is not for the lookup type `{plain}`",
                        "only types with a key have it")  # fmt: skip
    return None


def _misused(name: Name, message: str, hint: str) -> Defect:
    return Defect("EXS202", message, name.start, name.end, hint)


def check_quoting(node: Operator, release: Release) -> Defect | None:
    """`${quote_TYPE:...}`; only ldap has a second form, `quote_ldap_dn`."""
    if not node.arguments:
        return None
    kind, *more = node.arguments
    start = node.start + len("${quote_")
    name = Name("lookup type", kind, start, f"quote_{kind}")
    entry = catalog.lookup_type(kind)
    if entry is None:
        return unknown("EXS206", name, catalog.lookup_type_names(release))
    late = out_of_date("EXS206", name, entry, release)
    if late is not None or not more or (kind, *more) == ("ldap", "dn"):
        return late
    rest = "_".join(more)
    return Defect(
        "EXS202", f"`{rest}` means nothing after `${{quote_{kind}`",
        name.end + 1, name.end + 1 + len(rest),
    )  # fmt: skip
