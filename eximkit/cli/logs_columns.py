"""`eximkit logs --format parquet --output DIR`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import __version__
from eximkit.cli.logs_run import tell
from eximkit.errors import SettingsError

if TYPE_CHECKING:
    from eximkit.cli.logs_run import Reading


def write_columns(
    reading: Reading, output: str | None, groups: tuple[str, ...] = ()
) -> None:
    """Write the entries of the logs as tables into the folder `output`.

    Raises SettingsError, MissingExtraError, and InputError where nothing can be read or
    the folder cannot be written.
    """
    from eximkit.logs.columns.export import demand_arrow

    demand_arrow()
    if output is None or output == "-":
        raise SettingsError("--format parquet writes a folder: name it with --output")
    if groups:
        raise SettingsError(
            "--by and --format parquet do not go together: every entry is written"
        )
    done = reading.columns(output, __version__)
    tell(
        f"{output}: {done.events:,} events, {done.sessions:,} sessions, of "
        f"{done.octets / 1e6:,.0f} MB of log"
    )
