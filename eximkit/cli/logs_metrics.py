"""`eximkit logs metrics`: logs followed, and what they say served to Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from eximkit.logs.result import LogReport

DEFAULT = "127.0.0.1:9636"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--listen", default=DEFAULT, show_default=True, metavar="ADDR:PORT",
    help="Where to serve /metrics.",
)  # fmt: skip
@click.option(
    "--state", metavar="FILE",
    help="Count on from where FILE says, and keep there how far it went.",
)  # fmt: skip
@click.option(
    "--interval", type=click.FloatRange(0.1, 3600), default=5, metavar="SECONDS",
    help="How old what is served may be (default: 5).",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(0, 10_000), default=0, metavar="N",
    help="Metrics of their own for the N busiest hosts (default: none).",
)  # fmt: skip
@click.option(
    "--year", type=click.IntRange(1990, 9999), metavar="YEAR",
    help="The year of the last entry, for logs that carry none.",
)  # fmt: skip
@click.option(
    "--full", is_flag=True,
    help="Distributions of the times on the queue, to receive and to deliver, too; "
    "takes more memory and a larger state.",
)  # fmt: skip
def metrics(
    paths: tuple[str, ...],
    listen: str,
    state: str | None,
    interval: float,
    top: int,
    year: int | None,
    full: bool,
) -> None:
    """Follow main logs and serve what they say to Prometheus.

    Each PATH is a main log; its rotated files are found beside it. With --state
    counters go on where they were when this is started again; without it they begin
    with the log as it is. SIGTERM ends it, exit code 0.
    """
    from eximkit.cli.logs_follow import Shown, opened
    from eximkit.cli.logs_run import tell
    from eximkit.cli.metrics_server import MetricsServer, address
    from eximkit.logs.analysis import wanted
    from eximkit.report import logs_prometheus as prometheus
    from eximkit.report import logs_registry

    logs_registry.demand("prometheus")
    server = MetricsServer(*address(listen), prometheus.CONTENT_TYPE)
    with (
        server,
        opened(
            paths,
            state,
            groups=logs_registry.FORMATS["prometheus"].messages_by,
            top=top,
            year=year,
            wanted=wanted((), full),
        ) as live,
    ):

        def publish(found: LogReport) -> None:
            server.publish(prometheus.exposition(found, top, live.moment()))

        tell(f"metrics at http://{server.shown}/metrics")
        Shown(live, "prometheus", interval, publish=publish).run()
