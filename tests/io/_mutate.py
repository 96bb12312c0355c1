"""Damage files at random and see that a reader reads them or says what is wrong."""

import re
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
NUMBERS = re.compile(r"0x\w+|\d+")
NUMERIC = ("int8", "uint64", "int64", "float32", "float64", "bool", "S4")
ODD_FLOATS = (np.nan, np.inf, -np.inf, -1.0, 0.5, 1e30, 2.0**31, 2.0**60)
# What files hold where a number should be, and numbers at the edges of the types.
ODD = (
    *(b"", b"NaN", b"inf", b"-inf", b"-1", b"0", b"1e400", b"1.5", b"x", b"\xff\xfe"),
    *(str(n).encode() for n in (2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**30)),
)


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage the bytes of a file in one place, or in two or three at times.

    Bytes or bits flip, the end or a middle part is lost, a part is doubled or
    filled with noise, a number is replaced or changes places with another.
    """
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](data, rng)
    return data


def _span(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    start = int(rng.integers(len(data) + 1))
    return start, start + int(rng.integers(1, 33))


def _flip_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    for place in rng.integers(len(data), size=rng.integers(1, 9)):
        changed[place] = rng.integers(256)
    return bytes(changed)


def _flip_bit(data: bytes, rng: np.random.Generator) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data) + 1)]


def _delete(data: bytes, rng: np.random.Generator) -> bytes:
    start, stop = _span(data, rng)
    return data[:start] + data[stop:]


def _double(data: bytes, rng: np.random.Generator) -> bytes:
    start, stop = _span(data, rng)
    return data[:stop] + data[start:]


def _insert(data: bytes, rng: np.random.Generator) -> bytes:
    start, _ = _span(data, rng)
    return data[:start] + rng.bytes(int(rng.integers(1, 17))) + data[start:]


def _odd_number(data: bytes, rng: np.random.Generator) -> bytes:
    found = list(NUMBER.finditer(data))
    if not found:
        return _flip_bytes(data, rng)
    one = found[rng.integers(len(found))]
    return data[: one.start()] + ODD[rng.integers(len(ODD))] + data[one.end() :]


def _swap_numbers(data: bytes, rng: np.random.Generator) -> bytes:
    found = list(NUMBER.finditer(data))
    if len(found) < 2:
        return _flip_bit(data, rng)
    a, b = (found[i] for i in sorted(rng.choice(len(found), size=2, replace=False)))
    between = data[a.end() : b.start()]
    return data[: a.start()] + b.group() + between + a.group() + data[b.end() :]


MUTATIONS = (
    *(_flip_bytes, _flip_bit, _truncate, _delete, _double, _insert),
    # Twice as often: they leave the structure whole and reach deeper into a reader.
    *(_odd_number, _swap_numbers) * 2,
)


@dataclass
class Survey:
    """How often a reader read, refused, or broke; `uncaught` by kind of error."""

    read: int = 0
    refused: Counter = field(default_factory=Counter)
    uncaught: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        broken = "\n".join(f"{n} x {k}" for k, n in self.uncaught.most_common())
        first = next(iter(self.examples.values()), "")
        return f"uncaught:\n{broken}\n{first}"


def survives(
    read: Callable[[Path], object],
    path: Path,
    original: bytes | dict[str, bytes],
    n: int,
    allowed: tuple[type[BaseException], ...],
    *,
    seed: int = 0,
) -> Survey:
    """Read `n` damaged copies of a file or folder; count what becomes of them.

    Parameters
    ----------
    read
        Reads the path whole: a lazy reader must touch its data here.
    path
        Is overwritten; a folder when `original` is a dict.
    original
        The bytes of the file, or of the files in a folder by relative path
        (`contents`), of which one is damaged each time.
    n
        Copies; copy i is made with ``default_rng([seed, i])``.
    allowed
        Errors by which the package refuses. A warning counts as an error.
    """

    def damage(rng: np.random.Generator) -> str:
        if last and isinstance(original, dict):
            (path / last[0]).write_bytes(original[last[0]])
        last[:] = [_write_damaged(path, original, rng)]
        return last[0]

    last: list[str] = []
    return _survey(read, path, damage, n, allowed, seed)


def survives_tables(
    read: Callable[[Path], object],
    path: Path,
    tables: dict[str, np.ndarray],
    write: Callable[[Path, dict[str, np.ndarray], str], object],
    n: int,
    allowed: tuple[type[BaseException], ...],
    *,
    seed: int = 0,
) -> Survey:
    """Read `n` whole files of which one table holds something else.

    Damaged bytes of a container mostly break the container; this reaches what lies
    behind it. ``write(path, tables, changed)`` writes the file; a table is None when
    it is to be left out.
    """

    def damage(rng: np.random.Generator) -> str:
        name = sorted(tables)[rng.integers(len(tables))]
        write(path, {**tables, name: _altered(tables[name], rng)}, name)
        return name

    return _survey(read, path, damage, n, allowed, seed)


def _survey(
    read: Callable[[Path], object],
    path: Path,
    damage: Callable[[np.random.Generator], str],
    n: int,
    allowed: tuple[type[BaseException], ...],
    seed: int,
) -> Survey:
    survey = Survey()
    for i in range(n):
        changed = damage(np.random.default_rng([seed, i]))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read(path)
        except allowed as error:
            survey.refused[type(error).__name__] += 1
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            kind = f"{type(error).__name__}: {NUMBERS.sub('#', str(error))[:80]}"
            survey.uncaught[kind] += 1
            survey.examples.setdefault(
                kind, f"copy {i} {changed}:\n" + traceback.format_exc()[-3000:]
            )
        else:
            survey.read += 1
    return survey


def _altered(table: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Change values, type or shape of a table; None for a table to leave out."""
    kind = rng.integers(10)
    if kind == 0:
        return None
    if kind == 1:
        return table[: rng.integers(len(table) + 1)]
    if kind == 2:
        return np.concatenate([table, table[: rng.integers(1, 4)]])
    if kind == 3:
        return table.T[..., None][: rng.integers(1, 9)].copy()
    if kind == 4:
        with np.errstate(all="ignore"):
            return table.astype(NUMERIC[rng.integers(len(NUMERIC))])
    changed = table.copy()
    if not changed.size:
        return changed
    flat = changed.reshape(-1)
    a, b = rng.integers(flat.size, size=2)
    if kind == 5 or changed.dtype.kind not in "iuf":
        flat[[a, b]] = flat[[b, a]]
    elif kind == 6:
        flat[a] = flat[b]
    elif kind == 7:
        flat[:] = rng.permutation(flat)
    elif changed.dtype.kind == "f":
        flat[a] = ODD_FLOATS[rng.integers(len(ODD_FLOATS))]
    else:
        limits = np.iinfo(changed.dtype)
        odd = [0, 1, 7, 100, limits.max, limits.min, limits.max // 2]
        flat[a] = odd[rng.integers(len(odd))]
    return changed


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file in a folder by relative path."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _write_damaged(
    path: Path, original: bytes | dict[str, bytes], rng: np.random.Generator
) -> str:
    if not isinstance(original, dict):
        path.write_bytes(mutated(original, rng))
        return path.name
    names = sorted(original)
    name = names[rng.integers(len(names))]
    target = path / name
    if rng.random() < 0.05:
        target.unlink(missing_ok=True)
    else:
        target.write_bytes(mutated(original[name], rng))
    return name
