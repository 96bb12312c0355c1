"""Validation of a committor: forward and backward, with cells lost on the way.

The prediction is the exact committor of the law, so any departure of the slope from
1 and of the bins from the diagonal is the validation's own.
"""

import numpy as np
import pytest
from scipy.stats import t

import cellstate as cs
from cellstate._adata import _extract as extract
from cellstate._adata import _keys as keys
from cellstate._adata import _store as store
from cellstate._base.errors import StaleResultError
from cellstate.kinetics import Committor, calibration, realised_fate

SEEDS = 10
LAW = {"n_cells": 700, "n_frames": 120, "frame_interval": 0.02}
# Cells live for an hour, and come into view over most of the movie's 2.4 h.
WATCHED = {"lost_rate": 1.0, "late_entry": 1.8}
DIRECTIONS = ("forward", "backward")


def predicted(adata, forward, backward=None, **about):
    """Store a committor that somebody else found."""
    forward = np.asarray(forward, dtype=float)
    backward = 1 - forward if backward is None else backward
    about = {"source": "A", "target": "B", "division": ""} | about
    fitted = Committor(
        forward=forward, backward=backward, residual=0.0, method="grid", **about
    )
    store.put(adata, keys.COMMITTOR_RESULT, fitted, inputs=(keys.STATE, *keys.TRACKING))
    return adata


def exact(seed):
    """Cells of a double well, with the states and the committor of the law."""
    cells = cs.datasets.double_well(**LAW, **WATCHED, rng=seed)
    cs.tl.define_states(cells, source="truth_set == 'A'", target="truth_set == 'B'")
    q, past = cells.obs["truth_committor"], cells.obs["truth_committor_backward"]
    return predicted(cells, q, past.to_numpy())


def dropped(adata, direction):
    """What it would be without weights: cells that were cut off are left out."""
    state = adata.obs["state"].astype(str).to_numpy()
    rows = state == "other"
    back = direction == "backward"
    fate = realised_fate(
        extract.tracks(adata), state == "A", state == "B", reverse=back
    )
    q = getattr(cs.get.committor(adata), direction)
    return calibration(q[rows], (1 - fate if back else fate)[rows])


