"""What lists ask while a string is evaluated with a world.

Exim specification, section 10.5: a named list is expanded each time it is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.expansion.ip import parse
from eximkit.expansion.lookups import Deferred, LookupRequest, find
from eximkit.expansion.matching import Unfinished
from eximkit.expansion.values import ExpansionFailed, Known, Unknown, stops
from eximkit.expansion.world import FileFailed, NotAllowed

if TYPE_CHECKING:
    from eximkit.expansion.environment import Found, NotFound
    from eximkit.expansion.evaluate import Evaluator

_LOOPBACK = frozenset(("127.0.0.1", "::1"))
# What ends the name of a lookup type: a default, or options.
_AFTER_TYPE = "*,"


@dataclass(frozen=True, slots=True)
class Around:
    """`Asking`, answered by an evaluator with a world."""

    evaluator: Evaluator

    def named(self, keyword: str, name: str) -> str | None:
        text = self.evaluator.environment.lists.get(keyword, {}).get(name)
        return None if text is None else self.expanded(text)

    def expanded(self, text: str) -> str:
        """The text of a list; a forced failure makes it an empty one."""
        self.evaluator.charge(len(text) // 8 + 1)
        try:
            return self.evaluator.text(text)
        except ExpansionFailed as failed:
            if failed.forced:
                return ""
            raise Unfinished("NULL") from failed

    def lines(self, path: str) -> list[str]:
        try:
            text = self.evaluator.world.read(path)
        except FileFailed as failed:
            raise stops(
                f'failed to open {path} when checking "{path}": {failed.reason}'
            ) from None
        lines = text.split("\n")
        self.evaluator.charge(len(lines))
        return lines

    def find(self, kind: str, key: str, query: str) -> Found | NotFound:
        release = self.evaluator.environment.release
        self.evaluator.charge(1)
        keyed = _has_key(kind)
        request = LookupRequest(kind, key if keyed else None, query, release)
        try:
            return find(
                request, self.evaluator.world, self.evaluator.text,
                self.evaluator.environment.options,
                lambda name, text: self.evaluator.lasting.update({name: Known(text)}),
            )  # fmt: skip
        except Deferred as deferred:
            raise Unfinished(deferred.reason) from None
        except ExpansionFailed as failed:
            raise stops(failed.message) from None

    def hostname(self) -> str:
        name = self.evaluator.variable("primary_hostname")
        if isinstance(name, Unknown):
            raise NotAllowed("the name of this host")
        return name.text

    def is_local(self, address: str) -> bool:
        known = self.evaluator.environment.addresses
        if address in _LOOPBACK:
            return True
        if known is None:
            raise NotAllowed("the addresses of this host")
        wanted = parse(address)
        return any(parse(one) == wanted for one in known)

    def addresses(self, name: str) -> frozenset[str]:
        self.evaluator.charge(1)
        found: set[str] = set()
        for kind in ("A", "AAAA"):
            answer = self.evaluator.world.resolve(
                name, kind, dnssec=False, retrans=None, retry=None
            )
            if answer.status in ("again", "failed"):
                raise Unfinished(f"no address of {name} could be found")
            found |= {r.fields[0] for r in answer.records if r.type == kind}
        return frozenset(found)


def _has_key(kind: str) -> bool:
    """Whether a lookup type, as written, takes a key; so does one that is unknown."""
    if kind.startswith("partial"):
        return True
    plain = kind
    for sign in _AFTER_TYPE:
        plain = plain.partition(sign)[0]
    entry = catalog.lookup_type(plain)
    return entry is None or entry.single_key
