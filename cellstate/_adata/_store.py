"""Store results beside the cells they came from; refuse them when those changed."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from anndata import AnnData
from pandas.util import hash_array
from scipy.sparse import issparse

from cellstate._adata import _keys as keys
from cellstate._base.errors import StaleResultError
from cellstate._base.random import seed_of
from cellstate._base.results import Result

R = TypeVar("R", bound=Result)

# Where a result keeps its one-value-per-cell fields: field -> (place, key).
PerCell = Mapping[str, tuple[str, str]]


def root(adata: AnnData) -> dict[str, Any]:
    """Return ``uns["cellstate"]``, made with units when it is not there."""
    if keys.ROOT not in adata.uns:
        adata.uns[keys.ROOT] = {
            keys.VERSION: keys.SCHEMA_VERSION,
            keys.TIME_UNIT: "h",
            keys.LENGTH_UNIT: "um",
        }
    return adata.uns[keys.ROOT]


def put(
    adata: AnnData,
    key: str,
    result: Result,
    *,
    per_cell: PerCell | None = None,
    inputs: tuple[str, ...] = (),
    params: Mapping[str, Any] | None = None,
    rng: int | np.random.Generator | None = None,
) -> None:
    """Write a result: per-cell fields to obs or obsm, the rest under its key.

    Parameters
    ----------
    adata
        Is changed in place.
    key
        Name under ``uns["cellstate"]``.
    result
        What `tl` computed.
    per_cell
        Fields with one value per cell and where they go.
    inputs
        obs columns and obsm keys the result depends on; when one of them changes
        the result becomes stale.
    params, rng
        Written beside it.
    """
    if key in keys.RESERVED or "/" in key:
        raise ValueError(
            f"key_added={key!r} is reserved or holds '/'; choose another name."
        )
    per_cell = dict(per_cell or {})
    content = result.to_dict()
    for field, (place, name) in per_cell.items():
        if field in content:
            getattr(adata, place)[name] = content.pop(field)
    # Reassigned whole: a view of an AnnData copies itself only on such a write.
    adata.uns[keys.ROOT] = {
        **root(adata),
        key: {
            **content,
            "params": {k: v for k, v in dict(params or {}).items() if v is not None},
            "per_cell": {f: f"{place}:{name}" for f, (place, name) in per_cell.items()},
            # What was written per cell is watched too: it is read back as the result.
            "inputs": {
                name: fingerprint(adata, name)
                for name in (*inputs, *(name for _, name in per_cell.values()))
            },
            "cells": fingerprint(adata),
            "version": version("cellstate"),
            "seed": seed_of(rng),
        },
    }


def read(adata: AnnData, key: str, kind: type[R], call: str) -> R:
    """Read a result back; `call` is what makes it when it is missing.

    Raises
    ------
    KeyError
        Nothing of that kind is stored under `key`.
    StaleResultError
        The cells, or an input of the result, changed since.
    """
    stored = adata.uns.get(keys.ROOT, {})
    if key not in stored or stored[key].get("kind") != kind.kind:
        have = [
            k
            for k, v in stored.items()
            if isinstance(v, Mapping) and v.get("kind") == kind.kind
        ]
        raise KeyError(
            f"no {kind.kind} under adata.uns['{keys.ROOT}'][{key!r}]; found {have}. "
            f"Run {call}."
        )
    content = dict(stored[key])
    for field, where in content["per_cell"].items():
        place, name = where.split(":", 1)
        if name not in getattr(adata, place):
            raise StaleResultError(
                f"{key!r} keeps its {field!r} in adata.{place}[{name!r}], which is "
                f"gone; found {list(getattr(adata, place))}. Run {call} again."
            )
        content[field] = np.asarray(getattr(adata, place)[name])
    _reject_stale(adata, key, content, call)
    return kind.from_dict(content)


def _reject_stale(
    adata: AnnData, key: str, content: Mapping[str, Any], call: str
) -> None:
    now = fingerprint(adata)
    if now != content["cells"]:
        raise StaleResultError(
            f"{key!r} was computed from other cells: fingerprint {content['cells']} "
            f"then, {now} now ({adata.n_obs} cells). Run {call} again on these cells."
        )
    for name, then in content["inputs"].items():
        now = fingerprint(adata, name)
        if now != then:
            raise StaleResultError(
                f"{key!r} was computed from another {name!r}: fingerprint {then} then, "
                f"{now} now. Run {call} again."
            )


def fingerprint(adata: AnnData, name: str | None = None) -> str:
    """Hash the cells, or one obs column or obsm array of them, in any order of rows.

    Examples
    --------
    >>> import numpy as np
    >>> adata = AnnData(np.zeros((3, 1)))
    >>> fingerprint(adata) == fingerprint(adata[[2, 0, 1]])
    True
    """
    rows = hash_array(np.asarray(adata.obs_names, dtype=object))
    if name is not None:
        rows = rows ^ (_content(adata, name) * np.uint64(0x9E3779B97F4A7C15))
    total = int(np.sum(_mixed(rows), dtype=np.uint64))
    return f"{total:016x}"


def _content(adata: AnnData, name: str) -> np.ndarray:
    if name in adata.obsm:
        stored = adata.obsm[name]
        stored = stored.toarray() if issparse(stored) else stored
        values = np.ascontiguousarray(stored, dtype=float)
    elif name in adata.obs:
        column = adata.obs[name]
        if not pd.api.types.is_numeric_dtype(column):
            return hash_array(np.asarray(column.astype(str), dtype=object))
        values = column.to_numpy(dtype=float)[:, None]
    else:
        return np.zeros(adata.n_obs, dtype=np.uint64)
    hashed = np.zeros(adata.n_obs, dtype=np.uint64)
    for column in values.T:
        hashed = _mixed(
            hashed * np.uint64(31) + hash_array(np.ascontiguousarray(column))
        )
    return hashed


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread bits, so that a sum over rows tells sets of rows apart."""
    values = (values ^ (values >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
    return values ^ (values >> np.uint64(27))
