"""How Exim itself words what `check` finds (checked with 4.96).

A value is asked for by `exim -be`, or by eximkit in its place: then the failure is told
in Exim's words. Advice is `check`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.check import faulty
from eximkit.expansion.check_items import OPTIONS
from eximkit.expansion.lookups import read_kind
from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Group,
    Item,
    Literal,
    Lookup,
    Operator,
    Quantified,
    Tail,
    Variable,
)
from eximkit.expansion.sorting import comparator_of
from eximkit.expansion.values import ExpansionFailed
from eximkit.expansion.walk import walk
from eximkit.source import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.catalog import Release
    from eximkit.expansion.defect import Defect
    from eximkit.expansion.nodes import Expansion, Node

_SPLIT_FIRST_SINCE = catalog.release("4.96")
_USER_PREFIX = "acl_"
PLACES: dict[str, tuple[str, ...]] = {
    "certextract": ("field arg", "cert variable arg"),
    "extract": ("arg 1", "arg 2", "arg 3"),
    "filter": ("first arg", "last arg"),
    "listextract": ("arg 1", "arg 2"),
    "map": ("first arg", "last arg"),
    "reduce": ("first arg", "second arg", "last arg"),
    "run": ("command arg",),
    "sort": ("list arg", "comparator arg", "extractor arg"),
}
"""Items that read their arguments one by one, and what each is called."""

_AT_END = frozenset({"filter", "map", "reduce", "sort"})
_LEAST = {"prvscheck": 1}
"""What Exim says where it is not the number that the item really has to have."""


def refusals(tree: Expansion, release: Release) -> dict[int, tuple[Node, str]]:
    """What Exim does not understand: nodes and its messages, by the nodes' ids."""
    found: dict[int, tuple[Node, str]] = {}
    unread: set[int] = set()
    for node, defect in faulty(tree, release):
        if not found and not unread and release >= _SPLIT_FIRST_SINCE:
            unread = {id(inner) for inner in _commands(tree)}
        words = refusal(node, defect, release, tree.source)
        if words and id(node) not in unread:
            found[id(node)] = node, words
    return found


def _commands(tree: Expansion) -> Iterator[Node]:
    """What stands in commands: they are split before anything in them is looked at."""
    for node in walk(tree):
        if isinstance(node, Item) and node.name == "run" and not node.options:
            for argument in node.arguments:
                yield from walk(argument)


def refusal(node: Node, defect: Defect, release: Release, source: str) -> str:
    """Exim's message about a node that `check` has found fault with; "" where it has
    none, because only a value is wrong. source: the whole string.
    """
    if isinstance(node, Item):
        return _item(node, defect, release, source)
    find = _WORDS.get(type(node))
    return find(node, defect, release) if find else defect.message


def _variable(node: Variable, defect: Defect, release: Release) -> str:
    about = user_variable(node.name)
    if node.braced:
        item = catalog.item(node.name)
        if item is not None and item.in_release(release):
            empty = Item(node.start, node.end, node.name, "", ())
            return _item(empty, defect, release, "")
        return f'unknown variable in "${{{node.name}}}"{about}'
    return f'unknown variable name "{node.name}"{about}'


def user_variable(name: str) -> str:
    """What Exim adds about a name that may be meant for an ACL variable."""
    if not name.startswith(_USER_PREFIX):
        return ""
    if name[4:5] not in {"c", "m"}:
        return " (user-defined ACL variables must start acl_c or acl_m)"
    return (
        " (6th character of a user-defined ACL variable must be a digit or underscore)"
    )


def _defined(node: Defined, _defect: Defect, _release: Release) -> str:
    name = node.of.name if isinstance(node.of, Variable) else ""
    return f'unknown variable "{name}" after "def:"{user_variable(name)}'


def _operator(node: Operator, _defect: Defect, release: Release) -> str:
    written = "_".join((node.name, *node.arguments))
    entry = catalog.operator(node.name)
    if (
        entry is not None
        and entry.name == node.name
        and entry.in_release(release)
        and (node.arguments or node.name not in _NUMBERED)
    ):
        # A number, or another text after it: Exim looks at it only when it is taken.
        return ""
    item = catalog.item(written)
    if item is not None and item.in_release(release):
        return _too_few(written, item.minimum)
    if node.name in _NUMBERED:
        return ""
    if node.name.startswith("header") or node.name in _HEADERS:
        return f'{_header_words(node)} "{written}"'
    return f'unknown expansion operator "{written}"'


