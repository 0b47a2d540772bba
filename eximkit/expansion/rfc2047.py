"""Encoded words in header text (RFC 2047; Exim specification, sections 11.6 and 11.5).

The character set is the option `headers_charset`, which comes in as an argument.
"""

from __future__ import annotations

import re
from binascii import Error as NotBase64
from binascii import a2b_base64
from string import ascii_letters, digits

from eximkit.expansion.charsets import convert
from eximkit.expansion.values import NotPure
from eximkit.source import BLANK

_SAFE = frozenset(ascii_letters + digits + " !#$%&'*+-/^`{|}~")
_LINE = 67
"""A word takes no more octets once it has as many; the first one's start is free."""
LONGEST_WORD = 75
"""Octets of an encoded word, all its delimiters included (RFC 2047, section 2)."""

_MOST = 4096
"""Octets of a word that is looked at where any length is allowed."""

_START = re.compile(r"=\?([^?]*)\?([^?])\?")
_QUOTED_OCTET = re.compile(r"=([0-9A-Fa-f]{2})")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_UNBLANK = str.maketrans("", "", BLANK)


def encode(text: str, charset: str) -> str:
    """`${rfc2047:…}`: words in the Q encoding, a blank between them, or the text as it
    is where nothing in it needs that.
    """
    if all(c in _SAFE for c in text):
        return text
    start = f"=?{charset}?Q?"
    words: list[str] = []
    word: list[str] = []
    taken = 0
    half = False
    for character in text:
        # Exim keeps octets together in pairs, as if every special one began a
        # character of two in UTF-8.
        if taken > _LINE and not half:
            words.append("".join(word))
            word, taken = [], len(start)
        if character == " ":
            coded, half = "_", False
        elif character in _SAFE:
            coded, half = character, False
        else:
            coded, half = f"={ord(character):02X}", not half
        word.append(coded)
        taken += len(coded)
    words.append("".join(word))
    return " ".join(f"{start}{word}?=" for word in words)


def decode(text: str, charset: str | None, *, check_length: bool = True) -> str:
    """`${rfc2047d:…}`: what is no well-formed word stays; blanks between words go.

    charset: what the result is in; None: the octets stay what the words encode. An
    octet zero in a word becomes a question mark. Raises NotPure for a character set
    that is not followed.
    """
    parts: list[str] = []
    copied = at = end = 0
    decoded_before = False
    while True:
        at = text.find("=?", at)
        found = _START.match(text, at) if at >= 0 else None
        if found is not None and end < found.end():
            end = text.find("?=", found.end())
        if at < 0 or end < 0:
            parts.append(text[copied:])
            return "".join(parts)
        if found is None:
            at += 2
            continue
        length = end + 2 - at
        octets = None
        if length <= LONGEST_WORD or not check_length:
            if length > _MOST:
                raise NotPure(f"an encoded word of more than {_MOST} octets")
            octets = _octets(found[2], text[found.end() : end])
        if octets is None:
            at += 2
            continue
        between = text[copied:at]
        if not decoded_before or between.strip(BLANK):
            parts.append(between)
        shown = octets if charset is None else convert(octets, found[1], charset)
        parts.append(shown.replace(b"\0", b"?").decode("latin-1"))
        copied = at = end + 2
        decoded_before = True


def _octets(kind: str, text: str) -> bytes | None:
    """What a word encodes, None where it is malformed."""
    if kind in "bB":
        compact = text.translate(_UNBLANK)
        if not _BASE64.fullmatch(compact):
            return None
        try:
            return a2b_base64(compact)
        except NotBase64:
            return None
    if kind not in "qQ":
        return None
    if " " in text or "\t" in text or "=" in _QUOTED_OCTET.sub("", text):
        return None
    plain = _QUOTED_OCTET.sub(
        lambda octet: chr(int(octet[1], 16)), text.replace("_", " ")
    )
    return plain.encode("latin-1")
