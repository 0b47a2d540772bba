"""`dnsdb`: queries, types, what is made of uncertain answers. As Exim 4.96 answered."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit.catalog import release
from eximkit.expansion.lookups import LookupRequest, perform
from eximkit.expansion.lookups.dns_questions import MAXIMUM_QUESTIONS
from eximkit.expansion.values import ExpansionFailed
from eximkit.expansion.world import NotAllowed
from tests.expansion.lookups.looking import look
from tests.expansion.zone_world import ZoneWorld

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

V6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
ZONES: dict[str, Sequence[str] | str] = {
    "h.ex A": ["192.0.2.1", "192.0.2.2"],
    "h.ex AAAA": ["2001:db8::1"],
    "h.ex TXT": ["one|two", "three"],
    "h.ex MX": ["10 m1.ex", "5 M2.ex"],
    "h.ex NS": ["ns1.ex", "ns2.ex"],
    "h.ex SRV": ["1 2 25 s1.ex"],
    "h.ex TLSA": ["3 1 1 ab01"],
    "h.ex SPF": ["v=spf1| -all"],
    "h.ex CNAME": [],
    "a1.ex A": ["192.0.2.9"],
    "al.ex A": ["CNAME h.ex", "192.0.2.1"],
    "al.ex CNAME": ["h.ex"],
    "half.ex A": ["CNAME h.ex"],
    "lp.ex A": ["CNAME lp.ex"],
    "again.ex A": "again",
    "again.ex AAAA": "again",
    "refused.ex A": "failed",
    "t.ex TXT": ["|b", "a||c", "a|b|", "|"],
    "t.ex SPF": ["|b", "a||c", "a|b|", "|", "x"],
    "empty.ex TXT": [""],
    "zone.ex NS": ["ns.zone.ex"],
    "zone.ex SOA": ["ns.zone.ex hm.zone.ex 1 2 3 4 5"],
    "deep.zone.ex NS": "again",
    "1.2.0.192.in-addr.arpa PTR": ["Host.Ex"],
    f"{V6} PTR": ["v6.ex"],
    "ptr.ex PTR": ["direct.ex"],
    "xn--9ca.ex A": ["192.0.2.10"],
}


def ask(query: str, options: Mapping[str, str] | None = None) -> str | None:
    return look(ZoneWorld(zones=ZONES), "dnsdb", None, query, options=options or {})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("a=h.ex", "192.0.2.1\n192.0.2.2"),
        ("A = h.ex", "192.0.2.1\n192.0.2.2"),
        ("aaaa=h.ex", "2001:db8::1"),
        ("a+=h.ex", "2001:db8::1\n192.0.2.1\n192.0.2.2"),
        ("a+=a1.ex", "192.0.2.9"),
        ("h.ex", "one\nthree"),
        ("tXt=h.ex", "one\nthree"),
        ("mx=h.ex", "10 m1.ex\n5 M2.ex"),
        ("mxh=h.ex", "m1.ex\nM2.ex"),
        ("ns=h.ex", "ns1.ex\nns2.ex"),
        ("srv=h.ex", "1 2 25 s1.ex"),
        ("tlsa=h.ex", "3 1 1 ab01"),
        ("spf=h.ex", "v=spf1 -all"),
        ("cname=al.ex", "h.ex"),
        ("cname=h.ex", None),
        ("a=al.ex", "192.0.2.1"),
        ("a=half.ex", "192.0.2.1\n192.0.2.2"),
        ("a=nonesuch.ex", None),
        ("mx=a1.ex", None),
        ("soa=zone.ex", "ns.zone.ex"),
        ("soa=x.y.zone.ex", "ns.zone.ex"),
        ("zns=x.y.zone.ex", "ns.zone.ex"),
        ("zns=nonesuch.ex", None),
        ("ptr=192.0.2.1", "Host.Ex"),
        ("ptr=192.0.2.01", None),
        ("ptr=2001:0DB8:0::1", "v6.ex"),
        ("ptr= 2001:db8::1", "v6.ex"),
        ("ptr=2001:db8::1 ", None),
        ("ptr=<;2001:db8::1;192.0.2.1", "v6.ex\nHost.Ex"),
        ("ptr=ptr.ex", "direct.ex"),
        ("a=a1.ex:h.ex", "192.0.2.9\n192.0.2.1\n192.0.2.2"),
        ("a=<; a1.ex ; nonesuch.ex", "192.0.2.9"),
        ("a=:a1.ex", "192.0.2.9"),
        ("a=h.ex::a1.ex", None),
        ("a=", None),
        ("txt=", None),
        ("", None),
        ("a=\xc3\xa9.ex", "192.0.2.10"),
        ("a=\xe9.ex", None),
    ],
)
def test_types(query: str, found: str | None) -> None:
    assert ask(query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("> a=h.ex", "192.0.2.1 192.0.2.2"),
        (">xa=h.ex", "192.0.2.1x192.0.2.2"),
        (">\n a=h.ex", "192.0.2.1\n192.0.2.2"),
        (">:,- mx=h.ex", "10-m1.ex:5-M2.ex"),
        (">:; mx=h.ex", "10m1.ex:5M2.ex"),
        (">:,; mx=h.ex", "10;m1.ex:5;M2.ex"),
        (">,; mx=h.ex", "10m1.ex,5M2.ex"),
        (">:,- srv=h.ex", "1-2-25-s1.ex"),
        (">:,- tlsa=h.ex", "3-1-1-ab01"),
        (">:; srv=h.ex", "1s1.ex"),
        (">:; tlsa=h.ex", "3"),
        (">:,- txt=h.ex", "one-two:three"),
        (">:; txt=h.ex", "onetwo:three"),
        (">:,- spf=h.ex", "v=spf1- -all"),
        (">:,; soa=zone.ex", "ns.zone.ex;hm.zone.ex;1;2;3;4;5"),
        (">:; soa=zone.ex", "ns.zone.ex"),
        ("txt=t.ex", "a\na\n"),
        (">X,Y txt=t.ex", "YbXaYYcXaYbX"),
        (">X; txt=t.ex", "bXacXabX"),
        ("spf=t.ex", "b\nac\nab\n\nx"),
        (">X,Y spf=t.ex", "YbXaYYcXaYbXXx"),
        ("txt=empty.ex", None),
        (">", None),
        (">x", None),
        (">x,", None),
    ],
)
def test_separators(query: str, found: str | None) -> None:
    assert ask(query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("defer_strict , a=h.ex", "192.0.2.1\n192.0.2.2"),
        ("DEFER_NEVER,Dnssec_LAX,a=a1.ex", "192.0.2.9"),
        ("retrans_1m2s,retry_3,a=a1.ex", "192.0.2.9"),
        ("retry_,a=a1.ex", "192.0.2.9"),
        ("retry_0x1 ,a=a1.ex", "192.0.2.9"),
        ("retry_99999999999999999999999,a=a1.ex", "192.0.2.9"),
        ("defer_strict,", None),
        ("a=again.ex:a1.ex", "192.0.2.9"),
        ("defer_never,a=again.ex", None),
        ("defer_never,a+=again.ex", None),
        ("defer_never,dnssec_strict,a=a1.ex", None),
        ("dnssec_strict,a=nonesuch.ex", None),
    ],
)
def test_modifiers(query: str, found: str | None) -> None:
    assert ask(query) == found


TYPE = "unsupported DNS record type"
SYNTAX = "dnsdb modifier syntax error"
TIMEOUT = "unsupported dnsdb timeout value"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("any=h.ex", TYPE),
        ("a +=h.ex", TYPE),
        ("=h.ex", TYPE),
        ("h.ex=", TYPE),
        (">x,a=h.ex", TYPE),
        (">x ; a=h.ex", TYPE),
        (">,: soa=h.ex", TYPE),
        ("defer,a=h.ex", TYPE),
        ("defer_strict,,a=h.ex", TYPE),
        ("defer_never,>: a=h.ex", TYPE),
        ("defer_strict", SYNTAX),
        ("defer_strictx,a=h.ex", SYNTAX),
        ("dnssec_lax a=h.ex", SYNTAX),
        ("retry_1x,a=h.ex", SYNTAX),
        ("retry_1", SYNTAX),
        ("defer_,a=h.ex", "unsupported dnsdb defer behaviour"),
        ("dnssec_x,a=h.ex", "unsupported dnsdb dnssec behaviour"),
        ("retry_-1,a=h.ex", "unsupported dnsdb retry count"),
        ("retrans_1,a=h.ex", TIMEOUT),
        ("retrans_0s,a=h.ex", TIMEOUT),
        ("retrans_1S,a=h.ex", TIMEOUT),
        ("retrans_1s ,a=h.ex", TIMEOUT),
        ("retrans_1s", TIMEOUT),
        ("a=again.ex", ""),
        ("a=refused.ex", ""),
        ("txt=<;;", ""),
        ("a=lp.ex", ""),
        ("a+=again.ex", ""),
        ("defer_strict,a=a1.ex:again.ex", ""),
        ("dnssec_strict,a=a1.ex", ""),
        ("zns=x.deep.zone.ex", ""),
    ],
)
def test_deferred(query: str, reason: str) -> None:
    assert ask(query) == f'Failed: lookup of "{query}" gave DEFER: {reason}'


def test_blanks_before_a_query_are_not_shown() -> None:
    assert ask(" \n\t= h.ex") == f'Failed: lookup of "= h.ex" gave DEFER: {TYPE}'


def test_what_is_no_name_is_not_asked_for() -> None:
    there = ZoneWorld(zones=ZONES)
    names = ("h..ex", ".h.ex", "-h.ex", "x-.ex", "h ex", "h!.ex", "h.ex..")
    for kind in ("a", "mx", "ns", "srv", "cname", "tlsa", "csa"):
        for name in names:
            assert look(there, "dnsdb", None, f"{kind}=<\n{name}") is None
    assert there.asked == []
    for name in ("h_.ex", "x/y.ex", "h.ex.", "1.ex"):
        look(there, "dnsdb", None, f"a={name}")
    look(there, "dnsdb", None, "txt=h!.ex")
    look(there, "dnsdb", None, "a=h!.ex", options={"dns_check_names_pattern": ""})
    asked = [name for name, *_ in there.asked]
    assert asked == ["h_.ex", "x/y.ex", "h.ex.", "1.ex", "h!.ex", "h!.ex"]


def test_how_the_dns_is_asked() -> None:
    there = ZoneWorld(zones=ZONES)
    options = {"dns_retrans": "3s", "dns_retry": "4"}
    look(there, "dnsdb", None, "a=h.ex")
    look(there, "dnsdb", None, "a=h.ex", options=options)
    look(there, "dnsdb", None, "retrans_1m,retry_2,dnssec_never,a=h.ex",
         options=options)  # fmt: skip
    assert there.asked == [
        ("h.ex", "A", True, None, None),
        ("h.ex", "A", True, 3, 4),
        ("h.ex", "A", False, 60, 2),
    ]


def test_answers_that_are_vouched_for() -> None:
    there = ZoneWorld(zones=ZONES, secure=True)
    assert look(there, "dnsdb", None, "dnssec_strict,a=a1.ex") == "192.0.2.9"
    assert look(there, "dnsdb", None, "dnssec_never,a=a1.ex") == "192.0.2.9"


CSA: dict[str, Sequence[str] | str] = {
    "_client._smtp.yes.ex SRV": ["1 2 0 y.ex"],
    "_client._smtp.no.ex SRV": ["1 1 0 n.ex"],
    "_client._smtp.zero.ex SRV": ["1 0 1 z.ex"],
    "_client._smtp.unknown.ex SRV": ["1 3 0 u.ex"],
    "_client._smtp.other.ex SRV": ["1 9 0 o.ex", "2 2 0 o.ex"],
    "_client._smtp.skipped.ex SRV": ["1 2 0 s.ex", "2 2 0 s.ex", "1 1 0 t.ex"],
    "_client._smtp.bad.ex SRV": "failed",
    "_client._smtp.two.ex SRV": ["2 2 0 x.ex", "1 2 0 a.ex", "1 1 0 b.ex"],
    "_client._smtp.1.2.0.192.in-addr.arpa SRV": ["1 2 0 ip.ex"],
    "_client._smtp.again.ex SRV": "again",
    # Names without data of the type, in zones whose top speaks for what is below.
    "_client._smtp.a.up.ex SRV": "no data up.ex",
    "_client._smtp.a.b.up.ex SRV": "no data up.ex",
    "_client._smtp.up.ex SRV": ["2 2 0 x.ex", "1 9 0 v.ex", "1 2 1 up.ex"],
    "_client._smtp.a.open.ex SRV": "no data open.ex",
    "_client._smtp.open.ex SRV": ["1 2 0 open.ex"],
    "_client._smtp.1.2.3.4.5.6.long.ex SRV": "no data long.ex",
    "_client._smtp.3.4.5.6.long.ex SRV": ["1 2 1 long.ex"],
    "_client._smtp.2.3.4.5.6.long.ex SRV": ["1 2 1 long.ex"],
    "_client._smtp.x.elsewhere.ex SRV": "no data other.ex",
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("yes.ex", "Y y.ex"),
        ("no.ex", "N n.ex"),
        ("zero.ex", "N z.ex"),
        ("unknown.ex", "? u.ex"),
        ("other.ex", None),
        ("skipped.ex", "Y s.ex\n\nN t.ex"),
        ("bad.ex", None),
        ("two.ex", "Y a.ex\nN b.ex"),
        ("192.0.2.1", "Y ip.ex"),
        ("[192.0.2.1]", None),
        ("nonesuch.ex", None),
        ("a.up.ex", "? v.ex\nX up.ex"),
        ("a.b.up.ex", "? v.ex\nX up.ex"),
        ("a.open.ex", None),
        ("x.elsewhere.ex", None),
        ("yes.ex:no.ex", "Y y.ex\nN n.ex"),
    ],
)
def test_client_authorization(name: str, found: str | None) -> None:
    there = ZoneWorld(zones=CSA)
    assert look(there, "dnsdb", None, f">\n,- csa={name}") == found


def test_how_far_authorization_is_looked_for() -> None:
    there = ZoneWorld(zones=CSA)
    assert look(there, "dnsdb", None, "csa=1.2.3.4.5.6.long.ex") == "X long.ex"
    assert [name.removeprefix("_client._smtp.") for name, *_ in there.asked] == [
        "1.2.3.4.5.6.long.ex", "long.ex", "6.long.ex", "5.6.long.ex", "4.5.6.long.ex",
        "3.4.5.6.long.ex",
    ]  # fmt: skip
    shorter = {"dns_csa_search_limit": "4"}
    there = ZoneWorld(zones=CSA)
    name = "csa=1.2.3.4.5.6.long.ex"
    assert look(there, "dnsdb", None, name, options=shorter) is None
    assert look(there, "dnsdb", None, "csa=again.ex") == (
        'Failed: lookup of "csa=again.ex" gave DEFER: '
    )


def test_questions_have_a_bound() -> None:
    names = ":".join(f"n{n}.ex" for n in range(MAXIMUM_QUESTIONS + 1))
    with pytest.raises(NotAllowed, match="more than 1000 questions"):
        ask(f"a={names}")


@given(st.text(st.sampled_from("ahmxtp=+,;:>< _.\x01defer_strictlaxnssec129\xe9"),
               max_size=40))  # fmt: skip
def test_any_query_has_an_answer(query: str) -> None:
    answer = ask(query)
    assert answer is None or isinstance(answer, str)


@pytest.mark.parametrize(
    ("query", "secure", "told"),
    [
        ("a=", True, []),
        ("a=h!.ex", True, ["no"]),
        ("a=a1.ex", True, ["yes"]),
        ("a=a1.ex", False, ["no"]),
        ("dnssec_never,a=a1.ex", True, [""]),
        ("a=a1.ex:nonesuch.ex", True, ["yes", "no"]),
        ("a=a1.ex:h!.ex", True, ["yes", "yes"]),
        ("any=a1.ex", True, []),
    ],
)
def test_what_is_told_of_dnssec(query: str, secure: bool, told: list[str]) -> None:
    remembered = []
    there = ZoneWorld(zones=ZONES, secure=secure)

    def remember(name: str, value: str) -> None:
        assert name == "lookup_dnssec_authenticated"
        remembered.append(value)

    with suppress(ExpansionFailed):
        request = LookupRequest("dnsdb", None, query, release("4.96"))
        perform(request, there, remember=remember)
    assert remembered == told
