from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.catalog.options import option_names
from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.config.environment import environment_of
from eximkit.errors import SettingsError
from eximkit.expansion.values import Known
from eximkit.interop import main_table as table
from eximkit.interop.acl_options import STAGES
from eximkit.interop.service_options import Client, keyword, service_plan
from eximkit.machine.world import Machine
from eximkit.smtp import auth
from eximkit.smtp.auth import Account, ClientSide, Proof, ServerSide
from eximkit.smtp.ehlo import Limits
from eximkit.smtp.server import Server
from eximkit.source import SourceFile, octets

if TYPE_CHECKING:
    from eximkit.interop.service_options import ServicePlan

HERE = Client("127.0.0.1", 4000, "", "127.0.0.1", 25)


def plan(main: str = "", rest: str = "", version: str = "4.96") -> ServicePlan:
    text = f"primary_hostname = mx.example\n{main}\n{rest}"
    release = catalog.release(version)
    config = build(SourceFile("e", octets(text)), MemoryFiles({}), release=release)
    assert not config.refused, [p.message for p in config.problems]
    environment = environment_of(
        config, release, world=Machine(), headers={},
        variables={"primary_hostname": Known("mx.example")},
        offset=lambda _zone: lambda _time: 0,
    )  # fmt: skip
    return service_plan(config, environment)


def noted(made: ServicePlan) -> dict[str, str]:
    return {each.option: each.reason for each in made.unhonoured}


def test_every_option_has_one_place() -> None:
    places = (
        table.FOLLOWED, table.NO_ACCOUNT, frozenset(table.ACLS),
        frozenset(table.NOT_FOLLOWED),
    )  # fmt: skip
    for n, one in enumerate(places):
        for other in places[n + 1 :]:
            assert one & other == set()
    every = frozenset[str]().union(*places)
    known = {
        name
        for release in ("4.92", "4.95", "4.96", str(catalog.NEWEST))
        for name in option_names("main", None, catalog.release(release))
    }
    assert known <= every
    assert all(catalog.option("main", None, name) for name in every)
    assert set(table.NOT_FOLLOWED) >= table.WEAKENING


@pytest.mark.parametrize(
    ("version", "word"),
    [
        ("4.92", "X_PIPE_CONNECT"), ("4.94", "X_PIPE_CONNECT"),
        ("4.94.1", "PIPE_CONNECT"), ("4.95", "PIPE_CONNECT"), ("4.96", "PIPECONNECT"),
        (str(catalog.NEWEST), "PIPECONNECT"),
    ],
)  # fmt: skip
def test_keywords(version: str, word: str) -> None:
    assert keyword(catalog.release(version)) == word


@pytest.mark.parametrize(
    ("main", "field", "value"),
    [
        ("", "size", 50 << 20), ("message_size_limit = 0", "size", 0),
        ("message_size_limit = ${eval:2*512}", "size", 1024),
        ("recipients_max = 5", "most_recipients", 5),
        ("recipients_max = 0", "most_recipients", 50_000),
        ("smtp_accept_max_per_connection = 3", "most_messages", 3),
        ("smtp_accept_max_nonmail = 4", "most_idle", 4),
        ("smtp_accept_max_nonmail_hosts = !127.0.0.1", "most_idle", 1 << 30),
        ("smtp_max_unknown_commands = 9", "most_unknown", 9),
        ("smtp_max_synprot_errors = 8", "most_errors", 8),
        ("smtp_enforce_sync = no", "in_step", False),
        ("tls_advertise_hosts = 192.0.2.1", "starttls", False),
        ("pipelining_connect_advertise_hosts = :", "early", ""),
        ("pipelining_connect_advertise_hosts = !192.0.2.1", "early", "PIPECONNECT"),
        ("smtp_active_hostname = a.example", "name", "a.example"),
        ("smtp_active_hostname = no name", "name", "mx.example"),
        ("smtp_banner = a\\nb\\n", "banner", ("a", "b")),
    ],
)  # fmt: skip
def test_service(main: str, field: str, value: object) -> None:
    assert getattr(plan(main).service(HERE), field) == value


@pytest.mark.parametrize(
    ("main", "field", "value"),
    [
        ("smtp_accept_max = 7", "most_connections", 7),
        ("smtp_accept_max = 0", "most_connections", 0),
        ("smtp_accept_max_per_host = 3", "most_per_host", 3),
        ("smtp_receive_timeout = 2m", "timeout", 120),
        ("smtp_receive_timeout = 0s", "timeout", 0),
        ("tls_certificate = /c.pem", "certificate", "/c.pem"),
        ("tls_certificate = /c.pem", "private_key", "/c.pem"),
        ("tls_certificate = /c\ntls_privatekey = /k", "private_key", "/k"),
        ("tls_on_connect_ports = 465 : 4650", "on_connect_ports", {465, 4650}),
        ("daemon_smtp_ports = smtp : 587", "listen", (("", 25), ("", 587))),
        ("local_interfaces = <; 127.0.0.1 ; [::1]:26 ; 127.0.0.1.27 ; ::1", "listen",
         (("127.0.0.1", 25), ("::1", 26), ("127.0.0.1", 27), ("::1", 25))),
    ],
)  # fmt: skip
def test_plan(main: str, field: str, value: object) -> None:
    assert getattr(plan(main), field) == value


