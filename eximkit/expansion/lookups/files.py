"""Where the file of a lookup is, and what is asked of it before it is read.

Exim specification, section 9.3.
"""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from eximkit.expansion.lookups.table import cannot_use
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.lookups.table import Context

MISSING = "No such file or directory"


def located(context: Context, path: str) -> str:
    """A relative name is one in Exim's spool directory, where Exim works.

    Raises FileFailed where that directory is not known, as if it had no such file.
    """
    if path.startswith("/"):
        return path
    directory = context.options.get("spool_directory", "")
    if not path or not directory.startswith("/"):
        raise FileFailed(path, MISSING, errno.ENOENT)
    return f"{directory}/{path}"


def refusal(failed: FileFailed, message: str) -> Exception:
    """The failure of a lookup in Exim's words, or that the file is too large here."""
    if failed.number == errno.EFBIG:
        return NotAllowed(f"the file {failed.path}, {failed.reason}")
    return cannot_use(f"{message}: {failed.reason}")


def read_regular(context: Context, path: str) -> str:
    """The octets of a file that a linear search, of whatever type, goes through.

    Raises ExpansionFailed (file), NotAllowed.
    """
    try:
        place = located(context, path)
        if stat.S_ISREG(context.world.status(place).mode):
            return context.world.read(place)
    except FileFailed as failed:
        raise refusal(failed, f"failed to open {path} for linear search") from failed
    raise cannot_use(f"{path} is not a regular file (lsearch lookup)")
