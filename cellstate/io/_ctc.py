"""Folders in the layout of the Cell Tracking Challenge, read and written."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from cellstate._base.errors import MovieError, listing
from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate.io._files import existing, frame_files, frame_numbers
from cellstate.io._lineage import scan_labels
from cellstate.io._movies import read_movie

LARGEST_LABEL = np.iinfo(np.uint16).max
TRUTH = ("{}_GT/TRA", "man_track")
RESULT = ("{}_RES", "mask")
TABLES = {"man_track": "man_track.txt", "mask": "res_track.txt"}


def read_ctc(
    folder: str | Path,
    sequence: str = "01",
    *,
    pixel_size: float,
    frame_interval: float,
) -> Movie:
    """Read one sequence of a Cell Tracking Challenge folder.

    Images are ``<folder>/01/t000.tif``, ...; masks and tracks come from
    ``01_GT/TRA`` (``man_track000.tif``, ``man_track.txt``) or, without it, from
    ``01_RES`` (``mask000.tif``, ``res_track.txt``). In the challenge's own data the
    masks of ``TRA`` may be markers smaller than the cells.

    Parameters
    ----------
    folder
        Data set folder.
    sequence
        Number of the sequence, as in the folder's name.
    pixel_size
        Micrometres per pixel.
    frame_interval
        Hours between frames.

    Returns
    -------
    Movie
        Linked, named ``<folder>_<sequence>``; frames stay on disk.

    Raises
    ------
    FileNotFoundError
        The folder, its images, or both kinds of masks are not there.
    MovieError
        Images, masks and table do not fit together.

    Examples
    --------
    >>> import tempfile
    >>> masks = np.ones((2, 4, 4), dtype="uint16")
    >>> table = pd.DataFrame({"frame": [0, 1], "label": [1, 1], "track": [1, 1]})
    >>> movie = read_movie(masks, masks, pixel_size=1, frame_interval=1, tracks=table)
    >>> folder = write_ctc(movie, Path(tempfile.mkdtemp()) / "set")
    >>> read_ctc(folder, pixel_size=1, frame_interval=1).n_frames
    2
    """
    folder = existing(folder, "CTC folder")
    images = existing(folder / sequence, f"images of sequence {sequence!r}")
    for place, stem in (TRUTH, RESULT):
        masks = folder / place.format(sequence)
        if (masks / TABLES[stem]).exists():
            break
    else:
        raise FileNotFoundError(
            f"expected '{sequence}_GT/TRA/man_track.txt' or "
            f"'{sequence}_RES/res_track.txt' in '{folder}'; found "
            f"{listing(sorted(p.name for p in folder.iterdir()), 8)}. For masks "
            "without tracks use cs.io.read_movie and cs.pp.track."
        )
    numbers = [frame_numbers(frame_files(place)) for place in (images, masks)]
    if numbers[0] != numbers[1] or numbers[0][0] != 0:
        odd = sorted(set(numbers[0]) ^ set(numbers[1]))
        raise MovieError(
            f"images and masks are numbered alike from 0; found {len(numbers[0])} "
            f"images from {numbers[0][0]} and {len(numbers[1])} masks from "
            f"{numbers[1][0]}, only one of them for {listing(odd)}, in '{folder}'. "
            "Put the missing frames there."
        )
    return read_movie(
        images,
        masks,
        tracks=masks / TABLES[stem],
        pixel_size=pixel_size,
        frame_interval=frame_interval,
        name=f"{folder.resolve().name}_{sequence}".replace(":", "_"),
    )


def write_ctc(movie: Movie, folder: str | Path) -> Path:
    """Write a linked movie in the layout of the Cell Tracking Challenge.

    Frames go to ``01/t000.tif``, labels (label = track) and ``man_track.txt`` to
    ``01_GT/TRA``, compressed. The folder appears when all of it is written.

    Parameters
    ----------
    movie
        With lineage. Tracks keep their numbers when these lie in 1..65535, the
        range of the format, and are counted anew from 1 otherwise.
    folder
        New or empty.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        The folder is not empty; nothing in it is touched.
    MovieError
        The movie is not linked, its lineage and masks name different objects, or
        it has more than 65535 tracks.

    Examples
    --------
    >>> masks = np.ones((2, 4, 4), dtype="uint16")
    >>> table = pd.DataFrame({"frame": [0, 1], "label": [1, 1], "track": [5, 5]})
    >>> movie = read_movie(masks, masks, pixel_size=1, frame_interval=1, tracks=table)
    >>> folder = write_ctc(movie, Path(tempfile.mkdtemp()) / "set")
    >>> (folder / "01_GT" / "TRA" / "man_track.txt").read_text().split()
    ['5', '0', '1', '0']
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"'{folder}' must be new or an empty folder; found "
            f"{'a file' if folder.is_file() else 'entries in it'}. Give another folder."
        )
    table = _numbered(_complete_lineage(movie))
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_frames(movie, table, unfinished)
        unfinished.chmod(0o755)
        unfinished.replace(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return folder


def _complete_lineage(movie: Movie) -> pd.DataFrame:
    if movie.lineage is None:
        raise MovieError(
            f"movie {movie.name!r} is not linked, and a CTC folder needs tracks. Run "
            "movie = cs.pp.track(movie)."
        )
    both = movie.lineage.merge(
        scan_labels(movie.masks), how="outer", on=["frame", "label"], indicator=True
    )
    alone = both[both["_merge"] != "both"]
    if len(alone):
        pairs = alone[["frame", "label"]].to_numpy().tolist()
        raise MovieError(
            f"masks and lineage name the same objects; found {len(alone)} (frame, "
            f"label) in only one of them: {listing(pairs)}. Run cs.pp.track(movie)."
        )
    return movie.lineage


def _numbered(lineage: pd.DataFrame) -> pd.DataFrame:
    """Bring track numbers into what 16 bits hold."""
    tracks = np.unique(lineage["track"])
    if tracks.size > LARGEST_LABEL:
        raise MovieError(
            f"a CTC folder holds up to {LARGEST_LABEL} tracks; found {tracks.size}. "
            "Write parts of the movie."
        )
    if tracks.size and (tracks[0] < 1 or tracks[-1] > LARGEST_LABEL):
        number = {old: new for new, old in enumerate(tracks, 1)}
        lineage = lineage.assign(
            track=lineage["track"].map(number),
            parent_track=lineage["parent_track"].map(lambda p: number.get(p, -1)),
        )
    return lineage


def _write_frames(movie: Movie, table: pd.DataFrame, folder: Path) -> None:
    images, masks = folder / "01", folder / "01_GT" / "TRA"
    images.mkdir()
    masks.mkdir(parents=True)
    digits = max(3, len(str(movie.n_frames - 1)))
    rows = dict(tuple(table.groupby("frame")))
    for frame in progress(range(movie.n_frames), "CTC folder", movie.n_frames):
        pixels, labels = movie.image(frame), movie.labels(frame)
        cyx = len(pixels) > 1
        tifffile.imwrite(
            images / f"t{frame:0{digits}}.tif",
            pixels if cyx else pixels[0],
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": "CYX" if cyx else "YX"},
        )
        tifffile.imwrite(
            masks / f"man_track{frame:0{digits}}.tif",
            _relabelled(labels, rows.get(frame)),
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": "YX"},
        )
    span = table.groupby("track").agg(
        begin=("frame", "min"), end=("frame", "max"), parent=("parent_track", "first")
    )
    known = span["parent"].isin(span.index)
    lines = [
        f"{track} {row.begin} {row.end} {row.parent if has else 0}\n"
        for (track, row), has in zip(span.iterrows(), known, strict=True)
    ]
    (masks / "man_track.txt").write_text("".join(lines))


def _relabelled(labels: np.ndarray, rows: pd.DataFrame | None) -> np.ndarray:
    tracked = np.zeros(labels.shape, dtype=np.uint16)
    if rows is None:
        return tracked
    present, inverse = np.unique(labels, return_inverse=True)
    track = rows.set_index("label")["track"]
    numbers = np.array([track.get(label, 0) for label in present], dtype=np.uint16)
    return numbers[inverse].reshape(labels.shape)