def test_limits_are_said_from_4_98_on() -> None:
    main = "recipients_max = 5\nsmtp_accept_max_per_connection = 9"
    assert plan(main).service(HERE).limits == Limits()
    assert plan(main, version="4.98").service(HERE).limits == Limits(9, 5)
    main += "\nlimits_advertise_hosts = !127.0.0.1"
    assert plan(main, version="4.98").service(HERE).limits == Limits()


def test_a_client_that_is_rejected() -> None:
    made = plan("host_reject_connection = 127.0.0.0/8 : !*.example")
    refusal = made.refusal(HERE)
    assert refusal is not None
    assert refusal.code == 554
    assert made.refusal(Client("192.0.2.1", name="a.example")) is None


def test_a_list_that_cannot_be_decided_keeps_out() -> None:
    made = plan("host_reject_connection = mx.example")
    assert made.refusal(HERE) is not None
    assert "mx.example" in noted(made)["host_reject_connection"] or any(
        "mx.example" in each.reason for each in made.unhonoured
    )


def test_a_banner_is_said() -> None:
    made = plan("smtp_banner = $smtp_active_hostname hello $sender_host_address\\nbye")
    server = Server(made.service(HERE))
    (event,) = server.feed(b"")
    assert server.send(event.reply) == b"220-mx.example hello 127.0.0.1\r\n220 bye\r\n"  # type: ignore[union-attr]


def test_a_banner_for_each_connection() -> None:
    made = plan("smtp_banner = $sender_host_port")
    assert made.steady
    assert made.service(HERE).banner == ("4000",)
    assert made.service(Client("127.0.0.1", 4001)).banner == ("4001",)


@pytest.mark.parametrize(
    ("main", "steady"),
    [
        ("", True), ("pipelining_advertise_hosts = !10.0.0.0/8 : +near", True),
        ("pipelining_advertise_hosts = net-lsearch;/x", False),
        ("pipelining_advertise_hosts = /etc/hosts", False),
        ("chunking_advertise_hosts = ${if eq{$tod_zone}{+0000}{*}}", False),
        ("chunking_advertise_hosts = ${lookup dnsdb{a=x}}", False),
    ],
)  # fmt: skip
def test_what_may_be_kept_for_the_next_client(main: str, steady: bool) -> None:
    assert plan(f"hostlist near = 127.0.0.1\n{main}").steady is steady


def test_input_that_comes_too_soon_is_let_pass() -> None:
    made = plan("smtp_enforce_sync = no\npipelining_connect_advertise_hosts =")
    server = Server(made.service(HERE))
    codes = []
    octets_said = b"HELO a.example\r\nNOOP\r\nNOOP\r\nQUIT\r\n"
    for event in server.feed(octets_said):
        server.send(event.reply)  # type: ignore[union-attr]
        codes.append(event.reply.code)  # type: ignore[union-attr]
    assert codes == [220, 250, 250, 250, 221]
    assert not server.session.use.early


# -- AUTH ------------------------------------------------------------------------------

AUTH = """\
begin authenticators
p1:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{ann}}{eq{$auth3}{s3cret}}}}
  server_set_id = $auth2/$auth1
l1:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${if eq{$auth1:$2}{ann:s3cret}}
  server_set_id = $auth1
  server_advertise_condition = ${if def:tls_in_cipher}
c1:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq{$auth1}{ann}{s3cret}fail}
  server_set_id = $auth1
"""


def proof(mechanism: str, word: str = "s3cret", name: str = "ann") -> Proof:
    side = ServerSide(mechanism, b"<1@x>")
    shown = ClientSide(mechanism, Account(name, word, ""))
    found = side.begin(shown.initial)
    while isinstance(found, bytes):
        found = side.answer(shown.answer(auth.encode(found)))
    return found


@pytest.mark.parametrize(
    ("mechanism", "who"), [("PLAIN", "ann/"), ("LOGIN", "ann"), ("CRAM-MD5", "ann")]
)
def test_who_is_let_in(mechanism: str, who: str) -> None:
    made = plan("", AUTH)
    assert made.authenticated(proof(mechanism), HERE) == who
    assert made.authenticated(proof(mechanism, "wrong"), HERE) is None
    assert made.authenticated(proof(mechanism, name="bob"), HERE) is None


