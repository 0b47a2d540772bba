"""Finds, loads and builds the grammars; says what an unexpected input left open.

lark's own cache is not used: it unpickles a file with a guessable name from the shared
temporary directory. Building a grammar takes some 20 ms, once per process and only when
something is parsed.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lark import Lark, Token, Transformer, UnexpectedInput
    from lark.parsers.lalr_interactive_parser import InteractiveParser


@cache
def grammar_text(name: str) -> str:
    """The text of `grammars/NAME.lark`: of the package, else of the checkout."""
    packaged = resources.files("eximkit") / "grammars"
    if packaged.is_dir():
        return (packaged / f"{name}.lark").read_text("utf-8")
    checkout = Path(__file__).resolve().parent.parent / "grammars"
    return (checkout / f"{name}.lark").read_text("utf-8")


def build(
    name: str,
    start: tuple[str, ...],
    transformer: Transformer[Token, Any] | None = None,
    *,
    strict: bool = False,
) -> Lark:
    """A new parser. `strict` refuses colliding terminals; slow, so for tests."""
    from lark import Lark

    with _terminals_compared(strict):
        return Lark(
            grammar_text(name),
            parser="lalr",
            lexer="contextual",
            start=list(start),
            keep_all_tokens=True,
            maybe_placeholders=False,
            # Text is octets: \s and \w must not see U+0085 or letters beyond ASCII.
            g_regex_flags=re.ASCII,
            transformer=transformer,
            strict=strict,
        )


@contextmanager
def _terminals_compared(compared: bool) -> Iterator[None]:
    """Have lark compare terminals with interegular, which takes 300 ms, or not.

    Where interegular is installed, as it is for developers, lark does so unasked.
    """
    from lark import lexer

    installed = lexer.has_interegular
    lexer.has_interegular = installed and compared
    try:
        yield
    finally:
        lexer.has_interegular = installed


@cache
def parser(name: str, start: tuple[str, ...]) -> Lark:
    """The parser of `grammars/NAME.lark` for these start rules, built once."""
    return build(name, start)


def still_open(error: UnexpectedInput) -> tuple[Any, ...]:
    """What the parser held when the input stopped making sense, outermost first.

    Tokens that were shifted, and the values of what was already complete.
    """
    held: InteractiveParser | None = getattr(error, "interactive_parser", None)
    return tuple(held.parser_state.value_stack) if held else ()


def position(error: UnexpectedInput, text: str) -> int:
    """The offset of the first character that does not fit; len(text) at the end."""
    found = getattr(error, "token", None)
    if found is not None and found.type == "$END":
        return len(text)
    # lark declares it as None and always sets it.
    return int(getattr(error, "pos_in_stream", None) or 0)
