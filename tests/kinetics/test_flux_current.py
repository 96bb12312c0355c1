"""Reactive current against exact currents: reversible, circulating, on a line.

With dX = b dt + sqrt(2 D) dW and the density rho, the current of all cells is
J = b rho - D grad rho, and that of the paths from A to B, from its definition by the
Doob-transformed drift b + 2 D grad log q+ and the density rho q+ q-,

    J_AB = (b + 2 D grad log q+) rho q+ q- - D grad(rho q+ q-)
         = q+ q- J + D rho (q- grad q+ - q+ grad q-),

which is D rho grad q+ where J = 0 and q- = 1 - q+.
"""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import cellstate as cs
from cellstate import systems
from cellstate._adata import _extract as extract
from cellstate.kinetics._flux import reactive_current
from cellstate.kinetics._flux._parts import _scatter
from cellstate.tracks import Tracks


def gradient(function, x, h=0.02):
    """Central differences, (n, d)."""
    shifts = h * np.eye(x.shape[1])
    return np.stack([function(x + e) - function(x - e) for e in shifts], 1) / (2 * h)


def exact_current(law, x):
    """Reactive current over the density at states (n, d)."""
    q, back = law.committor(x)[:, None], law.committor_backward(x)[:, None]
    steady = law.drift(x) - law.D * gradient(lambda y: np.log(law.density(y)), x)
    slopes = gradient(law.committor, x), gradient(law.committor_backward, x)
    return q * back * steady + law.D * (back * slopes[0] - q * slopes[1])


