"""`dbm` and its kind: databases of a library that only Exim's builder knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.lookups.files import located, refusal
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context, Table


def open_dbm(context: Context, path: str, kind: Kind) -> Table:
    """Fails: as Exim does where there is no such file, else as what is not supported.

    Raises ExpansionFailed (file), NotAllowed.
    """
    try:
        context.world.status(located(context, path))
    except FileFailed as failed:
        raise refusal(failed, f"failed to open {path} as a db (v4.1+) file") from failed
    raise NotAllowed(f"a lookup of type {kind.name}")
