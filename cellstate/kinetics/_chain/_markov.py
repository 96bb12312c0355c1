"""A Markov chain with its stationary law, given or counted along tracks."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from cellstate._base.checks import integer, positive
from cellstate._base.results import Result
from cellstate.kinetics._chain._absorption import stochastic
from cellstate.kinetics._chain._counts import connected, steps_of, transition_matrix
from cellstate.kinetics._chain._spectrum import stationary_law
from cellstate.tracks import Tracks


@dataclass(frozen=True, eq=False, kw_only=True)
class MarkovChain(Result):
    """Chances to go from state to state in one lag.

    Attributes
    ----------
    transitions
        From row to column, (k, k); rows add up to 1.
    lag
        Hours.
    law
        Stationary law, (k,); 0 in states that are left for good.
    residual
        Of it, |pi T - pi|.
    counts
        Behind the chances, (k, k); a step of one daughter of two counts half. None
        when the chances were given.
    cells
        Which of the cells of the state space the k states are, (k,).
    lost
        Share of the counted steps that start or end outside those.
    """

    kind: ClassVar[str] = "markov_chain"
    transitions: np.ndarray
    lag: float
    law: np.ndarray
    residual: float
    cells: np.ndarray
    counts: np.ndarray | None = None
    lost: float = 0.0

    @classmethod
    def of(cls, transitions: np.ndarray | sparse.spmatrix, lag: float) -> Self:
        """Take chances as given.

        Parameters
        ----------
        transitions
            Rows add up to 1, (k, k), dense or sparse.
        lag
            Hours.

        Raises
        ------
        ValueError
            No transition matrix, or several sets of states that are never left: then
            there are as many stationary laws.

        Examples
        --------
        >>> MarkovChain.of([[0.9, 0.1], [0.3, 0.7]], lag=0.5).law.round(6)
        array([0.75, 0.25])
        """
        matrix = stochastic(transitions)
        closed = closed_classes(matrix)
        if len(closed) > 1:
            raise ValueError(
                f"found {len(closed)} sets of states that are never left (sizes "
                f"{sorted((c.size for c in closed), reverse=True)[:5]}), so there are "
                "as many stationary laws; expected one. Take the states of one set."
            )
        dense, inside = matrix.toarray(), closed[0]
        law = np.zeros(len(dense))
        law[inside], residual = stationary_law(dense[np.ix_(inside, inside)])
        return cls(
            transitions=dense,
            lag=positive(lag, "lag", "h", "MarkovChain.of(transitions, lag=0.5)"),
            law=law,
            residual=residual,
            cells=np.arange(len(dense)),
        )


def closed_classes(matrix: sparse.csr_array) -> list[np.ndarray]:
    """Sets of states that reach one another and nothing else."""
    n, part = connected_components(matrix, connection="strong")
    links = matrix.tocoo()
    leaves = np.zeros(n, dtype=bool)
    leaves[part[links.row[part[links.row] != part[links.col]]]] = True
    return [np.flatnonzero(part == i) for i in np.flatnonzero(~leaves)]


def count_transitions(
    tracks: Tracks,
    cell_of_row: np.ndarray,
    lag_frames: int,
    *,
    row_weight: np.ndarray | None = None,
) -> sparse.csr_array:
    """Count steps of exactly one lag from cell to cell, starting in every frame.

    A step goes on over divisions, where each daughter has half of it.

    Parameters
    ----------
    tracks
        Tracks with n rows.
    cell_of_row
        Cell of the state space of each row, (n,), -1 where it has none.
    lag_frames
        1 or more.
    row_weight
        Of the row where a step starts, (n,); of `tracks.lineage_weights`, say.

    Returns
    -------
    scipy.sparse.csr_array
        Shape (k, k), k = largest cell + 1. Steps overlap: these are no independent
        events.

    Raises
    ------
    ValueError
        No track shows such a step.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 4, frame=range(4), time=range(4))
    >>> count_transitions(tracks, np.array([0, 1, 1, 0]), 1).toarray()
    array([[0., 1.],
           [1., 1.]])
    """
    place = np.asarray(cell_of_row)
    if place.shape != (tracks.n_rows,) or place.dtype.kind not in "iu":
        raise ValueError(
            f"`cell_of_row` must be integers of shape ({tracks.n_rows},), -1 for none; "
            f"found dtype {place.dtype}, shape {place.shape}."
        )
    lag_frames = integer(lag_frames, "lag_frames", 1)
    start, stop, weight = steps_of(tracks, place, lag_frames)
    if row_weight is not None:
        weight = weight * np.asarray(row_weight, dtype=float)[start]
    k = int(place.max()) + 1
    return sparse.csr_array((weight, (place[start], place[stop])), shape=(k, k))


def estimate_chain(
    tracks: Tracks,
    cell_of_row: np.ndarray,
    lag_frames: int,
    frame_interval: float,
    *,
    row_weight: np.ndarray | None = None,
) -> MarkovChain:
    """Chain on the largest set of cells that are left and entered again.

    Parameters
    ----------
    tracks, cell_of_row, lag_frames, row_weight
        As of `count_transitions`.
    frame_interval
        Hours.

    Raises
    ------
    ValueError
        No track shows such a step, or none between two cells that lie on a round.

    Examples
    --------
    >>> tracks = Tracks.from_arrays(track=[1] * 5, frame=range(5), time=range(5))
    >>> chain = estimate_chain(tracks, np.array([0, 1, 1, 0, 2]), 1, 0.5)
    >>> chain.cells, chain.lost  # cell 2 is never left
    (array([0, 1]), 0.25)
    """
    interval = positive(frame_interval, "frame_interval", "h", "frame_interval=0.5")
    counts = count_transitions(
        tracks, cell_of_row, lag_frames, row_weight=row_weight
    ).toarray()
    kept = connected(counts)
    inner = counts[np.ix_(kept, kept)]
    if kept.size < 2:
        raise ValueError(
            f"only {kept.size} of {len(counts)} cells is left and entered again at a "
            f"lag of {lag_frames} frames; a chain needs 2. Use a shorter lag or fewer "
            "cells."
        )
    transitions = transition_matrix(inner)
    law, residual = stationary_law(transitions)
    return MarkovChain(
        transitions=transitions,
        lag=lag_frames * interval,
        law=law,
        residual=residual,
        counts=inner,
        cells=kept,
        lost=float(1 - inner.sum() / counts.sum()),
    )
