"""Parameter types that know what could stand in their place."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


class RuleCode(click.ParamType[str]):
    """The code of a rule, or the beginning of some; commas between several."""

    name = "codes"

    def __init__(self, *, several: bool = False) -> None:
        self.several = several

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        from eximkit.lint.rules import registry

        before, comma, last = incomplete.rpartition(",") if self.several else (
            "", "", incomplete
        )  # fmt: skip
        return [
            CompletionItem(before + comma + code, help=rule.name)
            for code, rule in registry().items()
            if code.startswith(last.upper())
        ]


class ReleaseName(click.ParamType[str]):
    """A release of Exim."""

    name = "release"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        from eximkit.catalog import RELEASES

        names = [str(release) for release in RELEASES]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]
