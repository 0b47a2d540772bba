"""Long header lines folded (`${headerwrap:…}`; Exim specification, section 11.6)."""

from __future__ import annotations

from eximkit.expansion.numbers import wrapped
from eximkit.expansion.values import ExpansionFailed
from eximkit.source import BLANK

_COLUMNS = 80
_LIMIT = 998
"""Octets of the result; more are cut off (RFC 5322, section 2.1.1)."""

_FOLD = "\n\t"
_TAB = 8
_MOST_ARGUMENTS = 2


def wrap(arguments: tuple[str, ...], text: str) -> str:
    """`${headerwrap_<columns>_<limit>:…}`: folded before that column, the result cut at
    that many octets.

    A line is folded at the last white space that it has room for, which then goes, or
    else anywhere. The tab that follows counts as eight columns.
    """
    numbers = [_number(argument, arguments) for argument in arguments]
    if len(numbers) > _MOST_ARGUMENTS:
        raise _no_number(arguments)
    columns = numbers[0] if numbers else _COLUMNS
    limit = numbers[1] if len(numbers) == _MOST_ARGUMENTS else _LIMIT
    room, at = columns, 0
    lines: list[str] = []
    while len(text) - at > room and len(lines) <= limit:
        end = at + max(room, 1)
        fold = max(text.rfind(blank, at, end + 1) for blank in BLANK)
        line = text[at:fold].rstrip(BLANK) if fold > at else ""
        if line:
            lines.append(line)
            at = fold
            while at < len(text) and text[at] in BLANK:
                at += 1
        else:
            lines.append(text[at:end])
            at = end
        room = columns - _TAB
    if at < len(text):
        lines.append(text[at:])
    return _FOLD.join(lines)[:limit]


def _number(argument: str, arguments: tuple[str, ...]) -> int:
    if not (argument.isascii() and argument.isdigit()):
        raise _no_number(arguments)
    return max(wrapped(argument), 0)


def _no_number(arguments: tuple[str, ...]) -> ExpansionFailed:
    shown = "_".join(("headerwrap", *arguments))
    return ExpansionFailed(f'non-digit after underscore in "{shown}"', syntax=True)
