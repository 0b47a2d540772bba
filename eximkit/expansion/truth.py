"""Conditions of `${if …}` over values that may be unknown: True, False or None.

Exim specification, section 11.7. A condition whose strings are all known is computed by
`conditions.py`. One that is decided by emptiness or by bounds alone is decided here;
all else is put to the evaluator's `choose`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion import acl_run, ip, signing
from eximkit.expansion.conditions import CONDITIONS, LISTS, Verdict, match_list
from eximkit.expansion.headers import header
from eximkit.expansion.jsontext import json_items
from eximkit.expansion.limits import MAXIMUM_DEPTH, TOO_DEEP
from eximkit.expansion.list_context import Around
from eximkit.expansion.lists import split_list
from eximkit.expansion.nodes import (
    Condition,
    Defined,
    Group,
    Header,
    Quantified,
    Variable,
)
from eximkit.expansion.numbers import integer
from eximkit.expansion.values import (
    EMPTY,
    NOTHING,
    ExpansionFailed,
    Known,
    NotPure,
    Unknown,
    Value,
    bounds,
    derived,
    emptiness,
    inside,
    is_address,
    numbered,
)
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eximkit.expansion.evaluate import Evaluator


def truth(evaluator: Evaluator, condition: Condition) -> bool | None:
    """Whether a condition holds; None where that is not known and was not decided."""
    evaluator.depth += 1
    try:
        if evaluator.depth > MAXIMUM_DEPTH:
            evaluator.beyond(TOO_DEEP)
            return None
        answer = _predicate(evaluator, condition)
    finally:
        evaluator.depth -= 1
    return answer if answer is None or not condition.negated else not answer


def _predicate(evaluator: Evaluator, condition: Condition) -> bool | None:
    evaluator.texts.look_at(condition)
    if isinstance(condition, Group):
        return _group(evaluator, condition)
    if isinstance(condition, Defined):
        return _defined(evaluator, condition)
    if isinstance(condition, Quantified):
        return _quantified(evaluator, condition)
    arguments: list[Value] = []
    for argument in condition.arguments:
        text = Known(_raw(argument.parts)) if argument.raw else None
        arguments.append(text or evaluator.expand(argument))
        if condition.name in COMPARISONS and isinstance(arguments[-1], Known):
            integer(arguments[-1].text)  # Exim looks at each before it takes the next.
    info = catalog.condition(condition.name)
    if info is None or len(arguments) < info.minimum:
        raise ExpansionFailed(f'malformed condition "{condition.name}"')
    if condition.name == "match_ip" and isinstance(arguments[1], Known):
        if isinstance(arguments[0], Known):
            _address_wanted(arguments[0].text)
        arguments[1] = _host_list(evaluator, arguments[1].text)
    special = SPECIAL.get(condition.name)
    if special is not None:
        return special(evaluator, arguments)
    if evaluator.concrete and condition.name in OUTSIDE:
        return OUTSIDE[condition.name](evaluator, arguments)
    if condition.name in CONDITIONS and all(isinstance(a, Known) for a in arguments):
        return _known(evaluator, condition, arguments)
    by_facts = FACTS.get(condition.name)
    answer = by_facts(condition.name, arguments) if by_facts else None
    if answer is not None:
        return answer
    return _choose(evaluator, condition.name, arguments)


def _raw(parts: tuple[object, ...]) -> str:
    return "".join(getattr(part, "text", "") for part in parts)


def _choose(evaluator: Evaluator, name: str, arguments: list[Value]) -> bool | None:
    depends = NOTHING.union(*(a.depends for a in arguments))
    shown = next((a.holes[0].name for a in arguments if isinstance(a, Unknown)), name)
    if not depends:
        depends = frozenset((name,))
    answer = evaluator.choose(shown, (name, *map(str, arguments)), depends)
    if answer is not False and name in CAPTURING:
        captured: dict[str, Value] = {
            str(n): derived(f"match {n}", *arguments) for n in range(10)
        }
        evaluator.scope = {**evaluator.scope, **captured}
    return answer


def _known(
    evaluator: Evaluator, condition: Condition, arguments: list[Value]
) -> bool | None:
    texts = [a.text for a in arguments if isinstance(a, Known)]
    try:
        outcome = _outcome(evaluator, condition.name, texts)
    except NotPure as unknown:
        if evaluator.concrete:
            raise NotAllowed(unknown.reason) from None
        return _choose(evaluator, condition.name, arguments)
    depends = NOTHING.union(*(a.depends for a in arguments))
    changed: dict[str, Value] = {}
    if outcome.captures is not None:
        changed = numbered(outcome.captures, depends)
    if outcome.value is not None:
        changed["value"] = Known(outcome.value, depends)
    if changed:
        evaluator.scope = {**evaluator.scope, **changed}
    return outcome.holds


def _outcome(evaluator: Evaluator, name: str, texts: list[str]) -> Verdict:
    evaluator.charge(sum(map(len, texts)) // OCTETS_COMPARED)
    if evaluator.concrete and name in LISTS:
        return match_list(name, texts, Around(evaluator))
    return CONDITIONS[name](texts)


def _address_wanted(text: str) -> None:
    """The subject of `match_ip` must be one, before its list is looked at."""
    try:
        wrong = text and ip.parse(text) is None
    except NotPure:
        return
    if wrong:
        raise ExpansionFailed(f'"{text}" is not an IP address')


def _host_list(evaluator: Evaluator, text: str) -> Value:
    """The list of `match_ip`, which unlike the others Exim expands."""
    if "$" not in text and "\\" not in text:
        return Known(text)
    try:
        return evaluator.expand_text(Known(text))
    except ExpansionFailed as failed:
        if failed.forced:
            return EMPTY
        raise ExpansionFailed(
            f'unable to complete match against "{text}": NULL'
        ) from None


def _group(evaluator: Evaluator, group: Group) -> bool | None:
    """`and` and `or`: the first member that decides ends it, as in Exim."""
    deciding = group.name == "or"
    open_member = False
    with inside(f'"{group.name}{{...}}" condition'):
        for number, member in enumerate(group.members, 1):
            answer = truth(evaluator, member)
            if answer is deciding:
                for unread in group.members[number:]:
                    evaluator.skip(unread)
                return deciding
            open_member = open_member or answer is None
    return None if open_member else not deciding


def _defined(evaluator: Evaluator, condition: Defined) -> bool | None:
    of = condition.of
    if isinstance(of, Variable):
        value, name = evaluator.read(of, tested=True), of.name
    elif isinstance(of, Header):
        if isinstance(evaluator.environment.headers.get(of.name.lower()), Known):
            return True  # Also where nothing stands in it.
        value, name = header(evaluator, of), of.name
    else:  # A tree that `check` reports on.
        return _choose(evaluator, "def", [])
    empty = emptiness(value)
    if empty is not None:
        return not empty
    depends = value.depends
    return evaluator.choose(
        derived(name, value).holes[0].name, ("def", name, str(value)), depends
    )


def _quantified(evaluator: Evaluator, condition: Quantified) -> bool | None:
    """`forany` and `forall`, and what they are over JSON arrays."""
    values = [evaluator.expand(a) for a in condition.arguments]
    inner = condition.condition
    if inner is None or not values:
        return _choose(evaluator, condition.name, values)
    source = values[0]
    if isinstance(source, Unknown):
        # One look with an unknown item shows what the condition reads.
        with evaluator.bound(item=derived("item", *values)):
            answer = truth(evaluator, inner)
        if answer is None:
            return None
        return _choose(evaluator, condition.name, [*values, Known(str(answer))])
    with inside(f'"{condition.name}" condition'):
        evaluator.skip(inner)
    deciding = condition.name.startswith("forany")
    open_item, empty = False, True
    for text in _items(condition.name, source.text):
        with (
            inside(f'"{condition.name}" condition'),
            evaluator.bound(item=Known(text, source.depends)),
        ):
            answer = truth(evaluator, inner)
        if answer is deciding:
            return deciding
        open_item = open_item or answer is None
        empty = False
    if empty:
        return False  # Even `forall`, as Exim 4.96 shows.
    return None if open_item else not deciding


def _items(name: str, text: str) -> Iterator[str]:
    """The items of a list, or of a JSON array."""
    if "_" not in name:
        return iter(split_list(text)[1])
    return iter(json_items(text, strings=name.endswith("s")))


def _equal(_name: str, arguments: list[Value]) -> bool | None:
    """`eq`: with the empty string, given as such, it is a test for emptiness."""
    if len(arguments) != 2:
        return None
    left, right = arguments
    if left == right and isinstance(left, Unknown):
        return True
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Known) and not one.text:
            return emptiness(other)
    return None


OCTETS_COMPARED = 64
"""How many octets of a condition's strings count as one more step."""

