"""What is known exactly about a simulated movie."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cellstate._adata._truth import Truth
from cellstate._base.results import Result
from cellstate.datasets._cells._population import Population
from cellstate.datasets._cells._truth import TrueCells
from cellstate.datasets._movie._appearance import Appearance
from cellstate.datasets._movie._motion import Paths
from cellstate.datasets._movie._render import Cast
from cellstate.datasets._movie._shape import ORDERS, amplitudes, profile

STATE, DRIFT = "state_", "drift_"


@dataclass(frozen=True, eq=False, kw_only=True)
class MovieTruth(Result):
    """The truth of a movie at every level.

    Lengths are in um, times in h, angles in rad from x (to the right) towards y
    (down). Places are those of the picture, the first pixel's centre at (0, 0).

    Attributes
    ----------
    scene
        Name of the preset or scene.
    movie
        Name of the movie.
    pixel_size
        um per pixel.
    law
        Hidden law, exact rates, and the events of every cell that is ever seen.
    cells
        One row per mask in a frame, sorted by frame and label: `frame`, `label`;
        `truth_track`, `truth_parent_track`, the cell herself, and as far as the law
        has them `truth_set`, `truth_committor`, `truth_committor_backward`,
        `truth_event`, `truth_commitment_time`; `state_<axis>`, `drift_<axis>` (per
        h); `condition`; `x`, `y` (centroid), `area`, `radius`, `a_1` ... `a_6`,
        `psi_1` ... `psi_6`, `intensity` (photons per pixel), `light` (photons in
        all), `texture_length`, `axis`, `dipole` (signed, along the axis), `cycle`
        (0 at birth, 1 at division, NaN without), `body` (area by growth and division
        alone, in areas of a newborn cell), `dying` (0 to 1), `pixels` of the mask,
        `whole` (not cut by the edge of the field).
    tracks
        One row per visible track (= label): `track`, `parent_track`, `true_track`,
        `first_frame`, `last_frame`, `ending` ("division", "death", "left",
        "end_of_movie"); a cell that comes back has several.
    shift
        How far the picture has moved by each frame, shape (T, 2) as x, y.
    """

    kind: ClassVar[str] = "movie_truth"
    scene: str
    movie: str
    pixel_size: float
    law: Truth
    cells: pd.DataFrame
    tracks: pd.DataFrame
    shift: np.ndarray

    def columns(self, start: str) -> np.ndarray:
        """Columns ``<start><axis>`` of `cells`, shape (n, d)."""
        return self.cells[[start + axis for axis in self.law.axes]].to_numpy(float)


def cell_table(
    cells: Population,
    true: TrueCells,
    shown: Appearance,
    ways: Paths,
    cast: Cast,
    label: np.ndarray,
    pixels: np.ndarray,
) -> pd.DataFrame:
    """Table `MovieTruth.cells`: one row per mask in a frame."""
    seen = np.flatnonzero(label > 0)
    seen = seen[np.lexsort((label[seen], cells.frame[seen]))]
    size, photons = cast.pixel_size, cast.optics.photons
    columns = {"frame": cells.frame, "label": label}
    columns |= {name: true.rows[name].array for name in true.rows}
    for number, axis in enumerate(cells.system.axes):
        columns[STATE + axis] = true.state[:, number]
    for number, axis in enumerate(cells.system.axes):
        columns[DRIFT + axis] = true.drift[:, number]
    a, psi = amplitudes(cast.modes)
    columns |= {
        "condition": true.condition,
        "x": cast.x * size,
        "y": cast.y * size,
        "area": shown.area,
        "radius": shown.radius,
        **{f"a_{k}": a[:, k - 1] for k in ORDERS},
        **{f"psi_{k}": psi[:, k - 1] for k in ORDERS},
        "intensity": shown.intensity * photons,
        "light": cast.light * photons,
        "texture_length": shown.texture_length,
        "axis": ways.axis,
        "dipole": shown.dipole,
        "cycle": cells.cycle,
        "body": shown.body,
        "dying": shown.dying,
        "pixels": pixels,
        "whole": _whole(cast),
    }
    return pd.DataFrame({k: v[seen] for k, v in columns.items()})


def _whole(cast: Cast) -> np.ndarray:
    """Cells whose whole contour lies in the field, (n,)."""
    reach = cast.radius * profile(cast.modes).max(axis=1)
    height, width = cast.shape
    return (
        (cast.x - reach > -0.5)
        & (cast.y - reach > -0.5)
        & (cast.x + reach < width - 0.5)
        & (cast.y + reach < height - 0.5)
    )
