import numpy as np
import pytest

from cellstate.events import score_events

NAN = float("nan")


def test_every_track_is_counted_once():
    rng = np.random.default_rng(1)
    status = rng.choice(["event", "no_event", "undecidable"], 300)
    happened = rng.choice([0.0, 1.0, NAN], 300)
    time = np.where(status == "event", rng.random(300), NAN)
    true_time = np.where(happened == 1, rng.random(300), NAN)
    score = score_events(status, time, happened, true_time)
    parts = (score.n_right, score.n_false, score.n_missed, score.n_silent)
    assert sum(parts) + score.n_undecidable == score.n_tracks
    assert score.n_tracks == np.isfinite(happened).sum()
    assert score.n_right + score.n_missed + score.n_undecidable_true == score.n_true
    errors = (time - true_time)[(status == "event") & (happened == 1)]
    assert score.time_error.value == pytest.approx(np.median(errors))


def test_perfect_flags_score_one():
    score = score_events(["event", "no_event"] * 20, [1, NAN] * 20, [1, 0] * 20,
                         [0.5, NAN] * 20)  # fmt: skip
    assert score.sensitivity.value == score.precision.value == 1
    assert score.sensitivity.low == pytest.approx(20 / (20 + 1.959964**2), abs=1e-6)
    assert score.time_error.value == 0.5


def test_flagging_everything_has_the_precision_of_the_base_rate():
    happened = np.arange(50) % 5 == 0
    score = score_events(["event"] * 50, np.ones(50), happened, np.ones(50))
    assert score.precision.value == score.base_rate == 0.2


def test_nothing_flagged_and_nothing_true_is_not_a_success():
    score = score_events(["no_event"] * 5, [NAN] * 5, [0] * 5, [NAN] * 5)
    assert np.isnan(score.sensitivity.value)
    assert np.isnan(score.precision.value)
    assert (score.precision.low, score.precision.high) == (0, 1)
    assert np.isnan(score.time_error.value)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="'maybe'"):
        score_events(["maybe"], [NAN], [0], [NAN])
    with pytest.raises(ValueError, match="2 statuses"):
        score_events(["event"] * 2, [NAN], [0], [NAN])


def test_the_score_survives_a_dict():
    score = score_events(["event"], [1.0], [1], [0.5])
    again = type(score).from_dict(score.to_dict())
    assert again.precision.value == score.precision.value
    assert again.n_right == 1
