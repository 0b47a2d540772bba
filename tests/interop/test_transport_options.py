from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from eximkit import catalog
from eximkit.catalog.options import option_names
from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.config.environment import environment_of
from eximkit.errors import SettingsError
from eximkit.expansion.values import Known
from eximkit.expansion.world import DnsAnswer, DnsRecord, FileFailed, NotAllowed
from eximkit.interop import transport_table as table
from eximkit.interop.transport_options import Envelope, Target, transport_plan
from eximkit.interop.transport_plan import Greeting, Timeouts, Verification
from eximkit.machine.world import Machine
from eximkit.smtp.auth import Account
from eximkit.smtp.early import Key, Record, Tls, Wish, decide
from eximkit.smtp.ehlo import Offer
from eximkit.source import SourceFile, octets

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.interop.transport_plan import TransportPlan

HOST = Target("127.0.0.1", 2525)
NOBODY = Envelope()
OTHERWISE = {
    "router_var": "the variable is a router's",
    "address_data": "the variable is a router's",
    "pipe_avoid_pipelining": "hosts_avoid_pipelining wins; Exim never delivers",
    "avoid_persist": "hosts_avoid_pipelining wins; Exim never delivers",
    "pipe_lmtp": "LMTP is not spoken here",
    "pipe_lmtp_direct": "LMTP is not spoken here",
    "event": "no events are raised here",
}
"""Cases of the corpus in which a client here is not to do as Exim did, or cannot."""
NAMES = {"1.0.0.127": "mail.example.test", "2.0.0.127": "out2.example.test"}


