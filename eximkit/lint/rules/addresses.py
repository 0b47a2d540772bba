"""EXS210, EXS211: IP addresses in lists that Exim reads as something else."""

from __future__ import annotations

import re
from ipaddress import ip_address
from itertools import islice
from typing import TYPE_CHECKING

from eximkit.config.quoting import split_list
from eximkit.expansion.lists import separator
from eximkit.expansion.lists import split_list as split_string
from eximkit.lint.expandable import Expandable
from eximkit.lint.finding import Severity
from eximkit.lint.fixes import replacing
from eximkit.lint.rule import Check, Rule, RuleContext
from eximkit.lint.rules.values import values
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.lint.finding import Finding, Fix

_TRANSPORT = "begin transports\nremote:\n  driver = smtp\n"

IPV6 = Rule(
    "EXS210",
    "ipv6-in-colon-list",
    Severity.ERROR,
    what="An IPv6 address stands in a list whose separator is the colon.",
    why="Exim splits the address into pieces, so that the list silently says something "
    "else; in `interface` every delivery is deferred. Name another separator with `<;` "
    "at the beginning, or double every colon of the address.",
    bad="hostlist relay_from_hosts = 127.0.0.1 : ::1\n",
    good="hostlist relay_from_hosts = <; 127.0.0.1 ; ::1\n",
    reference="Exim specification, chapter 6: list construction, "
    "changing list separators",
    fix="safe",
)
NO_ADDRESS = Rule(
    "EXS211",
    "bad-ip-in-option",
    Severity.ERROR,
    what="An item of `interface`, `local_interfaces` or `extra_local_interfaces` is "
    "not an IP address, for instance the name of a network device or of a host.",
    why="Exim takes addresses only. A transport with such an `interface` defers every "
    "message, a daemon with such a `local_interfaces` does not start to listen; "
    "`exim -bV` is content.",
    bad=_TRANSPORT + "  interface = eth0\n",
    good=_TRANSPORT + "  interface = 192.0.2.1\n",
    reference="Exim specification, chapters 13 (starting the daemon) and 30 (the smtp "
    "transport, interface)",
)

RULES: tuple[Rule, ...] = (IPV6, NO_ADDRESS)

_UNEXPANDED = {"local_interfaces", "extra_local_interfaces"}
_BOUND = {"interface", *_UNEXPANDED}
"""Options whose items are addresses of this host."""

_HOSTS = _BOUND | {"hosts", "fallback_hosts", "route_list", "route_data"}
"""Options that hold lists of hosts without being of the type that says so."""

_MOST = 50
"""Findings of one value at most: what has more is not text that somebody wrote."""

_LONGEST = 100
"""No address with all that may stand round it is longer."""

_WORD = re.compile(r"[^ \t\n\r\f\v]+")
_V4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]+)?"
_AROUND = re.compile(rf"(?:{_V4}:)*(?P<rest>.*?)(?::{_V4})*", re.ASCII)
_BARE = re.compile(
    r"!?(?P<open>\[)?(?P<address>[0-9A-Fa-f:.]+)(?:%[A-Za-z0-9_.-]+)?"
    r"(?(open)\](?::[0-9]+|\.[0-9]+)?)(?:/[0-9]+)?",
    re.ASCII,
)


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _bare_ipv6(word: str) -> bool:
    match = _BARE.fullmatch(word)
    return match is not None and ":" in match["address"] and _is_ip(match["address"])


def _holds_ipv6(word: str) -> bool:
    """Whether a word of a list is an IPv6 address whose colons are not doubled."""
    if word.count(":") < 2 or len(word) > _LONGEST:
        return False
    around = _AROUND.fullmatch(word)
    return _bare_ipv6(word) or bool(around and _bare_ipv6(around["rest"]))


def check_lists(context: RuleContext) -> Iterator[Finding]:
    """Every list of hosts or addresses, as far as it is constant."""
    for source in _sources(context):
        split = list(_split_addresses(source))
        yield from split
        if source.option in _BOUND and not split:
            yield from islice(_no_addresses(source), _MOST)


def _sources(context: RuleContext) -> Iterator[Expandable]:
    for source in values(context):
        hosts = source.option in _HOSTS - _UNEXPANDED and source.list != "domain"
        if source.list == "host" or hosts:
            yield source
    for name in sorted(_UNEXPANDED):
        option = context.config.options.get(name)
        if option is not None and option.value is not None:
            yield Expandable(option.value, "main", None, name)


def _split_addresses(source: Expandable) -> Iterator[Finding]:
    split = [(at, word) for at, word in _colon_words(source) if _holds_ipv6(word)]
    for at, word in split[:1]:
        fix, unfixable = _with_semicolons(source)
        more = len(split) - 1
        yield IPV6.finding(
            f"{_as_read(word)}; begin the list with <; or double the colons",
            source.value.place(at, at + len(word)), section=source.section,
            driver=source.driver, option=source.option, fix=fix, unfixable=unfixable,
            notes=(f"so it is with {more} more in this list",) if more else (),
        )  # fmt: skip


def _as_read(word: str) -> str:
    """What a list with colons makes of an address."""
    items = [f'"{display(item)}"' for item in split_string(word)[1]] or ["nothing"]
    if len(items) > 1:
        return f"Exim splits {display(word)} at its colons, into {' and '.join(items)}"
    return f"Exim reads {display(word)} as {items[0]}: two colons stand for one"


def _colon_words(source: Expandable) -> Iterator[tuple[int, str]]:
    """The words of the parts of a value that are lists with colons, with offsets."""
    text = source.value.text
    sign, start = separator(text)
    if sign == ":":
        for match in _WORD.finditer(text, start):
            if "$" in match[0] or "\\" in match[0]:
                return  # What follows may still be a part of this expansion.
            yield match.start(), match[0]


def _with_semicolons(source: Expandable) -> tuple[Fix | None, str]:
    """The same list with another separator, where that is plain to see."""
    text = source.value.text
    words = _WORD.findall(text)
    plain = all(w == ":" or ":" not in w or _bare_ipv6(w) for w in words)
    if source.option == "route_list" or ";" in text or "<" in text or not plain:
        return None, "the list has other colons too: write its separators anew by hand"
    new = " ".join(";" if word == ":" else word for word in words)
    place = source.value.place(0, len(text))
    return replacing(place, f"<; {new}", safe=True, title="separate with semicolons")


def _no_addresses(source: Expandable) -> Iterator[Finding]:
    port = source.option != "interface"
    for item in split_list(source.value, unexpanded=True):
        if "$" in item.text or "\\" in item.text:
            return  # What follows may still be a part of this expansion.
        if item.text and not _is_address(item.text, port=port):
            yield NO_ADDRESS.finding(
                f"{display(item.text)} is not an IP address", item.place(0, len(item)),
                section=source.section, driver=source.driver, option=source.option,
            )  # fmt: skip


def _is_address(item: str, *, port: bool) -> bool:
    """Whether an item is an address, where `port` allows it with a port."""
    if _is_ip(item):
        return True
    if not port:
        return False
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::[0-9]+)?", item, re.ASCII)
    if bracketed:
        return _is_ip(bracketed[1])
    address, dot, number = item.rpartition(".")
    return bool(dot) and number.isdecimal() and _is_ip(address)


CHECKS: tuple[Check, ...] = (check_lists,)
