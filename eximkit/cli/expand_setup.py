"""What a run of `eximkit expand` knows: the configuration, what is set, the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eximkit import catalog
from eximkit.cli.lint_run import find_settings, root_of
from eximkit.config.console import SETTING_SINCE, Console, macro_table
from eximkit.config.environment import environment_of
from eximkit.errors import InputError, SettingsError
from eximkit.expansion.limits import Limits
from eximkit.expansion.values import Known
from eximkit.files import load_config
from eximkit.machine.caller import caller
from eximkit.machine.clock import offset_of
from eximkit.machine.world import Machine
from eximkit.source import octets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eximkit.catalog import Release
    from eximkit.config.given import Given
    from eximkit.config.model import Config


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of `eximkit expand`."""

    strings: tuple[str, ...]
    config: str | None
    defines: tuple[str, ...]
    sets: tuple[str, ...]
    check: bool
    tree: bool
    exim_version: str | None
    allow: tuple[str, ...]
    root: str | None
    max_steps: int
    max_output: int
    timeout: float


def with_settings(options: Options) -> Options:
    """The options, with what the settings file beside the configuration says.

    The command line goes first. Raises SettingsError, InputError.
    """
    if options.config is None:
        return options
    settings = find_settings(options.config)
    return replace(
        options,
        exim_version=options.exim_version or settings.exim_version,
        root=options.root or root_of(settings),
        # Of two definitions of a macro the later one counts.
        defines=(*settings.define, *options.defines),
    )


def release_of(options: Options) -> Release:
    """The release to answer for. Raises SettingsError."""
    if options.exim_version is None:
        return catalog.NEWEST
    return catalog.release(options.exim_version)


def console_of(options: Options, release: Release, given: Given) -> Console:
    """Where strings are answered; `given` gets what is known of the variables.

    Raises SettingsError for a value that means nothing, InputError.
    """
    if options.root is not None and not Path(options.root).is_dir():
        raise InputError(f"{options.root}: not a directory")
    config = _configuration(options, release)
    macros = macro_table(config, release, _defines(options))
    limits = Limits(options.max_steps, options.max_output)
    machine = Machine(
        options.allow, options.root, seconds=options.timeout, output=limits.output
    )
    environment = environment_of(
        config, release, world=machine, variables=given.variables,
        headers=given.headers, offset=offset_of,
    )  # fmt: skip
    standing(given, options.config, environment.options)
    for text in options.sets:
        name, equals, value = octets(text).partition("=")
        wrong = given.set(name, value) if equals else "NAME=VALUE is expected"
        if wrong:
            raise SettingsError(f"--set {text}: {wrong}")
    return Console(
        environment, given, macros, limits, settable=release >= SETTING_SINCE
    )


def _defines(options: Options) -> tuple[str, ...]:
    return tuple(octets(text) for text in options.defines)


def _configuration(options: Options, release: Release) -> Config | None:
    if options.config is None:
        return None
    config = load_config(
        options.config, root=options.root, release=release, defines=_defines(options)
    )
    refused = next((p for p in config.problems if p.refuses), None)
    if refused is not None:
        place = refused.place
        click.echo(
            f"eximkit: Exim {release} does not load {options.config}: {place.path}:"
            f"{place.line}: {refused.message}; see `eximkit lint {options.config}`",
            err=True,
        )
    return config


def standing(given: Given, config: str | None, options: Mapping[str, str]) -> None:
    """What `exim -be` knows of the process that asks."""
    who = caller()
    name = options.get("primary_hostname", who.hostname)
    address = f"{who.login}@{options.get('qualify_domain', name)}"
    values = {
        "authenticated_id": who.login,
        "authenticated_sender": address,
        "caller_gid": str(who.gid),
        "caller_uid": str(who.uid),
        "initial_cwd": who.directory,
        "originator_gid": str(who.gid),
        "originator_uid": str(who.uid),
        "pid": str(who.process),
        "primary_hostname": name,
        "sender_address": address,
        "sender_ident": who.login,
    }
    if config is not None:
        path = octets(config)
        folder = path.rpartition("/")[0]
        absolute = path.startswith("/")
        values["config_file"] = path
        values["config_dir"] = folder if absolute else f"{who.directory}/{folder}"
    given.variables.update((name, Known(text)) for name, text in values.items())
