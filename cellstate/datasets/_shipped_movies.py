"""Load what `data/` ships, after comparing its checksums."""

import hashlib
from pathlib import Path

from cellstate._movie import Movie
from cellstate.io import read_movie

PIXEL_SIZE = 0.645  # um, as stated by the Cell Tracking Challenge
FRAME_INTERVAL = 0.5  # h


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
    folder = _folder() / "hela_h2b"
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        stated, name = line.split()
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if found != stated:
            raise ValueError(
                f"{name} differs from what was shipped: SHA-256 {stated[:12]}... "
                f"expected, {found[:12]}... found. Install the package again."
            )
    return {
        "images": folder / "images.tif",
        "masks": folder / "masks.tif",
        "tracks": folder / "man_track.txt",
    }


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
