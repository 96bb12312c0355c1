"""Measurement noise and diffusion from residuals, against white noise of known size."""

import numpy as np
import pytest
from scipy.stats import kstest

from cellstate.sde._noise import (
    noise_covariance,
    noise_p,
    positive_part,
    spread,
    step_diffusion,
)

D = np.array([[1.0, 0.3], [0.3, 0.5]])
NOISE = np.array([[0.05, -0.02], [-0.02, 0.08]])
DT = 0.1


def moments(n_steps, noise, rng):
    """Residuals of one long track without drift, positions read with noise."""
    rng = np.random.default_rng(rng)
    steps = rng.multivariate_normal(np.zeros(2), 2 * D * DT, n_steps)
    seen = np.cumsum(steps, axis=0) + rng.multivariate_normal(
        np.zeros(2), noise, n_steps
    )
    left = np.diff(seen, axis=0)
    m = len(left)
    return spread(left, np.r_[np.arange(1, m), -1], np.full(m, DT))


def errors_of(values):
    """Standard error of a mean whose terms depend on their neighbours."""
    parts = np.array([part.mean(axis=0) for part in np.array_split(values, 40)])
    return parts.std(axis=0, ddof=1) / np.sqrt(len(parts))


@pytest.mark.parametrize("noise", [np.zeros((2, 2)), NOISE])
def test_the_diffusion_is_free_of_noise(noise):
    seen, which = step_diffusion(moments(20_000, noise, 0), noisy=True)
    assert len(seen) == len(which) == 19_998
    error = errors_of(seen)
    np.testing.assert_array_less(np.abs(seen.mean(axis=0) - D), 4 * error)
    assert error.max() < 0.1
    # Squares alone give D + noise / dt, here 1.5 in place of 1 and 1.3 of 0.5.
    naive = step_diffusion(moments(20_000, NOISE, 0), noisy=False)[0]
    off = naive.mean(axis=0) - D - NOISE / DT
    np.testing.assert_array_less(np.abs(off), 4 * errors_of(naive))


def test_without_noise_squares_are_surer():
    clean = moments(20_000, np.zeros((2, 2)), 1)
    squares, products = (step_diffusion(clean, noisy=noisy)[0] for noisy in (0, 1))
    assert (errors_of(squares) < errors_of(products)).all()


def test_the_noise_of_a_frame_is_found():
    seen = moments(40_000, NOISE, 2)
    error = errors_of(seen.products)
    np.testing.assert_array_less(np.abs(noise_covariance(seen) - NOISE), 4 * error)
    assert error.max() < 0.01


def test_chance_of_noise_is_uniform_without_and_nil_with_it():
    p = [noise_p(moments(300, np.zeros((2, 2)), seed)) for seed in range(300)]
    assert kstest(p, "uniform").pvalue > 0.01
    assert noise_p(moments(1000, NOISE, 0)) < 1e-8


def test_positive_correlation_is_no_noise():
    left = np.repeat(np.random.default_rng(0).normal(size=(200, 1)), 2, axis=0)
    found = spread(left, np.r_[np.arange(1, 400), -1], np.full(400, DT))
    assert noise_p(found) > 0.99
    assert noise_covariance(found) == 0


def test_too_few_neighbours_tell_nothing():
    left = np.ones((20, 1))
    assert np.isnan(noise_p(spread(left, np.full(20, -1), np.full(20, DT))))


def test_positive_part_keeps_what_is_positive_and_nothing_else():
    np.testing.assert_allclose(positive_part(D), D, atol=1e-12)
    mixed = np.array([[0.0, 1.0], [1.0, 0.0]])  # eigenvalues 1 and -1
    np.testing.assert_allclose(positive_part(mixed), np.full((2, 2), 0.5), atol=1e-12)
    assert np.linalg.eigvalsh(positive_part(mixed, 0.1)).min() == pytest.approx(0.1)
