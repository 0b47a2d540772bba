"""Strings with a configuration and a machine around them: values, and kinds of failure.

The expected results are those of 4.96: `tests/oracle/test_expand_cases.py` asks it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eximkit import catalog
from eximkit.expansion.check import check
from eximkit.expansion.environment import AclLine, AclStatement, Environment
from eximkit.expansion.evaluate import Limits
from eximkit.expansion.expand import expand
from eximkit.expansion.parse import parse
from eximkit.expansion.values import Failure, Known
from eximkit.machine.world import Machine
from tests.expansion.around import NAMES, PLACE, PROCESS, around, environment

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.expansion.values import Value


@pytest.mark.parametrize("name", NAMES)
def test_cases(
    name: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, text in PROCESS.items():
        monkeypatch.setenv(variable, text)
    given = around(name, checkout)
    known = environment(given.written(tmp_path))
    wrong = []
    for case in given.case:
        result = expand(case.text.replace(PLACE, str(tmp_path)), known)
        if isinstance(result, Known):
            ours = (result.text.replace(str(tmp_path), PLACE), "", "value")
        else:
            message = result.message.replace(str(tmp_path), PLACE)
            ours = ("", message, result.kind)
        theirs = (case.value or "", case.fails, case.kind)
        if ours != theirs:
            wrong.append((case.text, theirs, ours))
    assert wrong == []
    assert len(given.case) > 30


class Bare(Machine):
    """A machine that allows nothing, on a day that is known."""

    def clock(self) -> float:
        return 20_779 * 86_400.0 + 3_723.25


BARE = Environment(absent_empty=True, world=Bare(), release=catalog.release("4.96"))


def value(text: str, known: Environment = BARE, **variables: str) -> str:
    """The value of a string; a failure as its kind and its message."""
    if variables:
        given: dict[str, Value] = {n: Known(t) for n, t in variables.items()}
        known = replace(known, variables=given)
    result = expand(text, known)
    return (
        result.text if isinstance(result, Known) else f"{result.kind}: {result.message}"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("${readfile{/a}}", "the file /a"),
        ("${lookup{a}lsearch{/a}}", "/a"),
        ("${if exists{/a}{y}{n}}", "the file /a"),
        ("${stat:/a}", "the file /a"),
        ("${env{HOME}}", "HOME"),
        ("${run{/bin/true}}", "/bin/true"),
        ("${lookup dnsdb{a=x}}", "DNS"),
        ("${lookup mysql{x}}", "mysql"),
        ("${perl{x}}", "perl"),
        ("${dlfunc{/x}{y}}", "dlfunc"),
        ("${readsocket{/x}{y}}", "readsocket"),
        ("${if pam{a}{y}{n}}", "pam"),
        ("${if radius{a}{y}{n}}", "radius"),
        ("${if ldapauth{a}{y}{n}}", "ldapauth"),
        ("${if saslauthd{{a}{b}}{y}{n}}", "saslauthd"),
        ("$pid", "$pid"),
        ("$load_average", "$load_average"),
        ("$primary_hostname", "$primary_hostname"),
        ("$sender_address_domain", "$sender_address"),
        ("${if match_domain{x}{@mx_any}{y}{n}}", "@mx_any"),
        ("${if match_ip{9.9.9.9}{@[]}{y}{n}}", "addresses"),
        ("${if match_domain{x}{/a}{y}{n}}", "the file /a"),
        ("${if match{" + "a" * 40 + "b}{^(a+)+\\$}{y}{n}}", "too long"),
        ("${lc:" * 200 + "x" + "}" * 200, "100 deep"),
        ("${if " + "and{{" * 400 + "eq{a}{a}" + "}}" * 400 + "{y}{n}}", "100 deep"),
        ("${if " + "forany{a}{" * 400 + "eq{a}{a}" + "}" * 400 + "{y}{n}}", "deep"),
        ("${lc:" * 10_000 + "x" + "}" * 10_000, "nested 10000 deep"),
        ("$h_a:" * 200_000, "1000000 characters"),
    ],
    ids=range(28),
)
def test_what_is_missing_is_named(text: str, what: str) -> None:
    """Nothing is guessed: it is unsupported, and says what was missing."""
    result = expand(text, BARE)
    assert isinstance(result, Failure)
    assert result.kind == "unsupported"
    assert what in result.message


def test_text_that_fails_anyway_is_not_unsupported() -> None:
    """An unknown name fails, whatever the file would have said."""
    text = "${readfile{/a}}${nonesuch}"
    assert value(text) == 'syntax: unknown variable in "${nonesuch}"'


def test_the_first_failure_counts() -> None:
    first = "${eval:x}${nonesuch}"
    assert value(first).startswith("value: error in expression evaluation")
    assert value("${nonesuch}${eval:x}").startswith("syntax: ")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$tod_epoch", "1795309323"),
        ("$tod_epoch_l", "1795309323250000"),
        ("$tod_zulu", "20261122010203Z"),
        ("$tod_full", "Sun, 22 Nov 2026 03:02:03 +0200"),
        ("$tod_bsdinbox", "Sun Nov 22 03:02:03 2026"),
        ("$tod_log", "2026-11-22 03:02:03"),
        ("$tod_logfile", "20261122"),
        ("$tod_zone", "+0200"),
    ],
)
def test_time(text: str, result: str) -> None:
    east = replace(BARE, offset=lambda _time: 7200)
    assert value(text, east) == result


def test_time_west_and_in_logs() -> None:
    west = replace(BARE, offset=lambda _time: -12600, options={"log_timezone": "true"})
    assert value("$tod_log|$tod_zone", west) == "2026-11-21 21:32:03 -0330|-0330"


SUBJECT = "  =?utf-8?q?h=C3=A9llo?= =?iso-8859-1?q?_w=F6rld?= "


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$h_subject:", "h\xc3\xa9llo w\xc3\xb6rld"),
        ("$bh_subject:", "h\xc3\xa9llo w\xf6rld"),
        ("$rh_subject:", SUBJECT),
        ("$lh_subject:", SUBJECT),
        ("$h_to:|$rh_to:|$lh_to:", "x@y,\nz@w| x@y\nz@w| x@y:z@w"),
        ("$h_x-a:|$lh_x-a:", "one: two\nthree| one:: two:three "),
        ("$h_long:", "a\n  b\n\tc"),
        ("${if def:h_to:{y}{n}}${if def:h_cc:{y}{n}}", "yn"),
        ("${if def:h_empty:{y}{n}}${if def:rh_EMPTY:{y}{n}}", "yy"),
    ],
)
def test_headers(text: str, result: str) -> None:
    """As `exim -bem` shows them of a message."""
    lines = {
        "subject": SUBJECT, "to": " x@y\nz@w", "long": " a\n  b\n\tc\n", "empty": "",
        "x-a": " one: two\nthree ",
    }  # fmt: skip
    known = replace(BARE, headers={name: Known(line) for name, line in lines.items()})
    assert value(text, known) == result


@pytest.mark.parametrize(
    ("release", "text", "message"),
    [
        ("4.95", "${run,preexpand{/bin/true}}", "missing '{' for command arg of run"),
        ("4.92", "${extract jsons{a}{b}}", "missing '{' for arg 1 of extract"),
        ("4.93", "${lookup{a}lsearch,ret=full{/x}}",
         'unknown lookup type "lsearch,ret=full"'),
    ],
)  # fmt: skip
def test_options_that_a_release_does_not_have(
    release: str, text: str, message: str
) -> None:
    known = replace(BARE, release=catalog.release(release))
    failed = expand(text, known)
    assert len(check(parse(text), known.release)) == 1
    assert check(parse(text), catalog.NEWEST) == []
    assert isinstance(failed, Failure)
    assert (failed.message, failed.kind) == (message, "syntax")


SIGNED = "${prvs{a@b.example}{secret}{3}}"


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${prvscheck{%s}{secret}}", "a@b.example"),
        ("${prvscheck{%s}{secret}{}}", "a@b.example"),
        ("${prvscheck{%s}{secret}{$prvscheck_result:$prvscheck_keynum}}", "1:3"),
        ("${prvscheck{%s}{other}{<$prvscheck_result:$prvscheck_address>}}",
         "<:a@b.example>"),
        ("${prvscheck{%s}{$prvscheck_address}{$prvscheck_result}x}", None),
        ("${prvscheck{%s}{secret}}|$prvscheck_result|$prvscheck_address|$1",
         "a@b.example|1||3"),
        ("${prvscheck{%s}{secret}}${prvscheck{x}{secret}{y}}|$prvscheck_result",
         "a@b.example|"),
        ("${prvscheck{a@b}{secret}{y}}", ""),
    ],
)  # fmt: skip
def test_prvscheck(text: str, result: str | None) -> None:
    found = value(text.replace("%s", SIGNED))
    assert found == result if result is not None else found.startswith("syntax: ")


def test_srs() -> None:
    coded = value("${srs_encode{secret}{user@a.example}{b.example}}")
    local, _, domain = coded.partition("@")
    assert (local[:5], domain) == ("SRS0=", "b.example")
    check = "${if inbound_srs{$local_part}{secret}{$srs_recipient}{no}}|$srs_recipient"
    assert value(check, local_part=local) == "user@a.example|user@a.example"
    assert value(check, local_part="SRS0=0000" + local[9:]).startswith("no|")
    assert value(check, local_part="user") == "no|"


def test_certificates_and_results_are_not_made_up() -> None:
    text = "${certextract{subject}{$tls_in_peercert}{y}{n}}"
    assert value(text) == "n"
    assert value(text, tls_in_peercert="-----BEGIN").startswith("unsupported: ")
    assert value("${authresults{h}}") == "Authentication-Results: h"
    of_host = value("${authresults{h}}", sender_host_address="192.0.2.1")
    assert of_host.startswith("unsupported: ")


def test_release_decides_what_there_is() -> None:
    text = "${headerwrap_20:a}"
    assert value(text) == 'syntax: unknown expansion operator "headerwrap_20"'
    assert value(text, replace(BARE, release=catalog.NEWEST)) == "a"


def test_commands_were_expanded_first_before_4_96() -> None:
    """Then an error of the command's text is one of the whole string."""
    before = replace(BARE, release=catalog.release("4.95"))
    assert value("${run{/bin/echo $nonesuch}}", before).startswith("syntax: unknown")
    assert value("${run{/bin/echo ${lc:A B}}}", before).startswith("unsupported: ")


