"""The options of `eximkit logs` for who counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from eximkit.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

DASK = "dask"
ENGINES = ("processes", DASK)

_F = TypeVar("_F", bound="Callable[..., Any]")
_OPTIONS = (
    click.option(
        "--engine", type=click.Choice(ENGINES), default=ENGINES[0], show_default=True,
        help="Who counts: processes of this machine, or workers of Dask.",
    ),
    click.option(
        "--scheduler", metavar="ADDRESS",
        help="Dask's scheduler, such as tcp://10.0.0.5:8786; without it --engine dask "
        "starts workers on this machine.",
    ),
)  # fmt: skip


def engine_options(command: _F) -> _F:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def demand_engine(
    engine: str,
    scheduler: str | None,
    form: str,
    *,
    unparsed: bool,
    growing: bool = False,
) -> None:
    """Raises MissingExtraError for an engine that is not there.

    Raises SettingsError for a scheduler without its engine, and for what one process
    does alone.
    """
    if engine != DASK:
        if scheduler is not None:
            raise SettingsError("--scheduler is for --engine dask")
        return
    alone = (
        (unparsed, "--unparsed"),
        (form == "parquet", f"--format {form}"),
        (growing, "--follow or --state"),
    )
    for asked, what in alone:
        if asked:
            raise SettingsError(f"{what} and --engine dask do not go together")
    from eximkit.logs.cluster.engine import demand_dask

    demand_dask()
