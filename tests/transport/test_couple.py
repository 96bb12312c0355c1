"""Couplings against closed forms, and what must not change them."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import sqrtm
from scipy.stats import wasserstein_distance

from cellstate.transport import couple, wasserstein

NO_NULL = pd.DataFrame()
METHODS = ("exact", "entropic", "unbalanced", "semirelaxed")


def chain(x, time, **options):
    """Couplings without null rows, which have tests of their own."""
    return couple(x, time, **{"null": NO_NULL, "rng": 0, **options})


def two_clouds(n=200, m=200, d=2, shift=1.0, seed=0):
    rng = np.random.default_rng(seed)
    x = np.r_[rng.normal(size=(n, d)), shift + rng.normal(size=(m, d))]
    return x, np.repeat([0.0, 1.0], [n, m])


def dense(pair, n):
    plan = np.zeros((n, n))
    plan[pair.source, pair.target] = pair.mass
    return plan


# Known answers


def test_sorted_cells_are_coupled_in_one_dimension():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=300), 2 * rng.normal(size=300) + 1
    pair = chain(np.r_[x, y][:, None], np.repeat([0, 5], 300), method="exact").pairs(0)
    rank = np.empty(300, dtype=int)
    rank[np.argsort(x)] = np.argsort(y)
    np.testing.assert_array_equal(pair.target - 300, rank[pair.source])
    assert pair.cost == pytest.approx(np.mean((np.sort(x) - np.sort(y)) ** 2))


def test_gaussian_to_gaussian_costs_the_bures_distance():
    # In 1-D slices of a 2-D problem the sample W2^2 exceeds the truth by about
    # log(n) / n per unit variance: seven seeds give the spread to judge by.
    a = np.array([[1.0, 0.3], [0.3, 0.5]])
    b = np.array([[0.6, -0.2], [-0.2, 1.5]])
    root = sqrtm(a)
    bures = np.trace(a + b - 2 * sqrtm(root @ b @ root)).real + 3**2
    costs = []
    for seed in range(7):
        rng = np.random.default_rng(seed)
        x = rng.multivariate_normal([0, 0], a, 500)
        y = rng.multivariate_normal([3, 0], b, 500)
        costs.append(
            chain(np.r_[x, y], np.repeat([0, 1], 500), method="exact").pairs(0).cost
        )
    error = np.std(costs, ddof=1) / np.sqrt(7)
    bias = 2 * np.log(500) / 500
    assert -3 * error < np.mean(costs) - bures < 3 * error + bias


def test_entropic_costs_fall_to_the_exact_one():
    x, time = two_clouds()
    exact = chain(x, time, method="exact").pairs(0).cost
    excess = [
        chain(
            x, time, method="entropic", regularization=eps, drop_below=1e-12,
            max_iterations=20_000,
        ).pairs(0).cost - exact
        for eps in (0.3, 0.1, 0.03, 0.01)
    ]  # fmt: skip
    assert (np.diff(excess) < 0).all()
    assert 0 < excess[-1] < 0.03 * exact


def distant_clusters():
    """Shares .2 and .8 become .6 and .4 within 2 h, 500 units apart."""
    rng = np.random.default_rng(1)
    x = [
        rng.normal([centre, 0], 1, (n, 2))
        for centre, n in ((0, 80), (500, 320), (0, 240), (500, 160))
    ]
    return np.concatenate(x), np.repeat([0.0, 2.0], 400)


def test_growth_of_two_distant_clusters_is_recovered():
    x, time = distant_clusters()
    pair = chain(x, time, relaxation=0.1).pairs(0)
    mass = np.bincount((x[pair.source, 0] > 250).astype(int), pair.mass)
    np.testing.assert_allclose(mass, [0.6, 0.4], rtol=1e-4)
    left = x[pair.cells, 0] < 250
    grown = [np.exp(2 * pair.growth[part]).mean() for part in (left, ~left)]
    np.testing.assert_allclose(grown, [3.0, 0.5], rtol=1e-3)


@pytest.mark.parametrize(("p", "q"), [(0.1, 0.1), (0.05, 0.2)])
def test_unbalanced_clusters_hold_a_mean_of_both_masses(p, q):
    """m^(e + p + q) = a^(e + p) b^(e + q), for cells at no distance in a cluster."""
    x, time = distant_clusters()
    e = 0.03
    pair = chain(
        x, time, method="unbalanced", relaxation=(p, q), regularization=e
    ).pairs(0)
    mass = np.bincount((x[pair.source, 0] > 250).astype(int), pair.mass)
    a, b = np.array([0.2, 0.8]), np.array([0.6, 0.4])
    truth = (a ** (e + p) * b ** (e + q)) ** (1 / (e + p + q))
    np.testing.assert_allclose(mass, truth, rtol=2e-3)


def test_unbalanced_masses_follow_their_closed_form():
    """Two pairs that do not see each other: c + e log(p/ab) + t log(p/a)(p/b) = 0."""
    x = np.array([[0.0], [1e3], [1.0], [1e3 + 2.0]])
    pair = chain(
        x, [0, 0, 1, 1], method="unbalanced", regularization=0.4, relaxation=0.5,
        cost=lambda s, t, start, stop: np.array([[1.0, 60.0], [60.0, 4.0]]),
        tolerance=1e-12,
    ).pairs(0)  # fmt: skip
    unit = np.median([1.0, 60.0, 60.0, 4.0])
    c, e, t = np.array([1.0, 4.0]) / unit, 0.4, 0.5
    truth = np.exp((e * np.log(0.25) + 2 * t * np.log(0.5) - c) / (e + 2 * t))
    plan = dense(pair, 4)
    # What leaks to the far pair is exp(-60 / unit / e) of it, 1 %.
    leak = np.exp(-60 / unit / e)
    np.testing.assert_allclose([plan[0, 2], plan[1, 3]], truth, rtol=4 * leak)


def test_a_known_growth_prior_is_kept_by_the_exact_method():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 3))
    time = np.repeat([0.0, 4.0], 100)
    rate = rng.normal(0, 0.1, 200)
    couplings = chain(x, time, method="exact", growth=rate)
    pair = couplings.pairs(0)
    np.testing.assert_allclose(pair.growth, rate[:100], atol=1e-9)
    assert pair.mass_ratio == pytest.approx(np.exp(4 * rate[:100]).mean())
    # Given counts override the level of the prior, and keep its differences.
    pair = chain(x, time, method="exact", growth=rate, masses={0: 2.0, 4: 1.5}).pairs(0)
    assert pair.mass.sum() == pytest.approx(0.75)
    np.testing.assert_allclose(np.ptp(pair.growth - rate[:100]), 0, atol=1e-9)


def test_growth_does_not_bend_the_motion_of_relaxed_plans():
    """Two still clusters, one of which outgrows the other."""
    rng = np.random.default_rng(3)
    sizes = (150, 150, 240, 60)
    centres = zip((0, 10, 0, 10), sizes, strict=True)
    x = np.concatenate([rng.normal([c, 0], 0.5, (n, 2)) for c, n in centres])
    time = np.repeat([0.0, 1.0], 300)

    def drift(**options):
        pair = chain(x, time, **options).pairs(0)
        return (x[pair.target] - x[pair.source])[:, 0] @ pair.mass

    # 90 of 300 cells have to cross 10 units towards 0 when growth is not allowed.
    assert drift(method="exact") == pytest.approx(-3.0, abs=0.15)
    assert abs(drift(method="semirelaxed", relaxation=0.3)) < 0.3
    rates = np.log(np.where(x[:, 0] < 5, 240 / 150, 60 / 150))
    known = drift(method="exact", growth=rates)
    assert abs(known) < 0.15


@pytest.mark.parametrize("relaxation", [1.0, 3.0, 10.0])
def test_relaxed_motion_of_a_gaussian_cloud_shrinks_as_in_closed_form(relaxation):
    """Tilting the source by u costs tau u^2 / 2 s^2 and saves the way: m tau / (..)."""
    ratios = []
    for seed in range(5):
        x, time = two_clouds(400, 400, seed=seed)
        first, second = x[time == 0], x[time == 1]
        cost = ((first[:, None] - second[None]) ** 2).sum(axis=-1)
        tau = relaxation * np.median(cost)
        pair = chain(x, time, relaxation=relaxation).pairs(0)
        seen = pair.mass @ (x[pair.target] - x[pair.source]) / pair.mass.sum()
        moved = second.mean(axis=0) - first.mean(axis=0)
        truth = moved * tau / (tau + 2 * first.var(axis=0))
        ratios.append(np.linalg.norm(seen) / np.linalg.norm(truth))
    # Variances of the two samples differ by 7 %, and eps adds 0.02 of the median.
    assert np.mean(ratios) == pytest.approx(1, abs=0.05)


def test_a_relaxed_plan_is_nearly_the_best():
    """Its duality gap: from the row sums to a bound on every other plan."""
    x, time = two_clouds(150, 150)
    tau = 2.0
    pair = chain(x, time, method="semirelaxed", relaxation=tau).pairs(0)
    cost = ((x[:150, None] - x[None, 150:]) ** 2).sum(-1)
    cost /= np.median(cost)
    rows = np.bincount(pair.source, pair.mass, 150)
    spent = (cost[pair.source, pair.target - 150] * pair.mass).sum()
    primal = spent + tau * (rows * np.log(rows * 150)).sum()
    f = -tau * np.log(rows * 150)
    dual = (cost - f[:, None]).min(axis=0).mean() - tau * (np.exp(-f / tau) - 1).mean()
    assert 0 <= primal - dual < 0.02 * primal


# Identities and invariances


@pytest.mark.parametrize("method", METHODS)
def test_marginals_add_up(method):
    x, time = two_clouds(120, 90)
    weights = np.random.default_rng(4).random(210)
    couplings = chain(x, time, method=method, weights=weights)
    pair = couplings.pairs(0)
    columns = np.bincount(pair.target, pair.mass, 210)[120:]
    rows = np.bincount(pair.source, pair.mass, 210)[:120]
    a, b = couplings.weight[:120], couplings.weight[120:]
    assert a.sum() == pytest.approx(1) == b.sum()
    np.testing.assert_allclose(
        pair.marginal_error,
        [abs(rows - a).sum(), abs(columns - b).sum()],
        atol=2 * pair.dropped + 1e-9,
    )
    assert pair.mass.sum() == pytest.approx(rows.sum())
    assert pair.converged
    if method in ("exact", "semirelaxed"):
        np.testing.assert_allclose(columns, b, atol=1e-12)
        assert len(pair.mass) < 210
    if method == "exact":
        np.testing.assert_allclose(rows, a, atol=1e-12)
    if method == "entropic":
        assert pair.marginal_error.max() < 1e-5
        assert 0 < pair.dropped < 0.01


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_cells_does_not_matter(method, rng_order):
    x, time = two_clouds(60, 70)
    order = rng_order(130)
    plan = dense(chain(x, time, method=method).pairs(0), 130)
    mixed = dense(chain(x[order], time[order], method=method).pairs(0), 130)
    np.testing.assert_allclose(mixed, plan[np.ix_(order, order)], atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_turned_shifted_and_scaled_states_give_the_same_plan(method):
    x, time = two_clouds(60, 70, d=3)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    pair = chain(x, time, method=method).pairs(0)
    other = chain(7 * x @ turn + 100, time, method=method).pairs(0)
    np.testing.assert_allclose(dense(other, 130), dense(pair, 130), atol=1e-8)
    assert other.cost == pytest.approx(49 * pair.cost, rel=1e-6)


def test_the_unit_of_time_changes_rates_only():
    x, time = two_clouds(60, 70)
    rate = np.random.default_rng(6).normal(0, 0.3, 130)
    hours = chain(x, time, growth=rate).pairs(0)
    minutes = chain(x, 60 * time, growth=rate / 60).pairs(0)
    np.testing.assert_allclose(minutes.mass, hours.mass)
    np.testing.assert_allclose(60 * minutes.growth, hours.growth)


def test_a_weight_of_two_is_a_cell_twice():
    x, time = two_clouds(40, 40)
    weights = np.ones(80)
    weights[3] = 2
    twice = np.r_[x, x[[3]]]
    once = chain(x, time, method="exact", weights=weights).pairs(0)
    both = chain(twice, np.r_[time, 0.0], method="exact").pairs(0)
    assert once.cost == pytest.approx(both.cost)


def test_each_interval_of_a_chain_stands_for_itself():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(90, 2))
    time = np.repeat([0.0, 1.0, 5.0], 30)
    couplings = chain(x, time)
    assert len(couplings) == 2
    later = chain(x[30:], time[30:]).pairs(0)
    pair = couplings.pairs(1)
    np.testing.assert_array_equal(pair.source, later.source + 30)
    np.testing.assert_allclose(pair.mass, later.mass)
    assert (pair.start_time, pair.stop_time, pair.interval) == (1.0, 5.0, 4.0)
    with pytest.raises(IndexError, match=r"0\.\.1; found 2"):
        couplings.pairs(2)


def test_more_dimensions_than_cells():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(20, 300))
    pair = chain(x, np.repeat([0, 1], 10)).pairs(0)
    assert pair.mass.sum() == pytest.approx(1)


def test_duplicated_cells_share_their_mass():
    x = np.r_[np.zeros((30, 1)), np.ones((10, 1)), np.zeros((20, 1)), np.ones((20, 1))]
    pair = chain(x, np.repeat([0, 1], 40), method="exact").pairs(0)
    assert pair.cost == pytest.approx(0.25)  # 10 of 40 cells move by 1


# Descendants and ancestors


def moved(couplings, weights, k):
    """One step by dense matrices: mass over weight times plan."""
    plan = couplings.plan(k).toarray()
    share = np.divide(
        weights, couplings.weight, out=np.zeros_like(weights), where=weights > 0
    )
    return share @ plan


def test_descendants_compose_the_plans():
    rng = np.random.default_rng(9)
    x = rng.normal(size=(120, 2))
    couplings = chain(x, np.repeat([0.0, 1.0, 2.0, 3.0], 30))
    start = np.zeros(120)
    start[[2, 5, 7]] = [1.0, 2.0, 3.0]
    reached = start
    for k in range(3):
        reached = moved(couplings, reached, k)
    found = couplings.descendants(start)
    np.testing.assert_allclose(found, reached / reached.sum())
    assert found[90:].sum() == pytest.approx(1)
    np.testing.assert_array_equal(couplings.descendants(start, 0.0), start / 6)


def test_ancestors_are_bayes_of_descendants():
    """P(ancestor i | cell j) is P(i) P(j | i) / P(j), over one step and over three."""
    rng = np.random.default_rng(10)
    x = rng.normal(size=(120, 2))
    couplings = chain(x, np.repeat([0.0, 1.0, 2.0, 3.0], 30))
    joint = np.stack([
        np.eye(120)[i] for i in range(30)
    ]) * couplings.weight[:30, None]  # fmt: skip
    for k in range(3):
        joint = np.stack([moved(couplings, row, k) for row in joint])
    for j in (90, 104):
        found = couplings.ancestors([j])
        np.testing.assert_allclose(found[:30], joint[:, j] / joint[:, j].sum())
        assert found[30:].sum() == 0


def test_everybody_descends_from_everybody():
    x, time = two_clouds(50, 60)
    couplings = chain(x, time, growth=np.linspace(-1, 1, 110))
    np.testing.assert_allclose(
        couplings.descendants(time == 0)[50:], couplings.weight[50:], atol=1e-12
    )
    grown = couplings.weight[:50] * np.exp(couplings.growth[:50])
    np.testing.assert_allclose(
        couplings.ancestors(time == 1)[:50], grown / grown.sum(), atol=1e-12
    )


def test_relatives_need_cells_of_one_time():
    x, time = two_clouds(10, 10)
    couplings = chain(x, time)
    with pytest.raises(ValueError, match=r"found times \['0', '1'\]"):
        couplings.descendants([0, 15])
    with pytest.raises(ValueError, match=r"expected time >= 1 h.*found 0 h"):
        couplings.descendants([15], 0.0)
    with pytest.raises(ValueError, match=r"expected time <= 0 h.*found 1 h"):
        couplings.ancestors([3], 1.0)
    with pytest.raises(ValueError, match=r"no snapshot at time=0.5 h; found \[0.0, 1"):
        couplings.descendants([3], 0.5)
    with pytest.raises(ValueError, match=r"lie in 0\.\.19; found -1 to -1"):
        couplings.descendants([-1])
    with pytest.raises(
        ValueError, match=r"shape \(20,\).*found dtype float64, shape \(3"
    ):
        couplings.descendants([0.5, 0.5, 0.5])


# Lineage


def clones(seed=11):
    """Clones that cross over: at 0 on the left, at 10 the right, then exchanged."""
    rng = np.random.default_rng(seed)
    x = np.r_[rng.normal(0, 1, (40, 1)), rng.normal(10, 1, (40, 1))]
    later = np.r_[rng.normal(10, 1, (40, 1)), rng.normal(0, 1, (40, 1))]
    code = np.tile(np.repeat([3, 8], 40), 2)
    return np.r_[x, later], np.repeat([0.0, 1.0], 80), code


@pytest.mark.parametrize("method", METHODS)
def test_a_lineage_overrules_distance(method):
    x, time, code = clones()
    without = chain(x, time, method=method).pairs(0)
    apart = code[without.source] != code[without.target]
    assert without.mass[apart].sum() > 0.9 * without.mass.sum()
    assert np.isnan(without.broken)
    pair = chain(x, time, method=method, lineage=code).pairs(0)
    assert pair.broken < 1e-6
    # The price is that of the distances alone, 10 squared.
    assert pair.cost == pytest.approx(100, rel=0.1)


def test_names_unknown_codes_and_ancestors_say_the_same():
    x, time, code = clones()
    by_code = chain(x, time, lineage=code).pairs(0)
    names = np.where(code == 3, "left", "right")
    np.testing.assert_array_equal(
        chain(x, time, lineage=names).pairs(0).target, by_code.target
    )
    kin = (code[:, None] == code[None, :]) & (time[:, None] < time[None, :])
    np.testing.assert_array_equal(
        chain(x, time, lineage=kin).pairs(0).target, by_code.target
    )
    unknown = chain(x, time, lineage=np.full(160, -1)).pairs(0)
    np.testing.assert_array_equal(unknown.target, chain(x, time).pairs(0).target)
    assert unknown.broken == 0


def test_a_lost_clone_has_to_break_its_lineage():
    x, time, code = clones()
    code = np.where((time == 1) & (code == 8), 3, code)
    pair = chain(x, time, method="exact", lineage=code).pairs(0)
    assert pair.broken == pytest.approx(0.5)


# What is told


def test_a_plan_that_did_not_converge_warns_with_its_error():
    x, time = two_clouds()
    with pytest.warns(UserWarning, match=r"did not converge: residual .*Raise max_it"):
        pair = chain(
            x, time, method="entropic", regularization=0.001, max_iterations=3
        ).pairs(0)
    assert not pair.converged
    assert pair.residual > 1e-5
    assert pair.marginal_error[0] == pytest.approx(pair.residual)


def test_large_snapshots_are_coupled_in_blocks_and_say_so():
    x, time = two_clouds(300, 240)
    with pytest.warns(UserWarning, match=r"300 x 240 cells.*3 random blocks"):
        cut = chain(x, time, method="exact", max_cells=100)
    whole, pair = chain(x, time, method="exact").pairs(0), cut.pairs(0)
    assert cut.n_blocks.tolist() == [3]
    np.testing.assert_allclose(
        np.bincount(pair.target, pair.mass, 540)[300:], 1 / 240, rtol=1e-9
    )
    assert whole.cost < pair.cost < 1.2 * whole.cost


def test_what_memory_cannot_hold_is_refused(monkeypatch):
    monkeypatch.setattr("cellstate.transport._blocks._available", lambda: 1e4)
    x, time = two_clouds(50, 50)
    with pytest.raises(MemoryError, match=r"0\.0 GB.*Lower max_cells \(to 13 at most"):
        chain(x, time)


def test_rows_with_nan_are_left_out_and_counted():
    x, time = two_clouds(30, 30)
    x[4, 1] = np.nan
    time[40] = np.nan
    couplings = chain(x, time)
    assert couplings.n_left_out == 2
    assert not np.isin([4, 40], np.r_[couplings.source, couplings.target]).any()
    np.testing.assert_array_equal(couplings.time_index[[4, 40]], -1)
    assert np.isnan(couplings.growth[[4, 40]]).all()
    kept = np.delete(np.arange(60), [4, 40])
    again = chain(x[kept], time[kept])
    np.testing.assert_array_equal(kept[again.target], couplings.target)


X, TIME = two_clouds(5, 5)
BAD = {
    "one time": ({"time": np.zeros(10)}, r"two times or more; found 1 among 10"),
    "no cell": ({"x": np.full((10, 2), np.nan)}, r"found 0 among 0 usable of 10"),
    "tiny": ({"time": np.r_[TIME[:9], 7.0]}, r"at least 2.*1 of 3 times.*'7 h: 1'"),
    "constant": ({"x": np.ones((10, 2))}, r"constant over 10 cells"),
    "length": ({"time": TIME[:4]}, r"`time` \(h\).*\(10,\); found shape \(4,\)"),
    "x": ({"x": np.ones(10)}, r"`x` must have shape \(n, d\)"),
    "weights": ({"weights": -np.ones(10)}, r"`weights` must be >= 0; found 10"),
    "growth": ({"growth": np.full(10, np.nan)}, r"`growth`.*found 5 that are not"),
    "masses": ({"masses": {0.0: 1.0}}, r"every time; \[1.0\] h are missing"),
    "mass": ({"masses": [1.0, 0.0]}, r"above 0 for each of the 2 times"),
    "method": ({"method": "sinkhorn"}, r"`method` must be one of \['exact'"),
    "unused": ({"method": "exact", "relaxation": 1.0}, r"`relaxation` is for method"),
    "pair": ({"relaxation": (1.0, 2.0)}, r"\(source, target\) for method='unbalanced'"),
    "negative": ({"relaxation": -1.0}, r"`relaxation` must be a number above 0"),
    "cost": ({"cost": "cosine"}, r"`cost` must be one of \['sqeuclidean'\]"),
    "lineage": ({"lineage": np.zeros(4, int)}, r"`lineage` must have one code per row"),
    "shape": ({"cost": lambda *_: np.ones((2, 2))}, r"shape \(5, 5\); found shape"),
    "free": ({"cost": lambda s, t, *_: np.zeros((5, 5))}, r"0 and 1 h cost 0: 5 and 5"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told(name):
    change, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        chain(**{"x": X, "time": TIME, **change})


def test_a_result_survives_its_dict():
    x, time = two_clouds(20, 20)
    couplings = couple(x, time, rng=0)
    again = type(couplings).from_dict(couplings.to_dict())
    np.testing.assert_array_equal(again.pairs(0).mass, couplings.pairs(0).mass)
    pair = couplings.pairs(0)
    assert type(pair).from_dict(pair.to_dict()).converged is True
    pd.testing.assert_frame_equal(again.null, couplings.null)


# Distances


def test_distances_on_a_line_are_those_of_scipy():
    rng = np.random.default_rng(12)
    x, y, wx, wy = (
        rng.normal(size=80),
        rng.normal(size=50),
        rng.random(80),
        rng.random(50),
    )
    ours = wasserstein(x[:, None], y[:, None], wx, wy)
    assert ours == pytest.approx(wasserstein_distance(x, y, wx, wy))
    assert wasserstein(x[:, None], x[:, None]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros((3, 1))}, r"one space; found \(4, 2\), \(3, 1\)"),
        ({"y": np.full((3, 2), np.nan)}, r"must be finite"),
        ({"x_weights": np.zeros(4)}, r"positive sum, shape \(4,\).*sum 0"),
    ],
)
def test_distances_refuse_what_they_cannot_measure(change, message):
    with pytest.raises(ValueError, match=message):
        wasserstein(**{"x": np.ones((4, 2)), "y": np.zeros((3, 2)), **change})
