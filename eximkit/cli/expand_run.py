"""One run of `eximkit expand`: what is asked, and what is answered."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from eximkit.cli.expand_jsonl import Malformed, Request, requests
from eximkit.cli.expand_setup import console_of, release_of, with_settings
from eximkit.cli.output import emit, style
from eximkit.config.build import build
from eximkit.config.console import Answer, joined
from eximkit.config.given import Given
from eximkit.errors import ExpansionSyntaxError, InputError
from eximkit.expansion.parse import parse
from eximkit.expansion.values import Failure, Known
from eximkit.files import FILE_LIMIT, Files, open_configuration
from eximkit.lint import engine
from eximkit.lint.finding import Severity
from eximkit.lint.result import combined
from eximkit.machine.deadline import OutOfTime, deadline
from eximkit.report import expand_failure, expand_jsonl, expand_tree, finding_text
from eximkit.source import SourceFile, Text, decode, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.catalog import Release
    from eximkit.cli.expand_setup import Options
    from eximkit.config.model import Config
    from eximkit.lint.result import LintResult

STANDARD_INPUT = "-"
CODES = (
    "EXS201", "EXS202", "EXS203", "EXS204", "EXS205", "EXS206", "EXS207", "EXS208",
    "EXS209", "EXS214", "EXS215", "EXS222",
)  # fmt: skip
"""The rules that are about expansion strings as such."""


class ExpandRun:
    """What is asked, and of whom. failed: an answer was a failure, or had a finding."""

    def __init__(self, options: Options) -> None:
        """Raises SettingsError for a value that means nothing, InputError."""
        self.options = with_settings(options)
        self.release = release_of(self.options)
        self.given = Given(self.release)
        self.console = console_of(self.options, self.release, self.given)
        self.failed = False

    def answer_strings(self) -> None:
        """The strings of the command line, one after the other."""
        several = len(self.options.strings) > 1
        named = (
            (self._string(text), f"string {number}" if several else "string")
            for number, text in enumerate(self.options.strings, 1)
        )
        self._answer(named, "")

    def answer_lines(self) -> None:
        """The lines of standard input, with a prompt each, as `exim -be` does."""
        lines = enumerate(joined(_lines(_standard_input())), 1)
        named = ((line, f"line {number}") for number, line in lines)
        self._answer(named, "> ")

    def _answer(self, named: Iterable[tuple[str, str]], prompt: str) -> None:
        """Answer strings that have names; or, where they are checked only, report."""
        if self.options.check and not self.options.tree:
            results = [self._checked(text, name) for text, name in named]
            if results:
                emit(finding_text.report(_together(results), style(None)), None)
            return
        if self.options.tree:
            prompt = ""

        def said() -> Iterator[str]:
            yield prompt
            for text, name in named:
                yield from self.respond(text, name)
                yield prompt
            yield "\n" if prompt else ""

        emit(said(), None, dialogue=True)

    def answer_requests(self) -> None:
        """The requests of `--jsonl`."""
        emit(map(self._request, requests(_standard_input())), None, dialogue=True)

    def check_configuration(self) -> None:
        """Every string of the configuration that Exim expands, as the linter does."""
        from eximkit.cli.lint_run import LintRun
        from eximkit.cli.lint_run import Options as LintOptions

        assert self.options.config is not None  # noqa: S101 - the caller looked
        run = LintRun.of(
            LintOptions(
                (self.options.config,), None, self.options.root, self.options.defines,
                self.options.exim_version, CODES,
            )
        )  # fmt: skip
        # What transports say on the wire is another matter.
        result = replace(run.check(), greetings=())
        self.failed = self.failed or result.reaches(Severity.WARNING)
        emit(finding_text.report(result, style(None)), None)

    def respond(self, line: str, name: str) -> Iterator[str]:
        """What to print for a line of octets."""
        if self.options.tree:
            yield from self._tree(line, name)
            if not self.options.check:
                return
        if self.options.check:
            yield from finding_text.report(self._checked(line, name), style(None))
            return
        try:
            with deadline(self.options.timeout):
                answer = self.console.answer(line, name)
        except OutOfTime:
            answer = Answer(self._late(), Text.of(SourceFile(name, line)))
        if isinstance(answer.result, Known):
            yield decode(answer.result.text) + "\n"
            return
        yield from self._failed(answer.result, answer.source)

    def _string(self, text: str) -> str:
        """The octets of an argument; of `-`, all of standard input."""
        if text != STANDARD_INPUT:
            return octets(text)
        _standard_input()
        data = open_configuration(STANDARD_INPUT).parts[0].file.data
        return data.removesuffix("\n").removesuffix("\r")

    def _tree(self, line: str, name: str) -> Iterator[str]:
        source, failure = self.console.substituted(line, name)
        if failure is not None:
            yield from self._failed(failure, source)
            return
        try:
            tree = parse(source.text)
        except ExpansionSyntaxError as error:
            failure = Failure(error.message, syntax=True)
            yield from self._failed(failure, source)
            return
        yield from expand_tree.report(tree, style(None))

    def _failed(self, failure: Failure, source: Text) -> Iterator[str]:
        """The line that Exim prints, and on standard error what there is to add."""
        self.failed = True
        yield f"Failed: {decode(failure.message)}\n"
        explained = expand_failure.report(
            failure, source, self.release, style(None, sys.stderr)
        )
        click.echo("".join(explained), nl=False, err=True)

    def _checked(self, line: str, name: str) -> LintResult:
        """The findings about one string, those of `eximkit lint --as expansion`."""
        source, _ = self.console.substituted(line, name)
        result = engine.run(_fragment(source, self.release), self.release, path=name)
        self.failed = self.failed or result.reaches(Severity.WARNING)
        return result

    def _request(self, request: Request | Malformed) -> str:
        if isinstance(request, Malformed):
            self.failed = True
            return expand_jsonl.failure_line(request.message, "syntax")
        if self.options.check:
            return expand_jsonl.check_line(self._checked(request.expression, "expr"))
        result = self._expanded(request)
        self.failed = self.failed or isinstance(result, Failure)
        return expand_jsonl.value_line(result)

    def _expanded(self, request: Request) -> Known | Failure:
        given = Given(self.release, self.given)
        for name, value in request.variables.items():
            wrong = given.set(name, value)
            if wrong:
                return Failure(f"set: {wrong}")
        try:
            with deadline(self.options.timeout):
                return self.console.expanded(
                    request.expression, given.variables, given.headers
                )
        except OutOfTime:
            return self._late()

    def _late(self) -> Failure:
        return Failure.unsupported(
            f"it takes more than {self.options.timeout:g} seconds"
        )


def _together(results: list[LintResult]) -> LintResult:
    """The results for several strings as one."""
    if len(results) == 1:
        return results[0]
    return replace(combined(results), paths=(f"{len(results)} strings",))


def _fragment(text: Text, release: Release) -> Config:
    """A configuration that is one expansion string, as `--as expansion` makes it."""
    file = text.pieces[0].file
    config = build(file, Files(), release=release, fragment="expansion")
    config.lines, config.expansion = [text], text
    return config


def _standard_input() -> BinaryIO:
    """Raises InputError where the process was started with it closed."""
    stream: TextIO | None = sys.stdin
    if stream is None:
        raise InputError("standard input: it is closed")
    return stream.buffer


def _lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream as octets, without their ends. Raises InputError."""
    try:
        while line := stream.readline(FILE_LIMIT + 1):
            if len(line) > FILE_LIMIT:
                raise InputError(f"standard input: a line has over {FILE_LIMIT} octets")
            yield line.decode("latin-1").removesuffix("\n")
    except OSError as error:
        raise InputError(f"standard input: {error.strerror}") from error
