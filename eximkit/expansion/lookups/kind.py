"""The word that names a lookup type, taken apart (Exim specification, section 9.3 on).

partial2(*.)lsearch*@,ret=key
^^^^^^^^ ^^  ^^^^^^^^^ ^^^^^^^
least   affix name default options
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.numbers import wrapped
from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from eximkit.catalog import Release

OPTIONS_SINCE = catalog.release("4.94")
"""Since when options may follow the name of a type."""

# What may stand between the parentheses of an affix is punctuation.
_PARTIAL = re.compile(r"partial([0-9]*)(?:-|\(([!-'*-/:-@\[-`{-~(]*)\))")
LEAST = 2
"""How many components a partial match leaves where no number says so."""
AFFIX = "*."
_PLAINEST = "cdb"
"""A type that has no options but those of all types with a key, which queries share."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A lookup type and how it is to be used.

    least: how many components of the key a partial match keeps, None for no partial
    matching. affix: what then stands before them. default: "", "*" or "*@". options:
    what the type understands of what follows the commas, in order. single_key: it takes
    a key.
    """

    name: str
    single_key: bool
    least: int | None = None
    affix: str = AFFIX
    default: str = ""
    options: tuple[str, ...] = ()

    @property
    def returns_key(self) -> bool:
        """`ret=key`: what is found is given up for the key. It outdoes `ret=full`."""
        return "ret=key" in self.options

    @property
    def returns_all(self) -> bool:
        """`ret=full`."""
        return "ret=full" in self.options


def read_kind(text: str, release: Release, *, keyed: bool | None = None) -> Kind:
    """Take a type apart. keyed: whether a key was given, None where a list has it.

    Raises ExpansionFailed, of kind syntax, with Exim's message.
    """
    least, affix, rest = _partial(text)
    # A star ends the name wherever it stands, or else a comma does.
    plain, star, flags = rest.partition("*")
    if not star and release >= OPTIONS_SINCE:
        plain = rest.partition(",")[0]
    entry = catalog.lookup_type(plain)
    if entry is None or not entry.in_release(release):
        raise _refused(f'unknown lookup type "{plain}"')
    if least is not None and not entry.single_key:
        raise _refused(f'"partial" is not permitted for lookup type "{rest}"')
    if star and not entry.single_key:
        raise _refused(
            f'defaults using "*" or "*@" are not permitted for lookup type "{rest}"'
        )
    if entry.single_key and keyed is False:
        raise _refused(f'missing {{key}} for single-key "{text}" lookup')
    if keyed and not entry.single_key:
        raise _refused(
            f'a single key was given for lookup type "{text}", '
            "which is not a single-key lookup type"
        )
    default = "" if not star else "*@" if flags.startswith("@") else "*"
    options = tuple(
        option for option in rest.split(",")[1:] if _known(plain, option, release)
    )
    return Kind(plain, entry.single_key, least, affix, default, options)


def _known(name: str, option: str, release: Release) -> bool:
    """Exim passes over options that it does not know."""
    word, sign, value = option.partition("=")
    return bool(sign) and any(
        known.name == word and (known.values is None or value in known.values)
        for kind in (name, _PLAINEST)
        for known in catalog.lookup_options(kind, release)
    )


def _partial(text: str) -> tuple[int | None, str, str]:
    """How many components, the affix, and what follows."""
    if not text.startswith("partial"):
        return None, AFFIX, text
    found = _PARTIAL.match(text)
    if found is None:
        raise _refused(f'format error in lookup type "{text}"')
    least: int | None = wrapped(found[1]) if found[1] else LEAST
    if least is not None and least < 0:
        least = None
    return least, AFFIX if found[2] is None else found[2], text[found.end() :]


def _refused(message: str) -> ExpansionFailed:
    return ExpansionFailed(message, syntax=True)
