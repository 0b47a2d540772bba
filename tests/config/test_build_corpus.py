"""Verdicts and logical lines that a real Exim 4.96 gave, for what the corpora hold."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from eximkit.config.build import build
from eximkit.config.directives import MemoryFiles
from eximkit.errors import InputError, SettingsError
from eximkit.source import SourceFile, octets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eximkit.catalog import Release
    from eximkit.config.model import Config

DIR = "/tmp/eximtest/"  # noqa: S108 - what the configurations name, not touched here

# The machine that runs Exim decides whether these users and groups exist.
OF_THE_MACHINE = {"str-user-bad", "str-user-transport-bad", "str-group-bad"}
# Exim 4.96 has dmarc_status; the build that answered was made without it.
OF_THE_BUILD = {"acl-dmarc"}
# The corpus lacks the files that these include.
INCOMPLETE = {"0290", "0442"}


class CorpusFiles:
    """The corpus in the place of the directory that its configurations name."""

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus

    def _at(self, path: str) -> Path:
        return self._corpus / path.removeprefix(DIR)

    def locate(self, name: str, beside: str) -> str:
        return name if name.startswith("/") else beside.rpartition("/")[0] + "/" + name

    def exists(self, path: str) -> bool:
        return path.startswith(DIR) and self._at(path).exists()

    def is_directory(self, path: str) -> bool:
        return path.startswith(DIR) and self._at(path).is_dir()

    def read(self, path: str) -> str:
        try:
            return self._at(path).read_bytes().decode("latin-1")
        except OSError as error:
            raise InputError(str(error)) from error


def rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text("utf-8").splitlines():
        yield json.loads(line)


def printed(text: str) -> str:
    """A logical line as `-bP config` prints it: blanks are single there."""
    return re.sub(r"[ \t]+", " ", text.strip(" \t"))


def reason(config: Config) -> list[tuple[str, str]]:
    return [(p.code, p.message) for p in config.problems if p.refuses]


def test_probes(reference: Path, release: Release) -> None:
    wrong: list[tuple[str, object, object]] = []
    for row in rows(reference / "config-probes.jsonl"):
        if row["id"] in OF_THE_MACHINE | OF_THE_BUILD:
            continue
        files = {path: octets(text) for path, text in row.get("files", {}).items()}
        source = SourceFile(f"{DIR}CONFIG", octets(row["config"]))
        # What is beside them makes the directory one.
        files.setdefault(f"{DIR}CONFIG", source.data)
        defines = [arg.removeprefix("-D") for arg in row["args"] or ()]
        try:
            config = build(source, MemoryFiles(files), release=release, defines=defines)
        except SettingsError as error:
            if row["verdict"] == "accept":
                wrong.append((row["id"], "accepted", str(error)))
            continue
        if config.refused != (row["verdict"] == "reject"):
            wrong.append((row["id"], row["message"], reason(config)))
        parsed = row.get("parsed")
        if parsed is None or config.refused:
            continue
        lines = [printed(line.text) for line in config.lines]
        # The answers leave out the line that is the same in all of them.
        lines = [line for line in lines if not line.startswith("keep_environment")]
        if lines != [printed(line) for line in parsed]:
            wrong.append((row["id"], parsed, lines))
    assert wrong == []


@pytest.mark.parametrize("name", ["verdicts", "verdicts_macros"])
def test_the_configurations_of_exims_own_tests(
    corpus: Path, release: Release, name: str
) -> None:
    suite = corpus / "exim-testsuite"
    files = CorpusFiles(suite)
    wrong = []
    seen = 0
    for row in rows(suite / f"{name}.jsonl"):
        if row["class"] not in ("ok", "syntax") or row["name"] in INCOMPLETE:
            continue
        seen += 1
        data = (suite / "confs" / row["name"]).read_bytes().decode("latin-1")
        defines = [arg.removeprefix("-D") for arg in row.get("macros", ())]
        source = SourceFile(f"{DIR}confs/{row['name']}", data)
        config = build(source, files, release=release, defines=defines)
        if config.refused != (row["class"] == "syntax"):
            wrong.append((row["name"], defines, row["message"], reason(config)))
    assert seen > 400
    assert wrong == []


def test_the_logical_lines_of_exims_own_tests(corpus: Path, release: Release) -> None:
    suite = corpus / "exim-testsuite"
    files = CorpusFiles(suite)
    wrong = []
    for row in rows(suite / "verdicts.jsonl"):
        if row["class"] != "ok" or row["name"] in INCOMPLETE:
            continue
        name = row["name"]
        data = (suite / "confs" / name).read_bytes().decode("latin-1")
        source = SourceFile(f"{DIR}confs/{name}", data)
        config = build(source, files, release=release)
        lines = [printed(line.text) for line in config.lines if line.text]
        parsed = (suite / "parsed" / name).read_bytes().decode("latin-1")
        expected = [
            printed(line)
            for line in parsed.split("\n")
            if line.strip(" \t")
            and not re.match(r'# \d+ "|# Exim Configuration \(', line)
        ]
        if lines != expected:
            wrong.append(name)
    assert wrong == []
