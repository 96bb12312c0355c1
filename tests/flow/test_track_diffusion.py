"""How an error of the drift's slope enters the diffusion, against a finite change."""

import numpy as np
import pytest

from cellstate import systems
from cellstate.flow._equations import residuals
from cellstate.flow._track_diffusion import _taken_by_slope, moments_of
from cellstate.flow._track_fit import fit_tracks
from cellstate.sde import track_steps
from cellstate.sde._noise import step_diffusion

LAW = systems.OrnsteinUhlenbeck(D=0.7, rate=1.0, rotation=1.0)
INTERVAL, CELLS, FRAMES = 0.05, 200, 300
UPPER = np.triu_indices(2)


@pytest.fixture(scope="module", params=[False, True], ids=["clean", "noisy"])
def fit(request, tracks_of):
    rng = np.random.default_rng(5)
    x = systems.simulate(
        LAW, LAW.sample(CELLS, rng), n_frames=FRAMES, frame_interval=INTERVAL, rng=rng
    )
    if request.param:
        x = x + np.sqrt(LAW.D * INTERVAL) * rng.standard_normal(x.shape)
    x = x.transpose(1, 0, 2).reshape(-1, 2)
    steps = track_steps(x, tracks_of(CELLS, FRAMES, INTERVAL))
    found = fit_tracks(x, steps, steps.group % 5, rng=0)
    assert found.noisy == request.param
    return found


def seen(fit, coefficients):
    left = residuals(fit.rows, fit.design, coefficients)
    values = step_diffusion(moments_of(fit.rows, left), noisy=fit.noisy)[0]
    return values.mean(axis=0)[UPPER]


def test_the_diffusion_moves_with_the_slope_as_said(fit):
    # Noise makes the effect threefold: D is then read off neighbouring steps too.
    told = _taken_by_slope(fit.rows, fit.design, LAW.D * np.eye(2), noisy=fit.noisy)
    scale = np.abs(told).max()
    size = 0.01 * np.abs(fit.coefficients).max()
    for k, change in enumerate(size * np.eye(fit.design.size)):
        more, less = (seen(fit, fit.coefficients + c) for c in (change, -change))
        # Sixty thousand steps: a mean of products of residuals and states.
        np.testing.assert_allclose(
            (more - less) / (2 * size), told[:, k], atol=0.12 * scale
        )
