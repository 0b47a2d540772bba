"""What `eximkit interop serve` prints, from before the first client to the end."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from eximkit.cli import interop_config
from eximkit.interop.service_options import service_plan
from eximkit.interop.serving import Opened, Options, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eximkit.cli.interop_config import Reading
    from eximkit.interop.workers import Sum

_INTERRUPTED = 130


def run(options: Options, reading: Reading | None = None) -> int:
    """Serve until a signal comes; the exit code. Raises InputError, SettingsError.

    reading: how to read the configuration that says what is offered, if there is one.
    """
    as_json = options.form == "json"
    plan, said = None, 0
    if reading is not None:
        found = interop_config.read(reading)
        plan = service_plan(found.config, found.environment)
        interop_config.say(plan.unhonoured, reading.path)
        said = len(plan.unhonoured)
    with _tidy(), Serving(options, plan, complain=_complain) as serving:
        done = serving.run(lambda opened: _say_where(opened, as_json))
        # What is left is to put things away: nobody hurries that.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if plan is not None and reading is not None:
        # Clients may have shown what else cannot be followed.
        interop_config.say(plan.unhonoured[said:], reading.path)
    _say_what(done, as_json)
    return _INTERRUPTED if done.cut_short else 0


@contextmanager
def _tidy() -> Iterator[None]:
    """A SIGTERM before the server is ready to heed one leaves nothing either."""
    old = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, old)


def _complain(text: str) -> None:
    click.echo(f"eximkit: {text}", err=True)


def _say_where(opened: Opened, as_json: bool) -> None:
    for note in opened.notes:
        _complain(note)
    if as_json:
        first = (opened.plain or opened.secure)[0]
        event: dict[str, object] = {
            "event": "listening",
            "address": first.address,
            "port": opened.plain[0].port if opened.plain else None,
            "tls_port": opened.secure[0].port if opened.secure else None,
            "listen": [str(at) for at in opened.plain],
            "tls_listen": [str(at) for at in opened.secure],
            "ca": opened.ca or None,
        }
        click.echo(json.dumps(event))
    else:
        for at in opened.plain:
            click.echo(f"Listening on {at}")
        for at in opened.secure:
            click.echo(f"Listening on {at}, TLS first")
        if opened.ca:
            click.echo(f"Clients may trust {opened.ca} while this runs")
    sys.stdout.flush()


def _say_what(done: Sum, as_json: bool) -> None:
    if as_json:
        event = {
            "event": "stopped",
            "connections": done.connections,
            "turned_away": done.turned_away,
            "messages": done.messages,
            "octets": done.octets,
            "early": done.early,
        }
        click.echo(json.dumps(event))
        return
    click.echo(
        f"{_number(done.messages, 'message')}, {done.early} early, "
        f"in {_number(done.connections, 'connection')}"
    )


def _number(count: int, of: str) -> str:
    return f"{count} {of}{'s' * (count != 1)}"
