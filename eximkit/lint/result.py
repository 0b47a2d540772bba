"""What a lint run yields: the findings, the greetings, and the texts they speak of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eximkit.lint.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.catalog import Release
    from eximkit.lint.finding import Finding, TransportGreetings
    from eximkit.source import SourceFile


@dataclass(frozen=True, slots=True)
class LintResult:
    """The outcome for one configuration, or for several put together.

    paths: the configurations, as they were named. findings: sorted, one for each code
    and place. sources: every file that a finding or an edit may speak of, by path.
    """

    release: Release
    paths: tuple[str, ...]
    findings: tuple[Finding, ...]
    greetings: tuple[TransportGreetings, ...] = ()
    sources: dict[str, SourceFile] = field(default_factory=dict)

    def counts(self) -> dict[Severity, int]:
        """How many findings of each severity, zeros included."""
        counts = dict.fromkeys(Severity, 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return counts

    def reaches(self, level: Severity) -> bool:
        """Whether a finding is as bad as `level`, or worse."""
        return any(f.severity.rank <= level.rank for f in self.findings)


def order(finding: Finding) -> tuple[str, int, int, int, str]:
    """The key by which findings are sorted: where, how bad, which."""
    place = finding.place
    rank = finding.severity.rank
    return (place.path, place.line, place.column, rank, finding.code)


def combined(results: Iterable[LintResult]) -> LintResult:
    """Several results (of one release) as one; a shared include counts once."""
    each = list(results)
    found: dict[tuple[str, int, str, str], Finding] = {}
    sources: dict[str, SourceFile] = {}
    for result in each:
        sources.update(result.sources)
        for finding in result.findings:
            key = (
                finding.place.path, finding.place.start, finding.code, finding.message,
            )  # fmt: skip
            found.setdefault(key, finding)
    rows = {row: None for result in each for row in result.greetings}
    return LintResult(
        each[0].release,
        tuple(path for result in each for path in result.paths),
        tuple(sorted(found.values(), key=order)),
        tuple(rows),
        sources,
    )