def watched(law, frame_interval, n_frames=500, seed=0):
    """Tracks of 100 cells with the exact committors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # long frames are what cameras give
        adata = cs.datasets.simulate_tracks(
            law, frame_interval=frame_interval, n_cells=100, n_frames=n_frames, rng=seed
        )
    x = np.asarray(adata.obsm["X_state"])
    return SimpleNamespace(
        law=law,
        x=x,
        tracks=extract.tracks(adata),
        a=law.source.contains(x),
        b=law.target.contains(x),
        q=law.committor(x),
        back=law.committor_backward(x),
        interval=frame_interval,
    )


def current_of(cells, x=None, *, interval=None, tracks=None, **options):
    return reactive_current(
        cells.x if x is None else x,
        tracks or cells.tracks,
        cells.a,
        cells.b,
        cells.q,
        cells.back,
        frame_interval=interval or cells.interval,
        **({"rng": 0, "n_bootstrap": 0} | options),
    )


@pytest.fixture(scope="module")
def wells():
    return watched(systems.DoubleWell2D(D=1 / 3), 0.02)


@pytest.fixture(scope="module")
def swirl():
    return watched(systems.RotationalDoubleWell(D=1 / 3), 0.02)


def scores(cells, found):
    """Mean cosine and size of the current on cells outside A and B."""
    between = np.flatnonzero(~cells.a & ~cells.b)
    picked = np.random.default_rng(0).choice(between, 4000, replace=False)
    seen, want = found.current[picked], exact_current(cells.law, cells.x[picked])
    lengths = [np.linalg.norm(v, axis=1) for v in (seen, want)]
    along = (seen * want).sum(axis=1)
    cosine = (along / lengths[0]).sum() / lengths[1].sum()  # weights |want|
    return cosine, along.sum() / (lengths[1] ** 2).sum()


def test_current_of_reversible_wells(wells):
    found = current_of(wells)
    cosine, size = scores(wells, found)
    assert cosine > 0.99
    assert size == pytest.approx(1, abs=0.08)
    # No cell circulates: that part is left out rather than read from noise.
    assert np.isnan(found.width_circulation)


def test_current_of_circulating_wells(swirl):
    found = current_of(swirl)
    cosine, size = scores(swirl, found)
    assert cosine > 0.96
    assert size == pytest.approx(1, abs=0.12)
    assert np.isfinite(found.width_circulation)
    # A reversible reading, D grad q+, points elsewhere.
    x = swirl.x[~swirl.a & ~swirl.b][:4000]
    want, reversible = exact_current(swirl.law, x), gradient(swirl.law.committor, x)
    lengths = np.linalg.norm(want, axis=1), np.linalg.norm(reversible, axis=1)
    assert ((want * reversible).sum(1) / lengths[1]).sum() / lengths[0].sum() < 0.7


@pytest.mark.parametrize("name", ["wells", "swirl"])
def test_current_times_slope_adds_up_to_nu(name, request):
    cells = request.getfixturevalue(name)
    found, between = current_of(cells), ~cells.a & ~cells.b
    slope = gradient(cells.law.committor, cells.x[between])
    nu = (found.current[between] * slope).sum() / len(cells.x)
    # Some 75 passages: but most of that noise is not in the committors.
    assert nu == pytest.approx(cells.law.transition_paths().nu, rel=0.12)


def test_on_a_line_the_current_per_volume_is_nu_everywhere():
    cells = watched(systems.DoubleWell(D=1 / 3), 0.02)
    found = current_of(cells)
    nu, x = cells.law.transition_paths().nu, cells.x[:, 0]
    flow = found.current[:, 0] * found.density
    for low in (-0.6, -0.2, 0.2):
        part = flow[(x > low) & (x < low + 0.4)]
        assert part.mean() == pytest.approx(nu, rel=0.15)


def test_nothing_flows_inside_the_sets_and_unknown_states_have_no_current(wells):
    x = wells.x.copy()
    x[::7] = np.nan
    found = current_of(wells, x)
    inside = wells.a | wells.b
    assert (found.current[inside] == 0).all()
    assert np.isnan(found.current[::7][~inside[::7]]).all()
    known = np.isfinite(x).all(axis=1)
    assert np.isfinite(found.current[known]).all()
    assert np.isnan(found.density[::7]).all()


def test_density_is_a_share_per_volume(wells):
    density = current_of(wells).density
    want = wells.law.density(wells.x)
    dense = want > 0.02
    ratio = density[dense] / want[dense]
    assert abs(np.median(ratio) - 1) < 0.05


def test_current_turns_with_the_state_space_and_scales_with_time(swirl):
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    plain = current_of(swirl)
    turned = current_of(swirl, swirl.x @ turn.T)
    np.testing.assert_allclose(turned.current, plain.current @ turn.T, atol=1e-7)
    slow = current_of(swirl, interval=4 * swirl.interval)
    np.testing.assert_allclose(slow.current, plain.current / 4, atol=1e-12)
    shifted = current_of(swirl, swirl.x + np.array([3.0, -8.0]))
    np.testing.assert_allclose(shifted.current, plain.current, atol=1e-7)


def test_exchanging_the_sets_and_turning_time_round_reverses_the_current(swirl):
    """Paths from B to A of the film played backwards are those from A to B."""
    frame = swirl.tracks.frame.max() - swirl.tracks.frame
    back = Tracks.from_arrays(
        track=swirl.tracks.track, frame=frame, time=frame * swirl.interval
    )
    found = reactive_current(
        swirl.x,
        back,
        swirl.b,
        swirl.a,
        swirl.back,
        swirl.q,
        frame_interval=swirl.interval,
        n_bootstrap=0,
        rng=0,
    )
    forth = current_of(swirl).current
    moving = np.linalg.norm(forth, axis=1)
    off = np.linalg.norm(found.current + forth, axis=1)
    # Landmarks are drawn anew: the same field up to its sampling noise.
    assert off.sum() / moving.sum() < 0.15


def test_standard_errors_tell_the_scatter_between_movies():
    law = systems.DoubleWell2D(D=1 / 3)
    runs = [watched(law, 0.05, n_frames=120, seed=s) for s in range(8)]
    at = np.array([[-0.5, 0.0], [0.0, 0.0], [0.5, 0.0], [0.0, 0.5]])
    values, errors = [], []
    for cells in runs:
        found = current_of(cells, n_bootstrap=30)
        rows = [np.argmin(((cells.x - place) ** 2).sum(axis=1)) for place in at]
        values.append(found.current[rows])
        errors.append(found.standard_error[rows])
    scatter = np.std(values, axis=0, ddof=1).mean()
    assert 0.4 < np.mean(errors) / scatter < 1.6


def test_scatter_at_the_cells_is_that_of_the_blended_draws():
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=(7, 5, 2))
    near, weight = rng.integers(0, 5, (4, 3)), rng.normal(size=(4, 3))
    blended = np.einsum("nk,bnkd->bnd", weight, drawn[:, near])
    np.testing.assert_allclose(
        _scatter(drawn, near, weight), blended.std(axis=0, ddof=1), rtol=1e-10
    )


def test_one_lineage_has_no_standard_error(wells):
    rows = wells.tracks.index == 0
    one = SimpleNamespace(**vars(wells))
    one.x, one.a, one.b = wells.x[rows], wells.a[rows], wells.b[rows]
    one.q, one.back = wells.q[rows], wells.back[rows]
    frame = wells.tracks.frame[rows]
    one.tracks = Tracks.from_arrays(track=frame * 0, frame=frame, time=frame * 0.02)
    found = current_of(one, n_bootstrap=10)
    between = ~one.a & ~one.b
    assert np.isfinite(found.current).all()
    assert np.isnan(found.standard_error[between]).all()


def test_committors_that_are_missing_are_refused(wells):
    short = SimpleNamespace(**vars(wells) | {"q": wells.q[:9]})
    with pytest.raises(ValueError, match=r"`forward` must have .* found shape \(9,\)"):
        current_of(short)
    none = SimpleNamespace(**vars(wells) | {"back": np.full(len(wells.x), np.nan)})
    with pytest.raises(ValueError, match="0 rows with a state and both committors"):
        current_of(none)
    with pytest.raises(ValueError, match=r"`x` must have shape \(n, d\)"):
        current_of(wells, wells.x[:, 0])
