"""Objects and tracks of a tracker's file -> AnnData, the same for every format."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _keys as keys
from cellstate._adata import _store
from cellstate._base.errors import MovieError, SchemaError, listing
from cellstate.io._tables import free_name, read_table

IDENTITY = (keys.FRAME, keys.TIME, keys.LABEL, keys.TRACK, keys.PARENT_TRACK)


def tracked(
    obs: pd.DataFrame,
    features: pd.DataFrame,
    units: Mapping[str, str],
    position: np.ndarray | None,
    *,
    family: str,
    name: str,
    stated: Mapping[str, float | int | str],
) -> AnnData:
    """Make the AnnData of tracked objects, as `read_table` gives it.

    Parameters
    ----------
    obs
        frame, time (h), label, track, parent_track; further columns are kept.
    features, units
        Numbers, one column each, and their units by name.
    position
        x, y or x, y, z in um, shape (n, 2 or 3); None when there is none.
    family
        Where the features come from.
    name
        Of the movie.
    stated
        What is known about the movie: `pixel_size`, `frame_interval`, ...
    """
    if obs.empty:
        raise MovieError(
            f"a movie has at least one tracked object; found none in {name!r}. Export "
            "the tracks again."
        )
    if position is not None:
        _check_finite(position, "positions", name)
    _check_finite(obs[keys.TIME].to_numpy(float)[:, None], "times", name)
    adata = read_table(
        obs[list(IDENTITY)],
        columns={key: key for key in IDENTITY},
        units={keys.TIME: "h"},
        name=name,
    )
    made = AnnData(
        features.to_numpy(dtype=np.float64),
        obs=adata.obs,
        var=pd.DataFrame(
            {
                keys.FAMILY: np.full(features.shape[1], family, dtype=object),
                keys.UNIT: [units[c] for c in features],
            },
            index=pd.Index([str(c) for c in features], dtype=object),
        ),
        obsp=dict(adata.obsp),
        uns=adata.uns,
    )
    for column in obs.columns.difference(IDENTITY, sort=False):
        made.obs[free_name(str(column), made.obs)] = obs[column].array
    if position is not None:
        made.obsm[keys.SPATIAL] = np.ascontiguousarray(position, dtype=np.float64)
    movie = made.obs[keys.MOVIE].iloc[0]
    about = _store.root(made)[keys.MOVIES][movie]
    about.update({k: v for k, v in stated.items() if k != "n_frames"})
    about["n_frames"] = max(about["n_frames"], int(stated.get("n_frames", 0)))
    return made


def named(path: Path, name: str | None) -> str:
    """Return the movie's name: the one given, or the file's without its ending."""
    return path.stem if name is None else name


def flat_or_deep(position: np.ndarray) -> np.ndarray:
    """Drop z where all objects lie in one plane."""
    z = position[:, 2]
    return position[:, :2] if (z == z[:1]).all() or np.isnan(z).all() else position


def _check_finite(values: np.ndarray, what: str, name: str) -> None:
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        raise SchemaError(
            [
                f"{what} are finite numbers; found {int(broken.sum())} of "
                f"{len(values)} of {name!r} that are none, in rows "
                f"{listing(np.flatnonzero(broken), 3)}. Mend or drop these objects."
            ]
        )
