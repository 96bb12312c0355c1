"""Growth from divisions and deaths: exact sums, and rates that are known."""

import numpy as np
import pytest

from cellstate.flow import given_growth, growth_from_events
from cellstate.tracks import Tracks

HOUR = 0.5
SOME = np.linspace(-2, 2, 9)[:, None]


def colony(n, n_frames, division_rate, death_rate, rng):
    """Cells whose state is a number that stays; daughters draw a new one.

    The chance of an event within a frame is the rate times the interval, exactly.
    """
    rng = np.random.default_rng(rng)
    rows, dies, alive, n_tracks = [], [], [], n
    alive = [(k + 1, -1, rng.uniform(-2, 2)) for k in range(n)]
    for frame in range(n_frames):
        following = []
        for track, parent, x in alive:
            rows.append((track, frame, parent, x))
            u, last = rng.random() / HOUR, frame == n_frames - 1
            dies.append(bool(not last and u < death_rate(x)))
            if last or dies[-1]:
                continue
            if u < death_rate(x) + division_rate(x):
                for _ in range(2):
                    n_tracks += 1
                    following.append((n_tracks, track, rng.uniform(-2, 2)))
            else:
                following.append((track, parent, x))
        alive = following
    track, frame, parent, x = (np.array(c) for c in zip(*rows, strict=True))
    order = np.lexsort((frame, track))
    tracks = Tracks.from_arrays(
        track=track[order],
        frame=frame[order],
        time=frame[order] * HOUR,
        parent_track=parent[order],
    )
    return x[order][:, None], tracks, np.array(dies)[order]


def found(x, tracks, dies):
    return growth_from_events(x, tracks, dies, HOUR)


def at_risk(x, tracks, dies):
    """Cells that are followed to the next frame, or divide or die before it."""
    ends = np.zeros(len(x), dtype=bool)
    ends[tracks.last_row[tracks.divides]] = True
    return ends, (tracks.next_row >= 0) | ends | dies


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_growth_sums_to_divisions_less_deaths(slope):
    x, tracks, dies = colony(
        60, 12, lambda x: 0.25 + slope * x, lambda x: 0.15 - slope * x / 2, rng=0
    )
    divides, seen = at_risk(x, tracks, dies)
    assert min(divides.sum(), dies.sum()) > 20
    total = found(x, tracks, dies)(x[seen]).sum() * HOUR
    assert total == pytest.approx(divides.sum() - dies.sum(), abs=1e-8)


def test_a_rate_that_is_the_same_everywhere_is_found():
    x, tracks, dies = colony(200, 15, lambda x: 0.2, lambda x: 0.05, rng=1)
    growth = found(x, tracks, dies)
    assert growth.constant
    error = growth.standard_error(SOME)
    # Events are Poisson: (0.2 + 0.05) per cell-hour.
    hours = at_risk(x, tracks, dies)[1].sum() * HOUR
    assert error[0, 0] == pytest.approx(np.sqrt(0.25 / hours), rel=0.3)
    assert np.abs(growth(SOME) - 0.15).max() < 4 * error.max()


def test_a_rate_that_rises_with_the_state_is_found():
    x, tracks, dies = colony(200, 15, lambda x: 0.2 + 0.1 * x, lambda x: 0.05, rng=2)
    growth = found(x, tracks, dies)
    assert not growth.constant
    wrong = growth(SOME)[:, 0] - (0.15 + 0.1 * SOME[:, 0])
    error = growth.standard_error(SOME)[:, 0]
    assert np.abs(wrong / error).max() < 4
    assert error.max() < 0.1  # of a rate from -0.05 to 0.35


def test_deaths_that_are_not_told_are_not_counted():
    x, tracks, dies = colony(60, 12, lambda x: 0.2, lambda x: 0.1, rng=3)
    divides = at_risk(x, tracks, dies)[0]
    growth = found(x, tracks, None)
    seen = (tracks.next_row >= 0) | divides
    assert growth(x[seen]).sum() * HOUR == pytest.approx(divides.sum(), abs=1e-8)


def test_hours_are_the_unit():
    x, tracks, _ = colony(60, 12, lambda x: 0.2, lambda x: 0.0, rng=4)
    hours = growth_from_events(x, tracks, None, HOUR)
    minutes = growth_from_events(x, tracks, None, 60 * HOUR)
    np.testing.assert_allclose(hours(SOME), 60 * minutes(SOME), rtol=1e-10)


def test_neither_division_nor_death_is_refused(tracks_of):
    tracks = tracks_of(4, 6)
    with pytest.raises(ValueError, match=r"found none in 4 tracks of 10 cell-hours"):
        growth_from_events(np.zeros((24, 1)), tracks, None, HOUR)


def test_given_rates_are_smoothed():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=(400, 1))
    growth = given_growth(x, 0.3 + 0.2 * x[:, 0] ** 2)
    np.testing.assert_allclose(growth(SOME)[:, 0], 0.3 + 0.2 * SOME[:, 0] ** 2)
    rate = np.full(400, 0.7)
    rate[:10] = np.nan  # not known of some cells
    np.testing.assert_allclose(given_growth(x, rate)(SOME), 0.7)
