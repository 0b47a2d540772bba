"""The response to EHLO: what a server offers (RFC 5321 4.1.1.1).

Extensions: PIPELINING (RFC 2920), SIZE (1870), CHUNKING and BINARYMIME (3030), STARTTLS
(3207), DSN (3461), AUTH (4954), 8BITMIME (6152), SMTPUTF8 (6531), LIMITS (9422), PRDR
(draft-hall-prdr), and early pipelining (draft-harris-early-pipe), whose keyword had
three names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.smtp.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EARLY_KEYWORDS = ("PIPECONNECT", "PIPE_CONNECT", "X_PIPE_CONNECT")
"""Of Exim 4.96 and later, of 4.94.1 to 4.95, of 4.92 to 4.94: newest first."""

KNOWN = frozenset({
    "PIPELINING", "SIZE", "CHUNKING", "BINARYMIME", "STARTTLS", "DSN", "AUTH",
    "8BITMIME", "SMTPUTF8", "LIMITS", "PRDR", *EARLY_KEYWORDS,
})  # fmt: skip
"""Keywords that a client acts on, and all that a cache keeps."""

_KEYWORD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,63})(?:[ =]+(.*))?", re.DOTALL)
_LIMIT = re.compile(r"([A-Z0-9-]{1,32})=([1-9][0-9]{0,8})", re.IGNORECASE)
_MOST_WORDS = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """LIMITS of RFC 9422: the most of each; 0 where nothing is said.

    mails: transactions of a connection. recipients, domains: of a transaction.
    """

    mails: int = 0
    recipients: int = 0
    domains: int = 0


NO_LIMITS = Limits()
_LIMIT_NAMES = {"MAILMAX": "mails", "RCPTMAX": "recipients", "RCPTDOMAINMAX": "domains"}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server offers: keywords in upper case -> the words behind each."""

    keywords: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _lines: list[str] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    @property
    def lines(self) -> Sequence[str]:
        """A line for each keyword, as in a response to EHLO."""
        if not self._lines:
            self._lines.extend(
                " ".join((keyword, *words)) for keyword, words in self.keywords.items()
            )
        return self._lines

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords

    @property
    def early(self) -> str:
        """The keyword of early pipelining that is offered, the newest; "" for none."""
        return next((name for name in EARLY_KEYWORDS if name in self.keywords), "")

    @property
    def pipelining(self) -> bool:
        return "PIPELINING" in self.keywords

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The AUTH mechanisms, in upper case and in the server's order."""
        return self.keywords.get("AUTH", ())

    @property
    def size(self) -> int:
        """The most octets of a message; 0 where nothing is said."""
        words = self.keywords.get("SIZE", ())
        return int(words[0]) if words and re.fullmatch("[0-9]{1,18}", words[0]) else 0

    @property
    def limits(self) -> Limits:
        found = {}
        for word in self.keywords.get("LIMITS", ()):
            match = _LIMIT.fullmatch(word)
            name = _LIMIT_NAMES.get(match[1].upper()) if match else None
            if match and name:
                found[name] = int(match[2])
        return Limits(**found)

    def kept(self) -> Offer:
        """As a cache keeps it: known keywords, a bounded number of words."""
        return Offer({
            name: tuple(word[:64] for word in words[:_MOST_WORDS])
            for name, words in sorted(self.keywords.items())
            if name in KNOWN
        })  # fmt: skip


def parse(answer: Reply) -> Offer:
    """What a positive response to EHLO offers. Lines that are no keyword are skipped.

    `AUTH=`, of before RFC 2554, is AUTH; a keyword said twice has the words of both.
    """
    keywords: dict[str, tuple[str, ...]] = {}
    for line in answer.lines[1:]:
        match = _KEYWORD.fullmatch(line.strip(" \t"))
        if match is None:
            continue
        keyword = match[1].upper()
        words = (match[2] or "").split()
        if keyword == "AUTH":
            words = [word.upper() for word in words]
        had = keywords.get(keyword, ())
        keywords[keyword] = had + tuple(word for word in words if word not in had)
    return Offer(keywords)


def response(name: str, offer: Offer, greeting: str = "") -> Reply:
    """The reply to EHLO. name: the server's. greeting: text behind it."""
    return Reply(250, (f"{name} {greeting}".rstrip(), *offer.lines))


def limit_words(limits: Limits) -> tuple[str, ...]:
    """The words behind LIMITS; none where there are no limits."""
    return tuple(
        f"{name}={value}"
        for name, part in _LIMIT_NAMES.items()
        if (value := int(getattr(limits, part)))
    )
