"""How far an evaluation goes before it gives up."""

from __future__ import annotations

from dataclasses import dataclass

MAXIMUM_DEPTH = 100
"""How deep items may nest before the evaluator gives up (its result is then opaque)."""
TOO_DEEP = f"it is nested more than {MAXIMUM_DEPTH} deep"

MAXIMUM_STEPS = 50_000
"""How many parts of strings one evaluation may visit; lists multiply them."""

OCTETS_PER_STEP = 256
"""How many octets of results count as one more step: strings multiply as well."""

MAXIMUM_OUTPUT = 16 << 20
"""How many octets a string may have, the result or one on the way to it."""


class Exhausted(Exception):
    """A limit is reached. No failure of the expansion, which branches catch.

    limit: which one, in words.
    """

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an evaluation may go. steps: parts of strings visited, and what lists and
    long strings count for. output: octets of any one string.
    """

    steps: int = MAXIMUM_STEPS
    output: int = MAXIMUM_OUTPUT


DEFAULT_LIMITS = Limits()
