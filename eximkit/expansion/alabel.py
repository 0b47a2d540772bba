"""Internationalised names as ASCII labels and back (Exim specification, section 59.1).

Domains become ASCII by IDNA 2008 after the mapping of UTS 46, as libidn2 does it; the
way back, and local parts, are punycode alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn
from unicodedata import normalize

from eximkit.expansion import punycode
from eximkit.expansion.encodings import escape
from eximkit.expansion.lists import items_between
from eximkit.expansion.values import ExpansionFailed, stops

if TYPE_CHECKING:
    from collections.abc import Callable

_PREFIX = "xn--"
_LONGEST_LABEL = 63
_LONGEST_NAME = 255
_LONGEST_CODE = 10_000
"""Octets of a local part that is converted: the time grows with its square."""

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ALLOWED = ("PVALID", "CONTEXTO", "CONTEXTJ")
_NO_ROUNDTRIP = "A-label roundtrip failed"


class _Refused(Exception):
    """Why a label is none, in libidn2's words."""


def _decoded(text: str) -> str | None:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None


def _octets(text: str) -> str:
    """UTF-8; half of the surrogates can come out of punycode."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _not_to_ascii(text: str, reason: str) -> NoReturn:
    raise ExpansionFailed(f"error converting utf8 ({escape(text)}) to alabel: {reason}")


def _not_from_ascii(text: str, reason: str) -> NoReturn:
    raise ExpansionFailed(f"error converting alabel ({escape(text)}) to utf8: {reason}")


def domain_to_alabel(text: str) -> str:
    """`${utf8_domain_to_alabel:…}`: ASCII names are left as they are."""
    if text.isascii():
        return text
    decoded = _decoded(text)
    if decoded is None:
        _not_to_ascii(text, "string encoding error")
    try:
        labels = _mapped(decoded).split(".")
        unicode = _decoded_labels(labels)
        name = ".".join(map(_ascii_label, labels, unicode))
    except _Refused as refused:
        _not_to_ascii(text, str(refused))
    if len(name) > _LONGEST_NAME:
        _not_to_ascii(text, "domain name longer than 255 characters")
    return name


def _mapped(name: str) -> str:
    """Letter case, width and composition evened out (UTS 46, not transitional)."""
    import idna  # Its tables are large, and few expansions need them.

    if len(name) > 4 * _LONGEST_NAME:
        raise _Refused("domain name longer than 255 characters")
    try:
        return idna.uts46_remap(name, std3_rules=False, transitional=False)
    except idna.IDNAError:
        raise _Refused("string contains a disallowed character") from None


def _decoded_labels(labels: list[str]) -> list[str]:
    """The labels decoded. Of those that are malformed, libidn2 tells of the last."""
    found: list[str] = []
    refused = None
    for label in labels:
        found.append(_unicode_label(label))
        try:
            _test_form(found[-1], encoded=label.startswith(_PREFIX))
        except _Refused as error:
            refused = error
    if refused is not None:
        raise refused
    return found


def _unicode_label(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    try:
        found = punycode.decode(label[len(_PREFIX) :])
    except punycode.BadInput:
        found = ""
    except punycode.Overflow:
        raise _Refused("punycode conversion resulted in overflow") from None
    if not found or label.endswith("-"):
        raise _Refused("string contains invalid punycode data")
    return found


def _test_form(label: str, *, encoded: bool) -> None:
    """The tests that ASCII labels have to pass as well, and what was encoded."""
    import idna

    if encoded and (_SURROGATES.search(label) or normalize("NFC", label) != label):
        raise _Refused("string is not in Unicode NFC format")
    if label[2:4] == "--":
        raise _Refused("string contains forbidden two hyphens pattern")
    if label.startswith("-") or label.endswith("-"):
        raise _Refused("string start/ends with forbidden hyphen")
    try:
        if label:
            idna.check_initial_combiner(label)
    except idna.IDNAError:
        reason = "string contains a forbidden leading combining character"
        raise _Refused(reason) from None
    if encoded and not _stable(label):
        raise _Refused(
            "domain label has character forbidden in non-transitional mode (TR46)"
        )


def _stable(label: str) -> bool:
    """Whether the mapping leaves it as it is."""
    try:
        return _mapped(label) == label
    except _Refused:
        return False


def _ascii_label(label: str, unicode: str) -> str:
    """The label of a name to be looked up. unicode: it decoded."""
    shown = label
    if not unicode.isascii():
        _test(unicode)
        shown = _PREFIX + punycode.encode(unicode)
        if len(shown) > _LONGEST_LABEL:
            raise _Refused("punycode encoded data will be too large")
    if label.startswith(_PREFIX) and shown != label:
        raise _Refused(_NO_ROUNDTRIP)
    if len(shown) > _LONGEST_LABEL:
        raise _Refused("domain label longer than 63 characters")
    return shown


def _test(label: str) -> None:
    """The tests of IDNA 2008 for a label that is not ASCII."""
    import idna
    from idna import idnadata

    classes = idnadata.codepoint_classes
    wide = [(at, ord(c)) for at, c in enumerate(label) if not c.isascii()]
    if not all(
        any(idna.intranges_contain(code, classes[name]) for name in _ALLOWED)
        for _, code in wide
    ):
        raise _Refused("string contains a disallowed character")
    for at, code in wide:
        if idna.intranges_contain(code, classes["CONTEXTJ"]) and not _joins(label, at):
            raise _Refused("string contains a forbidden context-j character")
    try:
        idna.check_bidi(label)
    except idna.IDNAError:
        reason = "string has forbidden bi-directional properties"
        raise _Refused(reason) from None
    if any(c.isascii() and c not in _PLAIN for c in label):
        raise _Refused(_NO_ROUNDTRIP)


def _joins(label: str, at: int) -> bool:
    import idna

    try:
        return idna.valid_contextj(label, at)
    except ValueError:
        return False


def domain_from_alabel(text: str) -> str:
    """`${utf8_domain_from_alabel:…}`: each label by itself; others stay as they are.

    Exim takes the name as a list with the dot as its separator, so that two dots stand
    for one within a label. It crashes where there is no label, or one has no code.
    """
    labels: list[str] = []
    for label in items_between(".", text):
        if label == _PREFIX:
            raise stops("utf8_domain_from_alabel without a code")
        shown = _from_code(label, text) if label.startswith(_PREFIX) else label
        if labels or shown:
            labels.append(shown.replace(".", ".."))
    if not labels:
        raise stops("utf8_domain_from_alabel without a name")
    return ".".join(labels)


def _from_code(label: str, whole: str) -> str:
    if len(label) > _LONGEST_CODE:
        _not_from_ascii(whole, _TOO_LONG)
    try:
        return _octets(punycode.decode(label[len(_PREFIX) :]))
    except punycode.BadInput:
        _not_from_ascii(whole, "Invalid input")
    except punycode.Overflow:
        _not_from_ascii(whole, "String size limit exceeded")


_TOO_LONG = f"more than {_LONGEST_CODE} octets are not followed"


def localpart_to_alabel(text: str) -> str:
    """`${utf8_localpart_to_alabel:…}`: RFC 3492 of all of it, with a prefix.

    Exim gives the code four octets for each character, and no more.
    """
    if text.isascii():
        return text
    decoded = _decoded(text)
    if decoded is None:
        _not_to_ascii(text, "l_u2a: bad UTF-8 input")
    if len(decoded) > _LONGEST_CODE:
        _not_to_ascii(text, _TOO_LONG)
    code = punycode.encode(decoded)
    if len(code) > 4 * len(decoded):
        _not_to_ascii(text, "Output would exceed the buffer space provided")
    return _PREFIX + code


def localpart_from_alabel(text: str) -> str:
    """`${utf8_localpart_from_alabel:…}`: the reverse; the prefix must be there."""
    if not text.startswith(_PREFIX):
        _not_from_ascii(text, "bad alabel prefix")
    return _from_code(text, text)


OPERATORS: dict[str, Callable[[str], str]] = {
    "utf8_domain_from_alabel": domain_from_alabel,
    "utf8_domain_to_alabel": domain_to_alabel,
    "utf8_localpart_from_alabel": localpart_from_alabel,
    "utf8_localpart_to_alabel": localpart_to_alabel,
}
