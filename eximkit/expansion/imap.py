"""IMAP folder names (RFC 3501, section 5.1.3; Exim specification, section 11.5)."""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import TYPE_CHECKING

from eximkit.expansion.charsets import codec
from eximkit.expansion.values import ExpansionFailed, NotPure, stops

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eximkit.expansion.textsettings import TextSettings

_PRINTABLE = range(0x20, 0x7F)


def imap_folder(arguments: Sequence[str], settings: TextSettings | None = None) -> str:
    """`${imapfolder{name}{separator}{specials}}`: modified UTF-7, dots between parts.

    settings: `headers_charset` is what the name is in; without them a name that is not
    ASCII is NotPure.
    """
    name = arguments[0]
    separator = arguments[1] if len(arguments) > 1 else "/"
    specials = arguments[2] if len(arguments) > 2 else ""
    if len(separator) != 1:
        raise ExpansionFailed(
            f'IMAP folder separator must be one character, found "{separator}"'
        )
    if settings is None and not name.isascii():
        raise NotPure("headers_charset")
    if name and not name.strip(separator):
        raise stops("imapfolder without a name")
    charset = "ASCII" if settings is None else settings.headers_charset
    text = _text(name.removeprefix(separator).encode("latin-1"), charset)
    parts: list[str] = []
    encoded: list[str] = []
    for index, character in enumerate(text):
        if character == separator and character.isascii():
            _flush(encoded, parts)
            if text[index + 1 : index + 2] not in {separator, ""}:
                parts.append(".")
        elif ord(character) not in _PRINTABLE or character in specials:
            encoded.append(character)
        elif character in "./":
            raise ExpansionFailed(f"imapfolder: illegal character '{character}'")
        else:
            _flush(encoded, parts)
            parts.append("&-" if character == "&" else character)
    _flush(encoded, parts)
    return "".join(parts)


def _flush(encoded: list[str], parts: list[str]) -> None:
    """The characters gathered, as UTF-16 in base 64 with a comma for the slash."""
    if encoded:
        octets = b2a_base64("".join(encoded).encode("utf-16-be"), newline=False)
        shown = octets.decode("ascii").rstrip("=").replace("/", ",")
        parts.append(f"&{shown}-")
        encoded.clear()


def _text(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(codec(charset))
    except UnicodeDecodeError as error:
        # iconv calls a character that the end cuts off an invalid argument.
        cut_off = error.reason in _AT_THE_END or _UNFINISHED.fullmatch(
            octets, error.start
        )
        reason = _CUT_OFF if cut_off else _NO_CHARACTER
        raise ExpansionFailed(
            f"imapfolder: iconv() failed to convert from {charset}: {reason}"
        ) from None


_AT_THE_END = frozenset(("unexpected end of data", "incomplete multibyte sequence"))
_UNFINISHED = re.compile(
    rb"[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf7][\x80-\xbf]{,2}|[\xf8-\xfb][\x80-\xbf]{,3}"
    rb"|[\xfc-\xfd][\x80-\xbf]{,4}"
)
"""The beginnings of characters in the old form of UTF-8, which the C library knows."""

_CUT_OFF = "Invalid argument"
_NO_CHARACTER = "Invalid or incomplete multibyte or wide character"
