"""Fields as they are written turned into the columns that they are about."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]

from eximkit.logs import fields
from eximkit.logs.columns.schema import FLAG, RECORD, SMALL, WHOLE, arrow_type
from eximkit.logs.columns.values import mapped, mapped_in_part, repeated, texts, times
from eximkit.logs.pipelining import INBOUND, OUTBOUND
from eximkit.logs.record import ARRIVALS, DELIVERIES, Direction, Kind, LogRecord
from eximkit.logs.values import tls_version, unescaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eximkit.logs.columns.shapes import Shape
    from eximkit.logs.pipelining import Form

Columns = dict[str, pa.Array]

OF_FORM = ("pipelining_offered", "pipelining_used", "early_offered", "early_used")
"""The columns that the L field says in parts."""

_TYPES = {column.name: arrow_type(column.type) for column in RECORD}
_FLAGS = {c.name for c in RECORD if c.type == FLAG}
_NUMBERS = {c.name for c in RECORD if c.type in {SMALL, WHOLE}}
_DEFAULTS = LogRecord._field_defaults


def concluded(written: Columns, shape: Shape) -> Columns:
    """The fields of lines of one shape, and what they say together."""
    found = dict(written)
    flags = found.pop("flag", None)
    if "" in shape.kinds:
        number = len(found["stamp"])
        found["kind"] = repeated(shape.kinds[""].value, number, pa.string())
    elif flags is not None:
        found["kind"] = mapped(flags, lambda f: shape.kinds[f].value, pa.string())
    hosts = found.get("ip")
    if hosts is not None:
        there = pc.is_valid(hosts)
        if shape.remote:
            found["remote"] = pc.true_unless_null(hosts)
        way = _way(shape.kinds.values())
        if way is not None:
            found["direction"] = pc.if_else(
                there, way.value, pa.scalar(None, pa.string())
            )
    if "form" in found:
        kind = next(iter(shape.kinds.values()))
        coded = texts(found["form"]).dictionary_encode()
        forms = [(kind, form) for form in coded.dictionary.to_pylist()]
        for name, meanings in pipelining(forms).items():
            found[name] = meanings.take(coded.indices)
    if "subject_raw" in found:
        found["subject"] = found.pop("subject_raw")
    for name in _AUTHENTICATION:
        if name in found:
            found[name] = texts(found[name])
    if "authenticated" in found:
        authenticated = found.pop("authenticated")
        for place, name in enumerate(_AUTHENTICATION):
            convert = partial(_authentication, place)
            found[name] = mapped(authenticated, convert, pa.string())
    return found


_AUTHENTICATION = ("authenticator", "authenticated_id", "auth_sender")
_CONCLUSIONS = {"kind", "remote", "direction", *OF_FORM, *_AUTHENTICATION}


def values(name: str, column: pa.Array) -> pa.Array:
    """A column of what a field means; `concluded` has seen its lines.

    A flag is true, or null.
    """
    if name in _CONCLUSIONS:
        return column
    if name == "stamp":
        return times(texts(column))
    if name in _FLAGS:
        return pc.true_unless_null(column)
    if name in _NUMBERS:
        return texts(column).cast(_TYPES[name])
    if name == "subject":
        return mapped_in_part(column, r"[^ -\[\]-~]", unescaped, texts, pa.string())
    ((_, convert),) = fields.targets((name,))
    if convert is None:
        return texts(column)
    if name == "sender":
        return mapped_in_part(column, "^<", convert, texts, _TYPES[name])
    if name == "recipients":
        # Blanks are all that stands between these.
        return mapped_in_part(column, "[^ !#-~]", convert, _split, _TYPES[name])
    return mapped(column, lambda v: known(name, convert(v)), _TYPES[name])


def _split(column: pa.Array) -> pa.Array:
    return pc.split_pattern(pc.ascii_ltrim(column, " "), " ")


def _authentication(place: int, value: str) -> str | None:
    return fields.authentication(value)[place] or None


def known(name: str, value: Any) -> Any:  # noqa: ANN401 - of any column
    """None for what a record says in other ways is not there."""
    if value in ("", ()) and _DEFAULTS.get(name) is not None:
        return None
    return value


def pipelining(forms: Sequence[tuple[Kind, str]]) -> Columns:
    """What L fields say in parts, for `OF_FORM`; each with the kind of its line."""
    meanings = [_forms(kind).get(form) for kind, form in forms]
    parts = [
        (None,) * 4
        if form is None
        else (form.offered, form.used, form.early_offered, form.early_used)
        for form in meanings
    ]
    columns = zip(*parts, strict=True)
    return {
        name: pa.array(column, pa.bool_())
        for name, column in zip(OF_FORM, columns, strict=True)
    }


def tls_parts(tls: pa.Array) -> Columns:
    """What X= says in parts."""
    number = len(tls)
    if tls.null_count == number:
        return {
            "tls_version": tls, "tls_cipher": tls,
            "tls_resumed": repeated(False, number, pa.bool_()),
        }  # fmt: skip
    coded = tls.dictionary_encode()
    values = coded.dictionary.to_pylist()

    def column(of: list[Any], kind: pa.DataType) -> pa.Array:
        return pa.array(of, kind).take(coded.indices)

    ciphers = [v.partition(":")[2].removesuffix("*") or None for v in values]
    resumed = column([v.endswith("*") for v in values], pa.bool_())
    return {
        "tls_version": column([tls_version(v) for v in values], pa.string()),
        "tls_cipher": column(ciphers, pa.string()),
        "tls_resumed": pc.fill_null(resumed, fill_value=False),
    }


def _way(kinds: Iterable[Kind]) -> Direction | None:
    if ARRIVALS.issuperset(kinds):
        return Direction.IN
    return Direction.OUT if DELIVERIES.issuperset(kinds) else None


def _forms(kind: Kind) -> Mapping[str, Form]:
    if kind in ARRIVALS:
        return INBOUND
    return OUTBOUND if kind in DELIVERIES else {}
