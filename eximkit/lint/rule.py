"""What a rule is: its documentation, and the registry that `explain` and `lint` read.

A *rule* is a code with its page. A *check* is a function that finds violations of one
or more rules; several rules share a check where one analysis yields them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.lint.finding import Finding, Fix, Severity, TransportGreetings, Wire

if TYPE_CHECKING:
    from eximkit.catalog import Release
    from eximkit.config.model import Config
    from eximkit.source import Place


@dataclass(frozen=True, slots=True)
class Rule:
    """One code. what, why: paragraphs. bad, good: configuration text.

    since: the Exim release since which it can happen, or "" (any). reference: chapter
    of the Exim specification, RFC section, release note. fix: "safe", "unsafe" or "".
    """

    code: str
    name: str
    severity: Severity
    what: str
    why: str
    bad: str
    good: str
    reference: str
    since: str = ""
    fix: str = ""

    def finding(
        self,
        message: str,
        place: Place,
        *,
        section: str | None = None,
        driver: str | None = None,
        option: str | None = None,
        exim_refuses: bool = False,
        wire: Wire | None = None,
        related: tuple[tuple[str, Place], ...] = (),
        notes: tuple[str, ...] = (),
        fix: Fix | None = None,
        unfixable: str = "",
    ) -> Finding:
        """A finding of this rule."""
        return Finding(
            self.code, self.name, self.severity, message, place, section, driver,
            option, exim_refuses, wire, related, notes, fix, unfixable,
        )  # fmt: skip


@dataclass(slots=True)
class RuleContext:
    """What a check may see: the configuration and the release it is meant for.

    greetings: filled by the early-pipelining check, one row for each smtp transport.
    shared: analyses that several checks need, by the name of their class.
    """

    config: Config
    release: Release
    greetings: list[TransportGreetings] = field(default_factory=list)
    shared: dict[str, object] = field(default_factory=dict)


Check = Callable[[RuleContext], Iterator[Finding]]
