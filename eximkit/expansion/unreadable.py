"""Where Exim stops reading a string that cannot be taken apart, and what it says there.

Exim reads from left to right and tells what it missed (checked with 4.96). The grammar
has its own account of such a string, which helps more (`diagnosis.py`); this one is for
who compares with `exim -be`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.defect import is_header
from eximkit.expansion.lookups import read_kind
from eximkit.expansion.reader import DIGITS, WORD, GivesUp, Reader, Stops
from eximkit.expansion.refusals import PLACES, user_variable
from eximkit.expansion.strings import field_number
from eximkit.expansion.values import ExpansionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.catalog import Release

_ITEM = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_TYPE = re.compile(r"[^{ \t\n\r\f\v]*", re.ASCII)
_SIGNS = re.compile(r"[=<>]=?")
_SHOWN = 16
"""How much of what stands in a condition's place is shown."""

_ONE_STRING = frozenset({
    "bool", "bool_lax", "exists", "isip", "isip4", "isip6", "ldapauth", "pam",
    "pwcheck", "radius",
})  # fmt: skip
_NO_STRING = frozenset({"first_delivery", "queue_running"})
_RAW = frozenset({"match_address", "match_domain", "match_ip", "match_local_part"})


def complaint(text: str, release: Release) -> str | None:
    """What Exim says of a string; None where that is nothing, or not known."""
    try:
        _Items(text, release).string(ends=False)
    except Stops as stops:
        return stops.message
    except GivesUp:
        return None
    return None


