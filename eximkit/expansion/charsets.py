"""Character sets by the names that the C library's iconv knows them by."""

from __future__ import annotations

import re

from eximkit.expansion.strings import upper
from eximkit.expansion.values import NotPure

_CODECS: dict[str, str] = {
    "": "ascii", "ASCII": "ascii", "US-ASCII": "ascii", "ANSI_X3.4-1968": "ascii",
    "646": "ascii", "CP367": "ascii", "US": "ascii",
    "UTF-8": "utf-8", "UTF8": "utf-8", "UTF-7": "utf-7", "UTF7": "utf-7",
    "UTF-16": "utf-16", "UTF16": "utf-16", "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le", "UTF-32": "utf-32", "UTF-32BE": "utf-32-be",
    "UTF-32LE": "utf-32-le", "KOI8-R": "koi8-r", "KOI8-U": "koi8-u", "KOI8-T": "koi8-t",
    "BIG5": "big5", "BIG-5": "big5", "CN-BIG5": "big5", "BIG5-HKSCS": "big5hkscs",
    "GB2312": "gb2312", "EUC-CN": "gb2312", "EUCCN": "gb2312", "CN-GB": "gb2312",
    "GBK": "gbk", "CP936": "gbk", "MS936": "gbk", "GB18030": "gb18030",
    "SHIFT_JIS": "shift_jis", "SHIFT-JIS": "shift_jis", "SJIS": "shift_jis",
    "MS_KANJI": "shift_jis", "CP932": "cp932", "MS932": "cp932",
    "WINDOWS-31J": "cp932", "EUC-JP": "euc_jp", "EUCJP": "euc_jp", "UJIS": "euc_jp",
    "ISO-2022-JP": "iso2022_jp", "ISO-2022-JP-2": "iso2022_jp_2",
    "ISO-2022-KR": "iso2022_kr", "EUC-KR": "euc_kr", "EUCKR": "euc_kr",
    "UHC": "cp949", "CP949": "cp949", "JOHAB": "johab",
    "TIS-620": "tis-620", "TIS620": "tis-620", "ISO-8859-11": "iso8859-11",
    "MACINTOSH": "mac_roman", "MAC": "mac_roman",
    "LATIN1": "iso8859-1", "L1": "iso8859-1", "LATIN2": "iso8859-2", "L2": "iso8859-2",
    "LATIN3": "iso8859-3", "L3": "iso8859-3", "LATIN4": "iso8859-4", "L4": "iso8859-4",
    "LATIN5": "iso8859-9", "L5": "iso8859-9", "LATIN6": "iso8859-10",
    "L6": "iso8859-10", "LATIN7": "iso8859-13", "L7": "iso8859-13",
    "LATIN8": "iso8859-14", "L8": "iso8859-14", "LATIN-9": "iso8859-15",
    "LATIN10": "iso8859-16", "L10": "iso8859-16", "CYRILLIC": "iso8859-5",
    "ARABIC": "iso8859-6", "GREEK": "iso8859-7", "HEBREW": "iso8859-8",
}  # fmt: skip
_ISO = re.compile(
    r"(?:ISO-?8859-?|ISO_8859-|8859_)([1-9]|1[03-6])(?::19[0-9]{2})?", re.ASCII
)
_WINDOWS = re.compile(r"(?:CP|WINDOWS-)(125[0-8])", re.ASCII)
_IBM = re.compile(r"(?:CP|IBM)?(437|737|775|85[0258]|86[0-69]|874)", re.ASCII)
_STATEFUL = frozenset(("utf-7", "utf-16", "utf-32", "iso2022_jp", "iso2022_jp_2",
                       "iso2022_kr"))  # fmt: skip
_IGNORED = re.compile(r"[^A-Z0-9_.,:/()+-]", re.ASCII)


def codec(name: str) -> str:
    """Python's name of the character set that iconv calls `name`.

    Raises NotPure for names that are not in the table: the machine may know them.
    """
    known, _, _ = _IGNORED.sub("", upper(name)).partition("//")
    if known in _CODECS:
        return _CODECS[known]
    for pattern, prefix in ((_ISO, "iso8859-"), (_WINDOWS, "cp"), (_IBM, "cp")):
        found = pattern.fullmatch(known)
        if found is not None:
            return prefix + found[1]
    raise NotPure(f'the character set "{name}"')


def convert(octets: bytes, source: str, target: str) -> bytes:
    """Octets of one character set in another, as far as they can be.

    What cannot be converted is left as it was, with all that follows, as Exim does.
    Raises NotPure.
    """
    if upper(source) == upper(target):
        return octets
    read, write = codec(source), codec(target)
    if read == "utf-16" and octets[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        read = "utf-16-le"  # iconv takes the order of the machine.
    try:
        text, rest = octets.decode(read), b""
    except UnicodeDecodeError as error:
        if read in _STATEFUL and error.start:
            raise NotPure(f'broken text in "{source}"') from None
        text, rest = octets[: error.start].decode(read), octets[error.start :]
    try:
        return text.encode(write) + rest
    except UnicodeEncodeError as error:
        if read in _STATEFUL and error.start:
            raise NotPure(f'text in "{source}" that "{target}" lacks') from None
        kept = text[: error.start]
        return kept.encode(write) + octets[len(kept.encode(read)) :]
