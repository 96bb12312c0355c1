"""Parts of a store: measured blocks on disk, each of them whole or not there."""

import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from cellstate._base.errors import MovieError, listing
from cellstate.pp._blocks import Block

# Attribute of the store itself, and those of each part.
MARK, FORMAT = "cellstate_blocks", 1
ARRAYS, DIGEST, MADE_FROM = "arrays", "digest", "made_from"
UNFINISHED = "unfinished"


class DamagedPart(Exception):
    """A part is there, but not as it was written."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Where the cells of frames start, ..., stop - 1 of a movie are kept."""

    store: Path
    movie: str
    start: int
    stop: int

    @property
    def path(self) -> Path:
        """A zarr group."""
        return movie_folder(self.store, self.movie) / f"{self.start}-{self.stop}"

    def __str__(self) -> str:
        frames = f"frame {self.start}"
        if self.stop > self.start + 1:
            frames = f"frames {self.start} to {self.stop - 1}"
        return f"{frames} of movie {self.movie!r}"


def movie_folder(store: Path, movie: str) -> Path:
    """Name the folder of a movie, whatever characters the movie's name has."""
    return store / f"movie-{quote(movie, safe='')}"


def open_store(path: str | Path, movies: list[str]) -> Path:
    """Make a store, or open one that holds nothing but measured blocks."""
    import zarr

    store = Path(path).expanduser().resolve()
    if store.exists() and (not store.is_dir() or any(store.iterdir())):
        try:
            mark = zarr.open_group(store, mode="r").attrs.get(MARK)
        except Exception:  # whatever else lies there
            mark = None
        if mark != FORMAT:
            raise FileExistsError(
                f"`store` is a folder for measured cells, new or made by "
                f"cs.pp.stream_features; found something else at '{store}' "
                f"({MARK} = {mark}, expected {FORMAT}). Give the path of a new folder."
            )
    else:
        zarr.open_group(store, mode="w", zarr_format=3, attributes={MARK: FORMAT})
    for movie in movies:
        zarr.open_group(movie_folder(store, movie), mode="a", zarr_format=3)
    (store / UNFINISHED).mkdir(exist_ok=True)
    return store


def parts_there(store: Path, movie: str) -> list[Part]:
    """List the parts of a movie, frames ascending; no frame is in two of them."""
    found = []
    for path in movie_folder(store, movie).iterdir():
        if name := re.fullmatch(r"(\d+)-(\d+)", path.name):
            start, stop = map(int, name.groups())
            found.append(Part(store=store, movie=movie, start=start, stop=stop))
    kept: list[Part] = []
    for part in sorted(found, key=lambda p: (p.start, -p.stop)):
        if not kept or part.start >= kept[-1].stop:
            kept.append(part)
    return kept


def write(part: Part, block: Block, made_from: Mapping[str, Any]) -> None:
    """Write a block under another name, then rename it: there is no half a part."""
    import zarr

    draft = part.store / UNFINISHED / uuid.uuid4().hex
    arrays = block.to_dict()
    group = zarr.open_group(draft, mode="w", zarr_format=3)
    for name, array in arrays.items():
        whole = tuple(max(size, 1) for size in array.shape)
        group.create_array(name, data=array, chunks=whole)
    group.attrs.update(
        {
            ARRAYS: list(arrays),  # a group does not keep their order
            DIGEST: _digest(arrays, made_from),
            MADE_FROM: dict(made_from),
        }
    )
    try:
        draft.rename(part.path)
    except OSError:
        if not part.path.exists():
            raise
        shutil.rmtree(draft)  # another process wrote the same part meanwhile


def read(part: Part) -> tuple[Block, dict[str, Any]]:
    """Read a block, and what it was made from.

    Raises
    ------
    FileNotFoundError
        The part is not there.
    DamagedPart
        It is not what was written.
    """
    import zarr

    if not part.path.exists():
        raise FileNotFoundError(f"{part} not in '{part.store}'.")
    try:
        group = zarr.open_group(part.path, mode="r")
        arrays = {name: np.asarray(group[name][...]) for name in group.attrs[ARRAYS]}
        made_from = group.attrs[MADE_FROM]
        if group.attrs[DIGEST] != _digest(arrays, made_from):
            raise DamagedPart("the values are not those that were written")
        return Block.from_dict(arrays), made_from
    except DamagedPart:
        raise
    except Exception as error:  # zarr and its codecs raise what they like
        raise DamagedPart(f"{type(error).__name__}: {error}") from error


def stated(part: Part) -> dict[str, Any] | None:
    """Read what a part says it was made from; None where that cannot be read."""
    import zarr

    try:
        return dict(zarr.open_group(part.path, mode="r").attrs[MADE_FROM])
    except Exception:
        return None


def refuse_other(part: Part, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse a part that was made from something else than what is given now."""
    differ = [
        f"{key} is {_short(then.get(key))} there and {_short(now[key])} here"
        for key in now
        if key != "pixels" and then.get(key) != now[key]
    ]
    if "pixels" in now:
        pairs = zip(then["pixels"], now["pixels"], strict=True)
        frames = [part.start + i for i, (a, b) in enumerate(pairs) if a != b]
        if frames:
            differ.append(f"the pixels of frames {listing(frames)} are others")
    if differ:
        raise MovieError(
            f"the store '{part.store}' has {part} measured from something else: "
            f"{'; '.join(differ)}. Give another store, or delete '{part.path.parent}' "
            "to measure the movie anew."
        )


def pixel_digest(image: np.ndarray, labels: np.ndarray) -> str:
    """Tell one frame from another by all its pixels."""
    return _hashed((image, labels))


def _digest(arrays: Mapping[str, np.ndarray], made_from: Mapping[str, Any]) -> str:
    text = json.dumps([list(arrays), made_from], sort_keys=True)
    return _hashed(arrays.values(), text)


def _hashed(arrays: Iterable[np.ndarray], text: str = "") -> str:
    total = hashlib.sha256(text.encode())
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return total.hexdigest()


def _short(value: Any) -> str:
    return listing(value, 3) if isinstance(value, list) else repr(value)
