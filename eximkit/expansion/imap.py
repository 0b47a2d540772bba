"""IMAP folder names (RFC 3501, section 5.1.3; Exim specification, section 11.5)."""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING

from eximkit.expansion.values import ExpansionFailed, NotPure, stops

if TYPE_CHECKING:
    from collections.abc import Sequence

_PRINTABLE = range(0x20, 0x7F)


def imap_folder(arguments: Sequence[str]) -> str:
    """`${imapfolder{name}{separator}{specials}}`: modified UTF-7, dots between parts.

    Which character set other than ASCII the name is in is an option's affair: NotPure.
    """
    name = arguments[0]
    separator = arguments[1] if len(arguments) > 1 else "/"
    specials = arguments[2] if len(arguments) > 2 else ""
    if len(separator) != 1:
        raise ExpansionFailed(
            f'IMAP folder separator must be one character, found "{separator}"'
        )
    if not name.isascii():
        raise NotPure("headers_charset")
    if name and not name.strip(separator):
        raise stops("imapfolder without a name")
    parts: list[str] = []
    encoded: list[str] = []
    for index, character in enumerate(name):
        if character == separator:
            _flush(encoded, parts)
            if index and name[index + 1 : index + 2] not in {separator, ""}:
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
