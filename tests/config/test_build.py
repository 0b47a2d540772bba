"""The model that a configuration becomes, its findings, fragments and releases."""

from __future__ import annotations

import pytest

from eximkit import grammar
from eximkit.errors import SettingsError
from tests.config.building import HEAD, codes, only, read, under

WHOLE = """\
LIST = a.example
hide domainlist local = LIST : b.example
qualify_domain = "x\\x41"
no_split_spool_directory

begin acl
rcpt:
  deny message = no
       !hosts = 192.0.2.1
  warn set acl_m_x = 1
  accept

begin router
r1:
  driver = accept
  condition = a
  condition = b
  transport = t1

begin transports
t1:
  driver = smtp
  hide helo_data = LIST

begin authenticators
plain:
  driver = plaintext

begin retry
"a b" rcpt_4xx senders=: F,1h,1m; G,2h,1h,1.5

begin rewrite
*@a "b c" Fh
"""


def test_the_whole_model() -> None:
    config = read(WHOLE)
    assert config.problems == []
    assert list(config.sections) == [
        "acl", "routers", "transports", "authenticators", "retry", "rewrite",
    ]  # fmt: skip
    (named,) = config.named_lists
    assert (named.kind, named.name, named.hidden) == ("domain", "local", True)
    assert named.value.text == "a.example : b.example"
    qualify = config.options.get("qualify_domain")
    assert qualify is not None
    assert (qualify.text, qualify.quoted) == ("xA", True)
    assert not config.options.flag("split_spool_directory", default=True)
    (deny, warn, accept) = config.acls["rcpt"].statements
    assert [(c.name, c.negated, c.text) for c in deny.conditions] == [
        ("message", False, "no"),
        ("hosts", True, "192.0.2.1"),
    ]
    assert [(c.name, c.variable, c.text) for c in warn.conditions] == [
        ("set", "acl_m_x", "1")
    ]
    assert (accept.verb, accept.conditions) == ("accept", [])
    (router,) = config.routers
    assert (router.name, router.driver) == ("r1", "accept")
    assert [o.text for o in router.options.all("condition")] == ["a", "b"]
    helo = config.transports[0].options.get("helo_data")
    assert helo is not None
    assert helo.hidden
    assert config.authenticators[0].name == "plain"
    assert [f.text for f in config.retry[0].fields] == [
        "a b", "rcpt_4xx", ":", "F,1h,1m; G,2h,1h,1.5",
    ]  # fmt: skip
    assert [f.text for f in config.rewrite[0].fields] == ["*@a", "b c", "Fh"]
    assert config.macros["LIST"].value.text == "a.example"


def test_values_point_through_macros_and_includes() -> None:
    config = read(
        "V = x y\n.include /conf/part\n",
        {"/conf/part": "begin transports\nt:\n driver = smtp\n helo_data = V\n"},
    )
    helo = config.transports[0].options.get("helo_data")
    assert helo is not None
    assert helo.value is not None
    place = helo.value.place(0, 3)
    assert (place.path, place.line, place.column) == ("/conf/part", 4, 14)
    assert place.use is not None
    assert place.use.macro.name == "V"


def test_the_first_setting_is_named_in_a_second_one() -> None:
    problem = only(read(f"{HEAD}qualify_domain = a\nqualify_domain = b\n"))
    ((_, first),) = problem.related
    assert (problem.place.line, first.line) == (3, 2)


def test_a_misspelt_option_can_be_mended() -> None:
    problem = only(read(f"{HEAD}no_split_spool_directry\n"))
    assert under(problem.place) == "no_split_spool_directry"
    assert problem.replacement == "no_split_spool_directory"
    assert problem.hint == 'did you mean "split_spool_directory"?'


def test_an_option_of_another_driver_says_whose_it_is() -> None:
    text = "begin routers\nr:\n driver = accept\n transport = t\n route_list = x\n"
    problem = only(read(text))
    assert problem.code == "EXR308"
    assert "manualroute" in problem.message
    assert (problem.section, problem.driver, problem.option) == (
        "routers", "r", "route_list",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The options of an unknown driver may well be its own.
        ("begin routers\nr:\n driver = accpt\n foo = x\n bar = y\n", ["EXS236"]),
        # What follows a line that is no name belongs to the block that it should begin.
        ("begin acl\n1a:\n accept\n deny\nb:\n accept\n", ["EXS237"]),
        ("begin routers\n driver = accept\n transport = t\n", ["EXS236"]),
        ("begin acl\na:\n domains = x\n hosts = y\n", ["EXS237"]),
        ("begin foo\n1\n!\nx = y\nbegin acl\na:\n accept\n", ["EXR315"]),
        ("begin routers\nr: driver = accept\n transport = t\n", ["EXS236"]),
        ("begin routers\nr:\nQQ = accept\n driver = QQ\n transport = t\n", ["EXS236"]),
        ("spool_directory = ${if\n", ["EXS202"]),
        ('spool_directory = "\n', ["EXS232"]),
        # A backslash that ends the file leaves white space behind.
        ("split_spool_directory \\", []),
        # Each of these is a defect of its own.
        ("a = 1\nb = 2\nsmtp_accept_max = x\n", ["EXR308", "EXR308", "EXS231"]),
    ],
)
def test_one_finding_per_defect(text: str, expected: list[str]) -> None:
    config = read(f"{HEAD}{text}")
    assert codes(config) == expected
    assert config.refused == bool(expected)


