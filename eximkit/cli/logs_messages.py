"""`eximkit logs show MSGID...` and `eximkit logs grep PATTERN`: whole messages."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from eximkit.cli.output import emit, is_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eximkit.logs.messages import Story

_HELP = {"help_option_names": ["-h", "--help"]}
_output = click.option(
    "--output", metavar="FILE", help="Write to FILE instead of standard output."
)
_ID = re.compile(r"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-..|[0-9A-Za-z]{11}-....)")
NOTHING_FOUND = 1


@click.command(context_settings=_HELP)
@click.argument("words", nargs=-1, required=True, metavar="MSGID... [PATH]...")
@_output
def show(words: tuple[str, ...], output: str | None) -> None:
    """Print all lines of messages, in order, over rotated logs.

    What follows the ids are the logs, as for `eximkit logs`. Exit code 1 tells that
    a message is in none of them.
    """
    from eximkit.cli.logs_run import Reading, tell
    from eximkit.logs import messages

    count = 1
    while count < len(words) and _ID.fullmatch(words[count]):
        count += 1
    ids = list(dict.fromkeys(words[:count]))
    messages.check(ids)
    reading = Reading.of(words[count:])
    seen: set[str] = set()
    with reading.text(output) as text:
        stories = messages.show(text, ids)
        emit(_printed(stories, output, seen), output)
    missing = [message for message in ids if message not in seen]
    if missing:
        tell(f"not in these logs: {', '.join(missing)}")
    reading.end()
    if missing:
        sys.exit(NOTHING_FOUND)


@click.command(context_settings=_HELP)
@click.argument("pattern")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-i", "--ignore-case", is_flag=True, help="Upper or lower case.")
@click.option("-F", "--literal", is_flag=True, help="PATTERN is plain text.")
@click.option(
    "-v", "--invert", is_flag=True, help="The messages in which no line matches."
)
@click.option(
    "--related", is_flag=True,
    help="And the messages that mention one of those, as bounces do.",
)  # fmt: skip
@click.option(
    "--longer", type=click.IntRange(0), metavar="SECONDS",
    help="Only messages that took longer than this.",
)  # fmt: skip
@_output
def grep(
    pattern: str,
    paths: tuple[str, ...],
    ignore_case: bool,
    literal: bool,
    invert: bool,
    related: bool,
    longer: int | None,
    output: str | None,
) -> None:
    """Print all lines of the messages in which a line matches, as exigrep does.

    PATTERN is a regular expression (PCRE2); unlike exigrep, upper and lower case are
    told apart. Exit code 1 tells that nothing was found.
    """
    from eximkit.cli.logs_run import Reading
    from eximkit.logs import messages
    from eximkit.logs.patterns import Pattern

    wanted = Pattern(pattern, ignore_case=ignore_case, literal=literal)
    reading = Reading.of(paths)
    seen: set[str] = set()
    with reading.text(output) as text:
        stories = messages.grep(
            text, wanted, invert=invert, related=related, longer=longer,
            once=text.once,
        )  # fmt: skip
        emit(_printed(stories, output, seen), output)
    reading.end()
    if not seen:
        sys.exit(NOTHING_FOUND)


def _printed(
    stories: Iterable[Story], output: str | None, seen: set[str]
) -> Iterator[str | bytes]:
    """The text of stories; on a terminal without what could play with it.

    seen: takes in the ids of the stories.
    """
    from eximkit.logs.messages import rendered
    from eximkit.source import display

    safe = output is None and is_terminal(sys.stdout)
    for story in stories:
        seen.add(story.id.decode())
        text = rendered(story)
        if safe:
            for line in text.split(b"\n")[:-1]:
                yield display(line.decode("latin-1")) + "\n"
        else:
            yield text