class Laboratory(Machine):
    """The machine on which the cases of the corpus were decided."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__()
        self.files = files

    def read(self, path: str) -> str:
        if path not in self.files:
            raise FileFailed(path, "No such file or directory", 2)
        return self.files[path]

    def resolve(self, name: str, record_type: str, **_: object) -> DnsAnswer:
        known = NAMES.get(name.removesuffix(".in-addr.arpa"))
        if record_type != "PTR":
            raise NotAllowed(f"the DNS for {record_type} of {name}")
        if known is None:
            return DnsAnswer("no domain")
        return DnsAnswer("found", (DnsRecord("PTR", (known,)),))


def plan(
    transport: str, main: str = "", rest: str = "", *, target: Target = HOST,
    version: str = "4.96", name: str = "t", files: dict[str, str] | None = None,
    whole: str | None = None, envelope: Envelope = NOBODY,
) -> TransportPlan:  # fmt: skip
    """The plan of a transport `t` with these options."""
    lines = "\n".join(f"  {line}" for line in transport.splitlines())
    text = whole or (
        f"primary_hostname = client.example\n{main}\nbegin transports\nt:\n"
        f"  driver = smtp\n{lines}\n{rest}"
    )
    release = catalog.release(version)
    known = {path: octets(data) for path, data in (files or {}).items()}
    config = build(SourceFile("e", octets(text)), MemoryFiles(known), release=release)
    hostname = config.options.text("primary_hostname", "client.example")
    environment = environment_of(
        config, release, world=Laboratory(known),
        variables={"primary_hostname": Known(hostname)}, headers={},
        offset=lambda _zone: lambda _time: 0,
    )  # fmt: skip
    return transport_plan(config, name, target, environment, envelope)


def noted(made: TransportPlan) -> dict[str, str]:
    return {each.option: each.reason for each in made.unhonoured}


# -- the tables ------------------------------------------------------------------------


def test_every_option_has_one_place() -> None:
    places = (table.FOLLOWED, table.NO_ACCOUNT, frozenset(table.NOT_FOLLOWED))
    for n, one in enumerate(places):
        for other in places[n + 1 :]:
            assert one & other == set()
    every = frozenset[str]().union(*places)
    known = {
        name
        for release in ("4.92", "4.96", str(catalog.NEWEST))
        for name in option_names("transport", "smtp", catalog.release(release))
    }
    assert every == known
    assert set(table.NOT_FOLLOWED) >= table.WEAKENING


# -- greetings -------------------------------------------------------------------------


def test_greetings_are_those_that_exim_sent(corpus: Path) -> None:
    """Of each decided case: the first greeting, the second, and whether it is early."""
    wrong: dict[str, tuple[object, ...]] = {}
    looked = 0
    for line in (corpus / "helo-data/cases.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        pair = _observed(case)
        if pair is None or case["id"] in OTHERWISE:
            continue
        over_ipv6 = re.search(r"route_list = .*::1", case["config"])
        host = "::1" if over_ipv6 else "127.0.0.1"
        try:
            made = plan(
                "", whole=case["config"], files=case.get("files"), name="t",
                version=case["target_version"], target=Target(host, 2525),
                envelope=Envelope("a@example.test", ("u@example.test",)),
            )  # fmt: skip
        except SettingsError as error:
            wrong[case["id"]] = (error,)
            continue
        first, later = pair
        local = made.bind if made.bind not in ("", "0.0.0.0") else host  # noqa: S104
        after = made.after(local, 50600)
        early = _decided(made)
        second = made.greeting(early, local, 50600)
        told = [after.failure, second.failure]
        if any("has to be set" in t or "add --allow" in t or "Perl" in t for t in told):
            continue  # of the machine of the laboratory
        looked += 1
        seen = (_ours(after, made), early, _ours(second, made))
        expected = (first["greeting"], later["early"], later["greeting"])
        if _plain(seen) != _plain(expected):
            wrong[case["id"]] = (seen, expected, told)
    assert wrong == {}
    assert looked > 100


def _observed(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    seen = case["observed_4_96"]
    deliveries = seen.get("deliveries", [])
    if len(deliveries) < 2 or seen.get("second_server"):
        return None
    if any(len(d) != 1 for d in deliveries[:2]):
        return None
    return deliveries[0][0], deliveries[1][0]


def _decided(made: TransportPlan) -> bool:
    offer = Offer({"PIPELINING": (), "PIPECONNECT": (), "STARTTLS": ()})
    return decide(made.wish, Record(1, offer, offer), 2).early


def _ours(greeting: Greeting, made: TransportPlan) -> str | None:
    verb = "EHLO" if made.extended else "HELO"
    return None if greeting.failure else f"{verb} {greeting.name}"


def _plain(seen: tuple[object, ...]) -> list[str]:
    """Without the local port, which is another one each time."""
    return [re.sub(r"\bp\d{4,5}\b", "pPORT", str(one)) for one in seen]


# -- what an option does ---------------------------------------------------------------


def test_defaults() -> None:
    made = plan("")
    assert made.wish == Wish(
        early=False, pipelining=True, helo=True, tls=Tls.STARTTLS, tls_required=False
    )
    assert made.key == Key("127.0.0.1", 2525, "$primary_hostname", tls=Tls.STARTTLS)
    assert made.verification == Verification(tried=True, names=True)
    assert (made.chunking, made.prdr, made.fast_open, made.resume) == (
        True, True, True, False,
    )  # fmt: skip
    assert (made.account, made.auth_required, made.extended) == (None, False, True)
    assert made.timeouts == Timeouts(300, 300, 300, 600)
    assert made.most_recipients == 100
    assert made.after("127.0.0.1", 1).name == "client.example"
    assert made.unhonoured == ()
    route = made.route("client.example")
    assert (route.tls, route.chunking, route.most_recipients) == (
        Tls.STARTTLS, True, 100,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ("hosts_pipe_connect = *", {"early": True}),
        ("hosts_pipe_connect = !127.0.0.1 : *", {"early": False}),
        ("hosts_pipe_connect = 127.0.0.0/8", {"early": True}),
        ("hosts_pipe_connect = +near", {"early": True}),
        ("hosts_pipe_connect = !+near", {"early": False}),
        ("hosts_pipe_connect = ${if eq{$host_address}{127.0.0.1}{*}}", {"early": True}),
        ("hosts_pipe_connect = ${if eq{$host}{mx}{*}}", {"early": False}),
        ("hosts_pipe_connect = *\nhosts_avoid_esmtp = *", {"early": False}),
        ("hosts_avoid_pipelining = *", {"pipelining": False}),
        ("hosts_avoid_tls = *", {"tls": Tls.NONE}),
        ("hosts_require_tls = *", {"tls_required": True}),
        ("protocol = smtps", {"tls": Tls.ON_CONNECT, "tls_required": True}),
        ("helo_data = [$sending_ip_address]", {"helo": False}),
        ("helo_data = [$sending_ip_address]\ninterface = 127.0.0.1", {"helo": True}),
        # An address of the other family binds nothing.
        ("helo_data = [$sending_ip_address]\ninterface = <; ::1", {"helo": False}),
    ],
)
def test_wish(options: str, changed: dict[str, object]) -> None:
    made = plan(options, "hostlist near = 127.0.0.1\nretry_data_expire = 2h")
    assert made.wish.expire == 7200
    for name, value in changed.items():
        assert getattr(made.wish, name) == value


def test_before_4_96_an_interface_lifts_nothing() -> None:
    options = "helo_data = [$sending_ip_address]\ninterface = 127.0.0.1"
    assert not plan(options, version="4.95").wish.helo
    assert plan(options, version="4.92").wish.helo


def test_settings_that_come_as_they_are() -> None:
    made = plan(
        "tls_sni = $host\ntls_certificate = /c.pem\ntls_privatekey = /k.pem\n"
        "tls_verify_hosts = *\ntls_verify_cert_hostnames = :\n"
        "tls_verify_certificates = /ca\ntls_resumption_hosts = *\n"
        "hosts_try_chunking = :\nhosts_try_prdr =\nhosts_try_fastopen = :\n"
        "tls_tempfail_tryclear = false\nmax_rcpt = 7\ncommand_timeout = 1m30s\n"
        "tls_require_ciphers = ECDHE+AESGCM:!aNULL\ninterface = 127.0.0.3",
        target=Target("127.0.0.1", 2525, "mx.example"),
    )  # fmt: skip
    assert (made.sni, made.certificate, made.private_key) == (
        "mx.example", "/c.pem", "/k.pem",
    )  # fmt: skip
    assert made.verification == Verification(
        required=True, tried=True, names=False, authorities="/ca"
    )
    assert made.key.sni == "$host"
    assert (made.chunking, made.prdr, made.fast_open, made.resume) == (
        False, False, False, True,
    )  # fmt: skip
    assert made.most_recipients == 7
    assert made.timeouts.command == 90
    assert made.bind == made.key.interface == "127.0.0.3"
    route = made.route("x.example")
    assert (route.clear_after_tempfail, route.most_recipients) == (False, 7)
    assert made.unhonoured == ()


def test_ports() -> None:
    nowhere = Target("127.0.0.1")
    assert plan("", target=nowhere).target.port == 25
    assert plan("protocol = smtps", target=nowhere).target.port == 465
    assert plan("port = ${if eq{1}{1}{2526}}", target=nowhere).target.port == 2526
    assert plan("port = submission", target=nowhere).target.port == 587
    assert plan("port = 2526").target.port == 2525


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ("protocol = lmtp", "speaks LMTP"),
        ("interface = lo", "no list of IP addresses"),
        ("interface = ${lookup dnsdb{a=x}}", "interface: "),
        ("hosts_avoid_tls = *\nhosts_require_tls = *", "both hold"),
        ("tls_sni = ${if eq{a}", "tls_sni: "),
        ("hosts_pipe_connect = ^a[", "hosts_pipe_connect: "),
        ("hosts_pipe_connect = +absent", r"no host list \+absent"),
    ],
)
def test_what_exim_could_not_use_either(options: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        plan(options)


def test_a_port_that_is_none() -> None:
    with pytest.raises(SettingsError, match="port: nowhere"):
        plan("port = nowhere", target=Target("127.0.0.1"))


@pytest.mark.parametrize(
    ("name", "what"),
    [("tt", "did you mean t?"), ("nothing_like_it", "smtp transports: t"),
     ("file", "driver = appendfile")],
)  # fmt: skip
def test_transports_that_are_none(name: str, what: str) -> None:
    rest = "file:\n  driver = appendfile\n  file = /x\n"
    with pytest.raises(SettingsError) as error:
        plan("", rest=rest, name=name)
    assert what in str(error.value)


# -- AUTH ------------------------------------------------------------------------------

PLAIN = """plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^ann^se^^cret
"""
LOGIN = """login:
  driver = plaintext
  public_name = LOGIN
  client_send = : ann : se^^cret
