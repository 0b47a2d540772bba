"""Encoded words in header text (RFC 2047; Exim specification, section 11.6).

Which character set a text is in is the option `headers_charset`: results that depend on
it are not pure.
"""

from __future__ import annotations

import re
from string import ascii_letters, digits

from eximkit.expansion.values import NotPure

_SAFE = frozenset(ascii_letters + digits + " !#$%&'*+-/^`{|}~")
_WORD = re.compile(r"=\?[^?\s]*\?[^?\s]*\?[^?\s]*\?=")


def encode(text: str) -> str:
    """`${rfc2047:…}`, as far as nothing has to be encoded."""
    if all(c in _SAFE for c in text):
        return text
    raise NotPure("headers_charset")


def decode(text: str) -> str:
    """`${rfc2047d:…}`, as far as there is nothing to decode."""
    if _WORD.search(text) is None:
        return text
    raise NotPure("headers_charset")
