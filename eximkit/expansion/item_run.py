"""Items `${name{…}…}` and lookups over values that may be unknown.

Exim specification, section 11.5. An item whose strings are all known and that needs
nothing but them is computed by `items.py`; the others are named here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion import acl_run, outside, signing, skipped_items
from eximkit.expansion.environment import Found, NotFound
from eximkit.expansion.items import PURE_ITEMS, apply_item
from eximkit.expansion.lists import join_list, split_list
from eximkit.expansion.lookups import LookupRequest, perform
from eximkit.expansion.nodes import Tail
from eximkit.expansion.regex import substitute
from eximkit.expansion.sorting import sort_items
from eximkit.expansion.strings import field_number, list_number, not_empty
from eximkit.expansion.truth import truth
from eximkit.expansion.values import (
    EMPTY,
    NOTHING,
    ExpansionFailed,
    Hole,
    Known,
    NotPure,
    Unknown,
    Value,
    concatenate,
    derived,
    inside,
    numbered,
)
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.environment import LookupAnswer
    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Expansion, Item, Lookup


KEYS: dict[str, Callable[[str], object]] = {
    "extract": not_empty,
    "listextract": list_number,
}
"""Items whose first argument Exim looks at before it takes the others."""

_COMPARATOR = re.compile(r"[<>]=?|[lg][te]i?(?![A-Za-z0-9_])")

KEY_FORM = 2
"""How many arguments `extract` has with a key, `{key}{data}`."""


def item(evaluator: Evaluator, node: Item) -> Value:
    """The value of an item."""
    info = catalog.item(node.name)
    least = info.minimum if info else 0
    given = len(node.arguments) + (node.condition is not None)
    if given < least:
        raise ExpansionFailed(_too_few(node.name, given, least), syntax=True)
    if info and info.maximum is not None and given > info.maximum:
        raise ExpansionFailed(
            f"Too many arguments for '{node.name}' (max is {info.maximum})"
        )
    special = SPECIAL.get(node.name)
    if special is None and evaluator.concrete:
        special = CONCRETE.get(node.name)
    if special is not None:
        return special(evaluator, node)
    arguments: list[Value] = []
    for argument in node.arguments:
        arguments.append(evaluator.expand(argument))
        if len(arguments) == 1 and isinstance(arguments[0], Known):
            KEYS.get(node.name, str)(arguments[0].text)
    name = f"{node.name} {node.options}".strip()
    tail = node.tail
    if name == "extract" and tail is not None and _one_more(arguments, tail):
        arguments.append(evaluator.expand(tail.yes or node.arguments[1]))
        tail = Tail(tail.start, tail.end, tail.no, None, tail.fail)
    texts = [a.text for a in arguments if isinstance(a, Known)]
    if name not in PURE_ITEMS or len(texts) != len(arguments):
        return _unknown(evaluator, node, name, arguments)
    try:
        text = apply_item(name, texts, evaluator.settings)
    except NotPure as unknown:
        if evaluator.concrete:
            raise NotAllowed(unknown.reason) from None
        return _unknown(evaluator, node, name, arguments)
    found = Known(text or "", NOTHING.union(*(a.depends for a in arguments)))
    if tail is None:
        return found
    mark = len(evaluator.pending)
    return evaluator.fork(text is not None, mark, tail, found, node.name)


def _too_few(name: str, given: int, least: int) -> str:
    if name == "extract":
        return f"missing '{{' for arg {given + 1} of extract"
    return f"Not enough arguments for '{name}' (min is {least})"


def _one_more(arguments: list[Value], tail: Tail) -> bool:
    """Whether the key of `extract` turned out to be a number: then what was read as
    the `yes` string is its third argument.
    """
    key = arguments[0]
    return (
        tail.yes is not None
        and len(arguments) == KEY_FORM
        and isinstance(key, Known)
        and field_number(key.text) is not None
    )


def _unknown(
    evaluator: Evaluator, node: Item, name: str, arguments: list[Value]
) -> Value:
    """An item of which only what it depends on is known."""
    value = derived(name, *arguments)
    evaluator.unknown(_why(name, arguments), value)
    tail = node.tail
    if tail is None or (tail.yes is None and tail.no is None and not tail.fail):
        return value
    mark = len(evaluator.pending)
    key = (name, *map(str, arguments))
    found = evaluator.choose(value.holes[0].name, key, value.depends)
    return evaluator.fork(found, mark, tail, value, node.name)


def _why(name: str, arguments: list[Value]) -> str:
    """What an item needs that is not there."""
    open_value = next((a for a in arguments if isinstance(a, Unknown)), None)
    return f"the item {name}" if open_value is None else open_value.holes[0].name


def lookup(evaluator: Evaluator, node: Lookup) -> Value:
    """`${lookup …}`: the environment answers, or the world; or both outcomes are
    possible.
    """
    key = None if node.key is None else evaluator.expand(node.key)
    query = evaluator.expand(node.query)
    answer = evaluator.environment.lookup(node.type, key, query)
    if answer is None and evaluator.concrete:
        answer = _look_up(evaluator, node.type, key, query)
    mark = len(evaluator.pending)
    if isinstance(answer, NotFound):
        return evaluator.branch(False, node.tail, EMPTY, "lookup")
    if isinstance(answer, Found):
        return _found(evaluator, node, answer)
    name = f"lookup {node.type.partition(',')[0]}"
    inputs = [query] if key is None else [key, query]
    depends = NOTHING.union(*(v.depends for v in inputs)) | {name}
    made = derived(name, *inputs).holes[0]
    value = Unknown((Hole(name, depends, opaque=made.opaque, of=made.of),))
    found = evaluator.choose(name, (name, *map(str, inputs)), depends)
    return evaluator.fork(found, mark, node.tail, value, "lookup")


def _found(evaluator: Evaluator, node: Lookup, answer: Found) -> Value:
    """What a partial match took away is in $1 and $2 as long as the item lasts."""
    depends = answer.value.depends
    mark = len(evaluator.pending)
    if not answer.captures:
        return evaluator.fork(True, mark, node.tail, answer.value, "lookup")
    numbers = {str(n): EMPTY for n in range(1, 10)}
    numbers |= {str(n): Known(t, depends) for n, t in enumerate(answer.captures, 1)}
    with evaluator.bound(**numbers):
        return evaluator.fork(True, mark, node.tail, answer.value, "lookup")


def _look_up(
    evaluator: Evaluator, kind: str, key: Value | None, query: Value
) -> LookupAnswer:
    """Ask the world."""
    what = f"a lookup of type {kind}"
    request = LookupRequest(
        kind,
        None if key is None else outside.known_text(key, what),
        outside.known_text(query, what),
        evaluator.environment.release,
    )
    return perform(
        request, evaluator.world, evaluator.text, evaluator.environment.options,
        lambda name, text: evaluator.lasting.update({name: Known(text)}),
    )  # fmt: skip


def _acl(evaluator: Evaluator, node: Item) -> Value:
    return acl_run.item(evaluator, [evaluator.expand(a) for a in node.arguments])


def _opaque(evaluator: Evaluator, node: Item) -> Value:
    """Code of the user's own, which can read any variable."""
    arguments = [evaluator.expand(a) for a in node.arguments]
    if evaluator.concrete:
        raise NotAllowed(f"${{{node.name}, which runs code of its own")
    evaluator.opaque = True
    return derived(node.name, *arguments, opaque=True)


