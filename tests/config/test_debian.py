"""Debian's assembly of a configuration, against the script that does it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from eximkit.config import debian
from eximkit.config.lines import LineReader, Part
from eximkit.config.macros import MacroTable
from eximkit.files import Files, open_configuration
from eximkit.source import SourceFile
from tests.conftest import without

INSTALLED = Path("/etc/exim4")
SCRIPT = "/usr/sbin/update-exim4.conf"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of Debian's own configuration directory, with its script to make it."""
    if not (INSTALLED / "conf.d").is_dir() or shutil.which(SCRIPT) is None:
        without("no Debian configuration: install exim4-config")
    place = tmp_path / "etc/exim4"
    shutil.copytree(INSTALLED, place, ignore=shutil.ignore_patterns("passwd.client"))
    (place.parent / "mailname").write_text(Path("/etc/mailname").read_text("latin-1"))
    return place


def lines(parts: tuple[Part, ...]) -> list[str]:
    macros = MacroTable()
    reader = LineReader(parts, Files(), macros)
    found = []
    while (line := reader.next_line()) is not None:
        found.append(line.text)
        if line.text[:1].isupper():
            assert macros.define(line) is None, line.text
    assert reader.problems == []
    return [line for line in found if "MAIN_PACKAGE_VERSION" not in line]


def made_by_debian(directory: Path, split: str) -> list[str]:
    settings = directory / debian.SETTINGS_NAME
    text = re.sub("use_split_config=.*", f"use_split_config='{split}'",
                  settings.read_text())  # fmt: skip
    settings.write_text(text)
    made = directory / "made"
    subprocess.run([SCRIPT, "-d", directory, "-o", made], check=True)
    found = lines(open_configuration(str(made)).parts)
    made.unlink()
    return found


KINDS = {
    "local": "",
    "internet": "dc_other_hostnames='One.example ; two.example;'\n"
    "dc_relay_nets='10.0.0.0/8;192.168.0.0/16'\ndc_relay_domains='A.example;b.example'\n"
    "dc_local_interfaces=''\n",
    "smarthost": "dc_smarthost='Smart.example::587;other.example'\n"
    "dc_hide_mailname='true'\ndc_readhost='Visible.example'\ndc_localdelivery=x_home\n"
    "dc_relay_nets='192.0.2.0/24'\n",
    "satellite": "dc_other_hostnames='a (b]  C'  # odd\nMAIN_TLS_ENABLE=1\nDCX='yZ'\n",
    "none": "",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", ["true", "false"])
def test_as_debian_does(directory: Path, kind: str, split: str) -> None:
    settings = directory / debian.SETTINGS_NAME
    text = re.sub("configtype=.*", f"configtype='{kind}'", settings.read_text())
    settings.write_text(text + KINDS[kind])
    path = directory if split == "true" else directory / debian.TEMPLATE_NAME
    (directory / "conf.d/main/50_local").write_text("ZETA = x \\")
    (directory / "conf.d/main/50_local.rul").write_text("ZETA = rule \\")
    (directory / "conf.d/main/51_local").write_text("ETA = x \\\n")
    (directory / "conf.d/main/60.disabled").write_text("nonsense")
    if INSTALLED.joinpath(debian.LOCAL_MACROS_NAME).exists():
        pytest.skip("the script mixes in what this machine has of its own")
    expected = made_by_debian(directory, split)
    opened = open_configuration(str(path))
    assert lines(opened.parts) == expected
    real = [part.file for part in opened.parts if not part.file.generated]
    assert all(Path(file.path).is_relative_to(directory) for file in real)


def test_positions_are_those_of_the_real_files(directory: Path) -> None:
    opened = open_configuration(str(directory / "conf.d"))
    reader = LineReader(opened.parts, opened.files, MacroTable())
    while (line := reader.next_line()) is not None:
        place = line.place(0)
        if not place.file.generated and place.exact:
            data = Path(place.path).read_bytes().decode("latin-1")
            assert data == place.file.data
            shown = data.splitlines()[place.line - 1]
            assert shown.strip().startswith(line.text.rstrip(" \\")[:8].strip())
    assert not any(file.generated for file in reader.files)


def test_the_order_of_names() -> None:
    names = [
        "b",
        "B_1",
        "10-x",
        "9",
        "a.rul",
        "a",
        "c.dpkg-new",
        ".hidden",
        "d.rul",
        "",
    ]
    assert list(debian.snippets(names)) == ["10-x", "9", "B_1", "a.rul", "b"]


def test_macros_go_after_each_line_that_asks() -> None:
    macros = SourceFile("m", "M = 1\n", generated=True)
    file = SourceFile("f", "a\nUPEX4CmacrosUPEX4C = 1\nb\n# UPEX4CmacrosUPEX4C\nc\n")
    texts = [
        part.file.data[part.start : part.end]
        for part in debian.parts([file], macros, apart=False)
    ]
    assert texts == [
        "a\nUPEX4CmacrosUPEX4C = 1\n",
        "M = 1\n",
        "b\n# UPEX4CmacrosUPEX4C\nc\n",
    ]


def test_settings_are_a_shell_script_of_assignments() -> None:
    text = "# c\na='x y'\nb=\"z\"\nc=plain # d\nbroken='\nnot one\n d=e\nA B=c\n"
    assert debian.settings(text) == {"a": "x y", "b": "z", "c": "plain", "d": "e"}
