"""Says what is wrong with an expansion that could not be parsed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import grammar
from eximkit.errors import ExpansionSyntaxError

if TYPE_CHECKING:
    from lark import UnexpectedInput


def diagnose(text: str, error: UnexpectedInput) -> ExpansionSyntaxError:
    """The error to raise: what, where and what to do."""
    at = grammar.position(error, text)
    return ExpansionSyntaxError("malformed expansion", at, min(at + 1, len(text)))
