"""Names and numbers of arguments in a parsed expansion, against one release of Exim.

Exim checks both branches of a condition, taken or not; so does this. What depends on
values (a number out of range, a file that is missing) is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.check_items import check_item, check_operator
from eximkit.expansion.check_lookups import check_lookup
from eximkit.expansion.defect import (
    Defect,
    Name,
    counted,
    is_header,
    out_of_date,
    unknown,
)
from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Expansion,
    Group,
    Item,
    Lookup,
    Node,
    Operator,
    Quantified,
    Variable,
)
from eximkit.expansion.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.catalog import Release

__all__ = ["COMMAND_ONLY", "Defect", "check", "faulty", "unknown_condition"]

COMMAND_ONLY = "pipe_addresses"
"""The command of a pipe transport has it; nothing that is expanded elsewhere does."""

_DIGITS = "0123456789"
_OTHER_WORDS = {
    **dict.fromkeys(("equal", "equals", "is", "same"), "did you mean `eq`?"),
    **dict.fromkeys(("ne", "neq", "not_eq"), "did you mean `!eq`?"),
    **dict.fromkeys(("contains", "matches", "regex"), "did you mean `match`?"),
    **dict.fromkeys(("defined", "isset", "exist"), "did you mean `def:name`?"),
    "not": "write `!` before the condition",
    "in": "did you mean `inlist`?",
}
"""What other languages call them."""


def check(tree: Expansion, release: Release) -> list[Defect]:
    """What `release` would refuse in the string, in the order of the text."""
    return [defect for _, defect in faulty(tree, release)]


def faulty(tree: Expansion, release: Release) -> Iterator[tuple[Node, Defect]]:
    """The nodes that `release` would refuse, in the order of the text, and why."""
    done: Node | None = None
    for node in walk(tree):
        if node is done:
            continue
        if isinstance(node, Defined):
            done = node.of
        look = _CHECKS.get(type(node))
        defect = look(node, release) if look else None
        if defect is not None:
            yield node, defect


def _variable(node: Variable, release: Release) -> Defect | None:
    before, after = ("${", "}") if node.braced else ("$", "")
    name = Name(
        "variable", node.name, node.start + len(before), before + node.name + after
    )
    if node.braced and catalog.item(node.name):
        return Defect(
            "EXS202", f"`${{{node.name}` has no arguments",
            node.start, node.end, f"write `${{{node.name}{{...}}}}`",
        )  # fmt: skip
    hint = ""
    operator = catalog.operator(node.name) if node.braced else None
    if operator is not None and operator.name == node.name:
        hint = f"an operator needs a colon: `${{{node.name}:...}}`"
    return _named(node, name, release, hint)


def _named(
    node: Variable, name: Name, release: Release, hint: str = ""
) -> Defect | None:
    """A variable's name, after `$`, between braces or after `def:`."""
    if node.name[0] in _DIGITS:
        return None
    if node.name == COMMAND_ONLY:
        return Defect(
            "EXS201", f"unknown variable `{name.shown}`", name.start, name.end,
            "only the command of a transport has it, as an argument of its own",
        )  # fmt: skip
    # Between braces Exim reads hyphens too, which only its own variables may hold.
    entry = catalog.variable(node.name.replace("-", "_") if node.braced else node.name)
    if entry is not None and not ("-" in node.name and not _of_user(node.name)):
        return out_of_date("EXS201", name, entry, release)
    if not hint and node.name.startswith("acl_"):
        hint = (
            "variables of ACLs are called acl_c or acl_m, then a digit or an "
            "underscore and more"
        )
    if not hint and node.braced and is_header(node.name):
        hint = f"headers take no braces: `${node.name}:`"
    return unknown("EXS201", name, catalog.variable_names(release), hint)


def _of_user(name: str) -> bool:
    return name.startswith(("acl_c", "acl_m", "r_"))


def _defined(node: Defined, release: Release) -> Defect | None:
    of = node.of
    if not isinstance(of, Variable):
        return None
    if of.name[0] in _DIGITS:
        return Defect(
            "EXS202", f"`def:{of.name}` does not name a variable", of.start, of.end,
            "compare the number's text with nothing: `!eq{$1}{}`",
        )  # fmt: skip
    name = Name("variable", of.name, of.start, f"def:{of.name}")
    return _named(of, name, release)


def unknown_condition(name: str, start: int, release: Release) -> Defect:
    """About a name that is no condition, standing at `start`."""
    hint = _OTHER_WORDS.get(name.lower(), "")
    candidates = catalog.condition_names(release)
    return unknown("EXS204", Name("condition", name, start, name), candidates, hint)


def _condition(node: Condition, release: Release) -> Defect | None:
    if node.name == "def" and not isinstance(node, Defined):
        return Defect(
            "EXS205", "`def` is not followed by a colon",
            node.name_start, node.name_start + len(node.name),
            "write `def:name`, with nothing between",
        )  # fmt: skip
    entry = catalog.condition(node.name)
    if entry is None:
        return unknown_condition(node.name, node.name_start, release)
    name = Name("condition", node.name, node.name_start, node.name)
    late = out_of_date("EXS204", name, entry, release)
    if late is not None or node.name not in {"acl", "saslauthd"}:
        return late
    given, most = len(node.arguments), entry.maximum
    if given < entry.minimum or (most is not None and given > most):
        return Defect(
            "EXS202", f"`{node.name}{{...}}` has {counted(given)}; "
            f"{entry.minimum} to {most} are allowed",
            node.name_start, node.end, "each argument needs braces of its own",
        )  # fmt: skip
    return None


_CHECKS: dict[type[Node], Callable[..., Defect | None]] = {
    Variable: _variable,
    Operator: check_operator,
    Item: check_item,
    Lookup: check_lookup,
    Condition: _condition,
    Defined: _defined,
    Group: _condition,
    Quantified: _condition,
}
