"""Load what `data/` ships, after comparing its checksums."""

import hashlib
from pathlib import Path

from cellstate._movie import Movie
from cellstate.datasets._movie import SimulatedMovie, read_simulated
from cellstate.io import read_movie

PIXEL_SIZE = 0.645  # um, as stated by the Cell Tracking Challenge
FRAME_INTERVAL = 0.5  # h
HELA = "hela_h2b"
SIMULATED = "simulated_differentiation"
FILES = {"images": "images.tif", "masks": "masks.tif", "tracks": "man_track.txt"}
# What A (progenitor) and B (either fate) look like in the simulated movie: the
# hidden signal brightens cells. Of a cell cut by the edge only a part is seen.
SIMULATED_SOURCE = "mean_signal_intensity < 55 & ~touches_border"
SIMULATED_TARGET = "mean_signal_intensity > 75 & ~touches_border"
# Brightness moves by 2.6 from frame to frame: a cell has left when it is two such
# steps beyond the edge, and touching the border is no leaving. Cells round up and
# brighten for 0.75 h before they divide: a stay is longer than that.
SIMULATED_SOURCE_KEEP = "mean_signal_intensity < 60"
SIMULATED_TARGET_KEEP = "mean_signal_intensity > 70"
SIMULATED_MIN_DWELL = 1.0  # h


def hela_h2b() -> Movie:
    """HeLa cells with H2B-GFP, 20 frames 384 x 704 px, 10 h, 27 divisions linked.

    A crop of Fluo-N2DL-HeLa, sequence 02, of the Cell Tracking Challenge, with
    masks and tracks as linked automatically: about as many divisions again were
    missed by the linking, see data/README.md.

    Returns
    -------
    Movie
        One channel, "H2B"; 0.645 um per pixel, 0.5 h per frame.

    References
    ----------
    Neumann et al., Nature 464 (2010) 721. Maska et al., Bioinformatics 30 (2014)
    1609.

    Examples
    --------
    >>> import cellstate as cs
    >>> with cs.settings.override(progress=False):
    ...     movie = cs.datasets.hela_h2b()
    >>> movie.n_frames, movie.lineage["track"].nunique()
    (20, 144)
    """
    files = hela_h2b_files()
    return read_movie(
        files["images"],
        files["masks"],
        tracks=files["tracks"],
        pixel_size=PIXEL_SIZE,
        frame_interval=FRAME_INTERVAL,
        name="hela_h2b",
        channels=("H2B",),
    )


def hela_h2b_files() -> dict[str, Path]:
    """Paths of `images`, `masks` and `tracks`, checked against SHA256SUMS.

    Raises
    ------
    FileNotFoundError
        The data did not come with this installation.
    ValueError
        A file differs from what was shipped.
    """
    return _checked(HELA, FILES)


def simulated_differentiation() -> SimulatedMovie:
    """Simulated cells that choose between two fates, 40 frames, with their truth.

    60 founders on 224 x 224 px, 15 min apart, made by `simulate_movie` with the
    preset "differentiation"; see data/README.md for the call.

    Returns
    -------
    SimulatedMovie
        `movie` and `truth`; 1.25 um per pixel, 0.25 h per frame.

    Examples
    --------
    >>> import cellstate as cs
    >>> film = cs.datasets.simulated_differentiation()
    >>> film.movie.n_frames, film.truth.law.system
    (40, 'binary choice')
    """
    return read_simulated(simulated_differentiation_files()["truth"].parent)


def simulated_differentiation_files() -> dict[str, Path]:
    """Paths of `images`, `masks`, `tracks` and `truth`, checked against SHA256SUMS.

    Raises
    ------
    FileNotFoundError
        The data did not come with this installation.
    ValueError
        A file differs from what was shipped.
    """
    return _checked(SIMULATED, FILES | {"truth": "truth.h5"})


def _checked(name: str, files: dict[str, str]) -> dict[str, Path]:
    """Paths of the files of one folder, after comparing their checksums."""
    folder = _folder() / name
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        stated, file = line.split()
        found = hashlib.sha256((folder / file).read_bytes()).hexdigest()
        if found != stated:
            raise ValueError(
                f"{file} differs from what was shipped: SHA-256 {stated[:12]}... "
                f"expected, {found[:12]}... found. Install the package again."
            )
    return {key: folder / file for key, file in files.items()}


def _folder() -> Path:
    """Find the data in the installed package, or at the top of the checkout."""
    here = Path(__file__).parent
    places = [here / "_shipped", here.parent.parent / "data"]
    for place in places:
        if (place / "hela_h2b" / "SHA256SUMS").is_file():
            return place
    raise FileNotFoundError(
        f"the shipped data are neither in {places[0]} nor in {places[1]}; install "
        "cellstate from a checkout that holds data/."
    )
