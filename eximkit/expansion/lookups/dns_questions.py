"""One question to the DNS, and those that Exim makes out of one.

Exim specification, sections 9.18 to 9.20; RFC 1035; draft-ietf-marid-csv-csa for CSA.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from eximkit.expansion import ip, regex
from eximkit.expansion.alabel import domain_to_alabel
from eximkit.expansion.lookups.dns_records import speaks_for_all
from eximkit.expansion.numbers import seconds
from eximkit.expansion.strings import lower
from eximkit.expansion.values import ExpansionFailed, NotPure
from eximkit.expansion.world import DnsAnswer, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.expansion.world import DnsRecord, World

NAMES = r"(?i)^(?>(?(1)\.|())[^\W](?>[a-z0-9/_-]*[^\W])?)+(\.?)$"
"""The default of `dns_check_names_pattern`: what is no such name is not asked for."""
UNCHECKED = frozenset({"PTR", "TXT"})
CNAME_LOOPS = 1
CSA_LIMIT = 5
MAXIMUM_QUESTIONS = 1000
"""How many questions one lookup may ask; a list of names may be long."""

NOWHERE = DnsAnswer("no domain")
EMPTY_HANDED = frozenset({"no data", "no domain"})


@dataclass(frozen=True, slots=True)
class Result:
    """status: as of `DnsAnswer`. records: those of the type alone. below: they are of a
    name above the one that was asked for (CSA).
    """

    status: str
    records: tuple[DnsRecord, ...] = ()
    secure: bool = False
    zone: str = ""
    below: bool = False


@dataclass(slots=True)
class Asker:
    """Asks the world. options: main options; retrans, retry: instead of theirs.

    secure: whether the last answer had something, and its resolver vouched for it.
    """

    world: World
    options: Mapping[str, str]
    dnssec: bool = True
    retrans: int | None = None
    retry: int | None = None
    questions: int = field(default=0, init=False)
    secure: bool = field(default=False, init=False)

    def ask(self, name: str, kind: str) -> Result:
        """What the DNS has of a type; aliases are followed."""
        for _ in range(self._number("dns_cname_loops", CNAME_LOOPS) + 1):
            answer = self._answer(name, kind)
            records = tuple(r for r in answer.records if r.type == kind)
            if answer.status != "found" or records:
                return Result(answer.status, records, answer.secure, answer.zone)
            aliases = [r for r in answer.records if r.type == "CNAME"]
            if not aliases:
                return Result("no data")
            name = aliases[-1].fields[0]
        return Result("failed")

    def climb(self, name: str, kind: str) -> Result:
        """The same of a name, or of the nearest above it that has any but the root."""
        while True:
            result = self.ask(name, kind)
            name = name.partition(".")[2]
            if result.status not in EMPTY_HANDED or not name:
                return result

    def client(self, name: str) -> Result:
        """The CSA records of a client: its own, or those of a name above it.

        Where its own name has no data, they are looked for from the top of its zone
        downwards.
        """
        result = self.ask(f"_client._smtp.{name}", "SRV")
        if result.status in {"found", "again"}:
            return result
        zone = result.zone.rstrip(".")
        inside = lower(name).endswith(f".{lower(zone)}")
        if result.status != "no data" or not zone or not inside:
            return Result("no domain")
        labels = name.split(".")
        first = len(labels) - len(zone.split("."))
        for _ in range(self._number("dns_csa_search_limit", CSA_LIMIT)):
            if first <= 0:
                break
            above = ".".join(labels[first:])
            result = self.ask(f"_client._smtp.{above}", "SRV")
            if result.status == "again":
                return result
            if any(speaks_for_all(record.fields) for record in result.records):
                return replace(result, below=True)
            first -= 1
        return Result("no domain")

    def _answer(self, name: str, kind: str) -> DnsAnswer:
        name = name.partition("\0")[0]
        if not name.isascii():
            try:
                name = domain_to_alabel(name)
            except ExpansionFailed:
                return NOWHERE
        if kind not in UNCHECKED and not self._is_name(name):
            return NOWHERE
        if not name:
            return DnsAnswer("failed")
        self.questions += 1
        if self.questions > MAXIMUM_QUESTIONS:
            raise NotAllowed(f"more than {MAXIMUM_QUESTIONS} questions to the DNS")
        answer = self.world.resolve(
            name,
            kind,
            dnssec=self.dnssec,
            retrans=self.retrans or seconds(self.options.get("dns_retrans", "")),
            retry=self.retry or self._number("dns_retry", 0) or None,
        )
        self.secure = answer.secure and bool(answer.records or answer.zone)
        return answer

    def _is_name(self, name: str) -> bool:
        pattern = self.options.get("dns_check_names_pattern", NAMES)
        try:
            return not pattern or regex.search(pattern, name) is not None
        except NotPure as error:
            raise NotAllowed(error.reason) from error

    def _number(self, option: str, default: int) -> int:
        text = self.options.get(option, "")
        return int(text) if text.isascii() and text.isdecimal() else default


def reversed_name(address: str) -> str | None:
    """The name of an address in the DNS; None if the text is no address."""
    try:
        found = ip.parse(address)
    except NotPure as error:
        raise NotAllowed(error.reason) from error
    if found is None:
        return None
    if found.bits == 32:
        return f"{ip.reverse(address)}.in-addr.arpa"
    return f"{'.'.join(reversed(f'{found.value:032x}'))}.ip6.arpa"
