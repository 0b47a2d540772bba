"""`dbm`, `dbmnz` and `dbmjz`: databases of the library that Exim was built with.

Exim specification, section 9.3. That of Debian's Exim is Berkeley DB; files of others
are not read.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.lists import split_list
from eximkit.expansion.lookups.berkeley import Damaged, entries, opened
from eximkit.expansion.lookups.files import MISSING, located, refusal
from eximkit.expansion.lookups.table import Table, cannot_use
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context

KEYS: dict[str, Callable[[str], str]] = {
    "dbm": lambda key: f"{key}\0",
    "dbmnz": lambda key: key,
    "dbmjz": lambda key: "\0".join(split_list(key)[1]),
}
"""What a key is in the database."""


@dataclass(frozen=True, slots=True)
class Dbm(Table):
    """A database in memory; kind: the type of lookup."""

    octets: bytes
    path: str
    kind: str

    def find(self, key: str) -> str | None:
        """The data of a key, which an octet zero ends."""
        try:
            data = entries(self.octets).get(KEYS[self.kind](key).encode("latin-1"))
        except Damaged:
            raise NotAllowed(f"the database {self.path}, which is damaged") from None
        return None if data is None else data.partition(b"\0")[0].decode("latin-1")


def open_dbm(context: Context, path: str, kind: Kind) -> Dbm:
    """Raises ExpansionFailed (file), NotAllowed."""
    what = f"failed to open {path} as a db (v4.1+) file"
    try:
        place = located(context, path)
        if stat.S_ISDIR(context.world.status(place).mode):
            raise cannot_use(f"{what}: Is a directory")
        octets = context.world.read(place).encode("latin-1")
    except FileFailed as failed:
        raise refusal(failed, what) from failed
    if opened(octets) is None:
        # The library tells of a file that is none of its own as of one that is missing.
        raise cannot_use(f"{what}: {MISSING}")
    return Dbm(octets, path, kind.name)
