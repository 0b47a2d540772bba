"""The real configuration that `interop serve` and `interop send` take options from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from eximkit.cli.completion import Permission, ReleaseName

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.config.model import Config
    from eximkit.expansion.environment import Environment
    from eximkit.interop.unhonoured import Unhonoured
    from eximkit.lint.finding import Finding

_F = TypeVar("_F", bound="Callable[..., object]")

CONFIG_OPTIONS = ("defines", "allow", "exim_version", "root")
"""What belongs to `--config`, by the names of the parameters."""

GREETING_CODES = ("EXP101", "EXP103", "EXP105", "EXP106")
"""Findings that tell why a greeting is wrong before there is a connection."""


def config_options(command: _F) -> _F:
    """The options that belong to `--config`: -D, --allow, --exim-version, --root."""
    options = (
        click.option(
            "-D", "defines", multiple=True, metavar="NAME[=VALUE]",
            help="With --config: define a macro, as Exim's -D does.",
        ),
        click.option(
            "--allow", multiple=True, type=Permission(), metavar="WHAT",
            help="With --config: let its strings use files, env, dns or run.",
        ),
        click.option(
            "--exim-version", type=ReleaseName(), metavar="VERSION",
            help="With --config: the release that it is for (default: the newest).",
        ),
        click.option(
            "--root", metavar="DIR",
            help="With --config: look up absolute paths under DIR.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def given(*names: str) -> list[str]:
    """Those of the options that the command line has, as they are written there."""
    context = click.get_current_context()
    source = click.core.ParameterSource.COMMANDLINE
    return [
        max(option.opts, key=len)
        for option in context.command.params
        if option.name in names and context.get_parameter_source(option.name) is source
    ]


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a configuration. allow: as click gives it, a tuple for each time."""

    path: str
    defines: tuple[str, ...] = ()
    allow: tuple[tuple[str, ...], ...] = ()
    exim_version: str | None = None
    root: str | None = None


def reading_of(options: dict[str, object]) -> Reading | None:
    """How to read the configuration of a command line, None where there is none.

    Raises UsageError for options that are of no use without one.
    """
    if options["config"] is None:
        useless = given(*CONFIG_OPTIONS)
        if useless:
            raise click.UsageError(f"{useless[0]} is of no use without --config.")
        return None
    values = {name: options[name] for name in CONFIG_OPTIONS}
    return Reading(str(options["config"]), **values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration that Exim would load, and what its strings may see."""

    path: str
    config: Config
    environment: Environment

    def greeting_findings(self, transport: str) -> list[Finding]:
        """What lint has to say about the early greeting of a transport."""
        from eximkit.lint import engine

        result = engine.run(
            self.config, self.environment.release, select=GREETING_CODES, ignore=(),
            path=self.path,
        )  # fmt: skip
        return [f for f in result.findings if f.driver == transport]


def read(reading: Reading) -> Configuration:
    """Read a configuration. Raises InputError where Exim does not load it either."""
    from pathlib import Path

    from eximkit import catalog
    from eximkit.cli.expand_setup import standing
    from eximkit.cli.lint_run import find_settings, root_of
    from eximkit.config.environment import environment_of
    from eximkit.config.given import Given
    from eximkit.errors import InputError
    from eximkit.files import load_config
    from eximkit.machine.clock import offset_of
    from eximkit.machine.world import Machine
    from eximkit.source import octets

    settings = find_settings(reading.path)
    version = reading.exim_version or settings.exim_version
    release = catalog.NEWEST if version is None else catalog.release(version)
    root = reading.root or root_of(settings)
    if root is not None and not Path(root).is_dir():
        raise InputError(f"{root}: not a directory")
    defines = (*settings.define, *(octets(text) for text in reading.defines))
    config = load_config(reading.path, root=root, release=release, defines=defines)
    refused = next((p for p in config.problems if p.refuses), None)
    if refused is not None:
        place = refused.place
        raise InputError(
            f"Exim {release} does not load {reading.path}: {place.path}:{place.line}:"
            f" {refused.message}; see `eximkit lint {reading.path}`"
        )
    allowed = [word for words in reading.allow for word in words]
    given = Given(release)
    environment = environment_of(
        config, release, world=Machine(allowed, root), variables=given.variables,
        headers=given.headers, offset=offset_of,
    )  # fmt: skip
    standing(given, reading.path, environment.options)
    return Configuration(reading.path, config, environment)


def say(unhonoured: tuple[Unhonoured, ...], path: str) -> None:
    """Name on standard error what of a configuration is not followed, and why."""
    options: dict[tuple[str, bool], list[str]] = {}
    for each in unhonoured:
        options.setdefault((each.reason, each.weakens), []).append(each.option)
    for (reason, weakens), names in options.items():
        note = " (less safe than the configuration has it)" if weakens else ""
        listed = ", ".join(names)
        click.echo(f"eximkit: {path}: not followed: {listed}: {reason}{note}", err=True)
