"""What each simulated cell truly did, and the exact rates of its law."""

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from cellstate._adata import _keys as keys
from cellstate._adata._truth import EVENT_COLUMNS, Truth
from cellstate.datasets._cells._events import (
    THRESHOLD,
    arrivals,
    check_threshold,
    choices,
    first_rows,
)
from cellstate.datasets._cells._population import Population, has_committor, has_sets
from cellstate.systems._diffusion import Diffusion
from cellstate.systems._regions import Ball, Box, HalfSpace, Region, Union

TREATED, CONTROL = "treated", "control"
SETS = np.array([keys.OTHER_STATE, keys.SOURCE_STATE, keys.TARGET_STATE], dtype=object)


@dataclass(frozen=True, eq=False, kw_only=True)
class TrueCells:
    """The truth of a population, row by row and track by track.

    Attributes
    ----------
    rows
        In the order of the population's rows: `truth_track`, `truth_parent_track`,
        and where the law has them `truth_set`, `truth_committor`,
        `truth_committor_backward`, `truth_event`, `truth_commitment_time` (h).
    state, drift
        Hidden states (n, d), and their drift per hour (n, d).
    condition
        "treated" or "control", shape (n,).
    events
        One row per track, in the order of the track numbers: `track`,
        `parent_track`, `event`, `commitment_time`, `target_time` (h), `came_from`
        (the set met last before B: A, B or unknown), `ending`, `condition`.
    """

    rows: pd.DataFrame
    state: np.ndarray
    drift: np.ndarray
    condition: np.ndarray
    events: pd.DataFrame


def true_cells(population: Population, *, threshold: float = THRESHOLD) -> TrueCells:
    """Tell the truth of every cell in every frame.

    Parameters
    ----------
    population
        What `grow` made.
    threshold
        c, between 0.5 and 1.

    Examples
    --------
    >>> from cellstate.datasets._cells._grow import grow
    >>> from cellstate.systems._laws._wells import DoubleWell
    >>> cells = grow(DoubleWell(), n_cells=1, n_frames=2, frame_interval=0.02,
    ...              start=[[-0.5]], rng=0)
    >>> round(float(true_cells(cells).rows["truth_committor"][0]), 4)
    0.0706
    """
    check_threshold(threshold)
    system, state, track = population.system, population.state, population.track
    time = population.frame * population.frame_interval
    law_time = time / population.time_unit
    condition = np.where(population.control, CONTROL, TREATED).astype(object)
    first = first_rows(track)
    rows: dict[str, Any] = {
        keys.TRUTH_TRACK: track,
        keys.TRUTH_PARENT_TRACK: population.parent_track,
    }
    events = {
        "track": track[first],
        "parent_track": population.parent_track[first],
        "ending": population.ending.astype(object),
        "condition": condition[first],
    }
    if has_sets(system):
        inside = 1 * system.source.contains(state) + 2 * system.target.contains(state)
        rows[keys.TRUTH_SET] = pd.Categorical(SETS[inside], SETS[[1, 2, 0]])
        rows[keys.TRUTH_COMMITTOR_BACKWARD] = system.committor_backward(state, law_time)
    if has_committor(system):
        q = np.asarray(system.committor(state, law_time), dtype=float)
        told = (arrivals if has_sets(system) else choices)(
            population, q, time, threshold
        )
        events |= told
        rows[keys.TRUTH_COMMITTOR] = q
        rows[keys.TRUTH_EVENT] = pd.Categorical(told["event"][track - 1])
        rows[keys.TRUTH_COMMITMENT_TIME] = told["commitment_time"][track - 1]
    drift = np.asarray(system.drift(state, law_time), dtype=float)
    return TrueCells(
        rows=pd.DataFrame(rows),
        state=state,
        drift=drift / population.time_unit,
        condition=condition,
        events=pd.DataFrame({c: events[c] for c in EVENT_COLUMNS if c in events}),
    )


def exact(
    system: Diffusion,
    *,
    events: pd.DataFrame,
    sampling: dict[str, Any],
    frame_interval: float,
    time_unit: float,
    threshold: float,
) -> Truth:
    """Exact rates of the law in 1/h and times in h, with the events of the cells."""
    rates: dict[str, Any] = {}
    if has_sets(system):
        paths = system.transition_paths()
        for name in ("k_ab", "k_ba", "nu"):
            rates[name] = float(getattr(paths, name)) / time_unit
        for name in ("mfpt_ab", "mfpt_ba", "transition_path_time"):
            rates[name] = float(getattr(paths, name)) * time_unit
        rates["source"] = describe(system.source, system.axes)
        rates["target"] = describe(system.target, system.axes)
    law = {f.name: getattr(system, f.name) for f in fields(system)}
    law = {k: v for k, v in law.items() if k not in ("source", "target")}
    return Truth(
        system=system.name,
        parameters=parameters_text(law, sampling),
        axes=tuple(system.axes),
        diffusion=system.diffusion(np.zeros(system.dimension)) / time_unit,
        fastest_rate=float(system.fastest_rate) / time_unit,
        frame_interval=frame_interval,
        time_unit=time_unit,
        threshold=threshold,
        events=events,
        **rates,
    )


def parameters_text(law: dict[str, Any], sampling: dict[str, Any]) -> str:
    """Parameters of the law and of the simulation as JSON text."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return f"array of shape {value.shape}" if value.size > 9 else value.tolist()
        return getattr(value, "__name__", repr(value))

    sampling = {
        k: np.array(v) if isinstance(v, list) else v for k, v in sampling.items()
    }
    return json.dumps({"law": law, "sampling": sampling}, default=plain)


def describe(region: Region, axes: tuple[str, ...]) -> str:
    """Say in words which states a region holds.

    Examples
    --------
    >>> describe(Ball((1.0, 0.0), 0.25), ("x", "y"))
    'within 0.25 of x = 1, y = 0'
    """
    if isinstance(region, HalfSpace):
        return _half_space(region, axes)
    if isinstance(region, Union):
        return " or ".join(describe(part, axes) for part in region.parts)
    if isinstance(region, Ball | Box):
        point = ", ".join(
            f"{a} = {c:g}" for a, c in zip(axes, region.center, strict=True)
        )
        if isinstance(region, Ball):
            return f"within {region.radius:g} of {point}"
        return f"within {region.half_width:g} of {point} along every axis"
    return repr(region)


def _half_space(region: HalfSpace, axes: tuple[str, ...]) -> str:
    used = [(n, a) for n, a in zip(region.normal, axes, strict=True) if n]
    if len(used) == 1:
        (sign, axis), bound = used[0], region.bound
        return f"{axis} <= {bound:g}" if sign > 0 else f"{axis} >= {-bound:g}"
    return " + ".join(f"{n:.4g} {a}" for n, a in used) + f" <= {region.bound:g}"
