"""Read the truth of simulated cells."""

from collections.abc import Mapping

from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata._truth import Truth


def truth(adata: AnnData) -> Truth:
    """Law, exact rates and true events of simulated cells; holds for any subset.

    Raises
    ------
    KeyError
        The cells were not simulated, or lost their ``uns``.

    Examples
    --------
    >>> import numpy as np
    >>> truth(AnnData(np.zeros((1, 1))))
    Traceback (most recent call last):
    KeyError: "no truth under adata.uns['cellstate']['truth']; found []. Only ..."
    """
    stored = adata.uns.get(keys.ROOT, {})
    found = stored.get(keys.TRUTH)
    if not isinstance(found, Mapping) or found.get("kind") != Truth.kind:
        raise KeyError(
            f"no truth under adata.uns['{keys.ROOT}']['{keys.TRUTH}']; found "
            f"{sorted(stored)}. Only simulated cells carry one: "
            "cs.datasets.double_well(), cs.datasets.simulate_tracks(law)."
        )
    return Truth.from_dict(found)