def test_options_before_the_driver_are_one_defect() -> None:
    text = "begin transports\nt:\n hosts = x\n port = 25\n driver = smtp\n"
    problem = only(read(text))
    ((_, driver),) = problem.related
    assert (problem.code, under(problem.place), under(driver)) == (
        "EXR309", "hosts", "driver",
    )  # fmt: skip


def test_a_macro_that_ended_a_block_is_named() -> None:
    problem = only(read("begin routers\nr:\nDriver = accept\n"))
    ((_, place),) = problem.related
    assert (under(problem.place), under(place)) == ("r", "Driver = accept")


@pytest.mark.parametrize(
    ("release", "text", "expected"),
    [
        ("4.96", "panic_coredump\n", ["EXD602"]),
        ("4.97", "panic_coredump\n", []),
        ("4.95", "allow_insecure_tainted_data\n", []),
        ("4.96", "allow_insecure_tainted_data\n", ["EXD601"]),
        ("4.96", "recipients_max = ${if eq{a}{a}{1}{2}}\n", ["EXS231"]),
        ("4.98", "recipients_max = ${if eq{a}{a}{1}{2}}\n", []),
        ("4.93", "hide hostlist h = a\n", ["EXD602"]),
        ("4.94", "hide hostlist h = a\n", []),
        ("4.95", "begin acl\na:\n warn seen = -5m\n", ["EXD602"]),
        ("4.96", "begin acl\na:\n warn seen = -5m\n", []),
        ("4.96", "log_selector = +connection_id\n", ["EXO901"]),
        ("4.97", "log_selector = +connection_id\n", []),
        ("4.94", f"begin acl\n{'a' * 64}:\n accept\n", []),
        ("4.95", f"begin acl\n{'a' * 64}:\n accept\n", ["EXS237"]),
    ],
)
def test_releases(release: str, text: str, expected: list[str]) -> None:
    assert codes(read(HEAD + text, release=release)) == expected


@pytest.mark.parametrize("newest", ["4.99.1"])
def test_built_in_macros_are_those_of_the_release(newest: str) -> None:
    text = ".ifdef _EXP_COND_BOOL\nqualify_domain = x\n.endif\n"
    assert "qualify_domain" not in read(text).options
    assert "qualify_domain" in read(text, release=newest).options


@pytest.mark.parametrize(
    ("fragment", "text", "expected"),
    [
        ("main", "domainlist a = b\nbegin acl\na:\n accept\n", []),
        ("acl", "accept hosts = x\n  domains = y\ndeny\n", []),
        ("acl", "a:\n accept\nb:\n deny\n", []),
        ("acl", "permit\n", ["EXS237"]),
        ("router", "driver = manualroute\nroute_list = * x\n", []),
        ("router", "route_list = * x\n", []),
        ("router", "r:\n driver = accept\n transport = t\n pass_router = q\n", []),
        ("transport", "helo_data = x\nhosts_pipe_connect = *\n", []),
        ("transport", "helo_data = x\nnonesuch = y\n", ["EXR308"]),
        ("transport", "driver = smtp\ncommand = y\n", ["EXR308"]),
        ("transport", "t:\n driver = smtp\nu:\n driver = pipe\n command = x\n", []),
        ("transport", "t:\n hosts = x\n", ["EXS236"]),
        ("transport", "", []),
        ("authenticator", "server_prompts = :\n", []),
        ("retry", "* * F,1h,1m\n", []),
        ("retry", "* F,1h,1m\n", ["EXS238"]),
        ("rewrite", "*@a b c\n", []),
        ("rewrite", "*@a b d\n", ["EXS238"]),
        ("expansion", "${if eq{a}{b}\n  {c}}\n", []),
    ],
)
def test_fragments(fragment: str, text: str, expected: list[str]) -> None:
    config = read(text, fragment=fragment)
    assert codes(config) == expected
    assert config.fragment == fragment


def test_an_expansion_fragment_is_the_text_without_its_last_line_end() -> None:
    config = read("a\nb \r\n", fragment="expansion")
    assert config.expansion is not None
    assert config.expansion.text == "a\nb "


def test_options_without_a_name_are_a_block() -> None:
    config = read("helo_data = x\ndriver = smtp\n", fragment="transport")
    (driver,) = config.transports
    assert (driver.name, driver.driver) == ("", "smtp")
    assert driver.options.text("helo_data") == "x"


def test_statements_without_a_name_are_an_acl() -> None:
    config = read("accept\n", fragment="acl")
    assert [s.verb for s in config.acls[""].statements] == ["accept"]


def test_exim_ignores_what_follows_an_acl_name() -> None:
    config = read("begin acl\na: nonesuch\n accept\n")
    assert config.problems == []
    assert [s.verb for s in config.acls["a"].statements] == ["accept"]


def test_acl_values_keep_their_quotes() -> None:
    config = read('begin acl\na:\n deny message = "x" y\n')
    assert config.acls["a"].statements[0].conditions[0].text == '"x" y'


def test_a_user_who_may_exist_is_not_refused() -> None:
    text = "begin transports\nt:\n driver = pipe\n command = /x\n user = vmail\n"
    assert read(text).problems == []


@pytest.mark.parametrize("argument", ["foo=bar", "=x", "", "A-B"])
def test_macros_of_the_command_line_that_exim_refuses(argument: str) -> None:
    with pytest.raises(SettingsError):
        read(HEAD, defines=[argument])


def test_the_grammar_has_no_collisions() -> None:
    pytest.importorskip("interegular")
    starts = ("main_line", "acl_line", "driver_line", "retry_line", "rewrite_line")
    assert grammar.build("config", starts, strict=True).options.strict
