"""The main options that change what operators and items make of their strings.

Exim specification, section 14; the values are those set, or the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.strings import lower
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Mapping

_TRUE = frozenset(("", "yes", "true"))


@dataclass(frozen=True, slots=True)
class TextSettings:
    """headers_charset: the character set that header text is wanted in.

    allow_domain_literals, allow_utf8_domains, strip_trailing_dot: which domains an
    address may have. check_rfc2047_length: words longer than RFC 2047 has them are left
    as they are.
    """

    headers_charset: str = "UTF-8"
    allow_domain_literals: bool = False
    allow_utf8_domains: bool = False
    strip_trailing_dot: bool = False
    check_rfc2047_length: bool = True

    @classmethod
    def of(cls, options: Mapping[str, str]) -> TextSettings:
        """From main options as text (`Environment.options`); a switch is on with no
        value, or with yes or true.
        """

        def on(name: str, default: bool = False) -> bool:
            if name not in options:
                return default
            return lower(options[name].strip(BLANK)) in _TRUE

        return cls(
            options.get("headers_charset", "UTF-8"),
            on("allow_domain_literals"),
            on("allow_utf8_domains"),
            on("strip_trailing_dot"),
            on("check_rfc2047_length", default=True),
        )
