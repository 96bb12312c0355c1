"""The same cells without their tracks: every lineage is seen once."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._base.errors import listing
from cellstate._base.random import generator

USUAL = 8  # times when none are asked for


def to_snapshots(
    adata: AnnData,
    *,
    times: Sequence[float] | None = None,
    rng: int | np.random.Generator | None = None,
) -> AnnData:
    """Destroy tracks: each lineage gives its cells at one time and nowhere else.

    Lineages are dealt out over the times evenly and at random; a lineage that is not
    seen at its time gives no cell. So cells at different times are independent, as
    when a dish is fixed at each time, and follow the same law as the tracks did.

    Parameters
    ----------
    adata
        Tracks; simulated ones are split by their true lineages.
    times
        Hours at which there are frames; 8 evenly spaced frames, the first and the
        last among them, when left out.
    rng
        Seed or Generator.

    Returns
    -------
    AnnData
        Cells in random order within a frame, each a track of its own without mother;
        truth and layers are kept, results and lineage edges are not.

    Raises
    ------
    ValueError
        No frame at one of the times, or no cell at any.

    Examples
    --------
    >>> from cellstate.datasets._cells._tables import simulate_tracks
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> cells = simulate_tracks(DoubleWell(), frame_interval=0.02, n_cells=30, rng=0)
    >>> shots = to_snapshots(cells, times=[0.0, 1.0], rng=0)
    >>> shots.obs.groupby("time").size().to_dict()
    {0.0: 15, 1.0: 15}
    """
    rng = generator(rng)
    extract.check_identity(adata)
    frames = _frames(adata, times)
    _, lineage = np.unique(_lineages(adata), return_inverse=True)
    dealt = frames[rng.permutation(lineage.max(initial=-1) + 1) % frames.size]
    kept = np.flatnonzero(adata.obs[keys.FRAME].to_numpy() == dealt[lineage])
    if not kept.size:
        raise ValueError(
            f"no lineage is seen at the time it was dealt; found {dealt.size} lineages "
            f"for {frames.size} times. Ask for fewer times, or simulate more cells."
        )
    shuffled = kept[rng.permutation(kept.size)]
    order = np.argsort(adata.obs[keys.FRAME].to_numpy()[shuffled], kind="stable")
    return _without_tracks(adata[shuffled[order]].copy())


def _without_tracks(shots: AnnData) -> AnnData:
    """Give each cell an identity of its own and drop what speaks of tracks."""
    number = np.arange(1, shots.n_obs + 1)
    obs = shots.obs
    obs[keys.TRACK], obs[keys.LABEL], obs[keys.PARENT_TRACK] = number, number, -1
    movie = "movie" if keys.MOVIE not in obs else obs[keys.MOVIE].astype(str)
    name = pd.Series(movie, index=obs.index) + ":" + obs[keys.FRAME].astype(str)
    shots.obs_names = pd.Index((name + ":" + obs[keys.LABEL].astype(str)).to_numpy())
    shots.uns[keys.ROOT] = {
        name: value
        for name, value in shots.uns.get(keys.ROOT, {}).items()
        if name in keys.RESERVED
    }
    for edges in list(shots.obsp):
        del shots.obsp[edges]
    return shots


def _lineages(adata: AnnData) -> np.ndarray:
    """Code of each row's lineage; the true one where it is known."""
    if keys.TRUTH_TRACK not in adata.obs:
        return extract.tracks(adata).row_lineage
    events = get.truth(adata).events
    cells = pd.MultiIndex.from_frame(events[["movie", "track"]])
    up = cells.get_indexer(_pairs(events["movie"], events["parent_track"]))
    up = np.where(up >= 0, up, np.arange(up.size))
    while not np.array_equal(up[up], up):
        up = up[up]
    movie = adata.obs[keys.MOVIE].astype(str)
    own = cells.get_indexer(_pairs(movie, adata.obs[keys.TRUTH_TRACK]))
    lost = (own < 0) & (adata.obs[keys.TRUTH_TRACK] > 0).to_numpy()
    if lost.any():
        raise ValueError(
            f"true tracks are listed in cs.get.truth(adata).events; found "
            f"{int(lost.sum())} cells of {len(own)} whose track is not. Make snapshots "
            "before joining simulations."
        )
    # A row that shows no true cell is a lineage of its own.
    return np.where(own >= 0, up[own], -1 - np.arange(own.size))


def _pairs(movie: pd.Series, track: pd.Series) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([movie.to_numpy(object), track.to_numpy()])


def _frames(adata: AnnData, times: Sequence[float] | None) -> np.ndarray:
    """Frames of the times asked for, shape (k,)."""
    there = adata.obs.groupby(keys.FRAME)[keys.TIME].mean()
    if times is None:
        picked = np.linspace(0, len(there) - 1, min(USUAL, len(there)))
        return there.index.to_numpy()[np.unique(picked.round().astype(int))]
    wanted = np.atleast_1d(np.asarray(times, dtype=float))
    if not wanted.size:
        raise ValueError("`times` names at least one time in hours; found none.")
    away = np.abs(there.to_numpy() - wanted[:, None])
    lost = wanted[~(away.min(axis=1) < 1e-6 * max(1.0, float(there.abs().max())))]
    if lost.size:
        raise ValueError(
            f"`times` are hours at which there are frames; found {listing(lost)}, but "
            f"frames at {listing(there.to_numpy())} up to {there.max():g} h. Choose "
            "among adata.obs['time'].unique()."
        )
    return np.unique(there.index.to_numpy()[away.argmin(axis=1)])