COMPARISONS: dict[str, Callable[[int, int, int, int], bool | None]] = {
    "=": lambda a, b, c, d: True if a == b == c == d else _apart(a, b, c, d),
    "<": lambda a, b, c, d: True if b < c else (False if a >= d else None),
    "<=": lambda a, b, c, d: True if b <= c else (False if a > d else None),
    ">": lambda a, b, c, d: True if a > d else (False if b <= c else None),
    ">=": lambda a, b, c, d: True if a >= d else (False if b < c else None),
}
COMPARISONS["=="] = COMPARISONS["="]


def _apart(a: int, b: int, c: int, d: int) -> bool | None:
    return False if b < c or d < a else None


def _compare(name: str, arguments: list[Value]) -> bool | None:
    """Numbers: decided where the bounds of both sides decide it."""
    ranges = [_range(a) for a in arguments]
    if len(ranges) != 2 or ranges[0] is None or ranges[1] is None:
        return None
    return COMPARISONS[name](*ranges[0], *ranges[1])


def _range(value: Value) -> tuple[int, int] | None:
    if isinstance(value, Known):
        text = value.text.strip(" \t")
        if not text:
            return 0, 0
        try:
            number = int(text)
        except ValueError:
            return None
        return number, number
    return bounds(value)


def _is_ip(_name: str, arguments: list[Value]) -> bool | None:
    """`isip`: whether what would be an address is empty decides it."""
    if len(arguments) != 1:
        return None
    empty = emptiness(arguments[0])
    if empty:
        return False
    return True if empty is False and is_address(arguments[0]) else None


