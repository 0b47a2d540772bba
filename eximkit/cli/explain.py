"""`eximkit explain CODE...`: what a rule is about, offline."""

from __future__ import annotations

import click

from eximkit.cli.completion import RuleCode
from eximkit.cli.output import emit, style
from eximkit.errors import SettingsError


@click.command()
@click.argument("codes", nargs=-1, type=RuleCode(), metavar="[CODE]...")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text",
    show_default=True, help="How to write.",
)  # fmt: skip
@click.option(
    "--output", metavar="FILE", help="Write to FILE instead of standard output."
)
def explain(codes: tuple[str, ...], form: str, output: str | None) -> None:
    """Say what a rule is about: what it finds, why that matters, a bad and a good
    example, where to read more. Without CODE: a table of all rules.
    """
    from eximkit.lint.rules import registry
    from eximkit.report import rule_pages

    rules = registry()
    names = [code.upper() for code in codes]
    for code in names:
        if code not in rules:
            from eximkit.catalog import suggest

            like = suggest(code, tuple(rules))
            hint = f"did you mean {like}?" if like else "see `eximkit explain`"
            raise SettingsError(f"no rule has the code {code}; {hint}")
    chosen = [rules[code] for code in names] or list(rules.values())
    if form == "json":
        emit([rule_pages.document(chosen)], output)
    elif names:
        emit(rule_pages.pages(chosen, style(output)), output)
    else:
        emit(rule_pages.table(chosen, style(output)), output)
