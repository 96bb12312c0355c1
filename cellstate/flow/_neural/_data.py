"""What is given to a neural fit, checked; what is held out; units of the networks."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cellstate._base.checks import matrix
from cellstate.flow._neural._given import Births, Bridges
from cellstate.flow._neural._stored import Frame
from cellstate.flow._weak import Snapshots
from cellstate.sde import Steps

FEW = 30  # lineages below which stretches of tracks are held out instead
STRETCHES = 60  # of all steps, when they are


@dataclass(frozen=True, eq=False)
class Data:
    """Checked input: states, times, steps, bridges, births, noise, snapshots."""

    x: np.ndarray
    time: np.ndarray
    steps: Steps | None
    bridges: Bridges | None
    births: Births | None
    noise: np.ndarray | None
    snapshots: Snapshots | None = None

    @property
    def states(self) -> np.ndarray:
        """States that are fitted, (n, d)."""
        found = [] if self.steps is None else [self.x[self.steps.first]]
        if self.bridges is not None:
            found += [self.bridges.x0, self.bridges.x1]
        return np.concatenate(found)

    @property
    def times(self) -> np.ndarray:
        """Times of these states, (n,)."""
        found = [] if self.steps is None else [self.time[self.steps.first]]
        if self.bridges is not None:
            found += [self.bridges.t0, self.bridges.t1]
        return np.concatenate(found)


def checked_data(
    x: ArrayLike | None,
    time: ArrayLike | None,
    steps: Steps | None,
    bridges: Bridges | None,
    snapshots: Snapshots | None,
    births: Births | None,
    noise: ArrayLike | None,
) -> Data:
    """Check what was given to `fit_neural`."""
    if steps is None and bridges is None:
        raise ValueError(
            "a neural fit needs steps along tracks, bridges between coupled cells, or "
            "both; found neither. Give steps=cellstate.sde.track_steps(x, tracks)."
        )
    if steps is not None:
        x, steps = matrix(x, "x"), _checked_steps(steps)
        time = np.zeros(len(x)) if time is None else np.asarray(time, dtype=float)
    if bridges is not None:
        bridges = _checked_bridges(bridges)
    data = Data(x, time, steps, bridges, births, noise, snapshots)
    d = data.states.shape[1]
    if noise is not None:
        noise = np.asarray(noise, dtype=float)
        if noise.shape != (d, d):
            raise ValueError(
                f"`noise` is a covariance of shape ({d}, {d}); found {noise.shape}."
            )
        data = replace(data, noise=noise if noise.any() else None)
    if not np.isfinite(data.states).all():
        lost = int((~np.isfinite(data.states).all(axis=1)).sum())
        raise ValueError(
            f"states must be finite; {lost} of {len(data.states)} are not. Leave "
            "those cells out, as cellstate.sde.track_steps does."
        )
    return data


def held_out_units(steps: Steps) -> tuple[np.ndarray, str]:
    """Code of what each step is held out with, and what these are."""
    names, unit = np.unique(steps.group, return_inverse=True)
    if names.size >= FEW:
        return unit, "lineages"
    order = np.lexsort((steps.first, unit))
    stretch = np.empty(steps.size, dtype=np.int64)
    stretch[order] = np.arange(steps.size) * STRETCHES // steps.size
    _, unit = np.unique(unit * STRETCHES + stretch, return_inverse=True)
    return unit, "stretches of tracks"


def draw_held_out(
    unit: np.ndarray, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Hold out whole units until they have a share of the rows; boolean (n,)."""
    _, code, size = np.unique(unit, return_inverse=True, return_counts=True)
    if size.size < 3:
        raise ValueError(
            f"holding out needs at least 3 lineages, stretches or pairs; found "
            f"{size.size}. Fit with method='regression' instead."
        )
    order = rng.permutation(size.size)
    before = np.cumsum(size[order]) - size[order]
    chosen = np.zeros(size.size, dtype=bool)
    chosen[order] = before < share * unit.size
    chosen[order[:2]], chosen[order[-1]] = True, False
    return chosen[code]


