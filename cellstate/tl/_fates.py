"""Which of K states a cell meets first."""

from collections.abc import Mapping

import numpy as np
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import integer
from cellstate.kinetics import (
    FateProbabilities,
    fates_from_tracks,
    fates_from_transitions,
)
from cellstate.tl._core_rules import matching
from cellstate.tl._frames import lag_frames


def fate_probabilities(
    adata: AnnData,
    fates: str | Mapping[str, str],
    *,
    transitions: str | None = None,
    basis: str = keys.STATE_SPACE,
    lag: float | None = None,
    folds: int = 5,
    n_bootstrap: int = 30,
    penalty: float | None = None,
    key_added: str = keys.FATES,
    rng: int | np.random.Generator | None = None,
) -> FateProbabilities:
    """Chance of each fate to be met before all others, and how open the choice is.

    From tracks: one committor per fate in a smooth basis, all with the same folds by
    lineage. With `transitions`: absorption probabilities of that Markov chain between
    cells, one sparse solve.

    Parameters
    ----------
    adata
        ``obsm[basis]`` and tracks, or ``obsp[transitions]``.
    fates
        obs column whose categories are the fates, missing for cells on the way; or an
        expression over obs columns and features for each name:
        ``{"muscle": "macrostate == 'm1'", "fat": "lipid > 3"}``.
    transitions
        Key in obsp of a matrix whose rows add up to 1, of this or another package.
    basis
        Coordinates in obsm.
    lag
        Longest stopped transition (h); one frame when None.
    folds, n_bootstrap, penalty
        As of `cs.tl.committor`; of no use with `transitions`.
    key_added
        Name of the obsm key and of the result.
    rng
        Seed or Generator.

    Returns
    -------
    FateProbabilities
        `probability` also in ``obsm["fate_probabilities"]``, standard errors in
        ``obsm["fate_probabilities_se"]``, `entropy` in bits in
        ``obs["fate_entropy"]``.

    Raises
    ------
    ValueError
        Fewer than two fates, an empty one, cells with two fates, or a fate that no
        track enters.

    Examples
    --------
    >>> import cellstate as cs
    >>> cells = cs.datasets.double_well(n_cells=40, n_frames=200, rng=0)
    >>> fates = cs.tl.fate_probabilities(
    ...     cells, {"left": "x < -1", "right": "x > 1"}, n_bootstrap=0, rng=0)
    >>> fates.names, bool(np.allclose(fates.probability.sum(axis=1), 1))
    (('left', 'right'), True)
    """
    sets = _sets(adata, fates)
    if transitions is not None:
        if transitions not in adata.obsp:
            raise KeyError(
                f"no matrix under adata.obsp[{transitions!r}]; found "
                f"{list(adata.obsp)}. Store one whose rows add up to 1."
            )
        found = fates_from_transitions(adata.obsp[transitions], sets)
        inputs = ()
    else:
        linked, interval = extract.tracks(adata), extract.frame_interval(adata)
        found = fates_from_tracks(
            extract.basis(adata, basis),
            linked,
            sets,
            lag_frames=1 if lag is None else lag_frames(linked, lag, interval),
            folds=integer(folds, "folds", 0),
            n_bootstrap=integer(n_bootstrap, "n_bootstrap", 0),
            penalty=penalty,
            rng=rng,
        )
        inputs = (basis, *keys.TRACKING)
    if isinstance(fates, str):
        inputs = (*inputs, fates)
    store.put(
        adata,
        key_added,
        found,
        per_cell={
            "probability": ("obsm", key_added),
            "standard_error": ("obsm", f"{key_added}_se"),
            "entropy": ("obs", _entropy(key_added)),
        },
        inputs=inputs,
        params={"basis": basis, "lag": lag, "transitions": transitions},
        rng=rng,
    )
    return found


def _entropy(key: str) -> str:
    return keys.FATE_ENTROPY if key == keys.FATES else f"{key}_entropy"


def _sets(adata: AnnData, fates: str | Mapping[str, str]) -> dict[str, np.ndarray]:
    """Mask (n,) of each fate."""
    if isinstance(fates, Mapping):
        return {name: matching(adata, rule, name) for name, rule in fates.items()}
    column = extract.column(adata, fates)
    if not hasattr(column, "cat"):
        column = column.astype("category")
    return {str(c): (column == c).to_numpy(bool) for c in column.cat.categories}
