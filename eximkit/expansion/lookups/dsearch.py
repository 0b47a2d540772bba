"""`dsearch`: the key is the name of something in a directory.

Exim specification, section 9.3.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.expansion.lookups.files import located
from eximkit.expansion.lookups.table import Deferred, Table, cannot_use
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context
    from eximkit.expansion.values import ExpansionFailed
    from eximkit.expansion.world import World

FILTERS: dict[str, Callable[[int, str], bool]] = {
    "filter=file": lambda mode, _name: stat.S_ISREG(mode),
    "filter=dir": lambda mode, _name: stat.S_ISDIR(mode),
    "filter=subdir": lambda mode, name: stat.S_ISDIR(mode) and name not in {".", ".."},
}
"""What may be asked of an entry; of several filters one is enough."""


@dataclass(frozen=True, slots=True)
class Dsearch(Table):
    """A directory. place: where it is; path: what it is called."""

    world: World
    place: str
    path: str
    kind: Kind

    def find(self, key: str) -> str | None:
        """The name, or the path, of the entry. Raises Deferred."""
        if "/" in key:
            if "key=path" not in self.kind.options:
                raise Deferred(f"key for dsearch lookup contains a slash: {key}")
            if ".." in key.split("/"):
                raise NotAllowed("a dsearch lookup that leaves its directory")
        try:
            mode = self.world.status(f"{self.place}/{key}", follow=False).mode
        except FileFailed:
            return None
        filters = [FILTERS[o] for o in self.kind.options if o in FILTERS]
        if filters and not any(passes(mode, key) for passes in filters):
            return None
        return f"{self.path}/{key}" if self.kind.returns_all else key


def open_dsearch(context: Context, path: str, kind: Kind) -> Dsearch:
    """Raises ExpansionFailed (file), NotAllowed."""
    if path.startswith(".") and all(p in {"", ".", ".."} for p in path.split("/")):
        raise _relative(path)  # It is there, whatever directory Exim works in.
    try:
        place = located(context, path)
        mode = context.world.status(place).mode
        reason = "" if stat.S_ISDIR(mode) else "Not a directory"
    except FileFailed as failed:
        reason = failed.reason
    if reason:
        raise cannot_use(f"failed to open {path} for directory search: {reason}")
    if not path.startswith("/"):
        raise _relative(path)
    return Dsearch(context.world, place, path, kind)


def _relative(path: str) -> ExpansionFailed:
    return cannot_use(f"dirname '{path}' for dsearch is not absolute")
