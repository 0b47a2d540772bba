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


class Permission(click.ParamType[tuple[str, ...]]):
    """What strings may use of the machine; commas between several."""

    name = "permissions"
    # `--help` must not load what owns this list; a test compares them.
    words = ("files", "env", "dns", "run")

    def convert(
        self,
        value: str | tuple[str, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        found = tuple(word.strip() for word in value.split(","))
        for word in found:
            if word not in self.words:
                known = ", ".join(self.words)
                self.fail(f"{word!r} cannot be allowed; there are: {known}", param, ctx)
        return found

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        before, comma, last = incomplete.rpartition(",")
        return [
            CompletionItem(before + comma + word)
            for word in self.words
            if word.startswith(last)
        ]
