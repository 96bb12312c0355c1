"""How rates depend on choices that should not matter: the lag and the size of cores."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from cellstate._base.progress import progress
from cellstate._base.results import Estimate, Result
from cellstate.kinetics._fit import committor_from_tracks
from cellstate.kinetics._rates import Rates, estimate_rates
from cellstate.tracks import Tracks

SHOWN = ("k_ab", "k_ba", "nu", "transition_path_time")


@dataclass(frozen=True, eq=False, kw_only=True)
class RateScan(Result):
    """Rates against the lag, or against the size of the cores.

    Attributes
    ----------
    scanned
        "lag" (h), or "core": A is q < core, B is q > 1 - core.
    table
        One row per value, in column `scanned`; then `k_ab`, `k_ba`, `nu` (1/h) and
        `transition_path_time` (h), each with `_low` and `_high`, the observed entries
        `n_events` and `n_events_back`, and `n_source` and `n_target`, rows in A and B.
    level
        Coverage of the intervals.
    source, target
        Names of A and B.
    """

    kind: ClassVar[str] = "rate_scan"
    scanned: str
    table: pd.DataFrame
    level: float
    source: str
    target: str


def scan_lags(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    lags: list[int],
    *,
    frame_interval: float,
    level: float = 0.95,
    names: tuple[str, str] = ("A", "B"),
    rng: int = 0,
) -> RateScan:
    """Rates with stopped transitions of up to so many frames.

    The committor that fills the ends of tracks is fitted anew for each lag. Where it
    is right, and the state is Markovian, the lag does not matter; a drift with the lag
    says that the coordinates hide something that decides.

    Parameters
    ----------
    x, tracks, source, target
        As of `committor_from_tracks`.
    lags
        Frames.
    frame_interval
        Hours between frames.
    level
        Coverage of the intervals.
    names
        Of A and B.
    rng
        Seed, the same for every lag.
    """
    about = {"frame_interval": frame_interval, "level": level, "rng": rng}
    rows = []
    for lag in progress(lags, "lags"):
        found = _rates(x, tracks, source, target, lag, **about)
        rows.append({"lag": lag * frame_interval} | _row(found, source, target))
    return _scan("lag", rows, level, names)


def scan_cores(
    x: np.ndarray,
    tracks: Tracks,
    forward: np.ndarray,
    cores: list[float],
    *,
    frame_interval: float,
    level: float = 0.95,
    names: tuple[str, str] = ("A", "B"),
    rng: int = 0,
) -> RateScan:
    """Rates between cores of a committor, A where q < core and B where q > 1 - core.

    Wide cores are left and entered again by noise, which counts as a transition that
    is none: the rates fall as the cores shrink, until they no longer depend on them.

    Parameters
    ----------
    x, tracks
        As of `committor_from_tracks`.
    forward
        Committor of the rows, (n,).
    cores
        Between 0 and 0.5.
    frame_interval, level, names, rng
        As of `scan_lags`.
    """
    if not all(0 < core < 0.5 for core in cores):
        raise ValueError(f"`cores` must lie between 0 and 0.5; found {list(cores)}.")
    about = {"frame_interval": frame_interval, "level": level, "rng": rng}
    rows = []
    for core in progress(cores, "cores"):
        with np.errstate(invalid="ignore"):
            source, target = forward < core, forward > 1 - core
        if not (source.any() and target.any()):
            raise ValueError(
                f"core={core:g} leaves {int(source.sum())} rows in A and "
                f"{int(target.sum())} in B; both need some. Leave out the small cores."
            )
        found = _rates(x, tracks, source, target, 1, **about)
        rows.append({"core": core} | _row(found, source, target))
    return _scan("core", rows, level, names)


def _rates(
    x: np.ndarray,
    tracks: Tracks,
    source: np.ndarray,
    target: np.ndarray,
    lag: int,
    *,
    frame_interval: float,
    level: float,
    rng: int,
) -> Rates:
    """Fit the committor anew and count."""
    fitted = committor_from_tracks(
        x,
        tracks,
        source,
        target,
        lag_frames=lag,
        frame_interval=frame_interval,
        n_bootstrap=0,
        rng=rng,
    )
    return estimate_rates(
        tracks,
        source,
        target,
        fitted.forward,
        fitted.backward,
        decision_time=fitted.decision_time,
        frame_interval=frame_interval,
        level=level,
        rng=rng,
    )


def _row(found: Rates, source: np.ndarray, target: np.ndarray) -> dict[str, float]:
    row = {}
    for name in SHOWN:
        one: Estimate = getattr(found, name)
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return row | {
        "n_events": found.n_events,
        "n_events_back": found.n_events_back,
        "n_source": int(source.sum()),
        "n_target": int(target.sum()),
    }


def _scan(
    scanned: str, rows: list[dict], level: float, names: tuple[str, str]
) -> RateScan:
    return RateScan(
        scanned=scanned,
        table=pd.DataFrame(rows),
        level=level,
        source=names[0],
        target=names[1],
    )
