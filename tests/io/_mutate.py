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
# What files hold where a number should be, and numbers at the edges of the types.
ODD = (
    *(b"", b"NaN", b"inf", b"-inf", b"-1", b"0", b"1e400", b"1.5", b"x", b"\xff\xfe"),
    *(str(n).encode() for n in (2**31, 2**32, 2**63 - 1, 2**63, -(2**63), 10**30)),
)


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage the bytes of a file in one to three places.

    Bytes or bits flip, the end or a middle part is lost, a part is doubled or
    filled with noise, a number is replaced or changes places with another.
    """
    for _ in range(rng.integers(1, 4)):
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
    survey = Survey()
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        changed = _write_damaged(path, original, rng)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read(path)
        except allowed as error:
            survey.refused[type(error).__name__] += 1
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            kind = f"{type(error).__name__}: {str(error)[:80]}"
            survey.uncaught[kind] += 1
            survey.examples.setdefault(
                kind, f"copy {i} {changed}:\n" + traceback.format_exc()[-3000:]
            )
        else:
            survey.read += 1
        if isinstance(original, dict):
            (path / changed).write_bytes(original[changed])
    return survey


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
