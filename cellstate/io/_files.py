"""Files and folders: that they exist, are whole, and stand in the order of time."""

import difflib
import re
import struct
from itertools import pairwise
from pathlib import Path

from cellstate._base.errors import MovieError, listing

TIFF_SUFFIXES = (".tif", ".tiff")


def existing(path: str | Path, what: str) -> Path:
    """Return the path, or say what lies beside the place where nothing is."""
    path = Path(path).expanduser()
    if path.exists():
        return path
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    inside = sorted(p.name for p in folder.iterdir())
    near = difflib.get_close_matches(path.name, inside, n=3, cutoff=0.5)
    hint = f"did you mean {near}?" if near else f"found {listing(inside)} there."
    raise FileNotFoundError(
        f"no {what} at '{path}'; the nearest folder is '{folder}': {hint} Give the "
        "path of a file or folder that is there."
    )


def frame_files(folder: Path) -> list[Path]:
    """List the TIFF files of a folder, t2 before t10; one file is one frame."""
    files = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in TIFF_SUFFIXES and not p.name.startswith(".")
    ]
    if not files:
        inside = sorted(p.name for p in folder.iterdir())
        raise MovieError(
            f"a folder of frames holds one TIFF per frame; found no .tif or .tiff "
            f"among the {len(inside)} entries of '{folder}': {listing(inside)}. Give "
            "the folder with the frames, or the path of one TIFF stack."
        )
    files.sort(key=lambda p: [int(n) for n in re.findall(r"\d+", p.stem)])
    _check_names(files)
    return files


def frame_numbers(files: list[Path]) -> list[int]:
    """Return the number in each name that counts the frames."""
    numbers = [[int(n) for n in re.findall(r"\d+", p.stem)] for p in files]
    columns = list(zip(*numbers, strict=True))
    varying = [list(c) for c in columns if len(set(c)) > 1]
    return varying[0] if varying else list(columns[-1] if columns else [0])


def _check_names(files: list[Path]) -> None:
    """Reject names from which the order of time cannot be told."""
    patterns: dict[str, list[str]] = {}
    for path in files:
        patterns.setdefault(re.sub(r"\d+", "#", path.stem), []).append(path.name)
    if len(patterns) > 1:
        rare = min(patterns.values(), key=len)
        raise MovieError(
            f"frames of one folder are named alike, with a number (t000.tif, "
            f"t001.tif); found {len(patterns)} patterns {listing(patterns)} in "
            f"'{files[0].parent}', the rarest {listing(rare)}. Move other files out."
        )
    numbers = [[int(n) for n in re.findall(r"\d+", p.stem)] for p in files]
    varying = [c for c in zip(*numbers, strict=True) if len(set(c)) > 1]
    steps = [{b - a for a, b in pairwise(c)} for c in varying]
    if (len(files) > 1 and not varying) or any(min(s) <= 0 for s in steps):
        raise MovieError(
            f"names of frames differ in one number that counts the frames; found "
            f"{len(varying)} that change, e.g. {listing([p.name for p in files], 3)}. "
            "Save the channels of a frame in one file (axes CYX), or give one folder "
            "per channel and stack them: np.stack([a, b], axis=1)."
        )
    if len(steps) == 1 and len(steps[0]) > 1:
        counted, step = varying[0], min(steps[0])
        gaps = sorted(set(range(counted[0], counted[-1] + 1, step)) - set(counted))
        raise MovieError(
            f"frames are numbered without a gap; found {len(files)} files numbered "
            f"{counted[0]} to {counted[-1]}, numbers {listing(gaps)} missing in "
            f"'{files[0].parent}'. Put the missing frames there."
        )


def check_whole(path: Path) -> None:
    """Walk the page directories of a TIFF; a truncated file names one past its end.

    Raises
    ------
    MovieError
        No TIFF, or cut short. Readers that stop at the last whole page would
        silently return a shorter movie.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        whole = order and len(head) > 3
        version = struct.unpack(order + "H", head[2:4])[0] if whole else 0
        if version not in (42, 43) or len(head) < (16 if version == 43 else 8):
            raise MovieError(
                f"'{path}' is no TIFF: expected a file that begins with II*, II+, MM* "
                f"or MM+; found {head[:4]!r} in {size} bytes. Save it as TIFF, or load "
                "it yourself and pass the array."
            )
        big = version == 43
        count, entry, offset = ("Q", 20, "Q") if big else ("H", 12, "I")
        width = struct.calcsize("<" + offset)
        start = 8 if big else 4
        position = struct.unpack(order + offset, head[start : start + width])[0]
        seen: set[int] = set()
        while position:
            here, pages = position, len(seen)
            if here in seen:
                raise MovieError(
                    f"each page directory of a TIFF names the next; in '{path}' that "
                    f"of page {pages} leads back to byte {here}. Export it again."
                )
            seen.add(here)
            try:
                file.seek(here)
                raw = file.read(struct.calcsize("<" + count))
                (n,) = struct.unpack(order + count, raw)
                file.seek(here + len(raw) + n * entry)
                (position,) = struct.unpack(order + offset, file.read(width))
            except (struct.error, OverflowError, ValueError, OSError) as error:
                raise truncated(
                    path,
                    f"a page directory at byte {here}",
                    size,
                    f"{pages} page directories",
                ) from error


def truncated(path: Path, expected: str, size: int, there: str) -> MovieError:
    """Make the error of a file that is cut short."""
    return MovieError(
        f"'{path}' is cut short: expected {expected}; found {size} bytes with "
        f"{there}. Copy or export the file again."
    )
