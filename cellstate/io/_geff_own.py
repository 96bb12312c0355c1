"""What `write_geff` wrote -> the AnnData as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._base.errors import LineageError, MovieError, listing
from cellstate.io._geff_axes import Axes
from cellstate.io._objects import tracked
from cellstate.io._tables import UNKNOWN

# What `write_geff` keeps beside the graph, under this name in its metadata.
OWN = "cellstate"
IDENTITY = (keys.FRAME, keys.LABEL, keys.TRACK, keys.PARENT_TRACK)


def restored(
    own: dict[str, Any],
    props: dict[str, np.ndarray],
    metadata: Any,
    axes: Axes,
    links: np.ndarray,
    path: Path,
    name: str | None,
) -> AnnData:
    """Restore rows, features and obs by what stands under `OWN`.

    Raises
    ------
    MovieError
        A property that is named there is missing.
    LineageError
        Edges and tracks do not agree.
    """
    try:
        obs = pd.DataFrame({k: props[k] for k in IDENTITY})
        obs[keys.TIME] = axes.time
        features = [(str(i), str(n), str(f)) for i, n, f in own["features"]]
        values = pd.DataFrame(
            {i: props[i] for i, _, _ in features}, index=range(len(obs))
        )
        for identifier, column, categories in own["obs"]:
            stored = props[str(identifier)]
            obs[str(column)] = (
                stored
                if categories is None
                else pd.Categorical(stored, categories=[str(c) for c in categories])
            )
        stated = {k: v for k, v in dict(own["movie"]).items() if _is_number(v)}
        n_frames, stored_name = int(own["movie"]["n_frames"]), str(own["name"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MovieError(
            f"'{path}' says that cellstate wrote it, but what it names is not there: "
            f"{type(error).__name__}: {error}. Write it again with cs.io.write_geff."
        ) from error
    _check_links(obs, links, path)
    units = {i: metadata.node_props_metadata[i].unit or UNKNOWN for i in values}
    adata = tracked(
        obs,
        values,
        units,
        axes.position,
        family=OWN,
        name=stored_name if name is None else name,
        stated={**stated, "n_frames": n_frames},
    )
    adata.var_names = [n for _, n, _ in features]
    adata.var[keys.FAMILY] = [f for _, _, f in features]
    return adata


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_links(obs: pd.DataFrame, links: np.ndarray, path: Path) -> None:
    """Refuse a file whose edges were changed and whose tracks were not."""
    track, parent = (
        obs[c].to_numpy(dtype=float) for c in (keys.TRACK, keys.PARENT_TRACK)
    )
    before, after = links[:, 0], links[:, 1]
    good = (track[before] == track[after]) | (track[before] == parent[after])
    n_expected = len(obs) - obs[keys.TRACK].nunique()
    within = int((track[before] == track[after]).sum())
    if not good.all() or within != n_expected:
        pairs = obs.iloc[before[~good]][keys.TRACK].tolist()
        raise LineageError(
            f"edges join rows of a track, or a mother to her daughter; found "
            f"{int((~good).sum())} of {len(links)} in '{path}' that do not, from "
            f"tracks {listing(pairs)}, and {within} within tracks instead of "
            f"{n_expected}. Write it again with cs.io.write_geff."
        )
