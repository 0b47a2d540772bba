"""`eximkit interop`: its sub-commands, each in a module of its own."""

from __future__ import annotations

import click

from eximkit.cli.lazy import LazyGroup

COMMANDS = {
    "run": (
        "eximkit.cli.interop_run", "run",
        "Run scenarios between clients and servers.",
    ),
    "list": (
        "eximkit.cli.interop_run", "list_scenarios",
        "Say which scenarios there are.",
    ),
    "serve": ("eximkit.cli.interop_serve", "serve", "Be a server."),
    "send": ("eximkit.cli.interop_send", "send", "Send a message to a host."),
    "probe": (
        "eximkit.cli.interop_probe", "probe",
        "Say whether a host honours early input; sends no mail.",
    ),
    "cache": (
        "eximkit.cli.interop_cache", "cache",
        "Look at what is remembered of servers.",
    ),
}  # fmt: skip
"""Command: the module, the attribute, and the line that `--help` shows for it."""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
def interop() -> None:
    """Early pipelining (PIPECONNECT) on the wire: a client, a server, and a proof.

    Only the loopback interface and namespaces of its own are used unless you name
    another address.
    """
