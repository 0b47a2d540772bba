"""From the octets of files to the logical lines that Exim's parser sees.

Exim specification, chapter 6: comments, macros, conditionals, includes and continuation
are all matters of physical lines. Every character of a logical line keeps its origin
(`source.Text`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eximkit.config.continuation import Gathered
from eximkit.config.directives import Conditionals, include
from eximkit.errors import InputError
from eximkit.problem import Problem
from eximkit.source import BLANK, Place, SourceFile, Text, decode, display

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eximkit.config.directives import FileReader, Include
    from eximkit.config.macros import MacroTable

INCLUDE_DEPTH = 100
"""Files open within each other. (Exim stops where it runs out of descriptors.)"""

INCLUDE_COUNT = 5000
"""Files that one configuration may include, each counted as often as it is read."""

INCLUDE_OCTETS = 1 << 24
"""The octets of those files together."""

LINE_COUNT = 100_000
"""The physical lines of one logical line."""

_BOM = "\xef\xbb\xbf"
_REMARK = "# eximkit:"


@dataclass(frozen=True, slots=True)
class Part:
    """The octets [start, end) of a file, as a stretch of the main configuration."""

    file: SourceFile
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment line that starts `# eximkit:`.

    text: the whole comment, from `#`. line: the number (from 0) of the logical line
    that it stands before or, inside a continuation, in. Where it equals the number of
    logical lines, nothing follows it.
    """

    text: str
    place: Place
    line: int


class _Cursor:
    """A file being read. version: that of the macros when it was opened."""

    __slots__ = ("at", "data", "end", "file", "nul", "path", "version")

    def __init__(self, part: Part, version: int) -> None:
        self.file = part.file
        self.path = part.file.path
        self.data = part.file.data
        self.at = part.start
        self.end = len(self.data) if part.end is None else part.end
        self.nul = "\0" in self.data
        self.version = version


