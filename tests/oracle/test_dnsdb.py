"""`dnsdb` lookups, against a real Exim that asks the same zone. Needs root."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dns.exception
import dns.flags
import dns.message
import pytest

from eximkit.catalog import release
from eximkit.dns_client import understood
from eximkit.expansion.environment import Environment
from eximkit.expansion.expand import expand
from eximkit.expansion.values import Failure
from eximkit.expansion.world import DnsAnswer
from tests.conftest import without
from tests.expansion.zone_world import ZoneWorld
from tests.oracle.asking import ask, escaped
from tests.oracle.dns_lab import answer, exim_with_dns

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.expansion.values import Value

ROUNDS = 600
SOA = "a. b. 1 1 1 1 100"
V6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
ZONE: dict[str, Any] = {
    "h.ex": {
        "A": ["192.0.2.1", "192.0.2.2"],
        "AAAA": ["2001:db8::1", "::ffff:192.0.2.1", "::", "2001:0:0:1::1"],
        "TXT": ['"one" "two"', "three", '"" "b"', '"a" "" "c"', '"a" "" ""', '""'],
        "SPF": ['"v=spf1" " -all"', '"" "" ""', "x"],
        "MX": ["10 m1.ex.", "5 M2.ex.", "0 ."],
        "NS": ["ns1.ex.", "ns2.ex."],
        "SRV": ["1 2 25 s1.ex.", "0 0 0 ."],
        "TLSA": ["3 1 1 " + "ab" * 32, "3 0 0 0a0b"],
        "PTR": ["a\\.b.ex.", "a\\032b.ex.", "\\200.ex.", "a\\@\\$.ex.", "."],
    },
    "a1.ex": {"A": ["192.0.2.9"]},
    "al.ex": {"CNAME": ["h.ex."]},
    "al2.ex": {"CNAME": ["al.ex."]},
    "loop.ex": {"CNAME": ["loop2.ex."]},
    "loop2.ex": {"CNAME": ["loop.ex."]},
    "gone.ex": {"CNAME": ["nowhere.ex."]},
    "unsure.ex": {"CNAME": ["again.ex."]},
    "again.ex": "again",
    "refused.ex": "failed",
    "again6.ex": {"AAAA": "again", "A": ["192.0.2.50"]},
    "again4.ex": {"A": "again", "AAAA": ["2001:db8::50"]},
    "sec.ex": {"secure": True, "A": ["192.0.2.7"], "TXT": ["s"], "MX": ["1 sec.ex."]},
    "secal.ex": {"secure": True, "CNAME": ["a1.ex."]},
    "secal2.ex": {"secure": True, "CNAME": ["sec.ex."]},
    "insecure.ex": {"CNAME": ["sec.ex."]},
    "root.ex": {"NS": ["."], "TXT": ['""'], "PTR": ["."]},
    "zone.ex": {"NS": ["ns.zone.ex."], "SOA": ["ns.zone.ex. h\\.m.zone.ex. 1 2 3 4 5"]},
    "w.zone.ex": {"A": ["192.0.2.3"]},
    "u_s.ex": {"A": ["192.0.2.4"], "TXT": ["us"]},
    "xn--9ca.ex": {"A": ["192.0.2.10"], "TXT": ["idn"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["Host.Ex.", "p2.ex."]},
    V6: {"PTR": ["v6.ex."]},
    "_client._smtp.h.ex": {"SRV": ["1 2 0 h.ex.", "1 1 0 n.ex.", "2 2 0 x.ex."]},
    "_client._smtp.a1.ex": {"SRV": ["1 3 1 a1.ex.", "1 9 1 no.ex.", "1 0 0 z.ex."]},
    "_client._smtp.1.2.0.192.in-addr.arpa": {"SRV": ["1 2 0 ip.ex."]},
    "_client._smtp.zone.ex": {"SRV": ["1 2 1 up.ex.", "1 2 0 no.ex."]},
    "_client._smtp.w.zone.ex": {"TXT": ["x"]},
    "long.ex": {"SOA": [SOA]},
    "_client._smtp.1.2.3.4.5.6.long.ex": {"TXT": ["x"]},
    "_client._smtp.4.5.6.long.ex": {"SRV": ["2 2 1 no.ex.", "1 9 0 a.", "1 2 1 b."]},
    "_client._smtp.6.long.ex": {"SRV": ["1 2 0 long.ex."]},
    "_client._smtp.refused.ex": "failed",
    "malformed.ex": "malformed",
}
NAMES = [
    *(name for name in ZONE if not name.startswith("_")), "nonesuch.ex", "x.w.zone.ex",
    "192.0.2.1", "192.0.2.01", "2001:db8::1", "::ffff:192.0.2.1", "1.2.3.4.5.6.long.ex",
    "h.ex.", "H.EX", "h..ex", "-h.ex", "h!.ex", "h ex", "é.ex", "", ".", "\xe9.ex",
    "x" * 64 + ".ex", "_x._tcp.ex", "x/y.ex", "h.ex::a1.ex",
]  # fmt: skip
TYPES = [
    "a", "aaaa", "a+", "txt", "spf", "mx", "mxh", "ns", "zns", "soa", "srv", "tlsa",
    "ptr", "cname", "csa", "A", "TxT", "any", "naptr", "",
]  # fmt: skip
SEPARATORS = ["", "", "", ">x", ">: ", ">:,-", ">:; ", "> ", ">\n,  ", ">:,; ", ">"]
MODIFIERS = [
    "", "", "", "", "defer_never,", "defer_strict,", "defer_lax , ", "dnssec_strict,",
    "dnssec_never,", "DNSSEC_LAX,", "retrans_1s,", "retry_1,", "retry_x,", "defer_x,",
    "retrans_1,", "defer_lax", "retrans_2s,defer_never,", "dnssec_strict,defer_never,",
]  # fmt: skip
EQUALS = ["=", "=", "=", " = ", "= "]
LISTS = ["", "", "", "<;", "<; ", "<"]


@dataclass(slots=True)
class LabWorld(ZoneWorld):
    """Answers as the server does that Exim asks."""

    def resolve(
        self,
        name: str,
        record_type: str,
        *,
        dnssec: bool,
        retrans: float | None,  # noqa: ARG002
        retry: int | None,  # noqa: ARG002
    ) -> DnsAnswer:
        try:
            query = dns.message.make_query(name.rstrip(".") + ".", record_type)
        except dns.exception.DNSException:
            return DnsAnswer("failed")
        query.flags |= dns.flags.AD if dnssec else 0
        reply = answer(ZONE, query.to_wire())
        assert reply is not None
        return understood(dns.message.from_wire(reply))


def queries() -> list[str]:
    """Each type for each name, and random ones."""
    made = [f"{kind}={name}" for kind in TYPES[:15] for name in NAMES]
    chance = random.Random("dnsdb")
    for _ in range(ROUNDS):
        sign = chance.choice(LISTS)
        between = f" {sign[1]} " if len(sign) > 1 else ":"
        names = chance.choices(NAMES, k=chance.choice([1, 1, 2, 3]))
        made.append(
            chance.choice(SEPARATORS)
            + chance.choice(MODIFIERS)
            + chance.choice(TYPES)
            + chance.choice(EQUALS)
            + sign
            + between.join(names)
        )
    # What has been asked before tells nothing of DNSSEC.
    return list(dict.fromkeys(query.lstrip(" \n") for query in made))


@pytest.fixture
def exim_asking(exim_as_root: Path, tmp_path: Path) -> Path:
    for tool in ("unshare", "ip"):
        if shutil.which(tool) is None:
            without(f"no {tool}: Exim cannot have a DNS of its own")
    return exim_with_dns(exim_as_root, tmp_path, ZONE)


def test_answers_of_the_dns(exim_asking: Path, tmp_path: Path) -> None:
    environment = Environment(
        absent_empty=True, world=LabWorld(), release=release("4.96")
    )
    asked = queries()
    told = "$lookup_dnssec_authenticated"
    expressions = [
        f"${{lookup dnsdb{{{escaped(q)}}}{{[$value]{told}}}{{no{told}}}}}"
        for q in asked
    ]
    lasting: dict[str, Value] = {}
    wrong = []
    answers = ask(exim_asking, tmp_path, expressions)
    for query, expression, theirs in zip(asked, expressions, answers, strict=True):
        mine = expand(expression, environment, lasting=lasting)
        text = mine.message if isinstance(mine, Failure) else mine.text
        if (theirs.ok, theirs.text) != (not isinstance(mine, Failure), text):
            wrong.append(f"{query!r}: Exim {theirs.text!r}, here {text!r}")
    assert not wrong, f"{len(wrong)} of {len(asked)}:\n" + "\n".join(wrong[:10])
