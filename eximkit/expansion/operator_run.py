"""Operators `${name:…}` over values that may be unknown, and those that ask around.

Exim specification, section 11.6. What needs nothing but its operand is computed by
`operators.py`.
"""

from __future__ import annotations

from random import randrange
from typing import TYPE_CHECKING

from eximkit.expansion import listnamed
from eximkit.expansion.numbers import integer, wrap
from eximkit.expansion.operators import PURE_OPERATORS, apply_operator
from eximkit.expansion.representative import on_any_address
from eximkit.expansion.values import (
    ExpansionFailed,
    Known,
    NotPure,
    Unknown,
    Value,
    derived,
)
from eximkit.expansion.world import FileFailed
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Operator
    from eximkit.expansion.world import FileStatus


def operator(evaluator: Evaluator, node: Operator) -> Value:
    """The value of an operator."""
    operand = evaluator.expand(node.operand)
    name = node.name
    if name == "expand":
        return _expand(evaluator, operand)
    if isinstance(operand, Known):
        return _of_known(evaluator, node, operand)
    if name in PURE_OPERATORS and all(h.address for h in operand.holes):
        alike = on_any_address(node, operand)
        if alike is not None:
            return alike
    if name in LETTER_CASE:
        cased = (
            LETTER_CASE[name](p) if isinstance(p, str) else p for p in operand.parts
        )
        return Unknown(tuple(cased), operand.known_depends)
    if name == "strlen":
        low, high = _length(operand)
        return derived(name, operand, low=low, high=high, empty=False)
    if name in NEVER_EMPTY:
        return derived(name, operand, empty=False)
    return derived("_".join((name, *node.arguments)), operand)


def _expand(evaluator: Evaluator, operand: Value) -> Value:
    try:
        return evaluator.expand_text(operand)
    except ExpansionFailed as failed:
        raise failed.again(
            f'internal expansion of "{operand}" failed: {failed.message}'
        ) from None


def _of_known(evaluator: Evaluator, node: Operator, operand: Known) -> Value:
    name = node.name
    asks = ASKING.get(name) if evaluator.concrete else None
    if asks is not None:
        return Known(asks(evaluator, node.arguments, operand.text), operand.depends)
    if name not in PURE_OPERATORS:
        return evaluator.unknown(f"the operator {name}", derived(name, operand))
    try:
        text = apply_operator(name, node.arguments, operand.text, evaluator.settings)
    except NotPure as unknown:
        return evaluator.unknown(unknown.reason, derived(name, operand))
    # A result of ipv6norm that it shortened holds the zero that ends it, and what
    # follows is lost.
    if name == "ipv6norm" and "::" in text:
        text += "\0"
    return Known(text, operand.depends)


def _length(value: Unknown) -> tuple[int, int]:
    """Bounds of the length of a partly known string, in octets."""
    low = high = 0
    for part in value.parts:
        if isinstance(part, str):
            low, high = low + len(part), high + len(part)
        elif part.empty is not True:
            low += part.empty is False
            high = 1 << 30
    return low, high


def _ascii(table: Callable[[str], str]) -> Callable[[str], str]:
    """A change of case that leaves octets beyond ASCII alone, as the C locale does."""
    return lambda text: "".join(table(c) if c.isascii() else c for c in text)


LETTER_CASE: dict[str, Callable[[str], str]] = {
    "lc": _ascii(str.lower),
    "uc": _ascii(str.upper),
}
NEVER_EMPTY = frozenset({"md5", "sha1", "sha256", "sha3", "listcount", "quote"})


def _listnamed(evaluator: Evaluator, arguments: tuple[str, ...], text: str) -> str:
    return listnamed.shown(evaluator.environment.lists, arguments, text)


def _randint(_evaluator: Evaluator, _arguments: tuple[str, ...], text: str) -> str:
    if not text.strip(BLANK):
        raise ExpansionFailed(f'integer expected but "{text}" found')
    most = integer(text)
    if most < 0:
        raise ExpansionFailed(f'non-negative integer expected but "{text}" found')
    most = wrap(most, 32)
    if most <= 1:
        return "0"
    return str(randrange(most))  # noqa: S311 - no secret


def _stat(evaluator: Evaluator, _arguments: tuple[str, ...], path: str) -> str:
    try:
        found = evaluator.world.status(path)
    except FileFailed as failed:
        raise ExpansionFailed(
            f"stat({path}) failed: {failed.reason}", file=True
        ) from None
    return (
        f"mode={found.mode & _MODE:04o} smode={_symbols(found)} inode={found.inode} "
        f"device={found.device} links={found.links} uid={found.uid} gid={found.gid} "
        f"size={found.size} atime={found.atime} mtime={found.mtime} ctime={found.ctime}"
    )


_MODE = 0o77777
_CLASSES = ((6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t"))
_TYPES = {0o04: "d", 0o02: "c", 0o06: "b", 0o01: "p", 0o12: "l", 0o14: "s"}


def _symbols(status: FileStatus) -> str:
    """The mode as ls(1) shows it."""
    mode = status.mode
    shown = [_TYPES.get(mode >> 12, "-")]
    for shift, special, letter in _CLASSES:
        bits = mode >> shift
        execute = "x" if bits & 1 else "-"
        if mode & special:
            execute = letter if bits & 1 else letter.upper()
        shown += ("r" if bits & 4 else "-", "w" if bits & 2 else "-", execute)
    return "".join(shown)


ASKING: dict[str, Callable[[Evaluator, tuple[str, ...], str], str]] = {
    "listnamed": _listnamed,
    "randint": _randint,
    "stat": _stat,
}
"""Operators that look beyond their operand: at files, lists, options."""
