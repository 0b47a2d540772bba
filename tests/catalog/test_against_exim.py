"""Options, drivers, macros, log selectors and ACL words against a real Exim.

Both ways: what the tables have for 4.96 the binary has, and what it has they have. The
features that Debian's build leaves out are marked in the tables ("optional").
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog
from eximkit.catalog.options import every_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eximkit.catalog import OptionInfo, Release

# Each driver once, with no more than it needs to be accepted.
DRIVERS = """
primary_hostname = host.example
keep_environment =
begin routers
accept_:
  driver = accept
  transport = smtp_
dnslookup_:
  driver = dnslookup
  transport = smtp_
ipliteral_:
  driver = ipliteral
  transport = smtp_
iplookup_:
  driver = iplookup
  hosts = 192.0.2.1
  port = 9
manualroute_:
  driver = manualroute
  route_list = *
  transport = smtp_
queryprogram_:
  driver = queryprogram
  command = /bin/true
  command_user = 0
  transport = smtp_
redirect_:
  driver = redirect
  data = x
begin transports
appendfile_:
  driver = appendfile
autoreply_:
  driver = autoreply
lmtp_:
  driver = lmtp
  command = /bin/true
pipe_:
  driver = pipe
smtp_:
  driver = smtp
begin authenticators
cram_md5_:
  driver = cram_md5
  public_name = A
cyrus_sasl_:
  driver = cyrus_sasl
  public_name = ANONYMOUS
dovecot_:
  driver = dovecot
  public_name = B
external_:
  driver = external
  public_name = C
plaintext_:
  driver = plaintext
  public_name = D
spa_:
  driver = spa
  public_name = E
tls_:
  driver = tls