"""
CRAM = """cram:
  driver = cram_md5
  public_name = CRAM-MD5
  client_name = ann
  client_secret = se^cret
"""
ANN = Account("ann", "se^cret")


@pytest.mark.parametrize(
    ("authenticators", "mechanisms"),
    [
        (PLAIN, ("PLAIN",)), (LOGIN, ("LOGIN",)), (CRAM, ("CRAM-MD5",)),
        (CRAM + PLAIN + LOGIN, ("CRAM-MD5", "PLAIN", "LOGIN")),
    ],
)  # fmt: skip
def test_authenticators(authenticators: str, mechanisms: tuple[str, ...]) -> None:
    rest = f"begin authenticators\n{authenticators}"
    made = plan("hosts_try_auth = *", rest=rest)
    assert made.account == ANN
    assert made.mechanisms == mechanisms
    assert not made.auth_required
    assert made.route("x").mechanisms == mechanisms
    assert not made.route("x").clear_passwords
    shown = any(name in ("PLAIN", "LOGIN") for name in mechanisms)
    assert ("hosts_try_auth" in noted(made)) is shown
    assert plan("hosts_require_auth = *", rest=rest).auth_required
    assert plan("", rest=rest).account is None


def test_an_authenticator_for_tls_alone() -> None:
    condition = "  client_condition = ${if def:tls_out_cipher}\n"
    made = plan("hosts_try_auth = *", rest=f"begin authenticators\n{PLAIN}{condition}")
    assert made.account == ANN
    assert not made.auth_in_clear
    assert made.route("x").tls_for_auth
    assert made.unhonoured == ()


@pytest.mark.parametrize(
    ("authenticator", "option", "what"),
    [
        ("x:\n  driver = spa\n  public_name = NTLM\n  client_username = a\n",
         "authenticator x", "not spoken here"),
        ("x:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ann\n",
         "authenticator x", "not what PLAIN sends"),
        ("x:\n  driver = plaintext\n  public_name = LOGIN\n  client_send = : a : $h\n",
         "authenticator x", "client_send cannot be expanded: it fails"),
        (CRAM + PLAIN.replace("ann", "bob"), "authenticator for PLAIN",
         "another account"),
    ],
)  # fmt: skip
def test_authenticators_that_are_not_used(
    authenticator: str, option: str, what: str
) -> None:
    made = plan("hosts_try_auth = *", rest=f"begin authenticators\n{authenticator}")
    assert what in noted(made)[option]


def test_a_password_is_in_no_note_and_no_repr() -> None:
    made = plan("hosts_try_auth = *", rest=f"begin authenticators\n{PLAIN}")
    assert "se^cret" not in repr(made)


# -- what is not followed is named -----------------------------------------------------


@pytest.mark.parametrize("option", sorted(table.NOT_FOLLOWED))
def test_what_is_not_followed_is_named(option: str) -> None:
    info = catalog.option("transport", "smtp", option)
    assert info is not None
    version = str(info.since or "4.96")
    values = {"boolean": "true", "time": "5m", "integer": "7"}
    value = values.get(info.type.rstrip("!*"), "x")
    made = plan(f"{option} = {value}", version=max(version, "4.96"))
    assert table.NOT_FOLLOWED[option] in noted(made)[option]
    weakens = any(each.option == option and each.weakens for each in made.unhonoured)
    assert weakens is (option in table.WEAKENING)
    assert (made.weakened != ()) is weakens


def test_what_is_not_set_is_not_named() -> None:
    assert plan("dkim_domain =\nsocks_proxy =\nlmtp_ignore_quota").unhonoured == ()


def test_variables_of_routers_and_headers_are_named() -> None:
    made = plan("helo_data = ${if def:r_name{$r_name}{$address_data.$h_subject:}}")
    assert made.after("127.0.0.1", 1).name == "."
    made = plan("tls_sni = $r_name$address_data$h_subject:")
    assert "$r_name" in made.unhonoured[0].reason
    assert "$address_data" in made.unhonoured[1].reason


def test_what_cannot_be_decided_is_safe_and_named() -> None:
    made = plan(
        "hosts_require_tls = mx.example\nhosts_require_auth = ${lookup dnsdb{a=x}}\n"
        "hosts_pipe_connect = mx.example\nhosts_avoid_tls = mx.example"
    )
    assert made.wish.tls is Tls.STARTTLS
    assert made.wish.tls_required
    assert made.auth_required
    assert not made.wish.early
    for option in ("hosts_require_tls", "hosts_pipe_connect", "hosts_avoid_tls"):
        assert any(each.option == option for each in made.unhonoured)


def test_ciphers_of_gnutls_are_not_given_to_openssl() -> None:
    made = plan("tls_require_ciphers = NORMAL:-VERS-TLS1.3")
    assert made.ciphers == ""
    assert made.weakened[0].option == "tls_require_ciphers"


# -- the message -----------------------------------------------------------------------


def test_the_envelope_is_known() -> None:
    text = "helo_data = $sender_address_domain.$local_part.$domain.example"
    one = Envelope("a@b.example", ("c@d.example",))
    assert plan(text, envelope=one).after("", 1).name == (
        "b.example.c.d.example.example"
    )
    two = Envelope("", ("c@d.example", "e@d.example"))
    assert plan(text, envelope=two).after("", 1).name == "..d.example.example"


def test_a_failing_name_is_told() -> None:
    made = plan(
        "hosts_pipe_connect = *\nhelo_data = ${if def:sending_ip_address{x}fail}"
    )
    assert made.after("127.0.0.1", 1) == Greeting("x")
    assert made.before().failure
    assert not made.before().usable
    made = plan("helo_data = [${sending_ip_address}]")
    assert made.before() == Greeting("[]")
    assert not made.before().usable
    assert made.after("127.0.0.1", 1).usable


def test_an_account_that_is_there_under_tls_alone() -> None:
    rest = PLAIN.replace(
        "^ann^se^^cret", "<; ${if !eq{$tls_out_cipher}{}{^ann^se^^cret}fail}"
    )
    made = plan("hosts_try_auth = *", rest=f"begin authenticators\n{rest}")
    assert made.account == ANN
    assert not made.auth_in_clear


def test_a_password_is_in_no_complaint() -> None:
    rest = PLAIN.replace("se^^cret", "s3cr3t${if eq{a}").replace("^ann", "${lc:^ann")
    made = plan("hosts_try_auth = *", rest=f"begin authenticators\n{rest}")
    assert made.account is None
    assert "s3cr3t" not in str(made.unhonoured)
    rest = CRAM.replace("se^cret", "s3cr3t${if eq{a}")
    made = plan("hosts_try_auth = *", rest=f"begin authenticators\n{rest}")
    assert made.account is None
    assert "s3cr3t" not in str(made.unhonoured)
    assert "client_secret cannot be expanded" in str(made.unhonoured[0])
