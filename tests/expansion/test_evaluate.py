"""The evaluator itself: what holds for any string, and that evaluation has an end."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.errors import ExpansionSyntaxError
from eximkit.expansion.environment import AclLine, AclStatement, Environment
from eximkit.expansion.evaluate import MAXIMUM_DEPTH, MAXIMUM_STEPS, Evaluator, evaluate
from eximkit.expansion.parse import parse
from eximkit.expansion.paths import MAXIMUM_PATHS, all_paths
from eximkit.expansion.values import Failure, Known, Unknown, hole
from tests.oracle.random_expansions import random_expansion
from tests.oracle.random_greetings import random_greeting

if TYPE_CHECKING:
    from eximkit.expansion.nodes import Expansion
    from eximkit.expansion.values import Result, Value

NAME = "sending_ip_address"
SEEDS = st.integers(0, 1 << 32)


def tree_of(text: str) -> Expansion | None:
    try:
        return parse(text)
    except ExpansionSyntaxError:
        return None


def known(address: str) -> Environment:
    """Everything is known; what is not set is empty."""
    variables: dict[str, Value] = {NAME: Known(address), "sending_port": Known("25")}
    return Environment(variables=variables, absent_empty=True)


def unknown() -> Environment:
    """As `known`, but for the address."""
    variables: dict[str, Value] = {NAME: hole(NAME), "sending_port": Known("25")}
    return Environment(variables=variables, absent_empty=True)


def results(text: str, environment: Environment) -> list[Result]:
    return [path.result for path in all_paths(parse(text), environment).all]


@given(SEEDS)
def test_never_raises_for_what_parses(seed: int) -> None:
    """Broken strings and right ones: there is always a result."""
    tree = tree_of(random_expansion(random.Random(seed)))
    if tree is not None:
        assert isinstance(evaluate(tree, Environment()), Known | Unknown | Failure)
        assert all_paths(tree, Environment()).all


@given(SEEDS)
def test_what_is_known_has_one_path(seed: int) -> None:
    """Without anything open, `all_paths` is `evaluate`."""
    tree = tree_of(random_greeting(random.Random(seed)))
    if tree is None:
        return
    result = evaluate(tree, known("192.0.2.1"))
    paths = all_paths(tree, known("192.0.2.1"))
    if isinstance(result, Known | Failure) and len(paths.all) == 1:
        assert paths.all[0].result == result


def covers(result: Result, filled: Result) -> bool:
    """Whether a result with holes can be the one that they were filled for."""
    if isinstance(result, Failure) or isinstance(filled, Failure):
        return type(result) is type(filled)
    if isinstance(filled, Unknown):
        return True
    if isinstance(result, Known):
        return result.text == filled.text
    at, text = 0, filled.text
    for part in result.parts:
        if isinstance(part, str):
            at = text.find(part, at)
            if at < 0:
                return False
            at += len(part)
    return True


@given(SEEDS, st.sampled_from(["192.0.2.1", "2001:db8::1", "10.0.0.7"]))
def test_some_path_has_the_shape_of_the_filled_value(seed: int, address: str) -> None:
    """With a hole for the address, one of the paths is what the address comes to."""
    tree = tree_of(random_greeting(random.Random(seed)))
    if tree is None:
        return
    filled = evaluate(tree, known(address))
    paths = all_paths(tree, unknown())
    if paths.complete and not paths.opaque and isinstance(filled, Known):
        assert any(covers(p.result, filled) or isinstance(p.result, Unknown)
                   for p in paths.all)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("[${sending_ip_address}]", {"[<sending_ip_address>]"}),
        ("${lc:A$sending_ip_address}", {"a<sending_ip_address>"}),
        ("${if eq{$sending_ip_address}{x}{a}{b}}", {"a", "b"}),
        ("${if eq{$sending_ip_address}{x}{a}{a}}", {"a"}),
        ("${if and{{eq{a}{b}}{eq{$sending_ip_address}{x}}}{a}{b}}", {"b"}),
        ("${if or{{eq{$sending_ip_address}{x}}{eq{a}{a}}}{a}{b}}", {"a"}),
        ("${if forall{}{eq{a}{a}}{a}{b}}", {"b"}),
        ("x\\0y", {"x"}),
        ("a\\fb", {"a\fb"}),
        ("a${ipv6norm:2001:db8::1}b", {"a2001:db8::1"}),
        ("${mask:$sending_ip_address/24}", {"<sending_ip_address>"}),
    ],
)
def test_shapes(text: str, shapes: set[str]) -> None:
    assert {str(result) for result in results(text, unknown())} == shapes


@pytest.mark.parametrize(
    "text",
    [
        "${if eq{a}{b}{${if forany{a}{eq{${mask:x}}{}}{x}{y}}}{n}}",
        "${if or{{eq{a}{a}}{forall{a}{eq{${mask:x}}{}}}}{n}{x}}",
        "${if eq{a}{b}{${if bool{x}{c}{d}}}{n}}",
        "${map{}{${if forall{a}{eq{${mask:x}}{}}{x}{y}}}}",
    ],
)
def test_skipped_text_can_fail(text: str) -> None:
    """Checked with 4.96, which evaluates some conditions that it skips."""
    assert isinstance(evaluate(parse(text), known("")), Failure)


CONDITIONS = "".join(f"${{if eq{{$acl_m{n}}}{{x}}{{a}}{{b}}}}" for n in range(40))
MANY = ":".join("a" * 100_000)
OVERSHOOT = 100_000
"""The last charge may go beyond the bound: by what one string can have of parts."""
LONG = [
    "${lc:" * 3000 + "x" + "}" * 3000,
    "${expand:" * 3000 + "x" + "}" * 3000,
    "${if eq{a}{a}{" * 2000 + "x" + "}}" * 2000,
    f"${{map{{{MANY}}}{{x$item}}}}",
    f"${{reduce{{{MANY}}}{{}}{{$value$item}}}}",
    f"${{map{{{':'.join('a' * 400)}}}{{${{map{{{':'.join('b' * 400)}}}{{$item}}}}}}}}",
    f"${{if eq{{a}}{{b}}{{${{if forany{{{MANY}}}{{eq{{$item}}{{x}}}}{{y}}{{n}}}}}}}}",
    CONDITIONS,
    "x$acl_m1" * 20_000,
    f"${{reduce{{{':'.join('a' * 60)}}}{{xxxx}}{{$value$value}}}}",
    f"${{map{{{MANY}}}{{{'y' * 10_000}}}}}",
    f"${{sort{{{':'.join('a' * 900)}}}{{lt}}{{$item}}}}" * 50,
    "${hexquote:" * 80 + "x" + "}" * 80,
    f"${{sg{{{'a' * 3000}}}{{a}}{{{'b' * 3000}}}}}",
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_evaluation_ends(text: str) -> None:
    """However deep or long, the work is bounded: by steps, not by the clock."""
    tree = tree_of(text)
    if tree is None:
        return  # The parser has bounds of its own.
    evaluator = Evaluator(Environment())
    result = evaluator.run(tree)
    assert isinstance(result, Known | Unknown | Failure)
    assert evaluator.steps <= MAXIMUM_STEPS + OVERSHOOT


def test_depth_is_bounded() -> None:
    """Beyond the bound nothing is claimed."""
    levels = MAXIMUM_DEPTH + 20
    tree = parse("${lc:" * levels + "x" + "}" * levels)
    evaluator = Evaluator(Environment())
    assert isinstance(evaluator.run(tree), Unknown)
    assert evaluator.opaque


def test_paths_are_bounded() -> None:
    """Forty open conditions have 2^40 ways; a few are followed, and it says so."""
    found = all_paths(parse(CONDITIONS), Environment())
    assert len(found.all) == MAXIMUM_PATHS
    assert not found.complete


def test_acls_that_call_each_other_end() -> None:
    """A loop of ACLs is no loop here; a message that fails is an empty one."""
    call = parse("${acl{b}}${acl{a}}")
    statement = AclStatement("accept", (AclLine("message", False, call),))
    environment = Environment(acls=lambda _name: (statement,))
    evaluator = Evaluator(environment)
    assert isinstance(evaluator.run(parse("${acl{a}}")), Known | Unknown | Failure)
    assert evaluator.steps <= MAXIMUM_STEPS + OVERSHOOT
