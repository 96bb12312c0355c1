"""Fetch arrays from an AnnData, or say which call makes them."""

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.sparse import issparse

from cellstate._adata import _keys as keys
from cellstate._adata._schema import check_identity
from cellstate._base.errors import listing
from cellstate.tracks import Tracks

MADE_BY = {
    keys.STATE: "cs.tl.define_states(adata, ...)",
    keys.COMMITTOR: "cs.tl.committor(adata)",
    keys.STATE_SPACE: "cs.tl.embed(adata)",
    keys.PCA: "cs.tl.embed(adata)",
    keys.NORMALIZED: "cs.pp.normalize(adata)",
    keys.QC_PASS: "cs.pp.qc(adata)",
    keys.EVENT: "cs.tl.differentiation_events(adata)",
}


def tracks(adata: AnnData) -> Tracks:
    """Build the tracks of an AnnData; links that pp.qc distrusts are broken."""
    check_identity(adata)
    obs = adata.obs
    movie, names = movie_codes(adata)
    broken = obs[keys.QC_JUMP].to_numpy(bool) if keys.QC_JUMP in obs else None
    parent = obs.get(keys.PARENT_TRACK)
    stated = adata.uns.get(keys.ROOT, {}).get(keys.MOVIES, {})
    frame = obs[keys.FRAME].to_numpy(np.int64)
    last = [
        int(stated[name]["n_frames"]) - 1
        if name in stated
        else int(frame[movie == code].max())
        for code, name in enumerate(names)
    ]
    return Tracks.from_arrays(
        track=obs[keys.TRACK].to_numpy(np.int64),
        frame=frame,
        time=obs[keys.TIME].to_numpy(float),
        parent_track=parent,
        movie=movie,
        broken=broken,
        last_frame=last,
    )


def movie_codes(adata: AnnData) -> tuple[np.ndarray, list[str]]:
    """Return an integer code per row and the movies' names; one movie by default."""
    if keys.MOVIE not in adata.obs:
        return np.zeros(adata.n_obs, dtype=np.int64), ["movie"]
    codes, names = pd.factorize(adata.obs[keys.MOVIE].astype(str), sort=True)
    return codes.astype(np.int64), list(names)


def frame_interval(adata: AnnData) -> float:
    """Hours between frames, from the rows' times; one value for all movies.

    Raises
    ------
    ValueError
        Times do not advance evenly with the frames, or movies differ.
    """
    linked = tracks(adata)
    later = np.flatnonzero(linked.previous_row >= 0)
    if not later.size:
        frames = pd.Series(linked.time).groupby(linked.frame).mean()
        steps = np.diff(frames.to_numpy()) / np.diff(frames.index.to_numpy())
    else:
        steps = linked.time[later] - linked.time[linked.previous_row[later]]
    if not steps.size:
        raise ValueError(
            "no track has two consecutive frames, so no interval can be measured; "
            f"found {adata.n_obs} rows in {linked.n_tracks} tracks. Link the masks "
            "with cs.pp.track(movie)."
        )
    if (steps <= 0).any():
        raise ValueError(
            "obs['time'] must increase from frame to frame; found steps from "
            f"{steps.min():g} to {steps.max():g} h, {int((steps <= 0).sum())} of "
            f"{steps.size} not above 0. Mend obs['time'] or obs['frame']."
        )
    if not np.allclose(steps, steps[0], rtol=1e-3):
        raise ValueError(
            f"frames must be evenly spaced in time; found steps from {steps.min():g} "
            f"to {steps.max():g} h. Analyse movies with different frame intervals "
            "apart: adata[adata.obs['movie'] == name].copy()."
        )
    return float(np.median(steps))


def basis(adata: AnnData, key: str = keys.STATE_SPACE) -> np.ndarray:
    """Return coordinates from obsm, shape (n, d); rows may be NaN."""
    if key not in adata.obsm:
        raise KeyError(
            f"no coordinates under adata.obsm[{key!r}]; found {list(adata.obsm)}. Run "
            f"{MADE_BY.get(key, 'cs.tl.embed(adata)')}."
        )
    stored = adata.obsm[key]
    stored = stored.toarray() if issparse(stored) else stored
    values = np.asarray(stored, dtype=float)
    if values.ndim != 2 or values.shape[1] == 0:
        raise ValueError(
            f"adata.obsm[{key!r}] must have shape (n, d) with d >= 1; found "
            f"{values.shape}. Run {MADE_BY.get(key, 'cs.tl.embed(adata)')}."
        )
    if not np.isfinite(values).all(axis=1).any():
        raise ValueError(
            f"adata.obsm[{key!r}] has no row without NaN; found {len(values)} rows. "
            "cs.pp.normalize(adata) reports the features that are undefined."
        )
    return values


def features(adata: AnnData) -> np.ndarray:
    """Return X as a dense float array, shape (n, p)."""
    if adata.X is None:
        raise ValueError(
            "adata.X holds no features; found None. Measure them with "
            "cs.pp.features(movie), or set adata.X = features, shape (cells, features)."
        )
    return np.asarray(adata.X.toarray() if issparse(adata.X) else adata.X, dtype=float)


def column(adata: AnnData, key: str) -> pd.Series:
    """Return an obs column."""
    if key not in adata.obs:
        near = [c for c in adata.obs if c.startswith(key.split("_")[0])]
        raise KeyError(
            f"no {key!r} in adata.obs; found {listing(near or adata.obs.columns)}. Run "
            f"{MADE_BY.get(key, f'adata.obs[{key!r}] = ...')}."
        )
    return adata.obs[key]


def row_mask(
    adata: AnnData, which: str | np.ndarray | None, name: str, *, empty: bool = False
) -> np.ndarray:
    """Turn an obs column, a boolean mask or None (all rows) into a mask (n,).

    A mask that selects nothing is refused unless it may be `empty`.
    """
    if which is None:
        return np.ones(adata.n_obs, dtype=bool)
    values = column(adata, which) if isinstance(which, str) else which
    mask = np.asarray(values)
    if mask.shape != (adata.n_obs,) or mask.dtype != bool:
        raise ValueError(
            f"`{name}` must be a boolean obs column or mask of {adata.n_obs} rows; "
            f"found {mask.dtype} of shape {mask.shape}."
        )
    if not (empty or mask.any()):
        raise ValueError(f"`{name}` selects none of the {adata.n_obs} rows.")
    return mask
