"""Operators that need nothing but their operand (Exim specification, section 11.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion import addresses, arithmetic, digests, encodings, ip, utf8, words
from eximkit.expansion.lists import split_list
from eximkit.expansion.numbers import interval, seconds, wrap, wrapped
from eximkit.expansion.quoting import quote_for_lookup
from eximkit.expansion.strings import head, lower, substring, upper
from eximkit.expansion.values import ExpansionFailed, NotPure

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_NUMBERS = 2


def _numbers(name: str, arguments: tuple[str, ...]) -> list[int | None]:
    """The arguments of hash, length, nhash and substr, as C ints; None where absent."""
    shown = "_".join((name, *arguments))
    most = 1 if name in {"l", "length"} else _MAX_NUMBERS
    if len(arguments) > most:
        raise ExpansionFailed(f'non-digit after underscore in "{shown}"')
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
            raise ExpansionFailed(f'non-digit after underscore in "{shown}"')
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


def _unknown(name: str, arguments: tuple[str, ...]) -> str:
    if name.startswith("quote_"):
        return f'unknown lookup type "{name.split("_")[1]}"'
    return f'unknown expansion operator "{"_".join((name, *arguments))}"'


def _listcount(text: str) -> str:
    return str(len(split_list(text)[1]))


_PLAIN: dict[str, Callable[[str], str]] = {
    "address": addresses.address,
    "addresses": addresses.addresses,
    "base32": encodings.base32,
    "base32d": encodings.base32_decoded,
    "base62": encodings.base62,
    "base62d": encodings.base62_decoded,
    "base64": encodings.base64,
    "domain": addresses.domain,
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
    "local_part": addresses.local_part,
    "md5": lambda text: digests.digest("md5", text),
    "quote_local_part": encodings.quote_local_part,
    "reverse_ip": ip.reverse,
    "rfc2047": words.encode,
    "rfc2047d": words.decode,
    "rxquote": encodings.rxquote,
    "sha1": lambda text: digests.digest("sha1", text).upper(),
    "str2b64": encodings.base64,
    "strlen": lambda text: str(len(text)),
    "time_eval": _time_eval,
    "time_interval": _time_interval,
    "uc": upper,
    "utf8_domain_from_alabel": utf8.domain_from_alabel,
    "utf8_domain_to_alabel": utf8.domain_to_alabel,
    "utf8_localpart_from_alabel": utf8.localpart_from_alabel,
    "utf8_localpart_to_alabel": utf8.localpart_to_alabel,
    "utf8clean": utf8.clean,
    "xtextd": encodings.xtext_decoded,
}
"""Operators that ignore what stands after an underscore."""

_WITH_ARGUMENTS: dict[str, Callable[[str, tuple[str, ...], str], str]] = {
    "base64d": lambda name, arguments, text: encodings.base64_decoded(
        text, "_".join((name, *arguments))
    ),
    "h": _hash,
    "hash": _hash,
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

PURE_OPERATORS = frozenset((*_PLAIN, *_WITH_ARGUMENTS))
"""The operators that `apply_operator` answers."""


def apply_operator(name: str, arguments: tuple[str, ...], operand: str) -> str:
    """What `${name_argument_…:operand}` gives; octet strings in and out.

    Raises ExpansionFailed with Exim's own message, NotPure where the result depends on
    an option (`headers_charset`) or is not followed, KeyError for a name that is not in
    PURE_OPERATORS. A NUL ends a string, as in C.
    """
    if arguments and "_" in name:
        # Exim takes the first underscore of such a name as part of it, and no more.
        raise ExpansionFailed(_unknown(name, arguments))
    text = operand.partition("\0")[0]
    plain = _PLAIN.get(name)
    result = plain(text) if plain else _WITH_ARGUMENTS[name](name, arguments, text)
    return result.partition("\0")[0]


__all__ = ["PURE_OPERATORS", "ExpansionFailed", "NotPure", "apply_operator"]
