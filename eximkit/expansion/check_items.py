"""Operators and items: whether they exist, their arguments, their yes and no parts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.check_lookups import check_quoting
from eximkit.expansion.defect import (
    Defect,
    Name,
    counted,
    is_header,
    out_of_date,
    unknown,
)
from eximkit.expansion.nodes import Literal, Variable
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.catalog import ItemInfo, Release
    from eximkit.expansion.nodes import Expansion, Item, Operator

_INTEGER = re.compile(r"[ \t\n\r\f\v]*[+-]?[0-9]+|")
_LIST_NUMBER = re.compile(r"[ \t\n\r\f\v]*(?:-?[0-9]*)[ \t\n\r\f\v]*")
# Exim reads a word or a sign and does not look at what follows it.
_COMPARATOR = re.compile(r"[<>]|[lg][te]i?(?![A-Za-z0-9_])")
_CERTIFICATES = frozenset({
    "tls_in_ourcert", "tls_in_peercert", "tls_out_ourcert", "tls_out_peercert",
})  # fmt: skip
_VARIANTS = {
    "sha2": ("256", "384", "512"),
    "sha256": ("256", "384", "512"),
    "sha3": ("224", "256", "384", "512"),
}
_ALSO_ITEMS = {"hash": "h", "length": "l", "nhash": "nh", "substr": "s"}
OPTIONS = {
    ("extract", "json"): "4.92",
    ("extract", "jsons"): "4.93",
    ("run", "preexpand"): "4.96",
}
"""What `extract` and `run` may have after their name, and since when."""


# ---- operators -----------------------------------------------------------------------


def check_operator(node: Operator, release: Release) -> Defect | None:
    """`${name_arguments:...}`."""
    written = "_".join((node.name, *node.arguments))
    name = Name("operator", node.name, node.start + 2, f"${{{written}:")
    entry = catalog.operator(node.name)
    if is_header(written) and not _is_number(node):
        return Defect(
            "EXS203", f"unknown operator `{name.shown}`",
            name.start, name.start + len(written),
            f"headers take no braces: `${written}:`",
        )  # fmt: skip
    if node.name in _ALSO_ITEMS.keys() | _ALSO_ITEMS.values() and not node.arguments:
        return _wrong(
            node, f"`{name.shown}` has no number",
            f"write `${{{node.name}_1:...}}`, with your number",
        )  # fmt: skip
    if entry is None or entry.name != node.name:
        if catalog.item(written):
            return _wrong(
                node, f"`${{{written}` is no operator but an item",
                f"write `${{{written}{{...}}}}`",
            )  # fmt: skip
        defect = unknown(
            "EXS203", name, catalog.operator_names(release), _meant(written)
        )
        if defect.replacement is not None:
            return defect
        return replace(defect, end=name.start + len(written))
    late = out_of_date("EXS203", name, entry, release)
    if late is not None:
        return late
    look = _ARGUMENTS.get(node.name)
    return look(node, release) if look else None


def _meant(written: str) -> str:
    if catalog.variable(written):
        return f"`${written}` is a variable, which takes no colon: `${{{written}}}`"
    return ""


def _wrong(node: Operator, message: str, hint: str) -> Defect:
    start = node.start + 2
    end = start + len("_".join((node.name, *node.arguments)))
    return Defect("EXS202", message, start, end, hint)


def _is_number(node: Operator) -> bool:
    return not node.arguments or node.arguments[0][:1] in "-0123456789"


def _numbers(node: Operator, _: Release) -> Defect | None:
    """`length_n`, `hash_n_m`, `substr_-n_m`: digits only."""
    signed = node.name in {"s", "substr"}
    first, *others = node.arguments
    if signed:
        first = first.removeprefix("-")
    most = 0 if node.name in {"l", "length"} else 1
    written = "_".join((node.name, *node.arguments))
    digits = (_digits(first) or not (first or others)) and all(map(_digits, others))
    if not digits or len(others) > most:
        return _wrong(
            node, f"only digits may follow the underscore in `${{{written}:`",
            f"write `${{{node.name}_{'1_2' if most else '1'}:...}}`, with your numbers",
        )  # fmt: skip
    if node.name in {"nh", "nhash"} and any(
        not int(n or "0") for n in (first, *others)
    ):
        return _wrong(
            node, f"`${{{written}:` divides by zero, and Exim dies", "write 1 or more"
        )
    return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _variant(node: Operator, _: Release) -> Defect | None:
    if not node.arguments or "_".join(node.arguments) in _VARIANTS[node.name]:
        return None
    allowed = ", ".join(_VARIANTS[node.name])
    return _wrong(
        node, f"`{node.name}` has no variant `{'_'.join(node.arguments)}`",
        f"one of {allowed}",
    )  # fmt: skip


def _list_kind(node: Operator, _: Release) -> Defect | None:
    if not node.arguments or node.arguments[0][:1] in {"a", "d", "h", "l"}:
        return None
    return _wrong(
        node, f"`listnamed_{'_'.join(node.arguments)}` names no kind of list",
        "write listnamed_a, _d, _h or _l for address, domain, host or local part lists",
    )  # fmt: skip


_ARGUMENTS: dict[str, Callable[[Operator, Release], Defect | None]] = {
    **dict.fromkeys(
        ("h", "hash", "l", "length", "nh", "nhash", "s", "substr"), _numbers
    ),
    **dict.fromkeys(_VARIANTS, _variant),
    "listnamed": _list_kind,
    "quote": check_quoting,
}


# ---- items ---------------------------------------------------------------------------


def check_item(node: Item, release: Release) -> Defect | None:
    """`${name{...}...}`, `${lookup` and `${if` apart."""
    name = Name("item", node.name, node.start + 2, f"${{{node.name}")
    entry = catalog.item(node.name)
    if entry is None:
        return unknown("EXS203", name, catalog.item_names(release), _not_an_item(node))
    late = out_of_date("EXS203", name, entry, release)
    if late is not None:
        return late
    look = _VALUES.get(node.name)
    return (
        _options(node, name, release)
        or _count(node, name, entry)
        or _fail(node, entry)
        or (look(node) if look else None)
    )


def _not_an_item(node: Item) -> str:
    operator = catalog.operator(node.name)
    if operator is not None and node.arguments:
        return f"`{node.name}` is an operator: write `${{{node.name}:...}}`"
    if catalog.variable(node.name):
        if node.arguments:
            return f"`${node.name}` is a variable, which takes no arguments"
        return f"no blank may stand in `${{{node.name}}}`"
    return ""


def _options(node: Item, name: Name, release: Release) -> Defect | None:
    for option in node.options.rstrip(BLANK).split(",") if node.options else ():
        since = OPTIONS.get((node.name, option))
        if since is None:
            return Defect(
                "EXS202", f"`{name.shown}` has no option `{option}`",
                name.start, name.end,
                "write `${run,preexpand{...}}`" if node.name == "run" else
                "write `{` right after the name",
            )  # fmt: skip
        if release < catalog.release(since):
            return Defect(
                "EXS202", f"Exim {release} has no option `{option}` of "
                f"`{name.shown}`: it came with {since}", name.start, name.end,
            )  # fmt: skip
    return None


def _count(node: Item, name: Name, entry: ItemInfo) -> Defect | None:
    """The number of arguments, yes and no strings apart."""
    given = len(node.arguments) + (node.condition is not None)
    # With a field number, and only then, `extract` has three.
    least, most = entry.minimum, entry.maximum
    if node.name == "extract" and not _may_be_key(node):
        least = most or least
    elif node.name == "extract" and not _may_be_number(node):
        most = least
    if given < least:
        return Defect(
            "EXS202", f"`{name.shown}` has {counted(given)} and needs {least}",
            node.start, node.end, f"write `{name.shown}{'{...}' * least}}}`",
        )  # fmt: skip
    if most is not None and given > most:
        extra = node.arguments[most + 2 if entry.tail else most]
        also = " besides the yes and no strings" if entry.tail else ""
        return Defect(
            "EXS202", f"`{name.shown}` has {counted(given)}; "
            f"at most {most}{also} are allowed",
            extra.start - 1, node.arguments[-1].end + 1, "count the braces before it",
        )  # fmt: skip
    return None


def _may_be_number(node: Item) -> bool:
    """Whether the key of `extract` is a field number, as far as its text tells."""
    text = _literal(node.arguments[0]) if node.arguments else ""
    return not node.options and (
        text is None or bool(text and _LIST_NUMBER.fullmatch(text))
    )


def _may_be_key(node: Item) -> bool:
    text = _literal(node.arguments[0]) if node.arguments else ""
    return bool(node.options) or not (text and _LIST_NUMBER.fullmatch(text))


def _fail(node: Item, entry: ItemInfo) -> Defect | None:
    tail = node.tail
    if tail is None or not tail.fail:
        return None
    if not entry.tail:
        return Defect(
            "EXS202", f"`${{{node.name}` has no yes and no strings, hence no `fail`",
            tail.start, tail.end, "remove it",
        )  # fmt: skip
    if tail.yes is None:
        return Defect(
            "EXS202", f"`fail` stands before the yes string of `${{{node.name}`",
            tail.start, tail.end, "write `{$value}fail`",
        )  # fmt: skip
    if tail.no is not None:
        return Defect(
            "EXS202", f"`fail` follows the no string of `${{{node.name}`",
            tail.no.end + 1, tail.end, "write one of the two",
        )  # fmt: skip
    return None


def _literal(argument: Expansion) -> str | None:
    """The text of an argument that holds nothing to expand, else None."""
    if not argument.parts:
        return ""
    if len(argument.parts) == 1 and isinstance(argument.parts[0], Literal):
        return argument.parts[0].text
    return None


def _at(argument: Expansion, message: str, hint: str) -> Defect:
    return Defect("EXS202", message, argument.start, argument.end, hint)


def _integers(node: Item) -> Defect | None:
    """The numbers of `hash`, `length`, `nhash` and `substr`."""
    for number, argument in enumerate(node.arguments[:-1]):
        text = _literal(argument)
        if text is None:
            continue
        positive = number > 0 or node.name == "length"
        if not _INTEGER.fullmatch(text) or (positive and "-" in text):
            kind = "positive number" if positive else "number"
            return _at(
                argument, f"`{text}` is not a {kind}, which `${{{node.name}` needs",
                "",
            )  # fmt: skip
    return None


def _list_number(node: Item) -> Defect | None:
    text = _literal(node.arguments[0])
    if not text or _LIST_NUMBER.fullmatch(text):
        return None
    return _at(
        node.arguments[0], f"`{text}` is not a number, which `${{listextract` needs", ""
    )


def _comparator(node: Item) -> Defect | None:
    """That of `sort`, which Exim does not expand."""
    text = _literal(node.arguments[1])
    if text is not None and _COMPARATOR.match(text):
        return _blank_at_end(node)
    return _at(
        node.arguments[1], "this is no comparison that `${sort` has",
        "one of < <= > >= lt le gt ge lti lei gti gei",
    )  # fmt: skip


def _blank_at_end(node: Item) -> Defect | None:
    """Every item but `sort` may have blanks before its closing brace."""
    last = node.arguments[-1].end + 1
    if node.end - 1 == last:
        return None
    return Defect(
        "EXS202", "a blank stands before the closing brace of `${sort`",
        last, node.end - 1, "remove it: only of `${sort` Exim does not allow it", "",
    )  # fmt: skip


def _certificate(node: Item) -> Defect | None:
    parts = node.arguments[1].parts
    if (
        len(parts) == 1
        and isinstance(parts[0], Variable)
        and not parts[0].braced
        and parts[0].name in _CERTIFICATES
    ):
        return None
    return _at(
        node.arguments[1], "`${certextract` needs a certificate variable here",
        "one of " + ", ".join(f"${c}" for c in sorted(_CERTIFICATES)),
    )  # fmt: skip


_VALUES: dict[str, Callable[[Item], Defect | None]] = {
    **dict.fromkeys(_ALSO_ITEMS, _integers),
    "listextract": _list_number,
    "sort": _comparator,
    "certextract": _certificate,
}
