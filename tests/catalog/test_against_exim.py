"""The catalogue against a real Exim: what it lists, knows and refuses.

Only 4.96 as Debian builds it can judge: names of features that this build leaves out
are marked in the tables, and elsewhere these tests skip.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from eximkit import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from eximkit.catalog import OptionInfo, Release


def ask(exim: Path, *args: str, text: str = "") -> str:
    done = subprocess.run(
        [exim, *args], input=text, capture_output=True, encoding="latin-1", check=False
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def empty(exim: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty configuration, where Exim is the 4.96 that is the judge."""
    place = tmp_path_factory.mktemp("exim") / "empty.conf"
    place.write_text("keep_environment =\n")
    if "Exim version 4.96 " not in ask(exim, "-C", str(place), "-bV"):
        # CI installs 4.96; there a test that could not run is a failure.
        end = pytest.fail if os.environ.get("CI") else pytest.skip
        end("this Exim is not 4.96, whose tables these are")
    return place


def test_macros(exim_as_root: Path, empty: Path, release: Release) -> None:
    listed = ask(exim_as_root, "-C", str(empty), "-bP", "macros").splitlines()
    real = dict(line.split("=", 1) for line in listed)
    assert dict(catalog.builtin_macros(release)) == real


def test_main_options(exim: Path, empty: Path, release: Release) -> None:
    listed = ask(exim, "-C", str(empty), "-bP").split("\n")
    names = {
        line.split(" ", 1)[0].removeprefix("no_").removeprefix("<")
        for line in listed
        if line
    }
    assert len(names) > 200
    assert [
        name
        for name in sorted(names)
        if not (info := catalog.option("main", None, name))
        or not info.in_release(release)
    ] == []


def refusal(exim: Path, place: Path, config: str) -> str:
    place.write_text(f"keep_environment =\n{config}")
    done = subprocess.run(
        [exim, "-C", place, "-bV"], capture_output=True, encoding="latin-1", check=False
    )
    return done.stderr if done.returncode else ""


# What Exim says of a value that is of no use, by type.
REFUSED = {
    "boolean": "not a valid value",
    "integer": "integer expected",
    "size": "integer expected",
    "octal": "octal integer expected",
    "fixed": "fixed-point number expected",
    "time": "invalid time value",
    "user": "was not found",
    "group": "was not found",
}
TYPED = [
    info
    for name in catalog.option_names("main", None, catalog.release("4.96"))
    if (info := catalog.option("main", None, name))
    and info.type in REFUSED
    and not info.optional
]


@pytest.mark.parametrize("info", TYPED[::7], ids=lambda info: info.name)
def test_types_of_main_options(
    exim: Path, empty: Path, tmp_path: Path, info: OptionInfo
) -> None:
    said = refusal(exim, tmp_path / "typed.conf", f"{info.name} = zz9\n")
    assert REFUSED[info.type] in said
    # What has no "!" is not expanded, either.
    said = refusal(exim, tmp_path / "typed.conf", f"{info.name} = ${{x}}\n")
    assert REFUSED[info.type] in said


@pytest.mark.parametrize(
    ("option", "value"),
    [("smtp_receive_timeout", "${x}"), ("message_size_limit", "${x}")],
)
def test_values_that_are_expanded_later(
    exim: Path, empty: Path, tmp_path: Path, option: str, value: str
) -> None:
    assert refusal(exim, tmp_path / "t.conf", f"{option} = {value}\n") == ""


def expand(exim: Path, empty: Path, texts: list[str]) -> list[str]:
    said = ask(exim, "-C", str(empty), "-be", text="\n".join(texts) + "\n")
    answers = [answer.rstrip("\n") for answer in said.split("> ")[1:]]
    assert len(answers) >= len(texts), said[-200:]
    return answers[: len(texts)]


# `reply_address` without a message brings Exim 4.96 down.
CRASHES = {"reply_address"}
# Of features that the build leaves out; the rest must be known to it.
LEFT_OUT = ("arc_", "dmarc_", "dcc_", "bmi_", "pipe_addresses")


def test_variables(exim: Path, empty: Path, release: Release) -> None:
    names = [
        name
        for name in catalog.variable_names(release)
        if name not in CRASHES and not name.startswith(LEFT_OUT)
    ]
    answers = expand(exim, empty, [f"${{if def:{name}{{}}{{}}}}" for name in names])
    unknown = [n for n, a in zip(names, answers, strict=True) if "unknown" in a]
    assert unknown == []


def test_variables_of_other_releases(exim: Path, empty: Path, release: Release) -> None:
    names = sorted(
        {
            name
            for other in catalog.RELEASES
            for name in catalog.variable_names(other)
            if (info := catalog.variable(name)) and not info.in_release(release)
        }
    )
    answers = expand(exim, empty, [f"${{if def:{name}{{}}{{}}}}" for name in names])
    assert names
    assert [n for n, a in zip(names, answers, strict=True) if "unknown" not in a] == []


@pytest.mark.parametrize(
    ("template", "names", "complaint"),
    [
        ("${{if bool{{false}}{{${{{0}:1}}}}}}", catalog.operator_names,
         "unknown expansion operator"),
        ("${{if bool{{false}}{{${{if {0} {{}}}}}}}}", catalog.condition_names,
         "unknown condition"),
        ("${{if bool{{false}}{{${{{0} {{}}}}}}}}", catalog.item_names,
         "is not a known operator"),
    ],
)  # fmt: skip
def test_names_of_the_expansion_language(
    exim: Path, empty: Path, release: Release, template: str, names: object,
    complaint: str,
) -> None:  # fmt: skip
    assert callable(names)
    known = names(release)
    missing = sorted(set(names(catalog.NEWEST)) - set(known))
    answers = expand(exim, empty, [template.format(n) for n in (*known, *missing)])
    said = dict(zip((*known, *missing), answers, strict=True))
    assert [name for name in known if complaint in said[name]] == []
    assert [name for name in missing if complaint not in said[name]] == []


def test_lookup_types(exim: Path, empty: Path, release: Release) -> None:
    names = catalog.lookup_type_names(release)
    texts = [f"${{if bool{{false}}{{${{lookup{{x}}{name}{{y}}}}}}}}" for name in names]
    for name, said in zip(names, expand(exim, empty, texts), strict=True):
        info = catalog.lookup_type(name)
        assert info is not None
        if "unknown lookup type" not in said:
            assert ("not a single-key lookup" not in said) is info.single_key, name


def test_log_selectors(
    exim: Path, empty: Path, release: Release, tmp_path: Path
) -> None:
    known = " ".join(f"+{name}" for name in catalog.log_selector_names(release))
    assert refusal(exim, tmp_path / "log.conf", f"log_selector = {known}\n") == ""
    said = refusal(exim, tmp_path / "log.conf", "log_selector = +connection_id\n")
    assert "unknown log_selector setting" in said


ACL_WORDS = [
    name
    for name in catalog.acl_condition_names(catalog.release("4.96"))
    if (word := catalog.acl_condition(name)) and not word.optional
]


@pytest.mark.parametrize("name", ACL_WORDS)
def test_acl_words(
    exim: Path, empty: Path, release: Release, tmp_path: Path, name: str
) -> None:
    info = catalog.acl_condition(name)
    assert info is not None
    value = "acl_m0 = x" if name == "set" else "= x"
    start = f"begin acl\na:\n  accept {{}}{name} {value}\n"
    assert refusal(exim, tmp_path / "acl.conf", start.format("")) == ""
    said = refusal(exim, tmp_path / "acl.conf", start.format("!"))
    assert ("negation is not allowed" in said) is not info.negatable