FACTS: dict[str, Callable[[str, list[Value]], bool | None]] = {
    "eq": _equal,
    "eqi": _equal,
    "isip": _is_ip,  # Not isip4 and isip6: they also tell the families apart.
    **dict.fromkeys(COMPARISONS, _compare),
}
CAPTURING = frozenset(
    {"match", "match_address", "match_domain", "match_ip", "match_local_part"}
)


def _exists(evaluator: Evaluator, arguments: list[Value]) -> bool:
    """`exists`: whether stat(2) finds it."""
    path = arguments[0]
    if isinstance(path, Unknown):
        raise NotAllowed(f"a file, whose name depends on {path.holes[0].name}")
    try:
        evaluator.world.status(path.text)
    except FileFailed:
        return False
    return True


def _never(_evaluator: Evaluator, _arguments: list[Value]) -> bool:
    """What only holds in a queue runner or a delivery."""
    return False


SPECIAL: dict[str, Callable[[Evaluator, list[Value]], bool | None]] = {
    "acl": acl_run.condition,
}
OUTSIDE: dict[str, Callable[[Evaluator, list[Value]], bool | None]] = {
    "exists": _exists,
    "first_delivery": _never,
    "inbound_srs": signing.inbound_srs,
    "queue_running": _never,
}
"""Conditions that are followed only where a value is wanted."""
