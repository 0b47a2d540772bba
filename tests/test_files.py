"""The edge: what is read, what is refused, and how files are replaced."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from eximkit import files
from eximkit.config.lines import LineReader
from eximkit.config.macros import MacroTable
from eximkit.errors import InputError
from eximkit.files import Files, open_configuration, write_atomically
from tests.conftest import without

CHECKOUT = Path(__file__).resolve().parent.parent


def lines(path: Path | str, root: Path | None = None) -> tuple[list[str], list[str]]:
    """The logical lines of a configuration, and the codes of its problems."""
    opened = open_configuration(str(path), str(root) if root else None)
    reader = LineReader(opened.parts, opened.files, MacroTable())
    found = []
    while (line := reader.next_line()) is not None:
        found.append(line.text)
    return found, [problem.code for problem in reader.problems]


def test_octets_come_in_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(bytes(range(256)))
    data = open_configuration(str(path)).parts[0].file.data
    assert data == bytes(range(256)).decode("latin-1")


def test_names_are_any_octets(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9\xff"
    Path(os.fsdecode(name)).write_text("a\n")
    (tmp_path / "c").write_bytes(b".include caf\xe9\xff\n")
    assert lines(tmp_path / "c") == (["a"], [])
    with pytest.raises(InputError, match=r"\\xe9"):
        Files().read(os.fsdecode(name + b"x"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (str, "No such file"),
        (Path.mkdir, "conf.d"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (lambda path: path.symlink_to(path.name), "symbolic links"),
        (lambda path: path.write_bytes(b"\n" * (files.FILE_LIMIT + 1)), "larger than"),
    ],
    ids=["missing", "directory", "fifo", "device", "loop", "large"],
)
def test_what_is_no_configuration(tmp_path: Path, make, reason: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    path = tmp_path / "c"
    make(path)
    with pytest.raises(InputError, match=reason) as caught:
        open_configuration(str(path))
    assert str(path) in str(caught.value)


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.touch(mode=0)
    user = os.geteuid()
    if user == 0:
        # Root may read everything.
        os.seteuid(65534)
    try:
        with pytest.raises(InputError, match="Permission denied"):
            open_configuration(str(path))
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, ""])
def test_impossible_paths(path: str) -> None:
    reader = Files()
    assert not reader.exists(path)
    assert not reader.is_directory(path)
    with pytest.raises(InputError):
        reader.read(path)


def test_included_fifos_and_devices_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "c").write_text(".include fifo\n.include /dev/zero\na\n")
    assert lines(tmp_path / "c") == (["a"], ["EXS235", "EXS235"])


def test_a_directory_is_included_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "c").write_text(".include d\na\n")
    assert lines(tmp_path / "c") == (["a"], ["EXS235"])


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a\xff")))
    opened = open_configuration("-")
    assert (opened.parts[0].file.path, opened.parts[0].file.data) == ("-", "a\xff")
    large = io.BytesIO(b"x" * (files.FILE_LIMIT + 1))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=large))
    with pytest.raises(InputError, match="larger than"):
        open_configuration("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input"):
        open_configuration("-")


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A root directory with traps in it; `secret` lies outside."""
    (tmp_path / "secret").write_text("secret\n")
    box = tmp_path / "box"
    (box / "etc/sub").mkdir(parents=True)
    (box / "etc/inside").write_text("inside\n")
    (box / "etc/out").symlink_to("../../secret")
    (box / "etc/absolute").symlink_to("/etc/inside")
    (box / "etc/away").symlink_to(tmp_path)
    (box / "etc/top").symlink_to("/")
    (box / "etc/loop").symlink_to("loop")
    (box / "secret").write_text("not it\n")
    return box


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("/etc/inside", ["inside"]),
        ("/etc/sub/../inside", ["inside"]),
        ("/etc/absolute", ["inside"]),
        ("/etc/top/etc/inside", ["inside"]),
        ("inside", ["inside"]),
        ("./sub/../inside", ["inside"]),
        # Out of the box there is nothing: `..` of the root is the root.
        ("/etc/out", ["not it"]),
        ("/../secret", ["not it"]),
        ("/etc/../../../secret", ["not it"]),
        ("../../secret", ["not it"]),
        ("/etc/away/secret", []),
        ("/etc/top/../secret", ["not it"]),
        ("/etc/loop", []),
        ("/none", []),
    ],
)
@pytest.mark.parametrize("spelling", ["box", "box/", "./box", "box/../box"])
def test_nothing_leads_out_of_the_root(
    box: Path, monkeypatch: pytest.MonkeyPatch, name: str, outcome: list[str],
    spelling: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(box.parent)
    (box / "etc/conf").write_text(f".include {name}\n")
    for path in (box / "etc/conf", "box/etc/conf", "./box/etc/conf"):
        opened = open_configuration(str(path), spelling)
        reader = LineReader(opened.parts, opened.files, MacroTable())
        found = []
        while (line := reader.next_line()) is not None:
            found.append(line.text)
        assert found == outcome
        assert len(reader.problems) == (not outcome)


def test_root_of_everything_is_no_root(box: Path) -> None:
    (box / "etc/conf").write_text(f".include {box}/etc/inside\n.include inside\n")
    assert lines(box / "etc/conf", Path("/")) == (["inside", "inside"], [])


def test_the_configuration_itself_is_not_below_the_root(box: Path) -> None:
    main = box.parent / "main"
    main.write_text(".include /etc/inside\n.include secret\n")
    assert lines(main, box) == (["inside", "secret"], [])


def test_texts_in_place_of_files(tmp_path: Path) -> None:
    path, other = tmp_path / "c", tmp_path / "i"
    path.write_text(".include i\n")
    other.write_text("old\n")
    replaced = {str(other): "new\n"}
    opened = open_configuration(str(path), None, replaced)
    reader = LineReader(opened.parts, opened.files, MacroTable())
    line = reader.next_line()
    assert line is not None
    assert line.text == "new"
    # What is replaced is the file, whatever text stood in for it.
    opened.files.replace(str(other), "old\n", "newer\n")
    assert other.read_text() == "newer\n"


def test_replacing_keeps_what_a_file_is(tmp_path: Path) -> None:
    path, link = tmp_path / "real", tmp_path / "link"
    path.write_bytes(b"old\xff")
    path.chmod(0o4640)
    link.symlink_to("real")
    Files().replace(str(link), "old\xff", "new\xfe")
    assert path.read_bytes() == b"new\xfe"
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o4640
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "real"]


