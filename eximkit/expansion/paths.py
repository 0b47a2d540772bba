"""Every way that an evaluation can go.

A condition that is not decided by what is known is decided both ways, one evaluation
for each; the same condition is decided the same way wherever it is met again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.evaluate import MAXIMUM_STEPS, Evaluator, Key, Read

if TYPE_CHECKING:
    from eximkit.expansion.environment import Environment
    from eximkit.expansion.nodes import Expansion
    from eximkit.expansion.values import Result

MAXIMUM_PATHS = 64


@dataclass(frozen=True, slots=True)
class Decision:
    """How an open condition was decided, and what it varies with."""

    holds: bool
    depends: frozenset[str]


@dataclass(frozen=True, slots=True)
class Path:
    """One way: what was assumed, what came of it, what was read."""

    decisions: dict[Key, Decision]
    result: Result
    reads: tuple[Read, ...]
    opaque: bool

    def agrees(self, other: Path, apart_from: frozenset[str]) -> bool:
        """Whether both can happen together.

        Conditions that vary with `apart_from` may differ.
        """
        for key, mine in self.decisions.items():
            theirs = other.decisions.get(key)
            if (
                theirs is not None
                and theirs.holds is not mine.holds
                and not mine.depends & apart_from
            ):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Paths:
    """All ways; complete is False where there are more than were followed."""

    all: tuple[Path, ...]
    complete: bool

    @property
    def opaque(self) -> bool:
        return any(p.opaque for p in self.all)


def all_paths(
    tree: Expansion, environment: Environment, limit: int = MAXIMUM_PATHS
) -> Paths:
    """Evaluate a string in every way that its open conditions allow, `limit` at
    most.
    """
    found: list[Path] = []
    taken = 0
    script: list[bool] = []
    while True:
        path, answers, steps = _follow(tree, environment, script)
        found.append(path)
        taken += steps
        while answers and not answers[-1]:
            answers.pop()
        if not answers:
            return Paths(tuple(found), True)
        if len(found) >= limit or taken > MAXIMUM_STEPS:
            return Paths(tuple(found), False)
        script = [*answers[:-1], False]


def _follow(
    tree: Expansion, environment: Environment, script: list[bool]
) -> tuple[Path, list[bool], int]:
    """One evaluation whose first decisions are `script`, and yes from there on; the
    answers it gave and the steps it took.
    """
    decisions: dict[Key, Decision] = {}
    answers: list[bool] = []

    def decide(key: Key, depends: frozenset[str]) -> bool:
        known = decisions.get(key)
        if known is not None:
            return known.holds
        at = len(answers)
        answers.append(script[at] if at < len(script) else True)
        decisions[key] = Decision(answers[-1], depends)
        return answers[-1]

    evaluator = Evaluator(environment, decide)
    result = evaluator.run(tree)
    path = Path(decisions, result, tuple(evaluator.reads), evaluator.opaque)
    return path, answers, evaluator.steps
