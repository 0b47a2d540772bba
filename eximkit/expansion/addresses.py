"""Mail addresses as they stand in headers (RFC 5322; Exim specification, 11.6).

`address`, `domain` and `local_part` take one address, with or without a phrase, angle
brackets, a source route and comments, and give "" for anything else; `addresses` takes
a header's whole list, groups included.

Options say whether domains may be literals, end in a dot, or be in UTF-8; without them
such an address is NotPure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.lists import join_list
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.expansion.textsettings import TextSettings

_BLANKS = re.compile(r"[ \t\n\r\f\v]+", re.ASCII)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
# An atom with its dots: no control characters, no specials, but escaped ones.
_ATOM = re.compile(r"(?:[^\x00-\x20\x7f()<>\[\]:;@\\,\"]|\\.|\\\Z)+", re.DOTALL)
_DOT_AT_END = re.compile(r"(?<!\\)(?:\\\\)*\.\Z")
_SUBDOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)
_UTF8 = (
    r"[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}"
    r"|[\xf8-\xfb][\x80-\xbf]{4}|[\xfc-\xff][\x80-\xbf]{5}"
)
_UTF8_SUBDOMAIN = re.compile(
    rf"(?:[A-Za-z0-9]|{_UTF8})(?:[A-Za-z0-9-]|{_UTF8})*", re.ASCII
)
_LITERAL = re.compile(r"\[[A-Za-z0-9.:]*\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """local: as written, quotes included. domain: "" for a local part alone."""

    local: str
    domain: str


class Malformed(Exception):
    """Not an address. The reason is Exim's."""


_NO_DOMAIN = "domain missing or malformed"
_NO_LOCAL_PART = "missing or malformed local part"
_OPEN_QUOTE = "unmatched doublequote in local part"
_EXPECTED = ' (expected word or "<")'


class _Reader:
    """A place in a text that is read as one address."""

    def __init__(self, text: str, settings: TextSettings | None) -> None:
        self.text = text
        self.settings = settings
        self.at = 0
        self.in_group = False

    def next(self) -> str:
        return self.text[self.at : self.at + 1]

    def skip(self) -> None:
        """White space and comments; an unclosed comment takes the rest."""
        while True:
            found = _BLANKS.match(self.text, self.at)
            if found:
                self.at = found.end()
            if self.next() != "(":
                return
            depth = 0
            while self.at < len(self.text):
                character = self.text[self.at]
                self.at += 2 if character == "\\" else 1
                depth += (character == "(") - (character == ")")
                if depth == 0:
                    break

    def take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def local(self) -> str:
        """Words and dots, blanks and comments taken out."""
        parts: list[str] = []
        while True:
            self.skip()
            after_dot = not parts or _DOT_AT_END.search(parts[-1]) is not None
            if self.next() == '"':
                word = self.take(_QUOTED) if after_dot else ""
                if not word:
                    return "".join(parts)
                parts.append(word)
                continue
            start = self.at
            word = self.take(_ATOM)
            if not word:
                return "".join(parts)
            if not after_dot and not word.startswith("."):
                self.at = start
                return "".join(parts)
            parts.append(word)

    def domain(self, *, literals: bool = False) -> str:
        """A domain, or a literal in brackets; `literals`: whatever the options say."""
        self.skip()
        if self.next() == "[":
            literal = self.take(_LITERAL)
            if self.settings is not None:
                literals = literals or self.settings.allow_domain_literals
            elif not literals:
                raise NotPure("allow_domain_literals")
            if not literals:
                raise Malformed("domain literals not allowed")
            if not literal:
                raise Malformed("malformed domain literal")
            self.skip()
            return literal
        parts: list[str] = []
        while True:
            self.skip()
            part = self.take(self.subdomain())
            if self.next() >= "\x80" and self.settings is None:
                raise NotPure("allow_utf8_domains")
            if not part:
                if parts and self.settings is None and self.next() in {"", ">", ";"}:
                    raise NotPure("strip_trailing_dot")
                if parts and self.settings and self.settings.strip_trailing_dot:
                    return ".".join(parts)
                raise Malformed(_NO_DOMAIN)
            parts.append(part)
            self.skip()
            if self.next() != ".":
                return ".".join(parts)
            self.at += 1

    def subdomain(self) -> re.Pattern[str]:
        utf8 = self.settings is not None and self.settings.allow_utf8_domains
        return _UTF8_SUBDOMAIN if utf8 else _SUBDOMAIN

    def route(self) -> None:
        """A source route `@a,@b:`, which is dropped."""
        while True:
            if self.next() != "@":
                raise Malformed("colon expected after route list")
            self.at += 1
            self.domain()
            sign = self.next()
            self.at += 1
            if sign == ":":
                return
            if sign != ",":
                raise Malformed("no local part")
            self.skip()

    def phrase(self) -> None:
        """What stands before an angle bracket: words of any kind."""
        while True:
            self.skip()
            if self.next() == "<":
                return
            if not self.take(_QUOTED) and not self.take(_ATOM):
                raise Malformed(self.no_word() + _EXPECTED)

    def no_word(self) -> str:
        return _OPEN_QUOTE if self.next() == '"' else _NO_LOCAL_PART

    def spec(self, *, bracketed: bool) -> Address:
        """local@domain, or a local part alone."""
        self.skip()
        routed = self.next() == "@"
        if routed:
            self.route()
        local = self.local()
        if not local:
            raise Malformed(self.no_word())
        if self.next() != "@":
            if self.next() != (">" if bracketed else ""):
                raise Malformed(f'"@" or "." expected after "{local}"')
            if routed:
                raise Malformed("domain missing in source-routed address")
            return Address(local, "")
        self.at += 1
        return Address(local, self.domain())

    def label(self) -> None:
        """A group's name and colon, if they stand here."""
        start = self.at
        self.skip()
        while self.take(_QUOTED) or self.take(_ATOM):
            self.skip()
        if self.next() == ":":
            self.at += 1
            self.in_group = True
        else:
            self.at = start

    def address(self) -> Address:
        self.skip()
        if self.next() == "@":
            return self.finished(self.spec(bracketed=False))
        if self.next() != "<":
            start = self.at
            local = self.local()
            if local and self.next() == "@":
                self.at += 1
                return self.finished(Address(local, self.domain(literals=True)))
            if local and self.next() in {"", ";"}:
                return self.finished(Address(local, ""))
            begins_word = not local or _DOT_AT_END.search(local)
            if begins_word and self.next() == '"':
                raise Malformed(_OPEN_QUOTE)
            if not local and self.next() in {"", ";"}:
                raise Malformed("empty address")
            self.at = start
            self.phrase()
        self.at += 1
        found = self.spec(bracketed=True)
        self.skip()
        if self.next() != ">":
            if self.ended():
                raise Malformed("'>' missing at end of address")
            raise self.superfluous()
        self.at += 1
        return self.finished(found)

    def ended(self) -> bool:
        return self.at >= len(self.text) or (self.in_group and self.next() == ";")

    def finished(self, found: Address) -> Address:
        """Nothing may follow, but the end of a group and whatever comes after that."""
        self.skip()
        if not self.ended():
            raise self.superfluous()
        self.in_group = self.in_group and self.next() != ";"
        return found

    def superfluous(self) -> Malformed:
        before, after = self.text[: self.at], self.text[self.at :]
        return Malformed(f"malformed address: {after} may not follow {before}")


