"""The options of `eximkit logs` for what eximstats tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eximkit.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eximkit.logs.traffic import TrafficTerms

# These lists are short and permanent, and `--help` must not load what owns them.
LEAGUES = ("host", "domain", "email", "original", "edomain", "local", "local-domain")
INTERVALS = ("60", "30", "20", "15", "12", "10", "6", "5", "4", "3", "2", "1")

_TIME = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SHOWN = ("host", "local")

_F = TypeVar("_F", bound="Callable[..., Any]")


def _times(name: str, what: str) -> Callable[[_F], _F]:
    return click.option(
        f"--{name}-times", metavar="LIST",
        help=f"Boundaries of times {what}, such as 30s,5m,1h,1d.",
    )  # fmt: skip


_OPTIONS = (
    click.option(
        "--full", is_flag=True,
        help="Tell all that eximstats tells, too. Each of the options below says so.",
    ),
    click.option(
        "--league", "leagues", multiple=True, type=click.Choice(LEAGUES),
        help="League that the table shows (default: host, local); several times.",
    ),
    click.option(
        "--histogram", type=click.Choice(INTERVALS), metavar="MINUTES",
        help="Minutes for each bar of the day (default: 60).",
    ),
    _times("queue", "on the queue"),
    _times("receive", "to receive (RT=)"),
    _times("delivery", "to deliver (DT=)"),
    click.option(
        "--pattern", "patterns", multiple=True, metavar="NAME=REGEX",
        help="Count the lines that match; several times.",
    ),
)  # fmt: skip
NAMES = (
    "full", "leagues", "histogram", "queue_times", "receive_times", "delivery_times",
    "patterns",
)  # fmt: skip
"""Of the arguments that these options become."""


def full_options(command: _F) -> _F:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Full:
    """What was asked for of traffic. terms: None for nothing."""

    terms: TrafficTerms | None
    patterns: tuple[str, ...]
    leagues: tuple[str, ...]

    @classmethod
    def of(
        cls,
        *,
        full: bool,
        leagues: tuple[str, ...],
        histogram: str | None,
        queue_times: str | None,
        receive_times: str | None,
        delivery_times: str | None,
        patterns: tuple[str, ...],
    ) -> Full:
        """From the options. Raises SettingsError."""
        from eximkit.logs.pattern_counts import checked_patterns
        from eximkit.logs.traffic import TrafficTerms
        from eximkit.logs.traffic_report import checked

        told: dict[str, Any] = {}
        if histogram is not None:
            told["interval"] = int(histogram)
        for name, text in (
            ("queue_times", queue_times),
            ("receive_times", receive_times),
            ("delivery_times", delivery_times),
        ):
            if text is not None:
                told[name] = _boundaries(text, f"--{name.replace('_', '-')}")
        asked = full or bool(told or leagues or patterns)
        terms = TrafficTerms(**told) if asked else None
        if terms is not None:
            checked(terms)
        checked_patterns(patterns)
        shown = tuple(name.replace("-", "_") for name in dict.fromkeys(leagues))
        return cls(terms, patterns, shown or _SHOWN)


def _boundaries(text: str, option: str) -> tuple[float, ...]:
    """Times with units, by commas, as seconds. Raises SettingsError."""
    found = []
    for word in text.split(","):
        time = _TIME.fullmatch(word.strip())
        if time is None:
            raise SettingsError(
                f"{option}: {word.strip()!r} is no time; such are 30s, 5m, 1h, 1d"
            )
        found.append(float(time[1]) * _UNITS[time[2]])
    return tuple(found)