def _header_words(node: Operator) -> str:
    """`h` and `bh` look like operators with a number."""
    if node.name == "h":
        return "non-digit after underscore in"
    return "unknown expansion operator"


_NUMBERED = frozenset({"h", "hash", "l", "length", "nh", "nhash", "s", "substr"})
_HEADERS = frozenset({"h", "bh", "lh", "rh"})


def _too_few(name: str, least: int) -> str:
    return f"Not enough arguments for '{name}' (min is {_LEAST.get(name, least)})"


def _item(node: Item, defect: Defect, release: Release, source: str) -> str:
    name = node.name
    entry = catalog.item(name)
    if entry is None or not entry.in_release(release):
        return (
            f'"${{{name}" is not a known operator '
            "(or a } is missing in a variable reference)"
        )
    since = OPTIONS.get((name, node.options.strip(BLANK)))
    if since is not None and release < catalog.release(since):
        return f"missing '{{' for {PLACES[name][0]} of {name}"
    given = len(node.arguments) + (node.condition is not None)
    tail = node.tail
    if tail is not None and tail.fail:
        return _misplaced_fail(node, tail, source)
    if name == "extract" and 0 < given <= (entry.maximum or given):
        return ""  # Exim counts only what is not skipped: the evaluator says it.
    places = PLACES.get(name)
    if places is not None and given < len(places[:2] if node.options else places):
        return f"missing '{{' for {places[given]} of {name}"
    if given < entry.minimum:
        return "" if places is not None else _too_few(name, entry.minimum)
    if entry.maximum is not None and given > entry.maximum:
        return _too_many(node, defect, entry.maximum, source)
    if name == "certextract":
        return 'second argument of "certextract" must be a certificate variable'
    if name != "sort":
        return ""
    if node.end - 1 != node.arguments[-1].end + 1:
        return f'missing }} at end of "{name}"'
    return _comparator(node) or defect.message


def _comparator(node: Item) -> str:
    """What Exim says of the comparator of `sort`; "" where it says nothing."""
    parts = node.arguments[1].parts
    text = parts[0].text if parts and isinstance(parts[0], Literal) else ""
    try:
        comparator_of(text)
    except ExpansionFailed as failed:
        return failed.message
    return ""


def _misplaced_fail(node: Item, tail: Tail, source: str) -> str:
    if node.name not in PLACES or node.name in _AT_END:
        return f"missing '}}' after '{node.name}'"
    if tail.yes is None:
        what, at = "'yes' part did not start with '{'", tail.start
    else:
        what, at = "did not close with '}'", tail.no.end + 1 if tail.no else tail.end
    return _curly(what, source[at:])


def _curly(what: str, rest: str) -> str:
    return (
        f"curly-bracket problem in conditional yes/no parsing: {what}\n"
        f" remaining string is '{rest.lstrip(BLANK)}'"
    )


def _too_many(node: Item, defect: Defect, most: int, source: str) -> str:
    if node.name in _AT_END:
        return f'missing }} at end of "{node.name}"'
    if node.tail is not None:
        return _curly("did not close with '}'", source[defect.start :])
    shown = most - 1 if node.name in _LEAST else most
    return f"Too many arguments for '{node.name}' (max is {shown})"


def _lookup(node: Lookup, defect: Defect, release: Release) -> str:
    try:
        read_kind(node.type, release, keyed=node.key is not None)
    except ExpansionFailed as failed:
        return failed.message
    return defect.message


def _condition(node: Condition, _defect: Defect, release: Release) -> str:
    entry = catalog.condition(node.name)
    if entry is None or not entry.in_release(release):
        return f'unknown condition "{node.name}"'
    if node.name == "def":
        return '":" expected after "def"'
    return f"too few arguments or bracketing error for {node.name}"


_WORDS: dict[type[Node], Callable[..., str]] = {
    Variable: _variable,
    Operator: _operator,
    Lookup: _lookup,
    Condition: _condition,
    Defined: _defined,
    Group: _condition,
    Quantified: _condition,
}
