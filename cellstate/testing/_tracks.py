"""Random forests of tracks: divisions, gaps, late births, orphans, any row order."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from anndata import AnnData
from hypothesis import strategies as st

from cellstate.tracks import Tracks

MOST_TRACKS = 40  # per movie: hypothesis gives up on larger examples
COLUMNS = ("movie", "frame", "label", "track", "parent_track")


@st.composite
def lineage_tables(
    draw: Callable,
    *,
    max_founders: int = 4,
    max_frames: int = 10,
    max_movies: int = 2,
    gaps: bool = True,
) -> pd.DataFrame:
    """Tables of cells in frames, one row each, that form a valid forest.

    Tracks divide into two daughters or leave one; some are seen in one frame only,
    some have gaps, some mothers are missing; rows come in any order and track
    numbers need not be consecutive.

    Parameters
    ----------
    max_founders
        Founders per movie, at least 1.
    max_frames
        Frames per movie, at least 1.
    max_movies
        Movies that may use the same track numbers.
    gaps
        Whether frames may be missing inside a track.

    Returns
    -------
    SearchStrategy
        Of tables with columns movie (code), frame, label, track, parent_track.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(lineage_tables(gaps=False))
    ... def test_rows_are_distinct(table):
    ...     assert not table.duplicated(["movie", "track", "frame"]).any()
    >>> test_rows_are_distinct()
    """
    rows = []
    for movie in range(draw(st.integers(1, max_movies))):
        n_frames = draw(st.integers(1, max_frames))
        stride = draw(st.integers(1, 3))  # track numbers with holes
        number = 0
        for _ in range(draw(st.integers(1, max_founders))):
            waiting = [(-1, draw(st.integers(0, n_frames - 1)))]
            while waiting:
                parent, birth = waiting.pop()
                number += stride
                last = draw(st.integers(birth, n_frames - 1))
                rows += [(movie, f, number, parent) for f in range(birth, last + 1)]
                room = last + 1 < n_frames and number < stride * MOST_TRACKS
                if room and draw(st.booleans()):
                    daughters = draw(st.integers(1, 2))
                    waiting += [(number, last + 1)] * daughters
    table = pd.DataFrame(rows, columns=["movie", "frame", "track", "parent_track"])
    if gaps:
        table = _with_gaps(draw, table)
    table["label"] = table.groupby(["movie", "frame"]).cumcount() + 1
    order = np.random.default_rng(draw(st.integers(0, 2**16))).permutation(len(table))
    return table[list(COLUMNS)].iloc[order].reset_index(drop=True)


def _with_gaps(draw: Callable, table: pd.DataFrame) -> pd.DataFrame:
    """Drop some frames of some tracks, ends included; something always stays."""
    share = draw(st.sampled_from([0.0, 0.1, 0.5]))
    seed = draw(st.integers(0, 2**16))
    kept = np.random.default_rng(seed).random(len(table)) >= share
    if not kept.any():
        kept[0] = True
    return table[kept].reset_index(drop=True)


def tracks(**limits: object) -> st.SearchStrategy[Tracks]:
    """Random `Tracks`; the limits are those of `lineage_tables`.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(tracks(max_founders=2))
    ... def test_founders_have_no_mother(tracks):
    ...     assert (tracks.parent[tracks.lineage] == -1).all()
    >>> test_founders_have_no_mother()
    """
    return lineage_tables(**limits).map(
        lambda table: Tracks.from_arrays(
            track=table["track"],
            frame=table["frame"],
            time=table["frame"] * 0.5,
            parent_track=table["parent_track"],
            movie=table["movie"],
        )
    )


@st.composite
def tracked_adatas(
    draw: Callable, *, dimensions: tuple[int, int] = (1, 3), **limits: object
) -> AnnData:
    """AnnData that every `cs.tl` function takes: tracks and ``obsm["X_state"]``.

    States are a random walk along each track, inherited at division.

    Parameters
    ----------
    dimensions
        Fewest and most coordinates of the state space.
    **limits
        As in `lineage_tables`.

    Returns
    -------
    SearchStrategy
        Of AnnData with obs track, parent_track, frame, time (h), movie, label.
    """
    table = draw(lineage_tables(**limits))
    d = draw(st.integers(*dimensions))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    steps = rng.normal(size=(len(table), d))
    state = np.empty((len(table), d))
    latest: dict[tuple[int, int], np.ndarray] = {}
    for row in np.argsort(table["frame"].to_numpy(), kind="stable"):
        movie, track, parent = table.loc[row, ["movie", "track", "parent_track"]]
        before = latest.get((movie, track), latest.get((movie, parent), np.zeros(d)))
        state[row] = latest[movie, track] = before + steps[row]
    adata = AnnData(state.copy())
    adata.obs_names = [f"{m}:{f}:{k}" for m, f, k in _identities(table)]
    adata.obs["movie"] = pd.Categorical("m" + table["movie"].astype(str).to_numpy())
    for name in ("frame", "label", "track", "parent_track"):
        adata.obs[name] = table[name].to_numpy()
    adata.obs["time"] = adata.obs["frame"] * 0.5
    adata.obsm["X_state"] = state
    return adata


def _identities(table: pd.DataFrame) -> list[tuple[int, int, int]]:
    return list(table[["movie", "frame", "label"]].itertuples(index=False, name=None))
