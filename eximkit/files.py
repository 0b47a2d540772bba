"""The edge to the file system: opening configurations, reading files, replacing them.

Nothing else in eximkit, but for the command line, opens a file. Paths are as a person
reads them; what they name is octets, one character each (`source`).
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING

from eximkit.config import debian
from eximkit.config.lines import Part
from eximkit.errors import InputError
from eximkit.source import SourceFile, display, octets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eximkit.catalog import Release
    from eximkit.config.model import Config

FILE_LIMIT = 1 << 23
"""The octets of the largest file that is read."""

_SNIPPET_LIMIT = 1000
_LINK_LIMIT = 40
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY

_CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Opened:
    """A configuration, ready for `config.build.build(opened.parts, opened.files)`.

    path: as the user named it. parts: the files that make it up, in order; all but what
    is `generated` are files that exist. files: how the ones it includes are reached.
    """

    path: str
    parts: tuple[Part, ...]
    files: Files


def open_configuration(
    path: str, root: str | None = None, replaced: Mapping[str, str] | None = None
) -> Opened:
    """Open the configuration at `path`: a file, `-`, or a Debian directory.

    A directory holds Debian's split configuration: it is `conf.d`, or has it in it. A
    file called `exim4.conf.template` gets the macros that Debian puts in. root: where
    absolute paths that a configuration names are looked up; `path` itself is not.
    replaced: texts, by path, to take in place of what the files (or, at `-`, standard
    input) hold. Raises InputError.
    """
    files = Files(root, replaced)
    if path == "-":
        known = files.replaced.get(path)
        file = SourceFile(path, _standard_input() if known is None else known)
        return Opened(path, (Part(file),), files)
    if files.is_directory(path):
        return Opened(path, tuple(_split(path, files)), files)
    main = SourceFile(path, files.read(path))
    if os.path.basename(path).startswith(debian.TEMPLATE_NAME):
        directory = os.path.dirname(path)
        local = os.path.join(directory, debian.LOCAL_MACROS_NAME)
        whole = [SourceFile(local, files.read(local))] if files.exists(local) else []
        macros = _debian_macros(directory, files)
        return Opened(
            path, tuple(debian.parts([*whole, main], macros, apart=False)), files
        )
    return Opened(path, (Part(main),), files)


def load_config(
    path: str | os.PathLike[str],
    *,
    root: str | None = None,
    release: Release | str | None = None,
    defines: Sequence[str] = (),
    fragment: str | None = None,
) -> Config:
    """Read a configuration; what is wrong with it is in `config.problems`.

    path, root: as for `open_configuration`. release: the Exim whose options and
    built-in macros count, such as "4.96" (default: the newest known). defines: macros
    as after `-D`, `NAME=value`. fragment: what the text is a piece of ("transport",
    "acl", …), if it is not a whole configuration. Raises InputError, SettingsError.
    """
    from eximkit import catalog
    from eximkit.config.build import build

    if release is None:
        release = catalog.NEWEST
    elif isinstance(release, str):
        release = catalog.release(release)
    opened = open_configuration(os.fspath(path), root)
    return build(
        opened.parts, opened.files, release=release, defines=defines, fragment=fragment
    )


class Files:
    """The files that configurations name (`config.directives.FileReader`).

    root: a directory that absolute paths are taken to be below, as chroot would do it:
    neither `..` nor a symbolic link leads out of it. replaced: see open_configuration.
    """

    def __init__(
        self, root: str | None = None, replaced: Mapping[str, str] | None = None
    ) -> None:
        self.replaced = dict(replaced or {})
        self._root = root.rstrip("/") if root else ""

    def locate(self, name: str, beside: str) -> str:
        """The path of `name`, as written in the file at `beside`."""
        if name.startswith("/"):
            return self._root + name
        directory = os.path.dirname(beside)
        if self._root and not self._below_root(directory):
            directory = self._spelled_below_root(directory)
        return os.path.join(directory, name)

    def exists(self, path: str) -> bool:
        """Whether there is anything at `path`."""
        return self._status(path) is not None

    def is_directory(self, path: str) -> bool:
        """Whether `path` is a directory."""
        status = self._status(path)
        return status is not None and stat.S_ISDIR(status.st_mode)

    def read(self, path: str) -> str:
        """The octets of a regular file of at most FILE_LIMIT octets.

        Raises InputError, its message naming the path and the reason.
        """
        known = self.replaced.get(path)
        return self._stored(path) if known is None else known

    def names(self, path: str) -> list[str]:
        """The names of the regular files in a directory. Raises InputError."""
        try:
            names = os.listdir(self._real(path))
        except (OSError, ValueError) as error:
            raise InputError(f"{_shown(path)}: {_reason(error)}") from error
        return [name.decode("utf-8", "surrogateescape") for name in names
                if self._is_regular(os.path.join(path, os.fsdecode(name)))]  # fmt: skip

    def replace(self, path: str, old: str, new: str) -> None:
        """Put `new` (octets) in place of a file that holds `old`, all at once.

        Symbolic links are followed; mode, owner and extended attributes stay. Raises
        InputError where the file holds something else by now or cannot be written; then
        it is as it was.
        """
        if self._stored(path) != old:
            raise InputError(f"{_shown(path)}: changed since it was read")
        try:
            _replace(self._real(path), [new.encode("latin-1")])
        except (OSError, ValueError) as error:
            raise InputError(f"{_shown(path)}: {_reason(error)}") from error

    def _stored(self, path: str) -> str:
        try:
            return self._read(path).decode("latin-1")
        except (OSError, ValueError) as error:
            raise InputError(f"{_shown(path)}: {_reason(error)}") from error

    def _read(self, path: str) -> bytes:
        real = self._real(path)
        # Looked at first: opening a device may do something.
        _demand_regular(path, os.stat(real))
        with open(os.open(real, _READING), "rb") as stream:
            _demand_regular(path, os.fstat(stream.fileno()))
            data = stream.read(FILE_LIMIT + 1)
        if len(data) > FILE_LIMIT:
            raise InputError(f"{_shown(path)}: larger than {FILE_LIMIT} octets")
        return data

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return os.stat(self._real(path))
        except (OSError, ValueError):
            return None

    def _is_regular(self, path: str) -> bool:
        status = self._status(path)
        return status is not None and stat.S_ISREG(status.st_mode)

    def _below_root(self, path: str) -> bool:
        return (path + "/").startswith(self._root + "/")

    def _spelled_below_root(self, directory: str) -> str:
        """The directory as one below root, if that is what it is by another name."""
        root, real = os.path.realpath(self._root), os.path.realpath(directory)
        if real == root or real.startswith(root.rstrip("/") + "/"):
            return self._root + real[len(root.rstrip("/")) :]
        return directory

    def _real(self, path: str) -> bytes:
        if self._root and self._below_root(path):
            return beneath(self._root, path[len(self._root) :])
        return _encoded(path)


def write_atomically(
    path: str, data: bytes | Iterable[bytes], mode: int | None = None
) -> None:
    """Create or replace the file at `path`, all at once. Raises InputError.

    data: what it will hold, or the parts of that, which are taken one by one.
    What exists keeps mode and owner; devices and pipes are written to as they are.
    mode: what it shall have instead, whatever it had and the umask says.
    """
    data = [data] if isinstance(data, bytes) else data
    try:
        real = os.path.realpath(_encoded(path))
        if os.path.exists(real) and not os.path.isfile(real):
            with open(real, "wb") as stream:
                stream.writelines(data)
        else:
            _replace(real, data, mode)
    except (OSError, ValueError) as error:
        raise InputError(f"{_shown(path)}: {_reason(error)}") from error


def _split(path: str, files: Files) -> Iterator[Part]:
    """Debian's split configuration."""
    inner = os.path.join(path, "conf.d")
    directory = inner if files.is_directory(inner) else path
    sections = [os.path.join(directory, name) for name in debian.SECTIONS]
    present = [section for section in sections if files.is_directory(section)]
    if not present:
        raise InputError(f"{_shown(path)}: a directory, without a conf.d in it")
    paths = [
        os.path.join(section, name)
        for section in present
        for name in debian.snippets(files.names(section))
    ]
    if len(paths) > _SNIPPET_LIMIT:
        raise InputError(f"{_shown(path)}: more than {_SNIPPET_LIMIT} files in it")
    whole: list[SourceFile] = []
    left = FILE_LIMIT
    for name in paths:
        whole.append(SourceFile(name, files.read(name)))
        left -= len(whole[-1].data)
        if left < 0:
            raise InputError(f"{_shown(path)}: larger than {FILE_LIMIT} octets")
    above = os.path.dirname(os.path.abspath(directory))
    parent = path if directory == inner else above
    return debian.parts(whole, _debian_macros(parent, files), apart=True)


