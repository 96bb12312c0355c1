"""Tracked positions -> labels of the masks they lie on."""

from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import ndimage

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata._schema import validate
from cellstate._base.checks import not_negative, positive
from cellstate._base.errors import MovieError, listing
from cellstate._base.progress import progress
from cellstate._movie import LINEAGE_COLUMNS, Stack
from cellstate.io._lineage import NO_PARENT
from cellstate.io._stacks import read_masks


def lineage_of(
    adata: AnnData,
    masks: str | Path | Stack,
    *,
    pixel_size: float | None = None,
    reach: float = 0.0,
) -> pd.DataFrame:
    """Give the tracks of an AnnData to the labels of masks, by position.

    Each cell takes the label under its position, or else the nearest label within
    `reach`. Labels that no cell takes become tracks of their own.

    Parameters
    ----------
    adata
        One movie with ``obsm["spatial"]`` (um), from `read_trackmate`, `read_btrack`
        or `read_geff`.
    masks
        A path for `read_masks`, or labels of shape (T, Y, X); read once.
    pixel_size
        Micrometres per pixel; what the AnnData states when left out.
    reach
        Micrometres from a position on background to its label; a centroid may lie
        outside of a bent cell.

    Returns
    -------
    DataFrame
        `frame, label, track, parent_track`, one row per object of the masks: the
        `tracks` of `read_movie`.

    Raises
    ------
    MovieError
        Positions outside of the masks or on no label, two cells on one label.

    Examples
    --------
    >>> masks = np.zeros((2, 6, 6), dtype=int)
    >>> masks[0, 1:4, 1:4], masks[1, 2:5, 2:5] = 8, 3
    >>> adata = AnnData(np.zeros((2, 0)))
    >>> adata.obs["track"], adata.obs["frame"], adata.obs["time"] = 5, [0, 1], [0, .5]
    >>> adata.obsm["spatial"] = np.array([[1.0, 1.0], [1.5, 1.5]])
    >>> lineage_of(adata, masks, pixel_size=0.5).to_numpy().tolist()
    [[0, 8, 5, -1], [1, 3, 5, -1]]
    """
    validate(adata)
    not_negative(reach, "reach")
    if isinstance(masks, str | Path):
        masks = read_masks(masks)
    name = _only_movie(adata)
    if pixel_size is None:
        movies = adata.uns.get(keys.ROOT, {}).get(keys.MOVIES, {})
        pixel_size = movies.get(name, {}).get("pixel_size")
    positive(
        pixel_size, "pixel_size", "um per pixel", "cs.io.lineage_of(..., pixel_size=1)"
    )
    obs = adata.obs
    frame = obs[keys.FRAME].to_numpy(np.int64)
    late = frame >= masks.shape[0]
    if late.any():
        raise MovieError(
            f"cells lie in frames of the masks, 0 to {masks.shape[0] - 1}; found "
            f"{int(late.sum())} of {len(frame)} up to frame {frame.max()}. Give the "
            "whole stack of masks."
        )
    position = np.asarray(adata.obsm[keys.SPATIAL], dtype=float)[:, :2] / pixel_size
    label = np.zeros(len(frame), dtype=np.int64)
    free = []
    for t in progress(range(masks.shape[0]), "labels", masks.shape[0]):
        labels = np.asarray(masks[t])
        here = np.flatnonzero(frame == t)
        label[here] = _labels_at(labels, position[here], reach / pixel_size)
        free.append(np.setdiff1d(labels, [0, *label[here]]))
    _check_each_has_one(adata, frame, label, reach)
    taken = pd.DataFrame(
        {
            "frame": frame,
            "label": label,
            "track": obs[keys.TRACK].to_numpy(np.int64),
            "parent_track": obs.get(
                keys.PARENT_TRACK, pd.Series(NO_PARENT, index=obs.index)
            ).to_numpy(np.int64),
        }
    )
    alone = pd.DataFrame(
        {
            "frame": np.repeat(np.arange(len(free)), [f.size for f in free]),
            "label": np.concatenate(free).astype(np.int64),
        }
    )
    alone["track"] = taken["track"].max() + 1 + np.arange(len(alone))
    alone["parent_track"] = NO_PARENT
    both = pd.concat([taken, alone], ignore_index=True)
    return both.sort_values(["frame", "label"], ignore_index=True)[
        list(LINEAGE_COLUMNS)
    ]


def _only_movie(adata: AnnData) -> str:
    _, names = extract.movie_codes(adata)
    if len(names) > 1 or keys.SPATIAL not in adata.obsm:
        raise MovieError(
            f"positions of one movie are needed; found {len(names)} movies "
            f"{listing(names)} and obsm {list(adata.obsm)}. Give "
            "adata[adata.obs['movie'] == name].copy() with obsm['spatial'] in um."
        )
    return names[0]


def _labels_at(labels: np.ndarray, position: np.ndarray, reach: float) -> np.ndarray:
    """Return the label under each x, y, or the nearest within `reach` px, or 0."""
    height, width = labels.shape
    column, row = np.rint(position).astype(np.int64).T
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    found = np.zeros(len(position), dtype=np.int64)
    found[inside] = labels[row[inside], column[inside]]
    lost = np.flatnonzero(inside & (found == 0))
    if lost.size and reach > 0 and (labels > 0).any():
        distance, (near_row, near_column) = ndimage.distance_transform_edt(
            labels == 0, return_indices=True
        )
        at = row[lost], column[lost]
        close = distance[at] <= reach
        nearest = labels[near_row[at], near_column[at]]
        found[lost[close]] = nearest[close]
    return found


def _check_each_has_one(
    adata: AnnData, frame: np.ndarray, label: np.ndarray, reach: float
) -> None:
    lost = np.flatnonzero(label == 0)
    if lost.size:
        raise MovieError(
            f"each cell lies on a label of the masks; found {lost.size} of "
            f"{len(label)} on none within {reach:g} um: "
            f"{listing(adata.obs_names[lost])}. Raise `reach`, check `pixel_size` and "
            "the order x, y, or leave these cells out of the AnnData."
        )
    twice = pd.DataFrame({"frame": frame, "label": label}).duplicated(keep=False)
    if twice.any():
        rows = np.flatnonzero(twice)
        raise MovieError(
            f"a label of the masks is one cell; found {rows.size} cells that share "
            f"one: {listing(adata.obs_names[rows])}. Lower `reach`, mend the masks, or "
            "keep one of them in the AnnData."
        )