@pytest.mark.parametrize(
    ("text", "limits", "what"),
    [
        ("${reduce{1:2:3:4:5:6:7:8}{xx}{$value$value}}", Limits(20), "20 steps"),
        ("${map{1:2:3}{x}}", Limits(3), "3 steps"),
        ("${map{aaaaaaaaaa:b}{$item$item}}", Limits(output=19), "19 octets"),
        ("x" * 100, Limits(output=99), "99 octets"),
    ],
)
def test_limits(text: str, limits: Limits, what: str) -> None:
    result = expand(text, BARE, limits)
    assert isinstance(result, Failure)
    assert result.kind == "unsupported"
    assert what in result.message


def test_what_lasts_from_one_string_to_the_next() -> None:
    lasting: dict[str, Value] = {}
    statement = AclStatement("accept", (AclLine("set", False, parse("v"), "acl_m0"),))
    known = replace(BARE, acls=lambda _name: (statement,))
    assert expand("$acl_m0${acl{a}}", known, lasting=lasting) == Known("")
    assert expand("<$acl_m0>", known, lasting=lasting) == Known("<v>")
    assert expand("<$acl_m0>", known) == Known("<>")


@dataclass
class Loop:
    """ACLs that call each other."""

    calls: int = 0
    statement: AclStatement = field(
        default_factory=lambda: AclStatement(
            "accept", (AclLine("acl", False, parse("again $acl_narg")),)
        )
    )

    def __call__(self, _name: str) -> tuple[AclStatement, ...]:
        self.calls += 1
        return (self.statement,)


