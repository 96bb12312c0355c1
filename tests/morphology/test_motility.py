import numpy as np
import pytest

from cellstate.morphology import motility, motility_table

NAMES = [feature.name for feature in motility_table()]


def by_name(*args):
    return dict(zip(NAMES, motility(*args).T, strict=True))


def test_circle_has_constant_turning_and_chords():
    angle = np.arange(9) * np.pi / 4
    position = 10 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = by_name(position, 0.5 * np.arange(9), np.arange(9) - 1)
    chord = 20 * np.sin(np.pi / 8)
    np.testing.assert_allclose(found["step_length"][1:], chord)
    np.testing.assert_allclose(found["speed"][1:], 2 * chord)
    np.testing.assert_allclose(found["turning_angle"][2:], np.pi / 4)
    np.testing.assert_allclose(found["persistence"][2:], np.sqrt(0.5))
    np.testing.assert_allclose(found["path_length"], chord * np.arange(9))
    assert found["net_displacement"][4] == pytest.approx(20)
    assert found["straightness"][8] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(found["mean_speed"][1:], 2 * chord)
    assert np.isnan(found["speed"][0])
    assert np.isnan(found["straightness"][0])
    assert np.isnan(found["turning_angle"][:2]).all()
    assert found["path_length"][0] == found["net_displacement"][0] == 0


def test_gap_counts_the_time_that_passed():
    found = by_name([[0, 0], [6, 0]], [0.0, 1.5], [-1, 0])
    assert found["speed"][1] == 4


def test_rest_and_reversal():
    found = by_name([[0, 0], [1, 0], [0, 0], [0, 0]], [0, 1, 2, 3], [-1, 0, 1, 2])
    assert found["turning_angle"][2] == pytest.approx(np.pi)
    assert found["persistence"][2] == -1
    assert np.isnan(found["turning_angle"][3])  # a step of 0 has no direction
    assert found["straightness"][2] == 0


def test_tracks_do_not_mix_and_row_order_does_not_matter():
    rng = np.random.default_rng(3)
    position = rng.normal(size=(40, 2)).cumsum(axis=0)
    time = np.tile(np.arange(20.0), 2)
    previous = np.arange(40) - 1
    previous[[0, 20]] = -1
    together = motility(position, time, previous)
    second = motility(position[20:], time[20:], np.arange(20) - 1)
    np.testing.assert_allclose(together[20:], second)
    order = rng.permutation(40)
    rank = np.argsort(order)
    shuffled = np.where(previous[order] < 0, -1, rank[previous[order]])
    np.testing.assert_allclose(
        motility(position[order], time[order], shuffled), together[order]
    )


def test_moves_and_mirrors_change_nothing_and_units_scale():
    rng = np.random.default_rng(4)
    position = rng.normal(size=(15, 2)).cumsum(axis=0)
    time, previous = 0.25 * np.arange(15), np.arange(15) - 1
    still = motility(position, time, previous)
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    for pose in (position @ turn + [5, -3], position * [-1, 1]):
        np.testing.assert_allclose(motility(pose, time, previous), still, atol=1e-9)
    slower = motility(position, 2 * time, previous)
    per_hour = np.array([feature.unit.endswith("/h") for feature in motility_table()])
    np.testing.assert_allclose(slower[:, per_hour], still[:, per_hour] / 2)
    np.testing.assert_allclose(slower[:, ~per_hour], still[:, ~per_hour])


def test_diffusion_turns_uniformly_and_straightness_falls_as_theory_says():
    """Steps of a random walk: <cos> = 0, net^2 / path^2 ~ 4 / (pi n)."""
    rng = np.random.default_rng(5)
    walks, n = 2_000, 64
    position = rng.normal(size=(walks, n + 1, 2)).cumsum(axis=1).reshape(-1, 2)
    time = np.tile(np.arange(n + 1.0), walks)
    previous = np.arange(position.shape[0]) - 1
    previous[:: n + 1] = -1
    found = by_name(position, time, previous)
    cosine = found["persistence"].reshape(walks, -1)[:, 2:]
    assert abs(cosine.mean()) < 4 / np.sqrt(2 * cosine.size)
    square = (found["straightness"].reshape(walks, -1)[:, -1] ** 2).mean()
    assert square == pytest.approx(4 / (np.pi * n), rel=0.1)


def test_missing_positions_stay_missing():
    found = by_name([[0, 0], [np.nan, 0], [2, 0]], [0, 1, 2], [-1, 0, 1])
    assert np.isnan(found["speed"][1:]).all()
    assert motility(np.zeros((0, 2)), [], []).shape == (0, len(NAMES))


@pytest.mark.parametrize(
    ("position", "time", "previous", "message"),
    [
        (np.zeros((2, 4)), [0, 1], [-1, 0], "expects position"),
        (np.zeros((2, 2)), [0, 1], [-1, 2], "must lie in"),
        (np.zeros((2, 2)), [0, 1], [-1.0, 0.0], "integer"),
        (np.zeros((2, 2)), [1, 1], [-1, 0], "not earlier"),
        (np.zeros((2, 2)), [0, 1], [1, 0], "not earlier"),
        (np.zeros((3, 2)), [0, 1, 1], [-1, 0, 0], "more than one"),
    ],
)
def test_impossible_tracks_are_refused(position, time, previous, message):
    with pytest.raises(ValueError, match=message):
        motility(position, time, previous)


def test_a_path_in_space_is_the_path_in_its_plane():
    rng = np.random.default_rng(1)
    plane, time = rng.normal(size=(30, 2)).cumsum(axis=0), np.arange(30.0)
    before = np.r_[-1, np.arange(29)]
    tilt = np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    flat, tilted = (motility(at, time, before) for at in (plane, plane @ tilt))
    np.testing.assert_allclose(tilted, flat, atol=1e-9)
