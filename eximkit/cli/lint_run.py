"""One run of `eximkit lint`: settings and options, configurations, fixes, files."""

from __future__ import annotations

from dataclasses import dataclass, field
from os.path import isfile
from pathlib import Path
from typing import TYPE_CHECKING

from eximkit import catalog
from eximkit.config.build import build
from eximkit.errors import InputError, SettingsError
from eximkit.files import Files, open_configuration
from eximkit.lint import engine, fixes, verify
from eximkit.lint.finding import Severity
from eximkit.lint.result import combined
from eximkit.lint.settings import FILE_NAME, Settings, parse_settings
from eximkit.source import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from eximkit.catalog import Release
    from eximkit.lint.result import LintResult

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `eximkit lint`, apart from what only concerns the report."""

    paths: tuple[str, ...]
    fragment: str | None = None
    root: str | None = None
    defines: tuple[str, ...] = ()
    exim_version: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str | None = None
    unsafe_fixes: bool = False


@dataclass(slots=True)
class LintRun:
    """What is to be linted, and how. The command line goes before the settings file."""

    paths: tuple[str, ...]
    fragment: str | None
    root: str | None
    defines: tuple[str, ...]
    release: Release
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    fail_on: Severity
    unsafe: bool
    standard_input: str | None = None
    originals: dict[str, str] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, options: Options) -> LintRun:
        """Raises SettingsError for a value that means nothing, InputError."""
        settings = find_settings(options.paths[0])
        version = options.exim_version
        if version is None:
            version = settings.exim_version
        level = options.fail_on or settings.fail_on or Severity.WARNING
        run = cls(
            paths=tuple(dict.fromkeys(options.paths)),
            fragment=options.fragment,
            root=options.root or root_of(settings),
            # Of two definitions of a macro the later one counts.
            defines=(*settings.define, *options.defines),
            release=catalog.NEWEST if version is None else catalog.release(version),
            select=_codes(options.select) or settings.select,
            ignore=_codes(options.ignore) or settings.ignore,
            fail_on=Severity(level),
            unsafe=options.unsafe_fixes,
        )
        engine.selected(run.select, run.ignore)
        if run.root is not None and not Path(run.root).is_dir():
            raise InputError(f"{run.root}: not a directory")
        return run

    def check(self) -> LintResult:
        """Every configuration, with such fixes as hold."""
        return combined(self._checked(path) for path in self.paths)

    def _checked(self, path: str) -> LintResult:
        result = self._lint(path, {})
        if not any(finding.fix for finding in result.findings):
            return result
        partial = self.select or self.ignore
        every = self._lint(path, {}, everything=True) if partial else result
        return verify.verified(
            result, lambda texts: self._lint(path, texts, everything=True), every
        )

    def fix(self) -> LintResult:
        """As `check`, after the fixes were made in the files. Raises InputError."""
        if STANDARD_INPUT in self.paths:
            raise SettingsError("standard input cannot be edited; see --diff")
        files = Files(self.root)
        for name, text in self._fixed().items():
            files.replace(name, self.originals[name], text)
            self.changed.append(name)
        return self.check()

    def diff(self) -> tuple[Iterator[str], LintResult]:
        """What `fix` would change, as lines of a diff; and what there is to find."""
        now = combined(self._lint(path, {}) for path in self.paths)
        return fixes.diff(self.originals, self._fixed()), now

    def _fixed(self) -> dict[str, str]:
        """The new texts of all files that fixes change."""
        texts: dict[str, str] = {}
        for path in self.paths:
            texts.update(self._fix(path, texts))
        return texts

    def _fix(self, path: str, before: dict[str, str]) -> dict[str, str]:
        """The new texts that the fixes of one configuration make."""
        before = dict(before)
        for name, file in self._lint(path, before).sources.items():
            self.originals.setdefault(name, file.data)
        return verify.fixed(
            lambda texts: self._lint(path, {**before, **texts}, everything=True),
            (lambda texts: self._lint(path, {**before, **texts}))
            if self.select or self.ignore
            else None,
            unsafe=self.unsafe,
        )

    def _lint(
        self, path: str, texts: Mapping[str, str], *, everything: bool = False
    ) -> LintResult:
        """A configuration, with other texts in place of those of some files."""
        if path == STANDARD_INPUT and self.standard_input is not None:
            texts = {STANDARD_INPUT: self.standard_input, **texts}
        opened = open_configuration(path, self.root, texts)
        if path == STANDARD_INPUT and self.standard_input is None:
            self.standard_input = opened.parts[0].file.data
        config = build(
            opened.parts,
            opened.files,
            release=self.release,
            defines=self.defines,
            fragment=self.fragment,
        )
        select, ignore = ((), ()) if everything else (self.select, self.ignore)
        return engine.run(config, self.release, select=select, ignore=ignore, path=path)


def find_settings(path: str) -> Settings:
    """The settings file beside a path or in a directory above it, the nearest one."""
    start = Path() if path == STANDARD_INPUT else Path(path)
    start = start.absolute()
    for directory in (start, *start.parents):
        candidate = directory / FILE_NAME
        # Path.is_file raises for a name that is too long; this answers.
        if isfile(candidate):  # noqa: PTH113
            text = decode(Files().read(str(candidate)))
            return parse_settings(text, str(candidate))
    return Settings()


def root_of(settings: Settings) -> str | None:
    """The root that a settings file names, seen from here."""
    if settings.root is None:
        return None
    return str(Path(settings.directory) / settings.root)


def _codes(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        code.strip().upper()
        for value in values
        for code in value.split(",")
        if code.strip()
    )
