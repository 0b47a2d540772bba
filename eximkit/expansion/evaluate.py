"""The evaluator of the expansion language, concrete and abstract in one.

With every variable known it computes what Exim computes. Where something is not known
it keeps the shape of the result (`Unknown`), and a condition that cannot be decided is
put to `decide`: an answer follows that branch; no answer takes both and keeps what
they share.

Exim specification, chapter 11. Untaken branches are not evaluated, as in Exim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion import headers, item_run, operator_run, skipped, truth
from eximkit.expansion.limits import (
    DEFAULT_LIMITS,
    MAXIMUM_DEPTH,
    MAXIMUM_OUTPUT,
    MAXIMUM_STEPS,
    OCTETS_PER_STEP,
    TOO_DEEP,
    Exhausted,
    Limits,
)
from eximkit.expansion.nodes import (
    Expansion,
    Header,
    If,
    Item,
    Literal,
    Lookup,
    Node,
    Operator,
    Tail,
    Variable,
)
from eximkit.expansion.texts import Texts
from eximkit.expansion.textsettings import TextSettings
from eximkit.expansion.values import (
    EMPTY,
    NOTHING,
    ExpansionFailed,
    Failure,
    Hole,
    Known,
    Result,
    Unknown,
    Value,
    concatenate,
    derived,
    size,
    up_to_zero,
)
from eximkit.expansion.world import NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.world import World

__all__ = [
    "MAXIMUM_DEPTH",
    "MAXIMUM_OUTPUT",
    "MAXIMUM_STEPS",
    "Evaluator",
    "Limits",
    "evaluate",
]

Key = tuple[str, ...]
Decide = Callable[[Key, frozenset[str]], bool | None]


def undecided(_key: Key, _depends: frozenset[str]) -> bool | None:
    """Decide nothing: both branches are evaluated and what differs becomes a hole."""
    return None


@dataclass(frozen=True, slots=True)
class Read:
    """A variable that was read on a path that was taken.

    tested: by `def:` only. own: it stands in the string that was given to evaluate (not
    in an ACL or an inner expansion), at [start, end).
    """

    name: str
    start: int
    end: int
    tested: bool
    own: bool


@dataclass(slots=True)
class Evaluator:
    """One evaluation. `scope` holds what items and conditions set: $value, $1, …"""

    environment: Environment
    decide: Decide = undecided
    scope: dict[str, Value] = field(default_factory=dict)
    lasting: dict[str, Value] = field(default_factory=dict)
    """What stays set to the end: variables of ACLs, $runrc, $prvscheck_result, …"""
    reads: list[Read] = field(default_factory=list)
    pending: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """The conditions left undecided: a name to show, and what it varies with."""
    opaque: bool = False
    """Something was met whose dependence cannot be seen (Perl, text from elsewhere)."""
    inner: int = 0
    """How many ACLs and inner expansions the current string stands in."""
    acls: int = 0
    """How many ACLs it stands in."""
    source: str = ""
    """The string that is being expanded, for items that take it as it stands."""
    depth: int = 0
    steps: int = 0
    limits: Limits = DEFAULT_LIMITS
    text_settings: TextSettings | None = None
    texts: Texts = field(init=False)

    def __post_init__(self) -> None:
        self.texts = Texts(self.environment.release if self.concrete else None)

    @property
    def concrete(self) -> bool:
        """Whether a value is wanted, not a shape: what is missing is a failure then."""
        return self.environment.world is not None

    def run(self, tree: Expansion) -> Result:
        """The value of a whole string."""
        try:
            return self.expand(tree)
        except ExpansionFailed as failed:
            return Failure.of(failed)
        except NotAllowed as missing:
            return Failure.unsupported(missing.what)
        except Exhausted as exhausted:
            if self.concrete:
                return Failure.unsupported(exhausted.limit)
            return self.beyond("too much to evaluate")

    def expand(self, tree: Expansion) -> Value:
        """The value of a string; raises ExpansionFailed."""
        parts = tree.parts
        self.charge(len(parts) or 1)
        if len(parts) == 1 and isinstance(parts[0], Literal):
            self.measure(len(parts[0].text))
            return up_to_zero(Known(parts[0].text))
        self.depth += 1
        saved = self.source
        self.source = tree.source or saved
        try:
            if self.depth > MAXIMUM_DEPTH:
                return self.beyond(TOO_DEEP)
            values = [self.node(part) for part in parts]
        finally:
            self.depth -= 1
            self.source = saved
        self.measure(sum(map(size, values)))
        return up_to_zero(concatenate(values)) if values else EMPTY

    def charge(self, steps: int) -> None:
        """Count work done, or about to be; raises where it becomes too much."""
        self.steps += steps
        if self.steps > self.limits.steps:
            raise Exhausted(f"it takes more than {self.limits.steps} steps")

    def measure(self, octets: int) -> None:
        """Look whether a string may be that long."""
        self.charge(octets // OCTETS_PER_STEP)
        if octets > self.limits.output:
            raise Exhausted(f"a string has more than {self.limits.output} octets")

    def node(self, node: Node) -> Value:
        """The value of one part of a string."""
        if self.texts.flaws:
            self.texts.look_at(node)
        return HANDLERS[type(node)](self, node)

    def beyond(self, why: str) -> Value:
        """A value that nothing is known of, with the evaluation marked as opaque."""
        if self.concrete:
            raise NotAllowed(why)
        self.opaque = True
        return Unknown((Hole(why, opaque=True),))

    @property
    def world(self) -> World:
        """The machine; raises NotAllowed where there is none to ask."""
        if self.environment.world is None:
            raise NotAllowed("the machine")
        return self.environment.world

    @property
    def settings(self) -> TextSettings | None:
        """The main options that results depend on, where they are known."""
        if not self.concrete:
            return None
        if self.text_settings is None:
            self.text_settings = TextSettings.of(self.environment.options)
        return self.text_settings

    def unknown(self, why: str, value: Value) -> Value:
        """`value`, of which only the shape is known; no answer where one is wanted."""
        if self.concrete:
            raise NotAllowed(why)
        return value

    def variable(self, name: str) -> Value:
        """The value of a variable, `scope` first."""
        if name in self.scope:
            return self.scope[name]
        if name in self.lasting:
            return self.lasting[name]
        return self.environment.variable(name)

    def read(self, node: Variable, *, tested: bool = False) -> Value:
        """The value of a variable node, with the reading noted."""
        # Between braces the name of a user's variable may hold hyphens.
        if catalog.variable(node.name.replace("-", "_")) is None:
            raise ExpansionFailed(f'unknown variable name "{node.name}"')
        self.reads.append(Read(node.name, node.start, node.end, tested, not self.inner))
        return self.variable(node.name)

    def choose(self, name: str, key: Key, depends: frozenset[str]) -> bool | None:
        """An answer to a condition that the values do not decide."""
        if self.concrete:
            raise NotAllowed(name)
        answer = self.decide(key, depends)
        if answer is None:
            self.pending.append((name, depends))
        return answer

    def branch(self, taken: bool, tail: Tail, value: Value, item: str) -> Value:
        """What `{yes}{no}` gives; `value` is the result of success without `{yes}`."""
        if taken:
            result = value if tail.yes is None else self.expand(tail.yes)
            self.skip(tail.no)
            return result
        self.skip(tail.yes)
        if tail.no is not None:
            return self.expand(tail.no)
        if tail.fail:
            raise ExpansionFailed(f'"{item}" failed and "fail" requested', forced=True)
        return EMPTY

    def skip(self, node: Node | None) -> None:
        """What is not taken; raises ExpansionFailed where Exim fails all the same."""
        if node is not None:
            skipped.over(self, node)

    def either(
        self, mark: int, yes: Callable[[], Value], no: Callable[[], Value]
    ) -> Value:
        """Both outcomes of a condition left undecided since `pending[mark]`, merged."""
        outcomes: list[Value] = []
        failures: list[ExpansionFailed] = []
        for outcome in (yes, no):
            try:
                outcomes.append(outcome())
            except ExpansionFailed as failed:
                failures.append(failed)
        if not outcomes:
            raise failures[0]
        if len(outcomes) == 1 or outcomes[0] == outcomes[1]:
            return outcomes[0]
        conditions = self.pending[mark:]
        name = conditions[0][0] if conditions else "condition"
        depends = NOTHING.union(*(d for _, d in conditions))
        first = derived(name, *outcomes).holes[0]
        return Unknown((
            Hole(
                name,
                depends | first.depends,
                empty=False if all(_never_empty(o) for o in outcomes) else None,
                opaque=first.opaque,
                of=first.of,
            ),
        ))  # fmt: skip

    def fork(
        self,
        taken: bool | None,
        mark: int,
        tail: Tail,
        value: Value,
        item: str,
        *,
        bind: bool = True,
    ) -> Value:
        """`branch`, or both branches where `taken` is None; binds $value on success."""

        def succeed() -> Value:
            if not bind:
                return self.branch(True, tail, value, item)
            with self.bound(value=value):
                return self.branch(True, tail, value, item)

        def fail() -> Value:
            return self.branch(False, tail, value, item)

        if taken is None:
            return self.either(mark, succeed, fail)
        return succeed() if taken else fail()

    @contextmanager
    def bound(self, **values: Value) -> Iterator[None]:
        """Variables set for a while: `value`, `item`, numeric ones, ACL arguments."""
        saved = self.scope
        self.scope = {**saved, **values}
        try:
            yield
        finally:
            self.scope = saved

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What is evaluated here matters only if it fails; nothing is decided by it."""
        saved = self.decide, self.scope, len(self.pending), len(self.reads)
        self.decide = undecided
        try:
            yield
        finally:
            self.decide, self.scope, pending, reads = saved
            del self.pending[pending:], self.reads[reads:]

    @contextmanager
    def within(self) -> Iterator[None]:
        """The text of an ACL or of `${expand:…}`: its positions are its own."""
        self.inner += 1
        try:
            yield
        finally:
            self.inner -= 1

    def text(self, text: str) -> str:
        """A text expanded, for others to ask. Raises ExpansionFailed, NotAllowed."""
        value = self.expand_text(Known(text))
        if isinstance(value, Unknown):
            raise NotAllowed(value.holes[0].name)
        return value.text

    def expand_text(self, value: Value) -> Value:
        """`${expand:…}`: the value, expanded once more."""
        if isinstance(value, Unknown):
            self.opaque = True
            return derived("expand", value, opaque=True)
        with self.within():
            return self.expand(self.texts.tree(value.text))


def _never_empty(value: Value) -> bool:
    if isinstance(value, Known):
        return bool(value.text)
    return any(p if isinstance(p, str) else p.empty is False for p in value.parts)


def _literal(_evaluator: Evaluator, node: Literal) -> Value:
    return Known(node.text)


def _variable(evaluator: Evaluator, node: Variable) -> Value:
    return evaluator.read(node)


def _if(evaluator: Evaluator, node: If) -> Value:
    saved, mark = evaluator.scope, len(evaluator.pending)
    try:
        taken = truth.truth(evaluator, node.condition)
        return evaluator.fork(taken, mark, node.tail, Known("true"), "if", bind=False)
    finally:
        # $value and the numeric variables that a condition sets end with the item.
        evaluator.scope = saved


HANDLERS: dict[type[Node], Callable[..., Value]] = {
    Literal: _literal,
    Variable: _variable,
    Header: headers.header,
    If: _if,
    Lookup: item_run.lookup,
    Item: item_run.item,
    Operator: operator_run.operator,
}


def evaluate(tree: Expansion, environment: Environment) -> Result:
    """The value of an expansion: `Known`, `Unknown` or `Failure`.

    Conditions that are not decided by what is known leave a hole where they stand.
    """
    return Evaluator(environment).run(tree)
