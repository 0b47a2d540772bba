"""Parameters of MAIL and RCPT: which there are, what they may be, whose they are.

RFC 1870 SIZE, 3030 BODY=BINARYMIME, 3461 DSN, 4954 AUTH, 6152 BODY, 6531 SMTPUTF8, and
PRDR (draft-hall-prdr).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from eximkit.errors import LocalProtocolError, RemoteProtocolError
from eximkit.smtp.states import Step

Parameters = Mapping[str, str | None]
"""Keyword in upper case -> value, None where there is none. In the order given."""

MOST = 16
"""Parameters of one command. There are seven that mean something."""

_WORD = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\x80-\U0010ffff]+))?")
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. extension: the EHLO keyword that allows it. value: what it may be.

    value is None for a parameter that has none.
    """

    step: Step
    extension: str
    value: re.Pattern[str] | None


_NOTIFY = r"(?:SUCCESS|FAILURE|DELAY)"
TABLE: dict[tuple[Step, str], Parameter] = {
    (step, name): Parameter(
        step, extension, re.compile(value, re.IGNORECASE) if value else None
    )
    for step, name, extension, value in (
        (Step.MAIL, "SIZE", "SIZE", r"[0-9]{1,20}"),
        (Step.MAIL, "BODY", "8BITMIME", r"7BIT|8BITMIME|BINARYMIME"),
        (Step.MAIL, "SMTPUTF8", "SMTPUTF8", None),
        (Step.MAIL, "PRDR", "PRDR", None),
        (Step.MAIL, "RET", "DSN", r"FULL|HDRS"),
        (Step.MAIL, "ENVID", "DSN", rf"{_XTEXT}{{1,100}}"),
        (Step.MAIL, "AUTH", "AUTH", rf"<>|{_XTEXT}{{1,500}}"),
        (Step.RCPT, "NOTIFY", "DSN", rf"NEVER|{_NOTIFY}(?:,{_NOTIFY}){{0,2}}"),
        (Step.RCPT, "ORCPT", "DSN", rf"[A-Za-z0-9.-]{{1,64}};{_XTEXT}{{1,436}}"),
    )
}
"""Command and keyword -> what the parameter may be."""


def xtext(text: str) -> str:
    """Text as ENVID, ORCPT and AUTH have it (RFC 3461 4)."""
    return "".join(
        char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}"
        for char in text
    )


def parse(text: str, step: Step) -> Parameters:
    """The parameters behind an address. Raises RemoteProtocolError: 501 or 555."""
    found: dict[str, str | None] = {}
    words = text.split(" ") if text else []
    if words and words.pop(0):
        raise RemoteProtocolError("no space behind the address", 501, "5.5.4")
    for word in filter(None, words):
        match = _WORD.fullmatch(word)
        if match is None:
            raise RemoteProtocolError("not a parameter", 501, "5.5.4")
        keyword = match[1].upper()
        known = TABLE.get((step, keyword))
        if known is None:
            raise RemoteProtocolError(f"parameter {keyword} unknown", 555, "5.5.4")
        if keyword in found or len(found) >= MOST:
            raise RemoteProtocolError(f"{keyword} more than once", 501, "5.5.4")
        if not fits(known, match[2]):
            raise RemoteProtocolError(f"not a value of {keyword}", 501, "5.5.4")
        found[keyword] = match[2]
    return found


def fits(known: Parameter, value: str | None) -> bool:
    """Whether a parameter may have this value."""
    if known.value is None or value is None:
        return known.value is None and value is None
    return known.value.fullmatch(value) is not None


def encode(given: Parameters, step: Step) -> str:
    """The parameters as they follow an address. Raises LocalProtocolError."""
    words = []
    for keyword, value in given.items():
        known = TABLE.get((step, keyword))
        if known is None or not fits(known, value):
            raise LocalProtocolError(f"{step.value} has no {keyword}={value}")
        words.append(f" {keyword}" if value is None else f" {keyword}={value}")
    return "".join(words)


def not_offered(given: Parameters, step: Step, keywords: Mapping[str, object]) -> str:
    """The first parameter whose extension is not among the keywords; "" if none."""
    for keyword, value in given.items():
        extension = TABLE[step, keyword].extension
        if extension not in keywords:
            return keyword
        if (value or "").upper() == "BINARYMIME" and "BINARYMIME" not in keywords:
            return keyword
    return ""
