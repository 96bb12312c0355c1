"""Couplings beside the cells: plans in obsp, so that they follow the rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy.sparse import coo_matrix, csr_matrix

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import StaleResultError
from cellstate._base.results import Result
from cellstate.transport import Couplings

NONE = np.zeros(0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Relatives(Result):
    """Where the descendants or the ancestors of some cells are.

    Attributes
    ----------
    share
        Of each cell at `time`, sum 1; 0 at other times, shape (n,).
    relation
        "descendants" or "ancestors".
    cell_time, time
        Of the cells and of their relatives (h).
    n_cells
        Cells that were asked for.
    n_effective
        exp of the entropy of `share`: as many cells hold most of it.
    coupling
        Key of the couplings.
    """

    kind: ClassVar[str] = "relatives"
    share: np.ndarray
    relation: str
    cell_time: float
    time: float
    n_cells: int
    n_effective: float
    coupling: str


def snapshot_times(adata: AnnData, name: str) -> np.ndarray:
    """Return an obs column as hours, shape (n,)."""
    column = extract.column(adata, name)
    values = column.astype(column.cat.categories.dtype) if _coded(column) else column
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(
            f"adata.obs[{name!r}] must hold hours as numbers; found {values.dtype}, "
            f"{values.iloc[0]!r} first. Convert it: a timedelta by "
            ".dt.total_seconds() / 3600, days by multiplying with 24."
        )
    return values.to_numpy(dtype=float, na_value=np.nan)


def _coded(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def put_couplings(
    adata: AnnData,
    key: str,
    result: Couplings,
    *,
    time: str,
    inputs: tuple[str, ...],
    params: Mapping[str, Any],
    rng: int | np.random.Generator | None,
) -> None:
    """Write plans to obsp, growth and weights to obs, the rest under `key`."""
    n = len(result.time_index)
    pairs = (result.source, result.target)
    store.put(
        adata,
        key,
        replace(result, source=NONE, target=NONE, mass=NONE, time_index=NONE),
        per_cell={
            "growth": ("obs", f"{key}_growth"),
            "weight": ("obs", f"{key}_weight"),
        },
        inputs=(time, *inputs),
        params={**params, "time": time},
        rng=rng,
    )
    adata.obsp[key] = csr_matrix((result.mass, pairs), shape=(n, n))


def read_couplings(adata: AnnData, key: str) -> Couplings:
    """Read couplings back; refuse plans that are gone or no longer theirs."""
    call = "cs.tl.couple(adata)"
    if key != keys.COUPLING:
        call = f"cs.tl.couple(adata, key_added={key!r})"
    stored = store.read(adata, key, Couplings, call)
    if key not in adata.obsp:
        raise StaleResultError(
            f"{key!r} keeps its plans in adata.obsp[{key!r}], which is gone; found "
            f"{list(adata.obsp)}. Run {call} again."
        )
    time = snapshot_times(adata, adata.uns[keys.ROOT][key]["params"]["time"])
    index = np.where(stored.weight > 0, np.searchsorted(stored.times, time), -1)
    result = _with_pairs(replace(stored, time_index=index), adata.obsp[key])
    if not np.allclose(result.implied_growth(), result.growth, equal_nan=True):
        raise StaleResultError(
            f"adata.obsp[{key!r}] no longer holds the plans stored under {key!r}: it "
            f"implies other growth rates. Run {call} again."
        )
    return result


def _with_pairs(stored: Couplings, plans: csr_matrix) -> Couplings:
    plans = coo_matrix(plans)
    interval = stored.time_index[plans.row]
    order = np.lexsort((plans.col, plans.row, interval))
    return replace(
        stored,
        source=plans.row[order].astype(np.int64),
        target=plans.col[order].astype(np.int64),
        mass=plans.data[order],
        offsets=np.searchsorted(interval[order], np.arange(len(stored) + 1)),
    )