def _debian_macros(directory: str, files: Files) -> SourceFile | None:
    """The macros from Debian's settings in `directory`, if it has them."""
    path = os.path.join(directory, debian.SETTINGS_NAME)
    if not files.exists(path):
        return None
    mailname = os.path.join(os.path.dirname(os.path.abspath(directory)), "mailname")
    first = files.read(mailname) if files.exists(mailname) else ""
    return debian.macros(files.read(path), first, octets(os.uname().nodename), path)


def _standard_input() -> str:
    try:
        data = sys.stdin.buffer.read(FILE_LIMIT + 1)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"standard input: {_reason(error)}") from error
    if len(data) > FILE_LIMIT:
        raise InputError(f"standard input: larger than {FILE_LIMIT} octets")
    return data.decode("latin-1")


def beneath(root: str, path: str) -> bytes:
    """What `path` is when `root` is the root directory: no part of it leads outside."""
    top = _encoded(root) or b"/"
    found: list[bytes] = []
    waiting = _encoded(path).split(b"/")[::-1]
    links = 0
    while waiting:
        name = waiting.pop()
        if name in (b"", b"."):
            continue
        if name == b"..":
            del found[-1:]
            continue
        here = b"/".join((top, *found, name))
        try:
            target = os.readlink(here)
        except OSError:
            # Not a link, or not there at all, which whoever opens it will notice.
            found.append(name)
            continue
        links += 1
        if links > _LINK_LIMIT:
            raise OSError(f"more than {_LINK_LIMIT} symbolic links")
        if target.startswith(b"/"):
            found.clear()
        waiting += target.split(b"/")[::-1]
    return b"/".join((top, *found))


