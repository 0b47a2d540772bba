"""What a lookup asks of its file first (Exim specification, section 9.3)."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from eximkit.expansion.lookups.table import cannot_use
from eximkit.expansion.world import FileFailed

if TYPE_CHECKING:
    from eximkit.expansion.world import World


def read_regular(world: World, path: str) -> str:
    """The octets of a file that a linear search, of whatever type, goes through.

    Raises ExpansionFailed (file), NotAllowed.
    """
    try:
        status = world.status(path)
        if stat.S_ISREG(status.mode):
            return world.read(path)
    except FileFailed as failed:
        raise cannot_use(
            f"failed to open {path} for linear search: {failed.reason}"
        ) from failed
    raise cannot_use(f"{path} is not a regular file (lsearch lookup)")
