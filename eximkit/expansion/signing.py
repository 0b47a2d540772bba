"""Items and conditions that sign addresses, and those about certificates and results.

Exim specification, sections 11.5 (authresults, certextract, prvs, prvscheck,
srs_encode) and 11.7 (inbound_srs). They are followed only where a value is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion import prvs, srs
from eximkit.expansion.nodes import Tail
from eximkit.expansion.outside import known_text
from eximkit.expansion.values import EMPTY, NOTHING, Known, Value, numbered
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.evaluate import Evaluator
    from eximkit.expansion.nodes import Item

_DAY = 86_400
_RESULTS = ("sender_host_address", "sender_host_authenticated")
"""Variables of which `authresults` has something to say."""


def _day(evaluator: Evaluator) -> int:
    """Whole days since the epoch."""
    return int(evaluator.world.clock()) // _DAY


def _texts(evaluator: Evaluator, node: Item) -> tuple[list[str], frozenset[str]]:
    values = [evaluator.expand(argument) for argument in node.arguments]
    texts = [known_text(value, f"the item {node.name}") for value in values]
    return texts, NOTHING.union(*(value.depends for value in values))


def sign(evaluator: Evaluator, node: Item) -> Value:
    """`${prvs{address}{secret}{key number}}`."""
    texts, depends = _texts(evaluator, node)
    return Known(prvs.sign(texts, _day(evaluator)), depends)


def check(evaluator: Evaluator, node: Item) -> Value:
    """`${prvscheck{address}{secret}{result}}`; without a result it is the address.

    The secret and the result can use $prvscheck_address and $prvscheck_keynum, which
    then are empty again; $prvscheck_result and the parts in $0, $1, … stay.
    """
    first, secret, *result = node.arguments
    text = known_text(evaluator.expand(first), "the item prvscheck")
    lasting = evaluator.lasting
    lasting["prvscheck_result"] = EMPTY
    found = prvs.signed(text)
    if found is None:
        for argument in (secret, *result):
            evaluator.expand(argument)
        return EMPTY
    parts = (
        text, found.key_number, f"{found.expires:03d}", found.digest,
        *found.address.rpartition("@")[::2],
    )  # fmt: skip
    evaluator.scope = {**evaluator.scope, **numbered(parts)}
    with evaluator.bound(
        prvscheck_address=Known(found.address), prvscheck_keynum=Known(found.key_number)
    ):
        key = known_text(evaluator.expand(secret), "the item prvscheck")
        holds = found.holds(key, _day(evaluator))
        lasting["prvscheck_result"] = Known("1" if holds else "")
        value = evaluator.expand(result[0]) if result else EMPTY
    return Known(found.address) if value == EMPTY else value


def rewrite(evaluator: Evaluator, node: Item) -> Value:
    """`${srs_encode{secret}{return path}{domain}}`."""
    texts, depends = _texts(evaluator, node)
    return Known(srs.encode(texts, _day(evaluator), evaluator.settings), depends)


def inbound_srs(evaluator: Evaluator, arguments: list[Value]) -> bool:
    """`inbound_srs{local part}{secret}`; $srs_recipient is set, and stays."""
    subject, secret = (known_text(a, "inbound_srs") for a in arguments)
    found = srs.inbound(subject, secret, _day(evaluator))
    if found.recipient is not None:
        evaluator.lasting["srs_recipient"] = Known(found.recipient)
    return found.holds


def certificate(evaluator: Evaluator, node: Item) -> Value:
    """`${certextract{field}{$certificate}{yes}{no}}`, where there is no certificate."""
    values = [evaluator.expand(argument) for argument in node.arguments]
    if known_text(values[1], "a certificate"):
        raise NotAllowed("the fields of a certificate")
    tail = node.tail or Tail(node.end, node.end)
    return evaluator.branch(False, tail, EMPTY, node.name)


def results(evaluator: Evaluator, node: Item) -> Value:
    """`${authresults{host}}`, where nothing has been looked at."""
    texts, depends = _texts(evaluator, node)
    for name in _RESULTS:
        if known_text(evaluator.variable(name), f"${name}"):
            raise NotAllowed("the results of authentication, of which $" + name)
    return Known(f"Authentication-Results: {texts[0]}", depends)
