"""Runs the checks over a configuration: selects, merges, sorts. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.errors import SettingsError
from eximkit.lint import ignores, rules
from eximkit.lint.fixes import replacing
from eximkit.lint.result import LintResult, order
from eximkit.lint.rule import RuleContext
from eximkit.source import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eximkit.catalog import Release
    from eximkit.config.model import Config
    from eximkit.lint.finding import Finding
    from eximkit.problem import Problem


_MOST_NOTES = 10
"""What is said of one place at most, beside its first finding of a code."""


def lint(
    config: Config,
    release: Release | None = None,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> list[Finding]:
    """The findings of a configuration, sorted by place.

    release: the Exim that it is for (default: the one by which it was read).
    select, ignore: codes or prefixes of codes. Raises SettingsError for a prefix that
    begins no code.
    """
    return list(run(config, release, select=select, ignore=ignore).findings)


def run(
    config: Config,
    release: Release | None = None,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    path: str = "",
) -> LintResult:
    """As `lint`, with the greetings of the transports and the texts of the files.

    path: what the result calls the configuration (default: its first file).
    """
    release = release or config.release or catalog.NEWEST
    wanted = selected(select, ignore)
    context = RuleContext(config, release)
    found = [finding_of(problem) for problem in config.problems]
    for check in rules.checks():
        found.extend(check(context))
    remarks, defects = ignores.read(config)
    kept = [*ignores.apply(remarks, found, config, wanted), *defects]
    names = [file.path for file in config.files]
    return LintResult(
        release,
        (path or (names[0] if names else ""),),
        tuple(_merged(finding for finding in kept if finding.code in wanted)),
        tuple(context.greetings),
        {file.path: file for file in config.files},
    )


def selected(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    """The codes that `select` names and `ignore` does not; both are prefixes.

    Of two prefixes that fit a code the longer one decides, so that
    `--select EXS201 --ignore EXS` keeps EXS201. Nothing selected means everything.
    """
    codes = rules.codes()
    for prefix in (*select, *ignore):
        if not any(code.startswith(prefix) for code in codes) or not prefix:
            raise SettingsError(f"no rule has a code that begins with {prefix!r}")

    def reach(prefixes: Sequence[str], code: str) -> int:
        return max((len(p) for p in prefixes if code.startswith(p)), default=0)

    return frozenset(
        code
        for code in codes
        if (not select or reach(select, code))
        and not (reach(ignore, code) and reach(ignore, code) >= reach(select, code))
    )


def finding_of(problem: Problem) -> Finding:
    """A problem as a finding of the rule that owns its code."""
    rule = rules.rule(problem.code)
    message = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    fix, unfixable = None, ""
    if problem.replacement is not None:
        fix, unfixable = replacing(
            problem.place,
            problem.replacement,
            safe=rule.fix == "safe",
            title=_title(problem.replacement),
        )
    return rule.finding(
        message, problem.place, section=problem.section, driver=problem.driver,
        option=problem.option, exim_refuses=problem.refuses, related=problem.related,
        fix=fix, unfixable=unfixable,
    )  # fmt: skip


def _title(replacement: str) -> str:
    return f"write {display(replacement)}" if replacement else "delete it"


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted; of one code at one place the first, with what the others say as notes."""
    kept: dict[tuple[str, int, str], Finding] = {}
    for finding in sorted(findings, key=order):
        key = (finding.place.path, finding.place.start, finding.code)
        first = kept.setdefault(key, finding)
        if finding.message not in (first.message, *first.notes):
            told = (*first.notes, finding.message)[:_MOST_NOTES]
            first = replace(first, notes=told)
        refuses = first.exim_refuses or finding.exim_refuses
        kept[key] = replace(first, exim_refuses=refuses)
    return list(kept.values())
