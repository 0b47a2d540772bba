"""The password hash of the old crypt(3): 25 times DES (FIPS PUB 46-3), with a salt."""

from __future__ import annotations

from functools import cache

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_ITERATIONS = 25
_KEY_OCTETS = 8

# Bits count from 1, the leftmost, as in the standard. Its initial permutation is not
# needed, for what is encrypted is all zeros.
_FINAL = tuple(
    first - row for row in range(8) for first in (40, 8, 48, 16, 56, 24, 64, 32)
)
_KEY_HALVES = (
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19,
    11, 3, 60, 52, 44, 36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6,
    61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
)  # fmt: skip
_ROUND_KEY = (
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13,
    2, 41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42,
    50, 36, 29, 32,
)  # fmt: skip
_SHIFTS = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
_PERMUTED = (
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27,
    3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
)  # fmt: skip
# Each box has four rows of sixteen; a digit is one value.
_BOXES = (
    "E4D12FB83A6C59070F74E2D1A6CB953841E8D62BFC973A50FC8249175B3EA06D",
    "F18E6B34972DC05A3D47F28EC01A69B50E7BA4D158C6932FD8A13F42B67C05E9",
    "A09E63F51DC7B428D709346A285ECBF1D6498F30B12C5AE71AD069874FE3B52C",
    "7DE3069A1285BC4FD8B56F03472C1AE9A690CB7DF13E52843F06A1D8945BC72E",
    "2C417AB6853FD0E9EB2C47D150FA3986421BAD78F9C5630EB8C71E2D6F09A453",
    "C1AF92680D34E75BAF427C9561DE0B389EF528C3704A1DB6432C95FABE17608D",
    "4B2EF08D3C975A61D0B7491AE35C2F8614BDC37EAF6805926BD814A7950FE23C",
    "D2846FB1A93E50C71FD8A374C56B0E927B419CE206ADF35821E74A8DFC90356B",
)
_HALF_KEY = (1 << 28) - 1


def hashed(password: bytes, salt: str) -> str | None:
    """13 characters, the first two of `salt` in front; None where that is no salt.

    Only the first eight octets of the password count, and seven bits of each.
    """
    values = [ALPHABET.find(character) for character in salt[:2]]
    if len(values) != 2 or min(values) < 0:
        return None
    block = _encrypted(_round_keys(password), values[0] | values[1] << 6)
    bits = block << 2
    return salt[:2] + "".join(
        ALPHABET[bits >> shift & 63] for shift in range(60, -1, -6)
    )


def _permuted(value: int, width: int, table: tuple[int, ...]) -> int:
    result = 0
    for place in table:
        result = result << 1 | value >> (width - place) & 1
    return result


def _round_keys(password: bytes) -> list[int]:
    octets = password.partition(b"\0")[0][:_KEY_OCTETS].ljust(_KEY_OCTETS, b"\0")
    key = int.from_bytes(bytes(octet << 1 & 0xFF for octet in octets), "big")
    halves = _permuted(key, 64, _KEY_HALVES)
    left, right = halves >> 28, halves & _HALF_KEY
    keys: list[int] = []
    for shift in _SHIFTS:
        left = (left << shift | left >> (28 - shift)) & _HALF_KEY
        right = (right << shift | right >> (28 - shift)) & _HALF_KEY
        keys.append(_permuted(left << 28 | right, 56, _ROUND_KEY))
    return keys


@cache
def _substitutions() -> tuple[tuple[int, ...], ...]:
    """For each box and its six bits of input, its output where it is to go."""
    tables: list[tuple[int, ...]] = []
    for index, box in enumerate(_BOXES):
        table: list[int] = []
        for value in range(64):
            row, column = value >> 4 & 2 | value & 1, value >> 1 & 15
            found = int(box[16 * row + column], 16) << (28 - 4 * index)
            table.append(_permuted(found, 32, _PERMUTED))
        tables.append(tuple(table))
    return tuple(tables)


def _encrypted(keys: list[int], salt: int) -> int:
    boxes = _substitutions()
    # Bit n of the salt swaps bits n and n + 24 of what each round expands.
    swapped = sum((salt >> bit & 1) << (23 - bit) for bit in range(12))
    left = right = 0
    for _ in range(_ITERATIONS):
        for key in keys:
            # Groups of six bits that overlap by two, round the ends as well.
            wide = (right & 1) << 33 | right << 1 | right >> 31
            high = low = 0
            for shift in (28, 24, 20, 16):
                high = high << 6 | wide >> shift & 63
                low = low << 6 | wide >> (shift - 16) & 63
            change = (high ^ low) & swapped
            mixed = ((high ^ change) << 24 | low ^ change) ^ key
            result = left
            for index, box in enumerate(boxes):
                result ^= box[mixed >> (42 - 6 * index) & 63]
            left, right = right, result
        left, right = right, left
    return _permuted(left << 32 | right, 64, _FINAL)