def _elements(value: Value) -> tuple[str, list[Value]]:
    """A list's separator and items; an unknown list has one unknown item."""
    if isinstance(value, Known):
        separator, texts = split_list(value.text)
        return separator, [Known(t, value.depends) for t in texts]
    return ":", [derived("item", value)]


def _joined(separator: str, values: list[Value], source: Value, name: str) -> Value:
    """Items as a list again, separators within them doubled."""
    texts = [v.text for v in values if isinstance(v, Known)]
    if isinstance(source, Known) and len(texts) == len(values):
        depends = source.depends.union(*(v.depends for v in values))
        return Known(join_list(separator, texts), depends)
    if isinstance(source, Unknown):
        return derived(name, source, *values)
    parts: list[Value] = []
    for n, value in enumerate(values):
        if n:
            parts.append(Known(separator))
        if isinstance(value, Known):
            parts.append(Known(join_list(separator, [value.text]), value.depends))
        else:
            parts.append(value)
    return concatenate(parts)


def _map(evaluator: Evaluator, node: Item) -> Value:
    source = evaluator.expand(node.arguments[0])
    with inside('"map" item'):
        evaluator.skip(node.arguments[1])
    separator, elements = _elements(source)
    values: list[Value] = []
    for element in elements:
        with inside('"map" item'), evaluator.bound(item=element):
            values.append(evaluator.expand(node.arguments[1]))
    return _joined(separator, values, source, "map")


def _filter(evaluator: Evaluator, node: Item) -> Value:
    source = evaluator.expand(node.arguments[0])
    if node.condition is not None:
        with inside('"filter" item'):
            evaluator.skip(node.condition)
    separator, elements = _elements(source)
    kept: list[Value] = []
    mark = len(evaluator.pending)
    for element in elements:
        with inside('"filter" condition'), evaluator.bound(item=element):
            taken = node.condition is None or truth(evaluator, node.condition)
        if taken is None:
            reasons = evaluator.pending[mark:]
            depends = source.depends.union(*(d for _, d in reasons))
            name = reasons[0][0] if reasons else "filter"
            return derived(name, source, Known("", depends))
        if taken:
            kept.append(element)
    return _joined(separator, kept, source, "filter")