def test_acls_that_loop_end() -> None:
    loop = Loop()
    assert value("${acl{a}}", replace(BARE, acls=loop)) == ('value: ERROR from acl "a"')
    assert loop.calls < 100


WORDS = st.text(st.characters(max_codepoint=255), max_size=30)


@given(WORDS)
def test_anything_has_an_answer(text: str) -> None:
    assert isinstance(expand(text, BARE), Known | Failure)


@given(
    st.sampled_from(("domain", "local_part", "address", "ip")),
    st.sampled_from(("a.b", "x@a.b", "1.2.3.4", "", "root", "::1")),
    st.lists(st.sampled_from(
        ("a.b", "*", "!a.b", "+l", "!+l", "^a", "", "*@+l", "10.0.0.0/8", "@", "@@x",
         "+caseful", "+include_unknown", "host.example", "lsearch;/x", "/x", "b;c")
    )),
)  # fmt: skip
def test_lists_have_an_answer(kind: str, subject: str, items: list[str]) -> None:
    lists = {k: {"l": "a.b : !c"} for k in
             ("domainlist", "hostlist", "addresslist", "localpartlist")}  # fmt: skip
    known = replace(BARE, lists=lists, options={"primary_hostname": "h.example"})
    text = f"${{if match_{kind}{{{subject}}}{{{' : '.join(items)}}}{{y}}{{n}}}}"
    result = expand(text, known)
    if isinstance(result, Known):
        assert result.text in {"y", "n"}