def required(text: str, settings: TextSettings | None = None) -> Address:
    """The parts of an address. Raises ExpansionFailed with Exim's reason."""
    try:
        return _Reader(text, settings).address()
    except Malformed as malformed:
        raise ExpansionFailed(str(malformed)) from None


def _parsed(text: str, settings: TextSettings | None) -> Address | None:
    try:
        return _Reader(text, settings).address()
    except Malformed:
        return None


def _text(found: Address) -> str:
    return f"{found.local}@{found.domain}" if found.domain else found.local


def address(text: str, settings: TextSettings | None = None) -> str:
    """The address itself, or "" if the text is not one address."""
    found = _parsed(text, settings)
    return "" if found is None else _text(found)


def domain(text: str, settings: TextSettings | None = None) -> str:
    """The domain, or "" where there is none."""
    found = _parsed(text, settings)
    return "" if found is None else found.domain


def local_part(text: str, settings: TextSettings | None = None) -> str:
    """The local part, or "" if the text is not one address."""
    found = _parsed(text, settings)
    return "" if found is None else found.local


def addresses(text: str, settings: TextSettings | None = None) -> str:
    """The addresses of a header as a list; what is malformed is left out.

    A leading `>` and a character choose the separator of the result.
    """
    sign = ":"
    rest = text.lstrip(BLANK)
    if rest.startswith(">"):
        sign, rest = rest[1:2], rest[2:]
        if not sign:
            raise ExpansionFailed(
                "output separator missing in expanding ${addresses:>}"
            )
    found: list[str] = []
    in_group = False
    for part in _parts(rest):
        reader = _Reader(part, settings)
        reader.in_group = in_group
        if not in_group:
            reader.label()
        try:
            reader.skip()
            if reader.in_group and reader.next() == ";":
                reader.in_group = False
            else:
                found.append(_text(reader.address()))
        except Malformed:
            pass
        in_group = reader.in_group
    return join_list(sign, found)


def _parts(text: str) -> Iterator[str]:
    """The parts between commas that stand in no quotes, comment, brackets or route."""
    start = at = 0
    reader = _Reader(text, None)
    angle = route = False
    while at < len(text):
        character = text[at]
        if character == '"':
            found = _QUOTED.match(text, at)
            at = found.end() if found else len(text)
            continue
        if character == "(":
            reader.at = at
            reader.skip()
            at = reader.at
            continue
        if character == "\\":
            at += 2
            continue
        if character == "@" and not text[start:at].strip(BLANK):
            route = True
        elif character in "<>":
            angle = character == "<"
            route = False
        elif character == ":":
            route = False
        elif character == "," and not angle and not route:
            yield text[start:at]
            start = at + 1
        at += 1
    yield text[start:]
