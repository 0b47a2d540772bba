"""Whether a fix holds: the edited files are read and linted again.

A fix is offered only if its finding is gone then, and no other error or warning has
come. A remark of severity info may come: a guard that mends EXP101 leaves two names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from eximkit.lint.finding import Finding, Severity
from eximkit.lint.fixes import compatible, edited
from eximkit.lint.result import LintResult

Relint = Callable[[Mapping[str, str]], LintResult]
"""Lints with all rules, the texts of some files (by path) replaced."""

_ROUNDS = 10
"""Fixing may open the way for fixes that overlapped; it has an end."""

_BUDGET = 60
"""Times that a configuration is linted again at most, to judge its fixes."""

_BUDGET_OCTETS = 1_000_000
"""Octets that are read again at most for that; at least two readings are made."""

_Key = tuple[str, str | None, str | None, str | None]


def _key(finding: Finding) -> _Key:
    return (finding.code, finding.section, finding.driver, finding.option)


class _Judge:
    """Judges fixes of one configuration, many at once where they hold together."""

    def __init__(
        self, result: LintResult, baseline: LintResult, relint: Relint
    ) -> None:
        self._sources = result.sources
        self._before = Counter(map(_key, baseline.findings))
        self._relint = relint
        size = sum(len(source.data) for source in result.sources.values())
        self.budget = max(2, min(_BUDGET, _BUDGET_OCTETS // (size + 1)))

    def holding(self, batch: list[Finding]) -> list[Finding]:
        """Those of the batch whose fixes hold; the batch must be `compatible`."""
        pending, kept = [batch], []
        while pending and self.budget > 0:
            part = pending.pop()
            if self._holds(part):
                kept += part
            elif len(part) > 1:
                middle = len(part) // 2
                pending += [part[:middle], part[middle:]]
        return kept

    def _holds(self, part: list[Finding]) -> bool:
        self.budget -= 1
        after = self._relint(edited(part, self._sources))
        allowed = Counter(self._before)
        allowed.subtract(map(_key, part))
        seen = Counter(map(_key, after.findings))
        mild = {_key(f) for f in after.findings if f.severity is Severity.INFO}
        mended = set(map(_key, part))
        return all(
            count <= allowed[key] or (key in mild and key not in mended)
            for key, count in seen.items()
        )


def verified(
    result: LintResult, relint: Relint, baseline: LintResult | None = None
) -> LintResult:
    """The result with only such fixes as hold.

    baseline: the findings of all rules, where `result` is a selection.
    """
    pending = [finding for finding in result.findings if finding.fix is not None]
    if not pending:
        return result
    judge = _Judge(result, baseline or result, relint)
    held: set[int] = set()
    while pending and judge.budget > 0:
        batch = compatible(pending, unsafe=True)
        held.update(id(finding) for finding in judge.holding(batch))
        tried = {id(finding) for finding in batch}
        pending = [finding for finding in pending if id(finding) not in tried]
    findings = (
        f
        if f.fix is None or id(f) in held
        else replace(
            f, fix=None, unfixable="the mended text would have another finding"
        )
        for f in result.findings
    )
    return replace(result, findings=tuple(findings))


def fixed(full: Relint, selected: Relint | None, *, unsafe: bool) -> dict[str, str]:
    """The new texts, by path, of the files that the fixes of a configuration change.

    full: lints with all rules. selected: with those whose fixes are asked for, if not
    all. unsafe: take fixes that are not safe as well.
    """
    texts: dict[str, str] = {}
    for _ in range(_ROUNDS):
        made = dict(texts)

        def again(more: Mapping[str, str], made: dict[str, str] = made) -> LintResult:
            return full({**made, **more})

        every = full(texts)
        result = verified(selected(texts) if selected else every, again, every)
        chosen = compatible(result.findings, unsafe=unsafe)
        if not chosen:
            break
        texts.update(edited(chosen, result.sources))
    return texts
