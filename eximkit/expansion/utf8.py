"""UTF-8 to ISO 8859-1, and text made well-formed (Exim specification, section 11.6)."""

from __future__ import annotations

from eximkit.expansion.values import NotPure

# Lead octets and how many octets follow, in the old scheme of up to six octets.
_FOLLOWERS = (
    *((code, 1) for code in range(0xC0, 0xE0)),
    *((code, 2) for code in range(0xE0, 0xF0)),
    *((code, 3) for code in range(0xF0, 0xF8)),
    *((code, 4) for code in range(0xF8, 0xFC)),
    *((code, 5) for code in range(0xFC, 0x100)),
)
_LENGTHS = dict(_FOLLOWERS)
_LATIN1 = 255
_CONTINUATION = range(0x80, 0xC0)


def to_latin1(text: str) -> str:
    """`${from_utf8:…}`: what ISO 8859-1 lacks becomes an underscore."""
    parts: list[str] = []
    at, end = 0, len(text)
    while at < end:
        code = ord(text[at])
        more = _LENGTHS.get(code, 0)
        at += 1
        if at + more > end:
            raise NotPure("what lies behind the end of the string in memory")
        if more:
            code &= 0x3F >> more
            for follower in text[at : at + more]:
                code = code << 6 | ord(follower) & 0x3F
            at += more
        parts.append(chr(code) if code <= _LATIN1 else "_")
    return "".join(parts)


def clean(text: str) -> str:
    """`${utf8clean:…}`: a question mark for every defect."""
    parts: list[str] = []
    at, end = 0, len(text)
    while at < end:
        code = ord(text[at])
        if code < _CONTINUATION.start:
            parts.append(text[at])
            at += 1
            continue
        more = _LENGTHS.get(code, 0) if 0xC1 < code < 0xF8 else 0
        stop = at + 1
        while stop < end and stop <= at + more and ord(text[stop]) in _CONTINUATION:
            stop += 1
        whole = more and stop == at + 1 + more
        parts.append(text[at:stop] if whole and _in_range(text[at:stop]) else "?")
        # An octet that breaks a sequence off is lost with it, unless it is ASCII.
        broken_off = more and not whole and stop < end
        at = stop + (1 if broken_off and text[stop] >= "\x80" else 0)
    return "".join(parts)


def _in_range(text: str) -> bool:
    """No surrogate, nothing beyond U+10FFFF. Forms that are too long are let pass."""
    code = ord(text[0]) & 0x3F >> len(text) - 1
    for follower in text[1:]:
        code = code << 6 | ord(follower) & 0x3F
    return code < 0xD800 or 0xDFFF < code <= 0x10FFFF
