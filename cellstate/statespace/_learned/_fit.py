"""Train an autoencoder of crops."""

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import integer, not_negative
from cellstate._base.random import generator
from cellstate.statespace._lagged import lagged_rows
from cellstate.statespace._learned._model import Autoencoder, checked_crops
from cellstate.tracks import Tracks

HELD_OUT = 0.1  # of lineages
FEWEST = 20
BATCH = 128


def fit_autoencoder(
    crops,
    tracks: Tracks,
    *,
    n_components: int = 16,
    n_steps: int = 1500,
    contrast: float = 0.05,
    lag_frames: int = 1,
    batch: ArrayLike | None = None,
    batch_names: tuple[str, ...] = (),
    fit_on: np.ndarray | None = None,
    rng: int | np.random.Generator | None = None,
) -> Autoencoder:
    """Learn coordinates of crops that do not see how a cell is turned.

    Crops are centred, scaled to one size and brightness and laid on a polar grid; the
    logarithms of size and brightness are coordinates beside the learned ones. The
    encoder is averaged over turns and reflections, the decoder's picture is compared
    in the pose that fits best, and a contrast term asks that a cell be told from
    others by how it looks `lag_frames` later.

    Parameters
    ----------
    crops
        Shape (n, C, H, W), 0 outside the cell's own mask; an array or a dataset of an
        open HDF5 file.
    tracks
        Tracks with n rows.
    n_components
        Learned coordinates.
    n_steps
        Steps of 128 crops; 1,500 take about two minutes.
    contrast
        Weight of the contrast term; 0 leaves it out.
    lag_frames
        Frames between a cell and its later self.
    batch
        Code 0, 1, ... of the batch of each crop, or None: told to the decoder, so that
        coordinates need not hold what differs between batches.
    batch_names
        Written beside the weights.
    fit_on
        Boolean mask (n,) of the crops to train on.
    rng
        Seed or Generator.

    Raises
    ------
    ValueError
        Crops of another shape, or fewer than 20 with any light.

    Examples
    --------
    >>> rng, y = np.random.default_rng(0), np.mgrid[-9:10, -9:10] / 3.0
    >>> wide = 1 + rng.random((60, 1, 1, 1))  # ellipses, longer or shorter
    >>> crops = np.float32((y[0] ** 2 / wide**2 + y[1] ** 2 < 2) * 5.0)
    >>> tracks = Tracks.from_arrays(
    ...     track=np.arange(1, 61), frame=[0] * 60, time=[0.0] * 60
    ... )
    >>> model = fit_autoencoder(crops, tracks, n_components=2, n_steps=10, rng=0)
    >>> model.transform(crops).shape  # two learned, radius, brightness
    (60, 4)
    """
    from cellstate.statespace._learned._training import Training, coordinates

    crops = checked_crops(crops)
    n = crops.shape[0]
    if n != tracks.n_rows:
        raise ValueError(
            f"one crop per row of the tracks is needed; found {n} crops and "
            f"{tracks.n_rows} rows. Cut them anew: cs.pp.crops(adata, movies)."
        )
    integer(n_components, "n_components", 1)
    rng = generator(rng)
    bright = lit(crops) & (True if fit_on is None else fit_on)
    train, held = _split(tracks, bright, rng)
    codes, n_batches = _batches(batch, n)
    training = Training(crops, codes, n_batches, n_components, int(rng.integers(2**31)))
    later = _later(tracks, integer(lag_frames, "lag_frames", 1), bright)
    steps, loss, held_out = training.run(
        train,
        later[train],
        held,
        n_steps=integer(n_steps, "n_steps", 1),
        batch_size=min(BATCH, len(train)),
        pull=not_negative(contrast, "contrast"),
    )
    known = coordinates(training.encoder, crops)[bright]
    spread = known.std(axis=0)
    return Autoencoder(
        n_channels=crops.shape[1],
        n_components=n_components,
        n_batches=n_batches,
        batches=tuple(batch_names),
        weights=training.weights(),
        center=known.mean(axis=0),
        scale=np.where(spread > 0, spread, 1.0),
        steps=steps,
        loss=loss,
        held_out_loss=held_out,
        n_train=len(train),
        n_held_out=len(held),
        device="cpu",
    )


def lit(crops) -> np.ndarray:
    """Whether a crop has any light, (n,); crops may lie in a file."""
    n, step = crops.shape[0], 4096
    return np.concatenate(
        [
            np.nan_to_num(np.asarray(crops[k : k + step])).any(axis=(1, 2, 3))
            for k in range(0, n, step)
        ]
    )


def _split(
    tracks: Tracks, bright: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows to hold out: whole lineages."""
    rows = np.flatnonzero(bright)
    if rows.size < FEWEST:
        raise ValueError(
            f"an autoencoder needs at least {FEWEST} crops with light in them; found "
            f"{rows.size} of {bright.size}. Cut them again: cs.pp.crops(adata, movies)."
        )
    lineage = tracks.row_lineage[rows]
    founders = rng.permutation(np.unique(lineage))
    out = np.isin(lineage, founders[: int(HELD_OUT * len(founders))])
    return rows[~out], rows[out]


def _later(tracks: Tracks, lag: int, bright: np.ndarray) -> np.ndarray:
    """Row of each cell a lag later, -1 where there is none, (n,)."""
    known = np.where(bright, 0.0, np.nan)[:, None]
    first, second = lagged_rows(known, tracks, lag)
    later = np.full(tracks.n_rows, -1)
    later[first] = second
    return later


def _batches(batch: ArrayLike | None, n: int) -> tuple[np.ndarray, int]:
    if batch is None:
        return np.zeros(n, np.int64), 0
    codes = np.asarray(batch)
    if codes.shape != (n,) or codes.dtype.kind not in "iu" or codes.min() < 0:
        raise ValueError(
            f"`batch` needs one code 0, 1, ... for each of {n} crops; found "
            f"{codes.dtype} of shape {codes.shape}."
        )
    return codes.astype(np.int64), int(codes.max()) + 1