"""
# What that configuration sets, and what follows from it.
SET_ABOVE = {
    "driver", "transport", "public_name", "hosts", "port", "route_list", "command",
    "command_user", "command_group", "data", "keep_environment",
}  # fmt: skip
# Exim does not show these: other names for what it shows under its own name.
NOT_SHOWN = {
    ("main", "daemon_smtp_port"), ("main", "return_size_limit"),
    ("generic-router", "fail_verify"), ("generic-router", "verify"),
}  # fmt: skip


def ask(exim: Path, *args: str | Path) -> str:
    done = subprocess.run(
        [exim, *args], capture_output=True, encoding="latin-1", check=False
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def drivers(judge: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exim") / "drivers.conf"
    place.write_text(DRIVERS)
    return place


def shown(kind: str, driver: str | None, text: str) -> Iterator[tuple[OptionInfo, str]]:
    """Option and value of each line; `no_x` and `x` are the values of a boolean."""
    for line in text.split("\n"):
        if not line or line.startswith("*"):
            continue
        name, equals, value = line.partition("=")
        name = name.strip()
        value = value.removeprefix(" ")
        info = catalog.option(kind, driver, name)
        if not equals:
            value = "true"
            if info is None:
                value = "false"
                info = catalog.option(kind, driver, name.removeprefix("no_"))
        assert info is not None, f"{kind} {driver}: no option for {line!r}"
        yield info, value


@pytest.fixture(scope="module")
def listed(judge_as_root: Path, drivers: Path) -> dict[tuple[str, str | None], str]:
    """What `-bP` shows, by kind and driver."""
    found: dict[tuple[str, str | None], str] = {
        ("main", None): ask(judge_as_root, "-C", drivers, "-bP")
    }
    for kind in ("router", "transport", "authenticator"):
        said = ask(judge_as_root, "-C", drivers, "-bP", f"{kind}s")
        for block in re.split(r"\n(?=\w+_ [a-z]+:\n)", f"\n{said}")[1:]:
            head, _, lines = block.partition("\n")
            found[kind, head.partition("_ ")[0]] = lines
    return found


def options_of(listed: dict[tuple[str, str | None], str]) -> list[
    tuple[str, str | None, OptionInfo, str]
]:  # fmt: skip
    return [
        (kind, driver, info, value)
        for (kind, driver), text in listed.items()
        for info, value in shown(kind, driver, text)
    ]


def test_every_driver_is_listed(
    listed: dict[tuple[str, str | None], str], release: Release
) -> None:
    assert set(listed) == {("main", None)} | {
        (kind, entry.name)
        for kind in ("router", "transport", "authenticator")
        for entry in catalog.drivers(kind).values()
        if entry.in_release(release) and not entry.optional
    }


def test_the_options_are_those_that_exim_lists(
    listed: dict[tuple[str, str | None], str], release: Release
) -> None:
    real = {(info.section, info.name) for _, _, info, _ in options_of(listed)}
    known = {
        (info.section, info.name)
        for kind, driver, info in every_option(release)
        if not info.optional and not (driver and catalog.drivers(kind)[driver].optional)
    }
    assert real - known == set()
    assert known - real == NOT_SHOWN


def test_the_defaults_are_those_that_exim_shows(
    listed: dict[tuple[str, str | None], str], release: Release
) -> None:
    wrong = []
    compared = 0
    for kind, driver, info, value in options_of(listed):
        if driver and info.name in SET_ABOVE:
            continue
        default = catalog.default(kind, driver, info.name, release)
        if catalog.default_depends(kind, driver, info.name):
            assert default is None
            continue
        compared += 1
        if default != value:
            wrong.append((info.section, info.name, default, value))
    assert wrong == []
    assert compared > 900


def test_macros(judge_as_root: Path, drivers: Path, release: Release) -> None:
    listed = ask(judge_as_root, "-C", drivers, "-bP", "macros").splitlines()
    real = dict(line.split("=", 1) for line in listed)
    assert dict(catalog.builtin_macros(release)) == real


def test_what_it_is_built_with(judge: Path, release: Release) -> None:
    said = ask(judge, "-bV")
    for label, kind in (
        ("Routers", "router"), ("Transports", "transport"),
        ("Authenticators", "authenticator"),
    ):  # fmt: skip
        line = re.search(rf"^{label}: (.*)$", said, re.MULTILINE)
        assert line is not None
        assert {word.partition("/")[0] for word in line[1].split()} == {
            entry.name
            for entry in catalog.drivers(kind).values()
            if entry.in_release(release) and not entry.optional
        }


def refusal(exim: Path, place: Path, config: str) -> str:
    """What Exim says of a configuration that it does not take, else ""."""
    # Without a name of its own Exim may wait for the DNS to tell it.
    name = "" if config.startswith("primary_hostname") else NAME
    place.write_text(f"keep_environment =\n{name}{config}")
    done = subprocess.run(
        [exim, "-C", place, "-bV"], capture_output=True, encoding="latin-1", check=False
    )
    return done.stderr if done.returncode else ""


NAME = "primary_hostname = host.example\n"
# What Exim says of a value that is of no use, by type.
REFUSED = {
    "boolean": "not a valid value",
    "integer": "integer expected",
    "size": "integer expected",
    "octal": "octal integer expected",
    "fixed": "fixed-point number expected",
    "time": "invalid time value",
    "time-list": "invalid time value",
    "user": "was not found",
    "group": "was not found",
    "user-list": "was not found",
    "group-list": "was not found",
}
BEFORE = {
    ("router", None): "begin routers\nx:\n  driver = accept\n  ",
    ("transport", None): "begin transports\nx:\n  driver = pipe\n  ",
    ("authenticator", None): "begin authenticators\nx:\n  driver = plaintext\n  ",
}


def option_line(kind: str, driver: str | None, text: str) -> str:
    if kind == "main":
        return f"{text}\n"
    if driver is None:
        return f"{BEFORE[kind, None]}{text}\n"
    return f"begin {kind}s\nx:\n  driver = {driver}\n  {text}\n"


def in_the_build(kind: str, driver: str | None, info: OptionInfo) -> bool:
    return not info.optional and not (driver and catalog.drivers(kind)[driver].optional)


HERE = [
    (kind, driver, info)
    for kind, driver, info in every_option(catalog.release("4.96"))
    if in_the_build(kind, driver, info)
]
PLACES = list(dict.fromkeys((kind, driver) for kind, driver, _ in HERE))


@pytest.mark.parametrize(
    ("kind", "driver"), PLACES, ids=[f"{kind}-{driver}" for kind, driver in PLACES]
)
def test_types_of_options(
    judge: Path, release: Release, tmp_path: Path, kind: str, driver: str | None
) -> None:
    wrong = []
    for _, _, info in (row for row in HERE if row[:2] == (kind, driver)):
        plain = info.type.rstrip("!")
        if plain not in REFUSED:
            continue
        for value, refused in (("zz9", True), ("${x}", not info.expanded_in(release))):
            line = option_line(kind, driver, f"{info.name} = {value}")
            said = refusal(judge, tmp_path / "typed.conf", line)
            if (REFUSED[plain] in said) is not refused:
                wrong.append((info.name, info.type, value, said[-120:]))
    assert wrong == []


def test_strings_take_any_text(judge: Path, tmp_path: Path) -> None:
    wrong = []
    for kind, driver in PLACES:
        strings = [
            info.name
            for _, _, info in (row for row in HERE if row[:2] == (kind, driver))
            if info.type == "string"
        ]
        for name in strings:
            said = refusal(
                judge, tmp_path / "text.conf",
                option_line(kind, driver, f"{name} = zz9"),
            )  # fmt: skip
            if any(text in said for text in REFUSED.values()):
                wrong.append((kind, driver, name, said[-120:]))
        assert strings or driver == "ipliteral", (kind, driver)
    assert wrong == []


@pytest.mark.parametrize(
    ("option", "value"),
    [("smtp_receive_timeout", "${x}"), ("message_size_limit", "${x}")],
)
def test_values_that_are_expanded_later(
    judge: Path, tmp_path: Path, option: str, value: str
) -> None:
    assert refusal(judge, tmp_path / "t.conf", f"{option} = {value}\n") == ""


def selected(exim: Path, place: Path, setting: str) -> str:
    """The bits of what is logged with a setting of `log_selector`."""
    place.write_text(f"keep_environment =\n{NAME}log_selector = {setting}\n")
    said = ask(exim, "-d", "-C", place, "-bV")
    bits = re.search(r"^log selectors = ([0-9a-f ]+)$", said, re.MULTILINE)
    assert bits is not None, said[-300:]
    return bits[1]


def test_log_selectors(judge: Path, release: Release, tmp_path: Path) -> None:
    names = catalog.log_selector_names(release)
    known = " ".join(f"+{name}" for name in names)
    assert refusal(judge, tmp_path / "log.conf", f"log_selector = {known}\n") == ""
    for name in set(catalog.log_selector_names(catalog.NEWEST)) - set(names):
        said = refusal(judge, tmp_path / "log.conf", f"log_selector = +{name}\n")
        assert "unknown log_selector setting" in said


def test_log_selectors_that_are_on(
    judge_as_root: Path, release: Release, tmp_path: Path
) -> None:
    place = tmp_path / "log.conf"
    unset = selected(judge_as_root, place, "")
    on = [
        name
        for name in catalog.log_selector_names(release)
        if selected(judge_as_root, place, f"-{name}") != unset
    ]
    assert on == sorted(["all", *catalog.default_log_selectors(release)])


ACL_WORDS = [
    name
    for name in catalog.acl_condition_names(catalog.release("4.96"))
    if (word := catalog.acl_condition(name)) and not word.optional
]


@pytest.mark.parametrize("name", ACL_WORDS)
def test_acl_words(judge: Path, release: Release, tmp_path: Path, name: str) -> None:
    info = catalog.acl_condition(name)
    assert info is not None
    value = "acl_m0 = x" if name == "set" else "= x"
    start = f"begin acl\na:\n  accept {{}}{name} {value}\n"
    assert refusal(judge, tmp_path / "acl.conf", start.format("")) == ""
    said = refusal(judge, tmp_path / "acl.conf", start.format("!"))
    assert ("negation is not allowed" in said) is not info.negatable


@pytest.mark.parametrize(
    "name",
    sorted(
        {n for r in catalog.RELEASES for n in catalog.acl_condition_names(r)}
        - set(ACL_WORDS)
    ),
)
def test_acl_words_that_it_does_not_have(
    judge: Path, tmp_path: Path, name: str
) -> None:
    said = refusal(judge, tmp_path / "acl.conf", f"begin acl\na:\n  accept {name} = x")
    assert "unknown ACL condition/modifier" in said


@pytest.mark.parametrize("verb", catalog.acl_verbs)
def test_acl_verbs(judge: Path, tmp_path: Path, verb: str) -> None:
    assert refusal(judge, tmp_path / "acl.conf", f"begin acl\na:\n  {verb}\n") == ""
