"""Lookups that take a query of few words and no key: `passwd` and `testdb`.

Exim specification, section 9.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit.expansion.lookups.table import Deferred

if TYPE_CHECKING:
    from eximkit.expansion.lookups.kind import Kind
    from eximkit.expansion.lookups.table import Context


def passwd(context: Context, query: str, _kind: Kind) -> str | None:
    """The line of a user, with a star for the password."""
    fields = context.world.passwd(query) if query else None
    if fields is None:
        return None
    _name, _password, *rest = fields
    return ":".join(("*", *rest))


def testdb(_context: Context, query: str, _kind: Kind) -> str | None:
    """The query itself, but for two words that say what is to happen.

    Raises Deferred.
    """
    if query == "defer":
        raise Deferred("testdb lookup forced DEFER")
    return None if query == "fail" else query