def test_mechanisms() -> None:
    service = plan("", AUTH).service(HERE)
    assert service.offered_mechanisms(secure=True) == ("PLAIN", "LOGIN", "CRAM-MD5")
    assert service.offered_mechanisms(secure=False) == ("PLAIN", "CRAM-MD5")
    assert plan("auth_advertise_hosts =", AUTH).service(HERE).mechanisms == ()
    made = plan("", AUTH)
    assert [made.authenticator(m) for m in ("PLAIN", "LOGIN", "SPA")] == [
        "p1", "l1", "spa",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "accepted"),
    [("1", True), ("yes", True), ("true", True), ("0", False), ("no", False),
     ("", False), ("what", False), ("${if eq{a}{b}{1}fail}", False),
     ("${lookup dnsdb{a=x}}", False)],
)  # fmt: skip
def test_conditions(condition: str, accepted: bool) -> None:
    rest = (
        "begin authenticators\np:\n  driver = plaintext\n  public_name = PLAIN\n"
        f"  server_condition = {condition}\n"
    )
    who = plan("", rest).authenticated(proof("PLAIN"), HERE)
    assert (who is not None) is accepted


def test_authenticators_that_are_not_spoken() -> None:
    rest = (
        "begin authenticators\nd:\n  driver = dovecot\n  public_name = PLAIN\n"
        "  server_socket = /x\nf:\n  driver = plaintext\n  public_name = FOO\n"
        "  server_condition = yes\n"
    )
    made = plan("", rest)
    assert made.service(HERE).mechanisms == ()
    assert "dovecot with PLAIN" in noted(made)["authenticator d"]
    assert "plaintext with FOO" in noted(made)["authenticator f"]


# -- what is not followed is named -----------------------------------------------------


@pytest.mark.parametrize("option", sorted({*table.NOT_FOLLOWED, *table.ACLS}))
def test_what_is_not_followed_is_named(option: str) -> None:
    info = catalog.option("main", None, option)
    assert info is not None
    release = info.until or (
        max(catalog.release("4.96"), info.since) if info.since else "4.96"
    )
    values = {
        "boolean": "true",
        "integer": "2048",
        "size": "7",
        "time": "5m",
        "fixed": "7",
    }
    values["string"] = "4,0.25s,1.015,4m" if "ratelimit" in option else "x"
    value = values.get(info.type.rstrip("!*"), "x")
    made = plan(f"{option} = {value}", version=str(release))
    run = "not run" if option in STAGES.values() else "no ACL is run"
    assert table.NOT_FOLLOWED.get(option, run) in noted(made)[option]
    weakens = any(each.option == option and each.weakens for each in made.unhonoured)
    assert weakens is (option in table.WEAKENING or option in table.ACLS)


def test_what_is_not_set_is_not_named() -> None:
    made = plan("host_lookup =\nlog_selector = +pipelining\nacl_smtp_rcpt = accept")
    assert made.unhonoured == ()


def test_no_acl_for_recipients_is_said_aloud() -> None:
    assert "refuses every recipient" in noted(plan())["acl_smtp_rcpt"]
    assert plan().judge(HERE) is None


def test_a_log_without_l_fields_is_said_aloud() -> None:
    assert "+pipelining" in noted(plan())["log_selector"]
    made = plan("log_selector = +all -pipelining +pipelining")
    assert "log_selector" not in noted(made)
    assert "pipelining" in made.selectors


@pytest.mark.parametrize(
    ("main", "what"),
    [
        ("message_size_limit = ${if eq{a}", "message_size_limit: "),
        ("tls_on_connect_ports = nowhere", "tls_on_connect_ports: nowhere"),
        ("pipelining_advertise_hosts = ^a[", "pipelining_advertise_hosts: "),
    ],
)
def test_values_that_exim_could_not_use_either(main: str, what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        plan(main)


def test_notes_end() -> None:
    made = plan("chunking_advertise_hosts = ${lookup{$sender_host_port}lsearch{/x}}")
    for port in range(2000):
        made.service(Client("192.0.2.1", port))
    assert len(made.unhonoured) <= 500


def test_what_a_lookup_needs_is_named() -> None:
    made = plan("chunking_advertise_hosts = ${lookup{a}lsearch{/x}}")
    assert not made.service(HERE).chunking
    assert any("add --allow files" in each.reason for each in made.unhonoured)


def test_what_one_client_brings_about_stops_nobody() -> None:
    """A value that is there for the first client need not be for the next."""
    made = plan(
        "message_size_limit = ${if eq{$sender_host_port}{25}{1K}{x}}\n"
        "recipients_max = 7\nsmtp_banner = ${if eq{$sender_host_port}{25}{a}fail}\n"
        "chunking_advertise_hosts = ${if eq{$sender_host_port}{25}{*}{+absent}}\n"
        "smtputf8_advertise_hosts = ${if eq{$sender_host_port}{25}{*}{^[}}\n"
        "host_reject_connection = ${if eq{$sender_host_port}{25}{}{+absent}}"
    )
    assert not made.steady
    service = made.service(HERE)
    assert service.size == 50 << 20
    assert not service.chunking
    assert not service.smtputf8
    assert service.banner == ()
    assert service.most_recipients == 7
    assert made.refusal(HERE) is not None
    assert any("the default is taken" in each.reason for each in made.unhonoured)
    with pytest.raises(SettingsError, match="message_size_limit"):
        plan("message_size_limit = ${if eq{$sender_host_port}{25}{x}{1K}}")