def half_width(values):
    """Of the 99 % interval of a mean."""
    return t.ppf(0.995, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5


@pytest.fixture(scope="module")
def reports():
    """Per direction: cells that were cut off left out, and stood for."""
    found = {d: {"dropped": [], "weighted": []} for d in DIRECTIONS}
    with cs.settings.override(progress=False):
        for seed in range(SEEDS):
            cells = exact(seed)
            for direction in DIRECTIONS:
                found[direction]["dropped"].append(dropped(cells, direction))
                report = cs.tl.validate_committor(
                    cells, direction=direction, n_bootstrap=50, rng=0
                )
                found[direction]["weighted"].append(report)
    return found


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_dropping_lost_cells_is_biased_and_weighting_is_not(reports, direction):
    slope = {k: [r.slope for r in v] for k, v in reports[direction].items()}
    assert np.mean(slope["dropped"]) - 1 > half_width(slope["dropped"])
    assert abs(np.mean(slope["weighted"]) - 1) < half_width(slope["weighted"])
    # The bins too: too few of the unlikely fates among those that were seen.
    for bins, sign in ((slice(3), -1), (slice(-3, None), 1)):
        gap = [
            sign * np.mean(r.observed[bins] - r.predicted[bins])
            for r in reports[direction]["dropped"]
        ]
        assert np.mean(gap) > half_width(gap)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_weights_intervals_and_counts_are_told(reports, direction):
    for report, plain in zip(
        reports[direction]["weighted"], reports[direction]["dropped"], strict=True
    ):
        assert report.direction == direction
        assert (report.n, report.n_excluded) == (plain.n, plain.n_excluded)
        assert 1 < report.max_weight <= 20
        assert report.n_effective < report.n
        assert 0.9 < report.decided <= 1
        assert report.method == "lineage bootstrap"
        assert report.n_lineages > 100
        assert report.brier_low < report.brier < report.brier_high
        assert report.brier_high < report.brier_base
        assert report.slope_low < report.slope < report.slope_high
        # Cells of a lineage are dependent: bars are wider than for that many cells.
        wide = np.mean(report.high - report.low)
        assert wide > 1.5 * np.mean(plain.high - plain.low)


# What is judged, by hand


@pytest.fixture
def three(bare):
    """From A to B, from B to A, and one that is cut off; frames of 0.5 h."""
    x = [0, 1, 2, 3, 3, 2, 1, 0, 0, 1, 1, 2]
    adata = bare(np.array(x, float), np.repeat([1, 2, 3], 4), np.tile(range(4), 3))
    adata.obs["x"] = x
    cs.tl.define_states(adata, source="x == 0", target="x == 3")
    return predicted(adata, np.array(x) / 3)


def test_forward_and_backward_by_hand(three):
    report = cs.tl.validate_committor(three, n_bins=1, strata="track", rng=0)
    # Outside A and B: 1/3 and 2/3 that met B, 2/3 and 1/3 that met A.
    assert (report.n, report.n_excluded, report.n_positive) == (4, 3, 2)
    assert report.brier == pytest.approx((4 + 1 + 4 + 1) / 9 / 4)
    assert report.brier_base == pytest.approx(0.25)
    past = cs.tl.validate_committor(
        three, direction="backward", n_bins=1, strata="track", rng=0
    )
    # q- is 1 - x / 3; the first and third track came from A, the second from B.
    assert (past.n, past.n_excluded, past.n_positive) == (7, 0, 5)
    errors = [1, 4, 1, 4, 1, 1, 4]
    assert past.brier == pytest.approx(np.mean(errors) / 9)
    assert past.max_weight == 1
    # Beside each other, and read back.
    assert cs.get.calibration(three).direction == "forward"
    stored = cs.get.calibration(three, "calibration_backward")
    np.testing.assert_array_equal(stored.observed, past.observed)


def test_strata_say_who_stands_for_whom(three):
    # All together, the cut cells are stood for; apart, nobody is left to do so.
    three.obs["one"] = "all"
    together = cs.tl.validate_committor(three, strata="one", rng=0)
    apart = cs.tl.validate_committor(three, strata="track", rng=0)
    assert together.max_weight > 1 == apart.max_weight
    # Of 7 cells 3 are of the third track, in which nobody was decided.
    assert apart.decided == pytest.approx(4 / 7)
    with pytest.raises(KeyError, match="'plate'"):
        cs.tl.validate_committor(three, strata="plate")


def test_a_horizon_decides_in_time(three):
    predicted(three, np.full(12, 0.5), backward=np.full(12, np.nan), horizon=0.5)
    report = cs.tl.validate_committor(three, rng=0)
    # Within one frame only x = 2 of the first track meets B; the last cannot be told.
    assert (report.n, report.n_positive, report.n_excluded) == (6, 1, 1)
    predicted(three, np.full(12, 0.5), backward=np.full(12, np.nan), horizon=0.7)
    with pytest.raises(ValueError, match=r"`horizon`=0\.7 h is not a whole number"):
        cs.tl.validate_committor(three)


def test_rows_choose_who_is_judged(three):
    first = cs.tl.validate_committor(
        three, rows=(three.obs["track"] == 1).to_numpy(), rng=0
    )
    assert (first.n, first.n_excluded, first.n_lineages) == (2, 0, 1)
    assert first.n_positive == 2


# What is refused


def test_another_direction(three):
    with pytest.raises(ValueError, match=r"`direction`.*'sideways'"):
        cs.tl.validate_committor(three, direction="sideways")


def test_a_committor_of_all_descendants(three):
    predicted(three, np.full(12, 0.5), division="mass")
    with pytest.raises(ValueError, match=r"division='mass'.*division='random'"):
        cs.tl.validate_committor(three)


def test_no_backward_committor(three):
    predicted(three, np.full(12, 0.5), backward=np.full(12, np.nan))
    with pytest.raises(ValueError, match="no cell has a backward committor"):
        cs.tl.validate_committor(three, direction="backward")


def test_new_states_make_the_calibration_stale(three):
    cs.tl.validate_committor(three, rng=0)
    assert cs.get.calibration(three).n == 4
    three.obs["state"] = three.obs["state"].astype(str).replace("other", "A")
    with pytest.raises(StaleResultError, match="another 'state'"):
        cs.get.calibration(three)


def test_the_order_of_the_rows_and_the_seed_decide_nothing_else(three, rng_order):
    shuffled = three[rng_order(12)].copy()
    q = shuffled.obs["x"].to_numpy() / 3
    one = cs.tl.validate_committor(three, rng=0)
    two = cs.tl.validate_committor(predicted(shuffled, q), rng=0)
    for name in ("slope", "brier", "n_effective", "max_weight", "decided"):
        assert getattr(one, name) == pytest.approx(getattr(two, name))
