"""What an operator makes of an address of which nothing more is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.operators import apply_operator
from eximkit.expansion.values import ExpansionFailed, Known, NotPure, Unknown

if TYPE_CHECKING:
    from eximkit.expansion.nodes import Operator

ADDRESSES = ("192.0.2.1", "198.51.100.27", "2001:db8::1")
"""Addresses that stand for any."""


def on_any_address(node: Operator, operand: Unknown) -> Known | None:
    """What an operator makes of every address, where it is the same for all.

    Raises ExpansionFailed where it fails for all of them.
    """
    may_be_empty = any(h.empty is not False for h in operand.holes)
    samples = ("", *ADDRESSES) if may_be_empty else ADDRESSES
    texts: set[str] = set()
    failures: list[ExpansionFailed] = []
    for sample in samples:
        parts = (p if isinstance(p, str) else sample for p in operand.parts)
        try:
            texts.add(apply_operator(node.name, node.arguments, "".join(parts)))
        except ExpansionFailed as failed:
            failures.append(failed)
        except NotPure:
            return None
    if len(failures) == len(samples):
        raise failures[0]
    if failures or len(texts) > 1:
        return None
    return Known(texts.pop(), operand.depends)
