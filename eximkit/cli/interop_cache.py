"""`eximkit interop cache`: what is remembered of servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from eximkit.interop.cache import EhloCache

_HELP = {"help_option_names": ["-h", "--help"]}
_file = click.option(
    "--cache", "path", metavar="FILE",
    help="The file (default: eximkit/ehlo.sqlite in $XDG_CACHE_HOME or ~/.cache).",
)  # fmt: skip


@click.group(context_settings=_HELP)
def cache() -> None:
    """Look at what is remembered of servers, or forget it."""


@cache.command("list", context_settings=_HELP)
@_file
@click.option(
    "--format", "form", type=click.Choice(("table", "json")), default="table",
    help="For people (default) or programs.",
)  # fmt: skip
def list_(path: str | None, form: str) -> None:
    """Show the records, by address and port."""
    import time

    from eximkit.cli import interop_setup as setup
    from eximkit.cli.output import emit
    from eximkit.report import cache_report

    with setup.opened_cache(path) as opened:
        entries = opened.list()
        _demand(opened)
    if form == "json":
        emit(cache_report.as_json(entries), None)
    else:
        emit(cache_report.table(entries, int(time.time())), None)


@cache.command(context_settings=_HELP)
@_file
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
def clear(path: str | None, addresses: tuple[str, ...]) -> None:
    """Forget all servers, or those at some addresses."""
    from eximkit.cli import interop_setup as setup

    with setup.opened_cache(path) as opened:
        # A file that is not there needs not be made to be emptied.
        there = opened.path.exists()
        count = sum(opened.clear(each) for each in addresses or ("",)) if there else 0
        _demand(opened)
    click.echo(f"{count} forgotten")


def _demand(opened: EhloCache) -> None:
    """End with exit code 3 where the file cannot be used."""
    from eximkit.errors import InputError

    if opened.fault:
        raise InputError(opened.fault)