def make_frame(
    base: Any,
    data: Data,
    mobility: ArrayLike | None,
    symmetry: np.ndarray | None,
    fixed_point: ArrayLike | None,
    *,
    time_dependent: bool,
) -> Frame:
    """Units from the spread of the states and the speed of the base."""
    x, t = data.states, data.times
    some = np.linspace(0, len(x) - 1, min(len(x), 2000)).astype(int)
    d, scale = x.shape[1], x.std(axis=0)
    if not (scale > 0).all():
        raise ValueError(
            f"coordinates {np.flatnonzero(scale == 0).tolist()} are the same in every "
            "state; leave them out."
        )
    diffusion = np.asarray(base.diffusion(x[some], t[some])).mean(axis=0)
    _check_diffusion(diffusion)
    drift = np.asarray(base.drift(x[some], t[some]))
    # The drift that holds diffusion within the spread, and that of the base.
    speed = np.sqrt((np.diag(diffusion) / scale) ** 2 + (drift**2).mean(axis=0))
    if mobility is None:
        mobility = getattr(base, "mobility", None)
    if mobility is None:
        mobility = diffusion * d / np.trace(diffusion)
    mobility = np.asarray(mobility, dtype=float)
    return Frame(
        center=x.mean(axis=0),
        scale=scale,
        speed=speed,
        mobility=mobility,
        energy=float((speed * scale / np.diag(mobility)).mean()),
        rate=1.0 if data.births is None else data.births.rate,
        fixed_point=np.zeros(d) if fixed_point is None else np.asarray(fixed_point),
        time_center=float(t.mean()),
        time_scale=_time_scale(t) if time_dependent else None,
        group=None if symmetry is None else checked_group(symmetry, d),
    )


def checked_group(symmetry: ArrayLike, d: int) -> np.ndarray:
    """Orthogonal matrices whose products are among them, (g, d, d)."""
    group = np.asarray(symmetry, dtype=float)
    if group.ndim != 3 or group.shape[1:] != (d, d):
        raise ValueError(
            f"`symmetry` holds matrices, shape (g, {d}, {d}); found {group.shape}."
        )
    if not np.allclose(group @ group.transpose(0, 2, 1), np.eye(d)):
        raise ValueError("the matrices of a `symmetry` are orthogonal; found others.")
    products = (group[:, None] @ group[None]).reshape(-1, 1, d, d)
    gaps = np.abs(products - group[None]).max(axis=(2, 3)).min(axis=1)
    if gaps.max() > 1e-8:
        raise ValueError(
            "`symmetry` must be a whole group: "
            f"{int((gaps > 1e-8).sum())} products of two of its {len(group)} matrices "
            "are not among them. Add what is missing, the identity included."
        )
    return group


def _check_diffusion(diffusion: np.ndarray) -> None:
    if not np.isfinite(diffusion).all() or np.linalg.eigvalsh(diffusion)[0] <= 0:
        raise ValueError(
            "the base's diffusion is not a finite, positive matrix; networks need one "
            "to weigh steps and bridges. Give it to the regression (diffusion=...)."
        )


def _time_scale(t: np.ndarray) -> float:
    if not t.std() > 0:
        raise ValueError(
            "time_dependent=True needs states of several times; all are at "
            f"{t[0]:g} h. Give time=, or leave it out."
        )
    return float(t.std())


def _checked_steps(steps: Steps) -> Steps:
    if steps.size < 2 or not (steps.dt > 0).all():
        raise ValueError(
            f"steps need hours above 0; found {steps.size} steps, "
            f"{int((steps.dt <= 0).sum())} of them without. Check the times."
        )
    return steps


def _checked_bridges(bridges: Bridges) -> Bridges:
    found = Bridges(
        matrix(bridges.x0, "x0"),
        matrix(bridges.x1, "x1"),
        *(np.asarray(v, dtype=float) for v in (bridges.t0, bridges.t1, bridges.weight)),
    )
    if not (found.t1 > found.t0).all() or not (found.weight >= 0).all():
        raise ValueError("bridges go forward in time and have weights of at least 0.")
    return found