class LineReader:
    """Reads a configuration, one logical line at a time.

    main: the file, or the parts of files that make up one configuration, in order. The
    caller defines macros (`reader.macros.define`) before it asks for the next line.

    problems, files, remarks: what was met so far; no generated file is among these.
    `next_line` raises nothing.
    """

    def __init__(
        self,
        main: SourceFile | Iterable[Part],
        files: FileReader,
        macros: MacroTable,
    ) -> None:
        parts = [Part(main)] if isinstance(main, SourceFile) else list(main)
        self.macros = macros
        self.problems: list[Problem] = []
        self.files: list[SourceFile] = []
        self.remarks: list[Remark] = []
        self.count = 0
        """Logical lines given out so far."""
        self._files = files
        self._conditionals = Conditionals()
        self._rest = parts[::-1]
        self._stack: list[_Cursor] = []
        self._included = 0
        self._octets = 0
        self._finished = False
        self._indented = False
        self._dropped: Text | None = None
        for part in parts:
            if not part.file.generated and part.file not in self.files:
                self.files.append(part.file)

    def next_line(self) -> Text | None:
        """The next logical line, None at the end.

        It starts with the first character that is not blank; trailing blanks are gone
        (but for those before the backslash that ends a file).
        """
        parts = Gathered()
        # Whether anything, be it a blank, precedes a backslash: then what follows is
        # the rest of a line, no new one.
        started = False
        while True:
            line = self._physical(started)
            if line is None:
                if not started:
                    return None
                if self._dropped is not None:
                    # Exim finds the file at its end, and in its buffer still the
                    # comment or the directive that it had put aside.
                    parts.add(self._dropped)
                break
            if line.text:
                started = started or self._indented
                parts.add(line)
            else:
                # A blank line ends the continuation, unless the blanks that it makes
                # trailing ones hide another backslash.
                parts.strip()
            if parts.length == 0:
                started = False
                continue
            if not parts.take_backslash():
                break
            started = started or parts.length > 0
            if parts.count >= LINE_COUNT:
                self._add(
                    "EXS230",
                    f"this line is continued {LINE_COUNT} times; reading stops here",
                    parts.text().place(0, 1),
                    refuses=False,
                )
                self._finished = True
        self.count += 1
        return parts.text()

    def _physical(self, started: bool) -> Text | None:
        """The next physical line that holds neither a comment nor a directive.

        It comes without white space at either end; `_indented` says whether some was
        at its start. `_dropped` is the comment or directive that came last.
        """
        self._dropped = None
        while not self._finished:
            cursor = self._cursor()
            if cursor is None:
                break
            file, data, start = cursor.file, cursor.data, cursor.at
            end = data.find("\n", start, cursor.end)
            if end < 0:
                end = cursor.at = cursor.end
            else:
                cursor.at = end + 1
            if start == 0 and not started and data.startswith(_BOM):
                start = len(_BOM)
                self._add_bom_problem(file)
            if cursor.nul:
                # Exim's strings end at a NUL; the rest of the line is lost to it.
                nul = data.find("\0", start, end)
                end = nul if nul >= 0 else end
            line = data[start:end]
            content = line.lstrip(BLANK)
            if not content and not started:
                continue
            if content.startswith("#"):
                self._note_remark(file, start, end)
                self._dropped = Text.of(file, start, end) if started else None
                continue
            result = self.macros.substitute(file, start, end, not started)
            if result is not None:
                if result.problem is not None:
                    self.problems.append(result.problem)
                    self._finished = self.macros.exhausted
                line = result.text.text
                content = line.lstrip(BLANK)
                if content.startswith("#"):
                    self._dropped = result.text
                    continue
            indent = len(line) - len(content)
            text = None if result is None else result.text
            if content.startswith("."):
                whole = Text.of(file, start, end) if text is None else text
                directive = whole.slice(indent)
                self._dropped = whole
                if self._directive(directive, result is not None, data[end : end + 1]):
                    continue
            if self._conditionals.skipping:
                continue
            self._indented = indent > 0
            if text is not None:
                return text.strip()
            return Text.of(file, start + indent, start + len(line.rstrip(BLANK)))
        if not self._finished:
            self._finished = True
            problem = self._conditionals.finish()
            if problem is not None:
                self.problems.append(problem)
        return None

    def _cursor(self) -> _Cursor | None:
        """The innermost file that has something left."""
        stack = self._stack
        while True:
            while stack:
                if stack[-1].at < stack[-1].end:
                    return stack[-1]
                stack.pop()
            if not self._rest:
                return None
            stack.append(_Cursor(self._rest.pop(), self.macros.version))

    def _directive(self, line: Text, found: bool, terminator: str) -> bool:
        """Obey a line that starts with a dot; False if it is no directive.

        terminator: the octet after the line, where Exim looks for white space.
        """
        known, problem = self._conditionals.obey(line, found)
        if problem is not None:
            self.problems.append(problem)
        if known:
            return True
        if self._conditionals.skipping:
            return True
        stripped = line.strip()
        wanted = include(stripped)
        if wanted is None or (
            not wanted.name.text and not terminator and len(stripped) == len(line)
        ):
            return False
        self._include(wanted, stripped)
        return True

    def _include(self, wanted: Include, line: Text) -> None:
        name, files = wanted.name, self._files
        place = name.place(0, len(name)) if name.text else line.place(0, len(line))
        if wanted.optional and not name.text.startswith("/"):
            self._add(
                "EXM407",
                ".include_if_exists needs an absolute path, not "
                f'"{display(name.text)}"',
                place,
                hint="relative names are for .include only",
            )
            return
        within = place.file
        path = files.locate(decode(name.text), within.path)
        if not files.exists(path):
            if not wanted.optional:
                self._add(
                    "EXS235", f'included file "{display(name.text)}" not found', place
                )
            return
        if files.is_directory(path):
            self._add(
                "EXS235",
                f'"{display(name.text)}" is a directory: Exim includes nothing',
                place,
                refuses=False,
            )
            return
        if not self._may_open(path, place):
            return
        try:
            data = files.read(path)
        except InputError as error:
            self._add("EXS235", f"cannot include: {error}", place, refuses=False)
            return
        self._included += 1
        self._octets += len(data)
        file = SourceFile(path, data, place)
        self.files.append(file)
        self._stack.append(_Cursor(Part(file), self.macros.version))

    def _may_open(self, path: str, place: Place) -> bool:
        """Whether including `path` can come to an end, for Exim and for us."""
        if self._included >= INCLUDE_COUNT or self._octets > INCLUDE_OCTETS:
            self._add(
                "EXS235",
                "too many or too large included files; reading stops here",
                place,
                refuses=False,
            )
            self._finished = True
            return False
        # A file may include itself under an .ifndef: what it reads depends on macros,
        # so the same file with the same macros goes round for ever, and only that.
        version = self.macros.version
        for cursor in reversed(self._stack):
            if cursor.path == path and cursor.version == version:
                self._add(
                    "EXS235", f'"{display(path)}" includes itself without end', place
                )
                return False
        if len(self._stack) >= INCLUDE_DEPTH:
            self._add(
                "EXS235",
                f"included files are nested more than {INCLUDE_DEPTH} deep; reading "
                "stops here",
                place,
            )
            self._finished = True
            return False
        return True

    def _note_remark(self, file: SourceFile, start: int, end: int) -> None:
        at = file.data.find(_REMARK, start, end)
        if at < 0 or self._conditionals.skipping:
            return
        comment = Text.of(file, start, end).strip()
        if comment.text.startswith(_REMARK):
            place = comment.place(0, len(comment))
            self.remarks.append(Remark(comment.text, place, self.count))

    def _add_bom_problem(self, file: SourceFile) -> None:
        self.problems.append(
            Problem(
                "EXS219",
                "the file starts with a byte order mark",
                Place(file, 0, len(_BOM)),
                hint="save it as UTF-8 without one",
                replacement="",
                refuses=True,
            )
        )

    def _add(
        self, code: str, message: str, place: Place, *, hint: str = "",
        refuses: bool = True,
    ) -> None:  # fmt: skip
        self.problems.append(Problem(code, message, place, hint=hint, refuses=refuses))
