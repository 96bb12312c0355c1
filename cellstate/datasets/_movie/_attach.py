"""Join measured cells of simulated movies with their truth."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._base.errors import SchemaError, listing
from cellstate.datasets._cells._assemble import attach_truth as write_truth
from cellstate.datasets._cells._truth import TrueCells
from cellstate.datasets._movie._files import SimulatedMovie
from cellstate.datasets._movie._truth import DRIFT, STATE, MovieTruth

PLACE = (keys.MOVIE, keys.FRAME, keys.LABEL)


def attach_truth(
    adata: AnnData, simulated: SimulatedMovie | Sequence[SimulatedMovie]
) -> None:
    """Write the truth of simulated movies beside the cells measured in them.

    Cells are found by movie, frame and label; it does not matter how they were
    linked. Written are the names that `cs.datasets.simulate_tracks` gives too:
    ``obsm["truth_state"]``, ``obsm["truth_drift"]`` (per h), obs `truth_track`,
    `truth_parent_track` and, as far as the law has them, `truth_set`,
    `truth_committor`, `truth_committor_backward`, `truth_event`,
    `truth_commitment_time` (h), `condition`; the law for `cs.get.truth`.

    Parameters
    ----------
    adata
        Of `cs.pp.features`; changed in place. Cells of other movies have no truth:
        -1, NaN or missing.
    simulated
        One movie, or several under the same law.

    Raises
    ------
    SchemaError
        The cells have no movie, frame or label.
    ValueError
        No cell is of these movies, or the movies have different laws.

    Examples
    --------
    >>> import cellstate as cs
    >>> from cellstate.datasets._movie import simulate_movie
    >>> with cs.settings.override(progress=False):
    ...     film = simulate_movie(n_cells=6, n_frames=3, shape=(128, 128), rng=0)
    ...     cells = cs.pp.features(film.movie)
    >>> attach_truth(cells, film)
    >>> cells.obsm["truth_state"].shape == (cells.n_obs, 2)
    True
    """
    films = [simulated] if isinstance(simulated, SimulatedMovie) else list(simulated)
    missing = [c for c in PLACE if c not in adata.obs]
    if missing:
        raise SchemaError(
            [
                f"obs[{c!r}] is missing; start from cs.pp.features(movie)."
                for c in missing
            ]
        )
    truths = [film.truth for film in films]
    _check_one_law(truths)
    table = pd.concat(
        [t.cells.assign(**{keys.MOVIE: t.movie}) for t in truths], ignore_index=True
    )
    cell = _found(adata, table)
    if not (cell >= 0).any():
        raise ValueError(
            f"no cell is of the simulated movies {listing(t.movie for t in truths)}; "
            f"found movies {listing(adata.obs[keys.MOVIE].unique())}. Give the movies "
            "that the cells were measured in."
        )
    law = truths[0].law
    events = pd.concat([t.law.events for t in truths], ignore_index=True)
    true = TrueCells(
        rows=_columns(table),
        state=np.concatenate([t.columns(STATE) for t in truths]),
        drift=np.concatenate([t.columns(DRIFT) for t in truths]),
        condition=table[keys.CONDITION].to_numpy(object),
        events=events,
    )
    write_truth(adata, true, cell, replace(law, events=events))
    if keys.CONDITION not in adata.obs:
        shown = np.where(cell >= 0, true.condition[cell], None)
        adata.obs[keys.CONDITION] = pd.Categorical(shown)


def _columns(table: pd.DataFrame) -> pd.DataFrame:
    """The columns of truth; texts as categories, which may be missing."""
    rows = table[[c for c in table if c.startswith("truth_")]].copy()
    for name, column in rows.items():
        if not pd.api.types.is_numeric_dtype(column):
            rows[name] = pd.Categorical(column)
    return rows


def _found(adata: AnnData, table: pd.DataFrame) -> np.ndarray:
    """Row of the table for each cell, -1 for none."""
    columns = list(PLACE)
    place = table[columns].astype({keys.MOVIE: str})
    asked = adata.obs[columns].astype({keys.MOVIE: str})
    index = pd.MultiIndex.from_frame(place)
    return index.get_indexer(pd.MultiIndex.from_frame(asked))


def _check_one_law(truths: list[MovieTruth]) -> None:
    if not truths:
        raise ValueError("give at least one simulated movie; found none.")
    laws = [f"{t.law.system} {t.law.parameters}" for t in truths]
    if len(set(laws)) > 1:
        raise ValueError(
            f"cells joined in one table follow one law; found {len(set(laws))} among "
            f"{len(laws)} movies: {listing({t.law.system for t in truths})}, or other "
            "parameters. Attach them to tables of their own."
        )