def _replace(path: bytes, data: Iterable[bytes], mode: int | None = None) -> None:
    """The new file takes the old one's name only when all of it is on the disk."""
    path = os.path.realpath(path)
    directory = os.path.dirname(path)
    try:
        old: os.stat_result | None = os.stat(path)
    except FileNotFoundError:
        old = None
    if old is not None and not stat.S_ISREG(old.st_mode):
        raise OSError("not a regular file")
    temporary = os.path.join(directory, f".eximkit-{token_hex(8)}".encode())
    number = os.open(temporary, _CREATING, 0o666 if old is None else 0o600)
    try:
        with open(number, "wb") as stream:
            stream.writelines(data)
            stream.flush()
            if old is not None:
                _take_after(number, old, path)
            if mode is not None:
                os.fchmod(number, mode)
            os.fsync(number)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_directory(directory)


def _take_after(number: int, old: os.stat_result, path: bytes) -> None:
    """Give an open file the owner, mode and attributes of the one at `path`."""
    new = os.fstat(number)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(number, old.st_uid, old.st_gid)
    # Not every file system has extended attributes, nor may everybody set all of them.
    with suppress(OSError):
        for name in os.listxattr(path):
            with suppress(OSError):
                os.setxattr(number, name, os.getxattr(path, name))
    # Last, for a change of owner takes set-user-id away.
    os.fchmod(number, stat.S_IMODE(old.st_mode))


def _sync_directory(directory: bytes) -> None:
    number = os.open(directory or b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Some file systems cannot; the file is in place all the same.
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)


def _demand_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{_shown(path)}: is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{_shown(path)}: not a regular file")


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _shown(path: str) -> str:
    return display(octets(path))


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
