"""Measure cells in three dimensions, one stack in memory at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData

from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.checks import positive
from cellstate._base.errors import MovieError
from cellstate._base.progress import progress
from cellstate._movie import LINEAGE_COLUMNS, Stack
from cellstate.morphology import (
    measure_volume,
    motility,
    motility_table,
    volume_table,
)
from cellstate.pp._assemble import described, identity, lineage_graph
from cellstate.pp._blocks import check_linked, named_labels, naming

CALL = "cs.pp.volume_features(..., pixel_size=0.3, z_step=1.0, frame_interval=0.25)"


def volume_features(
    masks: Stack,
    images: Stack | None = None,
    *,
    lineage: pd.DataFrame,
    pixel_size: float,
    z_step: float,
    frame_interval: float,
    channels: Sequence[str] = ("intensity",),
    name: str = "movie",
    condition: str | None = None,
) -> AnnData:
    """Measure size, axes, surface, harmonics, light and motion of cells in 3-D.

    Parameters
    ----------
    masks
        Integer labels, shape (T, Z, Y, X), 0 for background; a stack is read when
        its turn comes.
    images
        Shape (T, C, Z, Y, X); None measures the masks alone.
    lineage
        Table of `frame, label, track, parent_track` (-1 none), one row per object.
    pixel_size
        Micrometres per voxel along x and y.
    z_step
        Micrometres between planes.
    frame_interval
        Hours between stacks.
    channels
        One name per channel of the images.
    name
        Names the movie in `obs_names`.
    condition
        Written to obs["condition"].

    Returns
    -------
    AnnData
        As `cs.pp.features` gives, one row per cell and frame, with x, y, z in um in
        obsm["spatial"].

    Raises
    ------
    MovieError
        Shapes do not fit together, or lineage and masks name different objects.

    Examples
    --------
    >>> import numpy as np, pandas as pd, cellstate as cs
    >>> masks = np.zeros((2, 8, 20, 20), int)
    >>> masks[:, 2:6, 5:13, 4:12] = 7
    >>> lineage = pd.DataFrame(
    ...     {"frame": [0, 1], "label": 7, "track": 1, "parent_track": -1}
    ... )
    >>> with cs.settings.override(progress=False):
    ...     adata = cs.pp.volume_features(masks, lineage=lineage, pixel_size=0.5,
    ...                                   z_step=1.0, frame_interval=0.25)
    >>> adata.obs_names.tolist(), float(adata[0, "volume"].X[0, 0])
    (['movie:0:7', 'movie:1:7'], 64.0)
    """
    stacks = _Stacks(
        name=name,
        masks=masks,
        images=images,
        lineage=lineage,
        pixel_size=positive(pixel_size, "pixel_size", "um per voxel", CALL),
        z_step=positive(z_step, "z_step", "um between planes", CALL),
        frame_interval=positive(
            frame_interval, "frame_interval", "h between stacks", CALL
        ),
        channels=() if images is None else tuple(channels),
    )
    named, found, rows = named_labels(stacks), [], []
    for frame in progress(range(stacks.n_frames), f"measuring {name}"):
        with naming(name, frame):
            cells = measure_volume(
                None if images is None else np.asarray(images[frame]),
                np.asarray(masks[frame]),
                pixel_size=stacks.pixel_size,
                z_step=stacks.z_step,
                channels=stacks.channels,
            )
        check_linked(name, frame, cells.label, named.get(frame, ()))
        found.append(cells)
        rows.append(np.full(len(cells.label), frame))
    columns = {
        keys.FRAME: np.concatenate(rows),
        keys.LABEL: np.concatenate([cells.label for cells in found]),
        keys.TOUCHES_BORDER: np.concatenate([c.touches_border for c in found]),
        keys.N_COMPONENTS: np.concatenate([c.n_components for c in found]),
    }
    obs = identity(stacks, condition or "", columns)
    obs[keys.MOVIE] = pd.Categorical(obs[keys.MOVIE])
    if condition is None:
        obs = obs.drop(columns=keys.CONDITION)
    table = described((*volume_table(stacks.channels), *motility_table()))
    adata = AnnData(np.full((len(obs), len(table)), np.nan))
    adata.obs, adata.var = obs, table
    adata.obsm[keys.SPATIAL] = np.concatenate([cells.centroid for cells in found])
    shown = store.root(adata)
    adata.uns[keys.ROOT] = {**shown, keys.MOVIES: {name: stacks.about()}}
    tracks = extract.tracks(adata)
    width = len(table) - len(motility_table())
    adata.X[:, :width] = np.concatenate([cells.values for cells in found])
    adata.X[:, width:] = motility(
        adata.obsm[keys.SPATIAL], tracks.time, tracks.previous_row
    )
    adata.obsp[keys.LINEAGE] = lineage_graph(tracks)
    return adata


@dataclass(frozen=True, eq=False, kw_only=True)
class _Stacks:
    """Stacks of one field over time, and what they are in um and hours."""

    name: str
    masks: Stack
    images: Stack | None
    lineage: pd.DataFrame
    pixel_size: float
    z_step: float
    frame_interval: float
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.name or ":" in self.name or "/" in self.name:
            raise MovieError(
                f"`name` is not empty and has no ':' or '/'; found {self.name!r}."
            )
        shape = tuple(self.masks.shape)
        if len(shape) != 4 or shape[0] == 0:
            raise MovieError(
                f"masks have shape (T, Z, Y, X) with at least one frame; found {shape}."
                " One stack is masks[None]; cells in a plane are measured by "
                "cs.pp.features(movie)."
            )
        wanted = (shape[0], len(self.channels), *shape[1:])
        if self.images is not None and tuple(self.images.shape) != wanted:
            raise MovieError(
                f"images have shape {wanted}, (T, C, Z, Y, X) for the channels "
                f"{list(self.channels)}; found {tuple(self.images.shape)}."
            )
        missing = [c for c in LINEAGE_COLUMNS if c not in self.lineage]
        if missing:
            raise MovieError(
                f"a lineage table has columns {list(LINEAGE_COLUMNS)}; found "
                f"{list(self.lineage.columns)}, {missing} missing."
            )

    @property
    def n_frames(self) -> int:
        return int(self.masks.shape[0])

    def about(self) -> dict[str, float | int]:
        """What uns keeps of a movie."""
        return {
            "pixel_size": self.pixel_size,
            "z_step": self.z_step,
            "frame_interval": self.frame_interval,
            "n_frames": self.n_frames,
            "depth": int(self.masks.shape[1]),
            "height": int(self.masks.shape[2]),
            "width": int(self.masks.shape[3]),
        }
