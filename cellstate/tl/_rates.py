"""Rates of an AnnData."""

import numpy as np
from anndata import AnnData

from cellstate import get
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import fraction, integer
from cellstate.kinetics import Rates, estimate_rates
from cellstate.tl._states import masks


def rates(
    adata: AnnData,
    *,
    key: str = keys.COMMITTOR_RESULT,
    n_bootstrap: int = 1000,
    level: float = 0.95,
    key_added: str = keys.RATES,
    rng: int | np.random.Generator | None = None,
) -> Rates:
    """Transitions between source and target per hour, with intervals by lineage.

    Parameters
    ----------
    adata
        With a committor without horizon stored under `key`.
    n_bootstrap, level
        Lineages drawn with replacement, and coverage of the intervals.
    key_added
        Name under ``uns["cellstate"]``.
    rng
        Seed or Generator.

    Returns
    -------
    Rates
        k_AB, k_BA and nu in 1/h, passage times in h, events and exposure.

    Raises
    ------
    ValueError
        The committor has a horizon, so it has no past.
    """
    level = fraction(level, "level")
    n_bootstrap = integer(n_bootstrap, "n_bootstrap", 1)
    fitted = get.committor(adata, key)
    if np.isfinite(fitted.horizon) or not fitted.source:
        raise ValueError(
            f"rates need a committor between two states without a horizon; found "
            f"source={fitted.source!r}, horizon={fitted.horizon:g} h under {key!r}. "
            "Run cs.tl.committor(adata, 'A', 'B')."
        )
    in_a, in_b, _, _ = masks(adata, fitted.source, fitted.target)
    result = estimate_rates(
        extract.tracks(adata),
        in_a,
        in_b,
        np.asarray(fitted.forward),
        np.asarray(fitted.backward),
        frame_interval=extract.frame_interval(adata),
        names=(fitted.source, fitted.target),
        n_bootstrap=n_bootstrap,
        level=level,
        rng=rng,
    )
    store.put(
        adata,
        key_added,
        result,
        inputs=(key, keys.STATE, *keys.TRACKING),
        params={"committor": key},
        rng=rng,
    )
    return result
