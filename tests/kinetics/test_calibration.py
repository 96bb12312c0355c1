"""Calibration of predicted chances."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cellstate.kinetics import calibration


def draw(n, sharpness=1.0, seed=0):
    """Predictions whose log-odds are `sharpness` times the true ones, outcomes."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.5, n)
    outcome = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return 1 / (1 + np.exp(-sharpness * odds)), outcome


@pytest.mark.parametrize("sharpness", [1.0, 2.0, 0.5])
def test_slope_tells_how_extreme_predictions_are(sharpness):
    n = 4000
    p, y = draw(n, sharpness)
    report = calibration(p, y)
    # Fisher information of a logistic fit gives the standard errors.
    odds = np.log(p / (1 - p))
    q = 1 / (1 + np.exp(-odds / sharpness))
    design = np.stack([np.ones(n), odds], axis=1)
    se = np.sqrt(np.diag(np.linalg.inv(design.T * (q * (1 - q)) @ design)))
    assert abs(report.slope - 1 / sharpness) < 4 * se[1]
    assert abs(report.intercept) < 4 * se[0]


def test_reliability_of_calibrated_predictions_lies_in_the_wilson_interval():
    p, y = draw(5000)
    report = calibration(p, y, n_bins=20, level=0.95)
    np.testing.assert_array_equal(report.count, 250)
    inside = (report.low <= report.predicted) & (report.predicted <= report.high)
    assert inside.sum() >= 16  # 20 at 0.95; fewer than 16 has chance 0.0003


def test_wilson_interval_by_its_formula():
    predicted = np.repeat([0.1, 0.7], 50)
    outcome = np.r_[np.arange(50) < 4, np.arange(50) < 31].astype(float)
    report = calibration(predicted, outcome, n_bins=2)
    z, n = 1.959963985, 50
    for i, k in enumerate((4, 31)):
        share = k / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
        assert report.observed[i] == pytest.approx(share)
        assert report.low[i] == pytest.approx(middle - half)
        assert report.high[i] == pytest.approx(middle + half)


def test_brier_score_by_hand():
    report = calibration([0.2, 0.6, 0.9, 0.4], [0, 1, 0.5, np.nan])
    assert report.brier == pytest.approx((0.04 + 0.16 + 0.16) / 3)
    assert report.base_rate == pytest.approx(0.5)
    assert report.brier_base == pytest.approx((0.25 + 0.25 + 0) / 3)
    assert (report.n, report.n_positive, report.n_excluded) == (3, 1, 1)


def test_ranking_equals_sklearn_and_does_not_depend_on_the_scale():
    p, y = draw(300, seed=2)
    report = calibration(p, y)
    assert report.auroc == pytest.approx(roc_auc_score(y, p))
    assert report.average_precision == pytest.approx(average_precision_score(y, p))
    assert calibration(p**3, y).auroc == report.auroc


def test_the_base_rate_as_prediction_ties_with_the_base_rate():
    _, y = draw(200)
    report = calibration(np.full(200, y.mean()), y)
    assert report.brier == pytest.approx(report.brier_base)
    assert report.auroc == 0.5
    np.testing.assert_array_equal(report.count, [200])


def test_predictions_of_exactly_0_and_1_have_a_finite_slope():
    p = np.r_[np.zeros(50), np.ones(50)]
    y = np.r_[np.arange(50) < 5, np.arange(50) < 45].astype(float)
    report = calibration(p, y)
    # Two groups with odds of 1/9 and 9, predicted as 0.005 and 0.995.
    assert report.slope == pytest.approx(np.log(9) / np.log(199), rel=1e-3)


def test_one_outcome_only_has_no_ranking_and_no_slope():
    report = calibration([0.1, 0.4, 0.2], [0, 0, 0])
    assert np.isnan([report.auroc, report.slope, report.average_precision]).all()
    assert report.brier == pytest.approx(0.07)


def test_bins_are_of_equal_counts():
    report = calibration(np.linspace(0, 1, 103) ** 4, np.zeros(103), n_bins=10)
    assert report.count.sum() == 103
    assert report.count.max() - report.count.min() <= 1
    assert (np.diff(report.predicted) > 0).all()


def test_nothing_to_judge_is_an_error_with_counts():
    with pytest.raises(ValueError, match=r"found 3 cells, 1 predicted, 2 with"):
        calibration([0.5, np.nan, np.nan], [np.nan, 1, 0])


def test_the_interval_of_the_slope_covers_of_few_lineages_too():
    """Ten cells that share their fate are one: forty lineages tell like forty cells."""
    inside = []
    for seed in range(60):
        p, y = (np.repeat(v, 10) for v in draw(40, seed=seed))
        lineage = np.repeat(np.arange(40), 10)
        report = calibration(p, y, lineage=lineage, rng=0)
        inside.append(report.slope_low < 1 < report.slope_high)
    assert sum(inside) >= 52  # of 60 at 95 %; fewer have chance 0.003


def test_one_lineage_has_no_interval_of_the_slope():
    p, y = draw(50)
    report = calibration(p, y, lineage=np.zeros(50, int), rng=0)
    assert np.isfinite(report.slope)
    assert np.isnan([report.slope_low, report.slope_high]).all()