def test_replacing_keeps_extended_attributes(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text("old")
    try:
        os.setxattr(path, b"user.eximkit", b"kept")
    except OSError:
        pytest.skip("no extended attributes on this file system")
    Files().replace(str(path), "old", "new")
    assert os.getxattr(path, b"user.eximkit") == b"kept"


def test_replacing_keeps_the_owner(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        without("needs root: only root changes owners")
    path = tmp_path / "c"
    path.write_text("old")
    os.chown(path, 1, 2)
    Files().replace(str(path), "old", "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1, 2)


def test_a_link_of_the_box_is_followed_inside_it(box: Path) -> None:
    Files(str(box)).replace(f"{box}/etc/absolute", "inside\n", "new\n")
    assert (box / "etc/inside").read_text() == "new\n"
    assert (box / "etc/absolute").is_symlink()


def test_a_file_that_changed_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text("other")
    with pytest.raises(InputError, match="changed since"):
        Files().replace(str(path), "old", "new")
    assert path.read_text() == "other"


@pytest.mark.parametrize("step", ["fsync", "replace", "fchmod"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "c"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(InputError, match="No space left"):
        Files().replace(str(path), "old", "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_a_killed_process_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c"
    texts = ["a" * 300_000, "b" * 300_000]
    path.write_text(texts[0])
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from eximkit.files import write_atomically\n"
        "print('go', flush=True)\n"
        "while True:\n"
        "    for c in b'ba':\n"
        "        write_atomically(sys.argv[2], bytes([c]) * 300_000)\n"
    )
    for delay in (0.0, 0.003, 0.011, 0.02):
        with subprocess.Popen(
            [sys.executable, "-c", script, CHECKOUT, path], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"go\n"
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        assert path.read_text() in texts


def test_new_files_and_what_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "new"
    write_atomically(str(path), b"x\xff")
    assert path.read_bytes() == b"x\xff"
    mask = os.umask(0o22)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    write_atomically("/dev/null", b"x")
    with pytest.raises(InputError, match="No such file"):
        write_atomically(str(tmp_path / "none/new"), b"x")
    with pytest.raises(InputError, match="directory"):
        write_atomically(str(tmp_path), b"x")


def test_a_directory_with_too_much_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = tmp_path / "conf.d/main"
    section.mkdir(parents=True)
    for number in range(5):
        (section / f"{number}").write_text("# a comment\n")
    opened = open_configuration(str(tmp_path))
    assert sum(not part.file.generated for part in opened.parts) == 5
    monkeypatch.setattr(files, "FILE_LIMIT", 30)
    with pytest.raises(InputError, match="larger than"):
        open_configuration(str(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(files, "_SNIPPET_LIMIT", 3)
    with pytest.raises(InputError, match="more than 3 files"):
        open_configuration(str(tmp_path))
