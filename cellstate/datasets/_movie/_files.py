"""A simulated movie, and the folder that keeps it: images, masks, tracks and truth."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import tifffile
from anndata.io import read_elem, write_elem

from cellstate._base.errors import listing
from cellstate._base.progress import progress
from cellstate._movie import Movie
from cellstate.datasets._movie._truth import MovieTruth
from cellstate.io import read_images, read_masks
from cellstate.io._files import existing

IMAGES, MASKS, TRACKS, TRUTH = "images.tif", "masks.tif", "man_track.txt", "truth.h5"
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class SimulatedMovie:
    """A movie, and all that is true about it.

    Attributes
    ----------
    movie
        What a microscope would give, segmented and linked without fault: the lineage
        is what can be followed on the screen.
    truth
        Cells, tracks, hidden states and events, and the law behind them.
    """

    movie: Movie
    truth: MovieTruth

    def write(self, folder: str | Path) -> Path:
        """Write images, masks, tracks and truth, compressed, whole or not at all.

        The folder holds ``images.tif``, ``masks.tif``, ``man_track.txt`` (L B E P,
        label = track, as in the Cell Tracking Challenge) and ``truth.h5``.
        `cs.datasets.read_simulated` reads it back; `cs.io.read_movie` reads the movie
        alone.

        Parameters
        ----------
        folder
            New or empty.

        Raises
        ------
        FileExistsError
            The folder is not empty; nothing in it is touched.
        """
        movie = self.movie
        with unfinished(folder) as place:
            for stack, read, write in (
                (movie.masks, movie.labels, write_masks),
                (movie.images, movie.image, write_images),
            ):
                frames = map(read, range(movie.n_frames))
                write(place, frames, tuple(stack.shape), np.dtype(stack.dtype))
            write_tables(place, self.truth)
        return Path(folder)


def read_simulated(folder: str | Path) -> SimulatedMovie:
    """Read what `SimulatedMovie.write` wrote; frames stay on disk until asked for.

    Parameters
    ----------
    folder
        With ``images.tif``, ``masks.tif`` and ``truth.h5``.

    Raises
    ------
    FileNotFoundError
        The folder or one of the files is not there.
    OSError
        The truth is damaged.
    """
    folder = existing(folder, "simulated movie")
    missing = [n for n in (IMAGES, MASKS, TRUTH) if not (folder / n).exists()]
    if missing:
        raise FileNotFoundError(
            f"a simulated movie is a folder with {[IMAGES, MASKS, TRUTH]}; found "
            f"{listing(sorted(p.name for p in folder.iterdir()))} in '{folder}', "
            f"{missing} missing. Write it with cs.datasets.simulate_movie(...).write."
        )
    path = folder / TRUTH
    try:
        with h5py.File(path, "r") as file:
            truth = MovieTruth.from_dict(read_elem(file["truth"]))
    except (OSError, KeyError, ValueError) as error:
        raise OSError(
            f"'{path}' holds no whole truth ({path.stat().st_size} bytes): {error} "
            "Simulate or copy the movie again."
        ) from error
    return assembled(read_images(folder / IMAGES), read_masks(folder / MASKS), truth)


def assembled(images: object, masks: object, truth: MovieTruth) -> SimulatedMovie:
    """Join stacks and truth; the lineage is that of the visible tracks."""
    links = truth.tracks.set_index("track")["parent_track"]
    label = truth.cells["label"]
    lineage = pd.DataFrame(
        {
            "frame": truth.cells["frame"],
            "label": label,
            "track": label,
            "parent_track": links.reindex(label).to_numpy(),
        }
    )
    movie = Movie(
        images=images,
        masks=masks,
        pixel_size=truth.pixel_size,
        frame_interval=truth.law.frame_interval,
        lineage=lineage,
        name=truth.movie,
    )
    return SimulatedMovie(movie=movie, truth=truth)


@contextmanager
def unfinished(folder: str | Path) -> Iterator[Path]:
    """A place to write in, which becomes the folder when all went well."""
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(
            f"'{folder}' must be new or an empty folder; found "
            f"{'a file' if folder.is_file() else 'entries in it'}. Give another folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield place
        place.chmod(0o755)
        place.replace(folder)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def write_masks(
    folder: Path, frames: Iterable[np.ndarray], shape: Shape, dtype: np.dtype
) -> None:
    """Write label frames (Y, X) one by one; `shape` is that of all, (T, Y, X)."""
    _write(folder / MASKS, frames, shape, dtype, "TYX")


def write_images(
    folder: Path, frames: Iterable[np.ndarray], shape: Shape, dtype: np.dtype
) -> None:
    """Write frames (C, Y, X) one by one; `shape` is that of all, (T, C, Y, X)."""
    _write(folder / IMAGES, frames, shape, dtype, "TCYX")


def _write(
    path: Path,
    frames: Iterable[np.ndarray],
    shape: Shape,
    dtype: np.dtype,
    axes: str,
) -> None:
    frames = progress(frames, f"writing {path.name}", shape[0])
    # A page is a plane: a frame of several channels is handed over plane by plane.
    planes = (plane for frame in frames for plane in frame.reshape(-1, *shape[-2:]))
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(
            planes,
            shape=shape,
            dtype=dtype,
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": axes},
        )


def write_tables(folder: Path, truth: MovieTruth) -> None:
    """Write tracks and truth."""
    columns = ["track", "first_frame", "last_frame", "parent_track"]
    tracks = truth.tracks[columns].sort_values("track")
    tracks["parent_track"] = tracks["parent_track"].clip(lower=0)
    lines = [" ".join(map(str, row)) + "\n" for row in tracks.to_numpy().tolist()]
    (folder / TRACKS).write_text("".join(lines))
    with h5py.File(folder / TRUTH, "w") as file:
        packed = {"compression": "gzip", "compression_opts": 9}
        write_elem(file, "truth", truth.to_dict(), dataset_kwargs=packed)
