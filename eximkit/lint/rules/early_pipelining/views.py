"""What can be seen of the local address at different times.

BOUND: the connection exists. UNBOUND: it does not, and the variables hold what Exim
gives them then. PROBE: UNBOUND for tests of emptiness, but any other reading of the
variables gives an unknown value, so that what the result owes to such a reading shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config import early_check, environment
from eximkit.expansion.environment import NOT_FOUND, Environment, LookupAnswer
from eximkit.expansion.paths import Paths, all_paths
from eximkit.expansion.values import (
    ExpansionFailed,
    Failure,
    Hole,
    Known,
    Result,
    Unknown,
    Value,
)
from eximkit.lint import expandable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eximkit.catalog import Release
    from eximkit.config.model import Config
    from eximkit.expansion.environment import AclStatement
    from eximkit.expansion.nodes import Expansion

ADDRESS = early_check.ADDRESS
PORT = "sending_port"
HOST_PORT = "host_port"
CALLOUT = "callout_address"
LOCAL = frozenset((ADDRESS, PORT))
SOURCES = LOCAL | {HOST_PORT, CALLOUT}
"""The variables that only a connection gives a value (checked with 4.96)."""


def _port(name: str, low: int) -> Value:
    return Unknown((Hole(name, frozenset((name,)), empty=False, low=low, high=65535),))


BOUND: Mapping[str, Value] = {
    ADDRESS: Unknown(
        (Hole(ADDRESS, frozenset((ADDRESS,)), empty=False, address=True),)
    ),
    PORT: _port(PORT, 1),
    HOST_PORT: _port(HOST_PORT, 1),
    CALLOUT: Unknown((Hole(CALLOUT, frozenset((CALLOUT,)), empty=False),)),
}
UNBOUND: Mapping[str, Value] = {
    ADDRESS: Known("", frozenset((ADDRESS,))),
    PORT: Known("-1", frozenset((PORT,))),
    HOST_PORT: Known("-1", frozenset((HOST_PORT,))),
    CALLOUT: Known("", frozenset((CALLOUT,))),
}
PROBE: Mapping[str, Value] = {
    ADDRESS: Unknown((Hole(ADDRESS, frozenset((ADDRESS,)), empty=True, address=True),)),
    PORT: _port(PORT, -1),
    HOST_PORT: _port(HOST_PORT, -1),
    CALLOUT: Unknown((Hole(CALLOUT, frozenset((CALLOUT,)), empty=True),)),
}
REMOTE = SOURCES - LOCAL
INTERFACE: Mapping[str, Value] = {name: BOUND[name] for name in LOCAL}
"""To lay over a view: what a bound `interface` makes known, which is the local end."""


def tree_of(text: str, release: Release = catalog.NEWEST) -> Expansion | None:
    """The tree of an expansion; None where Exim would refuse it (other rules say
    so).
    """
    return None if expandable.flaws(text, release) else expandable.tree(text, release)


def acl_reader(config: Config) -> Callable[[str], tuple[AclStatement, ...] | None]:
    """Looks ACLs of a configuration up by name; what Exim would refuse has no tree."""
    return environment.acl_reader(config, tree_of)


def lookup(kind: str, key: Value | None, query: Value) -> LookupAnswer:
    """What a lookup certainly answers although it is not made: the empty key's failure.

    A list of known names has no empty one, and a DNS query without a name finds nothing
    (checked with 4.96). A default entry (`lsearch*`) may still answer. Nor is there a
    file to read (`readfile`) under a name that lacks its address.
    """
    name = kind.partition(",")[0]
    if key is not None:
        empty = isinstance(key, Known) and not key.text.strip()
        return NOT_FOUND if empty and not name.endswith(("*", "*@")) else None
    if not isinstance(query, Known) or not query.depends & SOURCES:
        return None
    return _dns(query.text) if name == "dnsdb" else NOT_FOUND


def _dns(query: str) -> LookupAnswer:
    """A `dnsdb` query; a name with an empty label (`.example.org`) is an error."""
    options, _, name = query.rpartition("=")
    name = name.strip()
    if not name:
        return NOT_FOUND
    if not name.startswith(".") and ".." not in name:
        return None
    if "defer_never" in options:
        return NOT_FOUND
    raise ExpansionFailed(f'lookup of "{query}" gave DEFER')


def shape(result: Result) -> object:
    """What two results must share to be the same on the wire."""
    if isinstance(result, Known):
        return result.text
    return result.parts if isinstance(result, Unknown) else Failure


def live(probe: Paths, sources: frozenset[str] = SOURCES) -> bool:
    """Whether a PROBE evaluation owes its result to a reading of one of the sources."""
    for path in probe.all:
        if isinstance(path.result, Unknown) and any(
            hole.depends & sources for hole in path.result.holes
        ):
            return True
    return any(
        shape(a.result) != shape(b.result)
        for n, a in enumerate(probe.all)
        for b in probe.all[n + 1 :]
        if a.agrees(b, sources)
    )


def differ(one: Paths, other: Paths, sources: frozenset[str] = SOURCES) -> bool:
    """Whether two evaluations can come to different results in the same situation."""
    return any(
        shape(a.result) != shape(b.result)
        for a in one.all
        for b in other.all
        if a.agrees(b, sources)
    )


def depends_on_address(
    tree: Expansion, environment: Callable[[Mapping[str, Value]], Environment]
) -> bool:
    """Whether a string comes out otherwise once the local address is known."""
    bound = all_paths(tree, environment(BOUND))
    unbound = all_paths(tree, environment(UNBOUND))
    return differ(unbound, bound) or live(all_paths(tree, environment(PROBE)))