def _reduce(evaluator: Evaluator, node: Item) -> Value:
    source = evaluator.expand(node.arguments[0])
    total = evaluator.expand(node.arguments[1])
    lost = skipped_items.inner_start(evaluator, node)
    total = total if lost is None else lost
    with inside('"reduce" item'):
        evaluator.skip(node.arguments[2])
    _, elements = _elements(source)
    for element in elements:
        with inside('"reduce" item'), evaluator.bound(item=element, value=total):
            total = evaluator.expand(node.arguments[2])
    return derived("reduce", source, total) if isinstance(source, Unknown) else total


def _sort(evaluator: Evaluator, node: Item) -> Value:
    """`${sort{list}{comparator}{extractor}}`."""
    source = evaluator.expand(node.arguments[0])
    comparator = _comparator(evaluator, node.arguments[1])
    evaluator.skip(node.arguments[2])
    separator, elements = _elements(source)
    fields: list[Value] = []
    for element in elements:
        with evaluator.bound(item=element):
            fields.append(_field(evaluator, node.arguments[2]))
    pairs = [
        (element.text, field.text)
        for element, field in zip(elements, fields, strict=True)
        if isinstance(element, Known) and isinstance(field, Known)
    ]
    if isinstance(comparator, Known) and len(pairs) == len(elements):
        depends = source.depends.union(comparator.depends, *(f.depends for f in fields))
        evaluator.charge(len(pairs) ** 2 // 64)
        try:
            extractor = _written(evaluator, node.arguments[2])
            ordered = sort_items(comparator.text, pairs, extractor, separator)
        except NotPure as unknown:
            value = derived("sort", source, comparator, *fields)
            return evaluator.unknown(unknown.reason, value)
        return Known(join_list(separator, ordered), depends)
    return derived("sort", source, comparator, *fields)


def _comparator(evaluator: Evaluator, argument: Expansion) -> Value:
    """What `sort` compares by: a sign or a word, and what follows it does not count."""
    value = evaluator.expand(argument)
    found = _COMPARATOR.match(value.text) if isinstance(value, Known) else None
    return value if found is None else Known(found[0])


def _field(evaluator: Evaluator, extractor: Expansion) -> Value:
    """What `sort` compares of an item."""
    try:
        return evaluator.expand(extractor)
    except ExpansionFailed as failed:
        if not evaluator.source:
            raise
        written = _written(evaluator, extractor)
        raise failed.again(f'field-extract in sort: "{written}"') from None


def _written(evaluator: Evaluator, part: Expansion) -> str:
    """A part of the string that is evaluated, as it stands there."""
    return evaluator.source[part.start : part.end]


_STEPS_PER_MATCH = 4
"""What finding one and setting its variables takes, beside the replacement's steps."""


def _sg(evaluator: Evaluator, node: Item) -> Value:
    """`${sg{subject}{regex}{replacement}}`: the replacement is expanded once more for
    each match, with $0, $1, … set.
    """
    arguments = [evaluator.expand(a) for a in node.arguments]
    texts = [a.text for a in arguments if isinstance(a, Known)]
    if len(texts) != len(arguments):
        return derived("sg", *arguments)
    depends = NOTHING.union(*(a.depends for a in arguments))
    replacement = Known(texts[2])

    def replace(groups: tuple[str, ...]) -> str:
        evaluator.charge(_STEPS_PER_MATCH)
        with evaluator.bound(**numbered(groups, depends)):
            value = evaluator.expand_text(replacement)
        if isinstance(value, Unknown):
            raise NotPure("a replacement that is not known")
        return value.text

    try:
        return Known(substitute(texts[0], texts[1], replace), depends)
    except NotPure as unknown:
        return evaluator.unknown(unknown.reason, derived("sg", *arguments))


SPECIAL: dict[str, Callable[[Evaluator, Item], Value]] = {
    "acl": _acl,
    "dlfunc": _opaque,
    "filter": _filter,
    "map": _map,
    "perl": _opaque,
    "readfile": outside.readfile,
    "reduce": _reduce,
    "sg": _sg,
    "sort": _sort,
}
CONCRETE: dict[str, Callable[[Evaluator, Item], Value]] = {
    "authresults": signing.results,
    "certextract": signing.certificate,
    "env": outside.env,
    "prvs": signing.sign,
    "prvscheck": signing.check,
    "run": outside.run,
    "srs_encode": signing.rewrite,
}
"""Items that are followed only where a value is wanted."""
