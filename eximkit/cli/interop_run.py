"""`eximkit interop run` and `list`: options to a plan, results to an exit code."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from eximkit.cli.output import emit, is_terminal, style

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from typing import Any

    from eximkit.interop.result import ScenarioResult

# Short and permanent; `--help` must not load what owns them.
PEERS = ("eximkit", "exim")
LINKS = ("loopback", "proxy", "packet")
TERMINATED = 143
"""Exit code of what SIGTERM ends, as a shell has it."""


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--peer", type=click.Choice(["builtin", "exim"]),
    help="Only eximkit with itself, or only what a real Exim takes part in.",
)  # fmt: skip
@click.option("--client", type=click.Choice(PEERS), help="Only this client.")
@click.option("--server", type=click.Choice(PEERS), help="Only this server.")
@click.option("--exim", metavar="PATH", help="The Exim to use.")
@click.option(
    "--link", type=click.Choice(LINKS),
    help="What joins the two: packet is two network namespaces (root), proxy delays "
    "octets in this process.  [what fits each scenario]",
)  # fmt: skip
@click.option(
    "--rtt-ms", type=click.FloatRange(1, 5000), default=100.0, show_default=True,
    metavar="MS", help="Milliseconds of a round trip.",
)  # fmt: skip
@click.option(
    "--repeat", type=click.IntRange(1, 1000), default=5, show_default=True,
    metavar="N", help="Messages with and without early mode, for the median.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=6, show_default=True,
    metavar="N", help="Scenarios at a time, each on a link of its own.",
)  # fmt: skip
@click.option(
    "--diagram/--no-diagram", default=None,
    help="Draw who said what and when.  [where a NAME is given]",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table",
    show_default=True, help="How to write.",
)  # fmt: skip
@click.option(
    "--output", metavar="FILE", help="Write to FILE instead of standard output."
)  # fmt: skip
def run(
    names: tuple[str, ...],
    peer: str | None,
    client: str | None,
    server: str | None,
    exim: str | None,
    link: str | None,
    rtt_ms: float,
    repeat: int,
    jobs: int,
    diagram: bool | None,
    form: str,
    output: str | None,
) -> None:
    """Run scenarios of early pipelining between clients and servers.

    The reference client and server, and a real Exim where one is installed and root
    may start it, in every pairing; without NAME all that can run here. What cannot is
    listed with the reason. Exit code 1 tells of a scenario that failed, 4 of an Exim
    that was asked for and is not installed. Everything that is started is private to
    the run and gone when it ends.
    """
    from eximkit.interop.link import LinkKind
    from eximkit.interop.result import Verdict
    from eximkit.interop.runner import Plan, run_all
    from eximkit.interop.scenario import scenarios
    from eximkit.report import interop_json, interop_table

    if peer == "builtin" and "exim" in (client, server):
        raise click.UsageError("--peer builtin has no real Exim in it.")
    sides = ("eximkit",) if peer == "builtin" else PEERS
    plan = Plan(
        names=names,
        clients=sides if client is None else (client,),
        servers=sides if server is None else (server,),
        with_peer="exim" if peer == "exim" else "",
        link=None if link is None else LinkKind(link),
        rtt=rtt_ms / 1000,
        repeat=repeat,
        jobs=jobs,
        exim=exim,
        needs_exim="exim" in (peer, client, server),
    )
    with _progress() as told:
        results = _until_told(run_all(plan, scenarios(), told))
    draws = bool(names) if diagram is None else diagram
    written = (
        interop_json.report(results)
        if form == "json"
        else interop_table.report(results, style(output), diagrams=draws)
    )
    emit(written, output)
    if any(result.outcome is Verdict.FAILED for result in results):
        sys.exit(1)


@click.command("list")
def list_scenarios() -> None:
    """Say which scenarios there are, and what each shows."""
    from eximkit.interop.scenario import scenarios
    from eximkit.report import interop_table

    emit(interop_table.listing(scenarios()), None)


def _until_told(
    work: Coroutine[Any, Any, list[ScenarioResult]],
) -> list[ScenarioResult]:
    """Do it to the end, or until SIGINT or SIGTERM; either way it cleans up."""
    import asyncio
    import signal

    terminated = False

    async def watched() -> list[ScenarioResult]:
        task = asyncio.current_task()

        def end() -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        return await work

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        if terminated:
            sys.exit(TERMINATED)
        raise


@contextmanager
def _progress() -> Iterator[Any]:
    """Shows a line with the last result on a terminal, and takes it away at the end."""
    stream = sys.stderr
    shown = 0

    def told(result: ScenarioResult, done: int, total: int) -> None:
        nonlocal shown
        if not result.ran:
            return
        pair = result.pairing
        text = f"{done} of {total}: {result.scenario}, {pair.client} to {pair.server}"
        stream.write("\r" + text[:79].ljust(shown))
        stream.flush()
        shown = max(shown, len(text[:79]))

    def silent(*_: object) -> None:
        pass

    try:
        yield told if is_terminal(stream) else silent
    finally:
        if shown:
            stream.write(f"\r{' ' * shown}\r")
            stream.flush()