class _Items(Reader):
    """Reads items and conditions."""

    def brace(self) -> None:
        """What follows `${`."""
        sign = self.next()
        if sign.isascii() and sign.isdigit():
            self.take(DIGITS)
            if self.next() != "}":
                raise Stops("} expected after number")
            self.at += 1
            return
        if not (sign.isascii() and sign.isalpha()):
            raise Stops("letter or digit expected after ${")
        name = self.take(_ITEM)
        entry = catalog.item(name)
        if (
            entry is not None
            and entry.in_release(self.release)
            and not (self.next() == ":" and catalog.operator(name))
        ):
            _ITEMS.get(name, _Items.subs)(self, name)
        elif self.next() == ":":
            self.at += 1
            self.string(ends=True)
            self.at += 1
            self.operator(name)
        elif self.next() == "}":
            self.at += 1
            if not self.known(name):
                about = user_variable(name)
                raise Stops(f'unknown variable in "${{{name}}}"{about}')
        else:
            raise Stops(
                f'"${{{name}" is not a known operator '
                "(or a } is missing in a variable reference)"
            )

    def operator(self, name: str) -> None:
        entry = catalog.operator(name.partition("_")[0]) or catalog.operator(name)
        if entry is None or not entry.in_release(self.release):
            raise Stops(f'unknown expansion operator "{name}"')

    # ---- items -----------------------------------------------------------------------

    def subs(self, name: str) -> None:
        """An item whose arguments are read together."""
        entry = catalog.item(name)
        least = entry.minimum if entry else 0
        most = (entry.maximum if entry else None) or 100
        self.arguments(name, least, most)
        if self.next() == "{":
            raise Stops(f"Too many arguments for '{name}' (max is {most})")
        if self.next() != "}":
            raise Stops(f"missing '}}' after '{name}'")
        self.at += 1

    def arguments(self, name: str, least: int, most: int) -> None:
        for number in range(most):
            if self.blanks() != "{":
                if number < least:
                    raise Stops(f"Not enough arguments for '{name}' (min is {least})")
                break
            self.braced()
        self.blanks()

    def placed(self, name: str, count: int | None = None) -> None:
        """Arguments that are read one by one."""
        for place in PLACES[name][:count]:
            if self.blanks() != "{":
                raise Stops(f"missing '{{' for {place} of {name}")
            self.braced()

    def extract(self, name: str) -> None:
        self.blanks()
        json = False
        for word in ("jsons", "json"):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                json = True
                break
        if self.blanks() != "{":
            raise Stops("missing '{' for arg 1 of extract")
        start = self.at + 1
        self.braced()
        number = not json and field_number(self.text[start : self.at - 1]) is not None
        for place in ("arg 2", "arg 3")[: 1 + (number and self.at - 1 > start)]:
            if self.blanks() != "{":
                raise Stops(f"missing '{{' for {place} of {name}")
            self.braced()
        self.yes_no(name)

    def tailed(self, name: str) -> None:
        self.placed(name)
        self.yes_no(name)

    def env(self, name: str) -> None:
        if self.blanks() != "{":
            raise Stops("")
        self.braced()
        self.yes_no(name)

    def run(self, name: str) -> None:
        while self.next() == ",":
            self.at += 1
            start = self.at
            self.take(WORD)
            option = self.text[start : self.at]
            if option != "preexpand":
                raise Stops(f"bad option '{option or self.next()}' for run")
        self.tailed(name)

    def each(self, name: str) -> None:
        """`map`, `reduce` and `sort`."""
        places = PLACES[name]
        for place in places:
            if self.blanks() != "{":
                raise Stops(f"missing '{{' for {place} of {name}")
            if place is places[-1] and name != "sort":
                self.within(f'"{name}" item', self.braced)
            else:
                self.braced()
        if (self.next() if name == "sort" else self.blanks()) != "}":
            raise Stops(f'missing }} at end of "{name}"')
        self.at += 1

    def filter(self, name: str) -> None:
        self.placed(name, 1)
        if self.blanks() != "{":
            raise Stops(f"missing '{{' for {PLACES[name][1]} of {name}")
        self.at += 1
        self.within(f'"{name}" item', self.condition)
        if self.blanks() != "}":
            raise Stops(
                f'missing }} at end of condition or expression inside "{name}"; '
                "could be an unquoted } in the content"
            )
        self.at += 1
        if self.blanks() != "}":
            raise Stops(f'missing }} at end of "{name}"')
        self.at += 1

    def lookup(self, name: str) -> None:
        keyed = self.blanks() == "{"
        if keyed:
            self.braced()
        sign = self.blanks()
        if not (sign.isascii() and sign.isalpha()):
            raise Stops("missing lookup type")
        kind = self.take(_TYPE)
        self.blanks()
        try:
            read_kind(kind, self.release, keyed=keyed)
        except ExpansionFailed as failed:
            raise Stops(failed.message) from None
        if self.next() != "{":
            raise Stops("missing '{' for lookup file-or-query arg")
        self.braced()
        self.yes_no(name)

    def conditional(self, name: str) -> None:
        self.condition()
        self.yes_no(name)

    def yes_no(self, name: str) -> None:
        """The yes and the no string, `fail`, and the brace after them."""
        if self.blanks() == "}":
            self.at += 1
            return
        if self.next() != "{":
            raise self.curly("'yes' part did not start with '{'")
        self.braced()
        if self.blanks() == "{":
            self.braced()
        elif self.next() != "}":
            if self.take(WORD) != "fail":
                raise Stops(f'syntax error in "{name}" item - "fail" expected')
            if self.blanks() != "}":
                raise self.curly("did not close with '}' after forcedfail")
        if self.blanks() != "}":
            raise self.curly("did not close with '}'")
        self.at += 1

    # ---- conditions ------------------------------------------------------------------

    def condition(self) -> None:
        self.deeper()
        while self.blanks() == "!":
            self.at += 1
        start = self.at
        name = self.take(_SIGNS) or self.take(WORD)
        if not name:
            shown = self.text[start : start + _SHOWN]
            raise Stops(f'condition name expected, but found "{shown}"')
        entry = catalog.condition(name)
        if entry is None or not entry.in_release(self.release):
            raise Stops(f'unknown condition "{name}"')
        _CONDITIONS.get(name, _Items.two)(self, name)
        self.depth -= 1

    def opened(self, name: str) -> None:
        if self.blanks() != "{":
            raise Stops(f'missing {{ after "{name}"')

    def defined(self, _name: str) -> None:
        if self.next() != ":":
            raise Stops('":" expected after "def"')
        self.at += 1
        start = self.at
        name = self.take(WORD)
        if not name:
            raise Stops('variable name omitted after "def:"')
        if is_header(name):
            self.header(start)
        elif not self.known(name) or name[0].isdigit():
            about = user_variable(name)
            raise Stops(f'unknown variable "{name}" after "def:"{about}')

    def one(self, name: str) -> None:
        self.opened(name)
        self.braced()

    def two(self, name: str) -> None:
        self.opened(name)
        self.braced()
        if self.blanks() != "{":
            raise Stops(f'missing 2nd string in {{}} after "{name}"')
        self.braced(dollars=name not in _RAW)

    def none(self, _name: str) -> None:
        return

    def grouped(self, name: str) -> None:
        """`acl` and `saslauthd`: arguments within braces of their own."""
        self.opened(name)
        self.at += 1
        entry = catalog.condition(name)
        bracketing = f"arguments or bracketing error for {name}"
        for number in range((entry.maximum if entry else None) or 10):
            if self.blanks() != "{":
                if number < (entry.minimum if entry else 1):
                    raise Stops(f"too few {bracketing}")
                break
            self.braced()
        if self.blanks() != "}":
            few = self.next() != "{"
            raise Stops(f"too {'few' if few else 'many'} {bracketing}")
        self.at += 1

    def logic(self, name: str) -> None:
        """`and` and `or`."""
        self.opened(name)
        self.at += 1
        while self.blanks() != "}":
            if self.next() != "{":
                raise Stops(
                    f'each subcondition inside an "{name}{{...}}" condition must be '
                    "in its own {}"
                )
            self.at += 1
            self.within(f'"{name}{{...}}" condition', self.condition)
            if self.blanks() != "}":
                raise Stops(f'missing }} at end of condition inside "{name}" group')
            self.at += 1
        self.at += 1

    def quantified(self, name: str) -> None:
        self.opened(name)
        self.braced()
        self.opened(name)
        self.at += 1
        self.within(f'"{name}" condition', self.condition)
        if self.blanks() != "}":
            raise Stops(f'missing }} at end of condition inside "{name}"')
        self.at += 1


_ITEMS: dict[str, Callable[[_Items, str], None]] = {
    "certextract": _Items.tailed,
    "env": _Items.env,
    "extract": _Items.extract,
    "filter": _Items.filter,
    "if": _Items.conditional,
    "listextract": _Items.tailed,
    "lookup": _Items.lookup,
    "map": _Items.each,
    "reduce": _Items.each,
    "run": _Items.run,
    "sort": _Items.each,
}
_CONDITIONS: dict[str, Callable[[_Items, str], None]] = {
    **dict.fromkeys(_ONE_STRING, _Items.one),
    **dict.fromkeys(_NO_STRING, _Items.none),
    "acl": _Items.grouped,
    "and": _Items.logic,
    "def": _Items.defined,
    "forall": _Items.quantified,
    "forall_json": _Items.quantified,
    "forall_jsons": _Items.quantified,
    "forany": _Items.quantified,
    "forany_json": _Items.quantified,
    "forany_jsons": _Items.quantified,
    "or": _Items.logic,
    "saslauthd": _Items.grouped,
}
