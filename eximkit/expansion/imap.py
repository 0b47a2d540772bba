"""IMAP folder names (RFC 3501, section 5.1.3; Exim specification, section 11.5)."""

from __future__ import annotations

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
    parts: list[str] = []
    encoded: list[str] = []
    charset = "" if settings is None else settings.headers_charset
    for index, character in enumerate(name):
        if character == separator:
            _flush(encoded, parts, charset)
            if index and name[index + 1 : index + 2] not in {separator, ""}:
                parts.append(".")
        elif ord(character) not in _PRINTABLE or character in specials:
            encoded.append(character)
        elif character in "./":
            raise ExpansionFailed(f"imapfolder: illegal character '{character}'")
        else:
            _flush(encoded, parts, charset)
            parts.append("&-" if character == "&" else character)
    _flush(encoded, parts, charset)
    return "".join(parts)


def _flush(encoded: list[str], parts: list[str], charset: str) -> None:
    """The characters gathered, as UTF-16 in base 64 with a comma for the slash."""
    if encoded:
        text = _text("".join(encoded).encode("latin-1"), charset)
        octets = b2a_base64(text.encode("utf-16-be"), newline=False)
        shown = octets.decode("ascii").rstrip("=").replace("/", ",")
        parts.append(f"&{shown}-")
        encoded.clear()


def _text(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(codec(charset))
    except UnicodeDecodeError as error:
        # iconv calls a character that the end cuts off an invalid argument.
        reason = _CUT_OFF if error.reason in _AT_THE_END else _NO_CHARACTER
        raise ExpansionFailed(
            f"imapfolder: iconv() failed to convert from {charset}: {reason}"
        ) from None


_AT_THE_END = frozenset(("unexpected end of data", "incomplete multibyte sequence"))
_CUT_OFF = "Invalid argument"
_NO_CHARACTER = "Invalid or incomplete multibyte or wide character"
