"""Operators that need nothing but their operand (Exim specification, section 11.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion import (
    addresses,
    alabel,
    arithmetic,
    digests,
    encodings,
    headerwrap,
    ip,
    rfc2047,
    utf8,
)
from eximkit.expansion.lists import split_list
from eximkit.expansion.numbers import interval, seconds, wrap, wrapped
from eximkit.expansion.quoting import quote_for_lookup
from eximkit.expansion.strings import head, lower, substring, upper
from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.textsettings import TextSettings

_MAX_NUMBERS = 2


def _numbers(name: str, arguments: tuple[str, ...]) -> list[int | None]:
    """The arguments of hash, length, nhash and substr, as C ints; None where absent."""
    shown = "_".join((name, *arguments))
    if not arguments:
        raise ExpansionFailed(_no_values(name), syntax=True)
    most = 1 if name in {"l", "length"} else _MAX_NUMBERS
    if len(arguments) > most:
        raise ExpansionFailed(f'non-digit after underscore in "{shown}"', syntax=True)
    values: list[int | None] = [None, None]
    for index, argument in enumerate(arguments):
        digits = argument
        signed = index == 0 and name in {"s", "substr"} and digits.startswith("-")
        if signed:
            digits = digits[1:]
        last = index == len(arguments) - 1
        if not (digits.isascii() and digits.isdigit()) and (
            digits or index or not last
        ):
            raise ExpansionFailed(
                f'non-digit after underscore in "{shown}"', syntax=True
            )
        value = wrapped(digits)
        values[index] = wrap(-value, 32) if signed else value
    return values


def _hash(name: str, arguments: tuple[str, ...], text: str) -> str:
    length, limit = _numbers(name, arguments)
    return digests.hash_text(text, length or 0, 26 if limit is None else limit)


def _nhash(name: str, arguments: tuple[str, ...], text: str) -> str:
    first, second = _numbers(name, arguments)
    return digests.nhash(text, first or 0, second)


def _length(name: str, arguments: tuple[str, ...], text: str) -> str:
    return head(text, _numbers(name, arguments)[0] or 0)


def _substr(name: str, arguments: tuple[str, ...], text: str) -> str:
    start, length = _numbers(name, arguments)
    return substring(text, start or 0, length)


def _quote(_name: str, arguments: tuple[str, ...], text: str) -> str:
    if not arguments:
        return encodings.quote(text)
    return quote_for_lookup(arguments, text)


def _time_eval(text: str) -> str:
    value = seconds(text)
    if value is None:
        raise ExpansionFailed(
            f'string "{text}" is not an Exim time interval in "time_eval" operator'
        )
    return str(value)


def _time_interval(text: str) -> str:
    if text.strip("0123456789"):
        raise ExpansionFailed(
            f'string "{text}" is not a positive number in "time_interval" operator'
        )
    # 4.96 keeps the number in an int.
    return interval(wrapped(text))


def _no_values(name: str) -> str:
    """Long names without numbers are items, which need more than what follows here."""
    if name in {"hash", "length", "nhash", "substr"}:
        return f"Not enough arguments for '{name}' (min is 2)"
    return f"missing values after {name}"


def unknown(name: str, arguments: tuple[str, ...]) -> ExpansionFailed:
    """What Exim says of an operator that it does not have."""
    if name.startswith("quote_"):
        return ExpansionFailed(
            f'unknown lookup type "{name.split("_")[1]}"', syntax=True
        )
    shown = "_".join((name, *arguments))
    return ExpansionFailed(f'unknown expansion operator "{shown}"', syntax=True)


def _rfc2047(text: str, settings: TextSettings | None) -> str:
    if settings is not None:
        return rfc2047.encode(text, settings.headers_charset)
    if rfc2047.encode(text, "") == text:
        return text
    raise NotPure("headers_charset")


def _rfc2047d(text: str, settings: TextSettings | None) -> str:
    if settings is not None:
        return rfc2047.decode(
            text, settings.headers_charset, check_length=settings.check_rfc2047_length
        )
    if "=?" in text:
        raise NotPure("headers_charset")
    return text


def _listcount(text: str) -> str:
    return str(len(split_list(text)[1]))


_PLAIN: dict[str, Callable[[str], str]] = {
    "base32": encodings.base32,
    "base32d": encodings.base32_decoded,
    "base62": encodings.base62,
    "base62d": encodings.base62_decoded,
    "base64": encodings.base64,
    "escape": encodings.escape,
    "escape8bit": encodings.escape8bit,
    "eval": lambda text: str(arithmetic.evaluate(text)),
    "eval10": lambda text: str(arithmetic.evaluate(text, decimal=True)),
    "from_utf8": utf8.to_latin1,
    "hex2b64": encodings.hex_to_base64,
    "hexquote": encodings.hexquote,
    "ipv6denorm": ip.full,
    "ipv6norm": ip.normal,
    "lc": lower,
    "listcount": _listcount,
    "md5": lambda text: digests.digest("md5", text),
    "quote_local_part": encodings.quote_local_part,
    "reverse_ip": ip.reverse,
    "rxquote": encodings.rxquote,
    "sha1": lambda text: digests.digest("sha1", text).upper(),
    "str2b64": encodings.base64,
    "strlen": lambda text: str(len(text)),
    "time_eval": _time_eval,
    "time_interval": _time_interval,
    "uc": upper,
    "utf8clean": utf8.clean,
    "xtextd": encodings.xtext_decoded,
    **alabel.OPERATORS,
}
"""Operators that ignore what stands after an underscore."""

_WITH_SETTINGS: dict[str, Callable[[str, TextSettings | None], str]] = {
    "address": addresses.address,
    "addresses": addresses.addresses,
    "domain": addresses.domain,
    "local_part": addresses.local_part,
    "rfc2047": _rfc2047,
    "rfc2047d": _rfc2047d,
}
"""Operators that main options change."""

_WITH_ARGUMENTS: dict[str, Callable[[str, tuple[str, ...], str], str]] = {
    "base64d": lambda name, arguments, text: encodings.base64_decoded(
        text, "_".join((name, *arguments))
    ),
    "h": _hash,
    "hash": _hash,
    "headerwrap": lambda _name, arguments, text: headerwrap.wrap(arguments, text),
    "l": _length,
    "length": _length,
    "mask": lambda _name, arguments, text: ip.mask(text, arguments[:1] == ("n",)),
    "nh": _nhash,
    "nhash": _nhash,
    "quote": _quote,
    "s": _substr,
    "sha2": lambda _name, arguments, text: digests.sha2(arguments, text),
    "sha256": lambda _name, arguments, text: digests.sha2(arguments, text),
    "sha3": lambda _name, arguments, text: digests.sha3(arguments, text),
    "substr": _substr,
}

PURE_OPERATORS = frozenset((*_PLAIN, *_WITH_SETTINGS, *_WITH_ARGUMENTS))
"""The operators that `apply_operator` answers."""


def apply_operator(
    name: str,
    arguments: tuple[str, ...],
    operand: str,
    settings: TextSettings | None = None,
) -> str:
    """What `${name_argument_…:operand}` gives; octet strings in and out.

    settings: the main options that some results depend on; None: they are not known,
    and such a result is NotPure. Raises ExpansionFailed with Exim's own message (for a
    name that is not in PURE_OPERATORS too), NotPure where the result is not followed. A
    NUL ends a string, as in C.
    """
    if arguments and "_" in name:
        # Exim takes the first underscore of such a name as part of it, and no more.
        raise unknown(name, arguments)
    text = operand.partition("\0")[0]
    if name in _PLAIN:
        result = _PLAIN[name](text)
    elif name in _WITH_SETTINGS:
        result = _WITH_SETTINGS[name](text, settings)
    elif name in _WITH_ARGUMENTS:
        result = _WITH_ARGUMENTS[name](name, arguments, text)
    else:
        raise unknown(name, arguments)
    return result.partition("\0")[0]


__all__ = ["PURE_OPERATORS", "ExpansionFailed", "NotPure", "apply_operator", "unknown"]
