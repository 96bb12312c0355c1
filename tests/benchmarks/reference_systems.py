"""Every number of the reference systems by two routes, beside the stored value.

    python tests/benchmarks/reference_systems.py            # about ten minutes
    python tests/benchmarks/reference_systems.py --small    # under a minute
    python tests/benchmarks/reference_systems.py --only line orders

Stored values were computed beforehand with a separate code (quadrature on a line,
finite volumes on up to three grids in the plane); "within" is the uncertainty
stated with them. Published values are named. Nothing here is timed except where a
time is printed.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from cellstate import systems as cs

SEED = 1


def table(title: str, rows: list[dict]) -> pd.DataFrame:
    """Print a table and return it."""
    found = pd.DataFrame(rows)
    print(f"\n## {title}\n")
    print(found.to_string(index=False, float_format=lambda v: f"{v:.6g}"), flush=True)
    return found


def relative(a: float, b: float) -> float:
    """Relative difference; absolute where b is 0."""
    return abs(a - b) / abs(b) if b else abs(a)


# One dimension

# nu, k_AB and one probe of the committor (state, value).
LINE = [
    ("double well, beta 1", cs.DoubleWell(D=1), 0.14007822464563582,
     0.2801564492912733, (-0.5, 0.17512039029533333)),
    ("double well, beta 3", cs.DoubleWell(D=1 / 3), 0.01876870691227126,
     0.037537413824542405, (-0.5, 0.07061079546965673)),
    ("double well, beta 5", cs.DoubleWell(D=1 / 5), 0.002740962494568838,
     0.00548192498913773, (-0.5, 0.025517834624883422)),
    ("double well, beta 8", cs.DoubleWell(D=1 / 8), 0.00014285572200650783,
     2 * 0.00014285572200650783, None),
    ("tilted, beta 2", cs.TiltedDoubleWell(D=1 / 2), 0.043425917534698294,
     0.06137474698814828, (0.0, 0.42302430846117994)),
    ("tilted, beta 4", cs.TiltedDoubleWell(D=1 / 4), 0.004622587611609842,
     0.005335709856572008, (0.0, 0.3897728071667072)),
    ("Prinz, beta 1", cs.Prinz(D=1), 0.1905375898901379, 0.5153804245980588,
     (0.0, 0.5949432211700431)),
    ("pitchfork, mu .5", cs.Pitchfork(D=0.1, mu=0.5), 0.029742048884521203,
     0.05948409776904271, (0.353553, 0.7978950384293602)),
    ("pitchfork, mu 1", cs.Pitchfork(D=0.1, mu=1), 0.00754504850072909,
     0.015090097001458245, None),
]  # fmt: skip


def line() -> pd.DataFrame:
    """Quadrature of the potential against collocation of the drift."""
    rows = []
    for name, system, nu, k_ab, probe in LINE:
        first, second = cs.quadrature(system), cs.collocation(system)
        checked = [("nu", first.nu, second.nu, nu)]
        checked += [("k_AB", first.k_ab, second.k_ab, k_ab)]
        edges = (system.source.bound, -system.target.bound)
        passage = [float(p.passage_time([edges[0]])) for p in (first, second)]
        checked += [("MFPT a to b", *passage, 1 / k_ab)]
        if probe is not None:
            state, value = probe
            q = [float(p.committor([state])) for p in (first, second)]
            checked += [(f"q({state:g})", *q, value)]
        for quantity, one, two, stored in checked:
            rows.append(
                {
                    "system": name,
                    "quantity": quantity,
                    "quadrature": one,
                    "collocation": two,
                    "stored": stored,
                    "routes differ": relative(one, two),
                    "from stored": relative(one, stored),
                }
            )
    return table("On a line (relative differences; bar 1e-6)", rows)


def horizons() -> pd.DataFrame:
    """Committors with a horizon and of branching cells, double well at beta 3."""
    law = cs.DoubleWell(D=1 / 3)
    checked = [
        ("q_T, T 0.5, x -0.5", cs.committor_within(law, 0.5, [-0.5]),
         cs.committor_within_by_modes(law, 0.5, [-0.5]), 0.011476568421678665),
        ("q_T, T 1, x 0", cs.committor_within(law, 1.0, [0.0]),
         cs.committor_within_by_modes(law, 1.0, [0.0]), 0.4306881518630664),
        ("q_T, T 2, x 0", cs.committor_within(law, 2.0, [0.0]),
         cs.committor_within_by_modes(law, 2.0, [0.0]), 0.49574203267297146),
        ("p_T, T 1, x -1", cs.reach_within(law, 1.0, [-1.0]),
         cs.reach_within_by_modes(law, 1.0, [-1.0]), 0.008332172688205543),
        ("p_T, T 10, x -1", cs.reach_within(law, 10.0, [-1.0]),
         cs.reach_within_by_modes(law, 10.0, [-1.0]), 0.2977830961885994),
    ]  # fmt: skip
    for rate, stored in ((0.1, 0.0733793157521778), (0.5, 0.08550274502333079),
                         (1.0, 0.10332073103964347)):  # fmt: skip
        first = cs.branching_committor(law, rate, [-0.5])
        second = cs.branching_committor_adaptive(law, rate, [-0.5])
        checked.append((f"branching, rate {rate:g}, x -0.5", first, second, stored))
    rows = [
        {
            "quantity": name,
            "first route": float(one),
            "second route": float(two),
            "stored": stored,
            "routes differ": abs(float(one) - float(two)),
            "from stored": abs(float(one) - stored),
        }
        for name, one, two, stored in checked
    ]
    return table(
        "Horizons and branching (absolute differences; stored: Crank-Nicolson in "
        "steps of .005)",
        rows,
    )


# Two dimensions

BOXES = {"source": cs.Box((-1.0, 0.0), 0.25), "target": cs.Box((1.0, 0.0), 0.25)}
# Law, stored nu, its uncertainty (relative), probes of q, their uncertainty.
PLANE = [
    ("triple well, beta 1.67", cs.TripleWell(D=1 / 1.67), 0.018917, 5e-3,
     {(-0.5, 0.5): 0.07116, (-0.5, 1.2): 0.32059}, 1e-3),
    ("triple well, beta 6.67", cs.TripleWell(D=1 / 6.67), 9.134e-8, 5e-3,
     {(-0.5, 0.5): 0.001145, (-0.5, 1.2): 0.37236}, 1e-3),
    ("triple well, boxes", cs.TripleWell(D=1 / 1.67, **BOXES), 0.019011, 1e-3,
     {(-0.5, 0.5): 0.06868}, 1e-4),
    ("double well, half planes", cs.DoubleWell2D(D=1 / 3), 0.01876870691227126, 1e-3,
     {(-0.5, 0.0): 0.07061079546965673}, 1e-3),
    ("Mueller-Brown, kT 10", cs.MuellerBrown(D=10), 4.9143e-3, 1e-3,
     {(-0.822, 0.624): 0.32573, (-0.05, 0.467): 0.94811}, 5e-4),
    ("Mueller-Brown, kT 22", cs.MuellerBrown(D=22), 0.89347, 1e-3,
     {(-0.822, 0.624): 0.25868, (-0.05, 0.467): 0.78278}, 5e-4),
    ("rugged Mueller, kT 10", cs.RuggedMueller(D=10), 4.6018e-3, 1e-3,
     {(-0.822, 0.624): 0.29984}, 5e-4),
    ("rugged Mueller, kT 22", cs.RuggedMueller(D=22), 0.87540, 1e-3,
     {(-0.822, 0.624): 0.25359}, 5e-4),
    ("Maier-Stein, D .1", cs.MaierStein(D=0.1), 0.028982, 1e-2,
     {(-0.5, 0.3): 0.22903}, 3e-3),
    ("Maier-Stein, D .05", cs.MaierStein(D=0.05), 9.645e-3, 1e-2,
     {(-0.5, 0.3): 0.13093}, 3e-3),
    ("rotational well, beta 3", cs.RotationalDoubleWell(D=1 / 3), 0.037143, 1.5e-2,
     {(0.0, 0.5): 0.1776, (0.0, -0.5): 0.8224}, 3e-3),
]  # fmt: skip


def plane(fine: int, only: slice = slice(None)) -> pd.DataFrame:
    """Finite volumes against body-fitted finite elements."""
    rows = []
    for name, system, nu, within, probes, within_q in PLANE[only]:
        begin = time.perf_counter()
        first = cs.finite_volumes(system, n=fine)
        middle = time.perf_counter()
        second = cs.finite_elements(system, n=fine // 2)
        end = time.perf_counter()
        checked = [("nu", first.nu, second.nu, nu, within, relative)]
        checked += [
            (f"q{state}", float(first.committor(state)),
             float(second.committor(state)), value, within_q, lambda a, b: abs(a - b))
            for state, value in probes.items()
        ]  # fmt: skip
        if system.name == "Maier-Stein" and system.D == 0.1:
            back = [float(p.committor_backward((-0.5, 0.3))) for p in (first, second)]
            checked.append(("q-(-.5, .3)", *back, 0.78944, within_q, lambda a, b:
                            abs(a - b)))  # fmt: skip
        for quantity, one, two, stored, tolerance, differ in checked:
            rows.append(
                {
                    "system": name,
                    "quantity": quantity,
                    "volumes": one,
                    "elements": two,
                    "stored": stored,
                    "routes differ": differ(one, two),
                    "from stored": differ(one, stored),
                    "within": tolerance,
                    "holds": "yes" if differ(one, stored) <= tolerance else "NO",
                    "s volumes": round(middle - begin, 1),
                    "s elements": round(end - middle, 1),
                }
            )
    return table(
        f"In the plane (nu relative, q absolute; {fine} cells and {fine // 2} "
        "elements per axis)",
        rows,
    )


def decisions(fine: int) -> pd.DataFrame:
    """Choice, toggle, circulation: numbers of section "decisions" by two routes."""
    rows = []

    def add(system: str, quantity: str, one: float, two: float, stored: float) -> None:
        rows.append(
            {
                "system": system,
                "quantity": quantity,
                "first route": one,
                "second route": two,
                "stored": stored,
                "routes differ": relative(one, two),
                "from stored": relative(one, stored),
            }
        )

    for d, p1, p2, hours, chance in (
        (0.05, 0.0, 0.5, 28.54, 0.5),
        (0.05, 0.1, 0.5, 22.53, 0.15430),
        (0.1, 0.0, 1.0, 146.7, 0.5),
    ):
        law = cs.BinaryChoice(D=d, p1=p1, p2=p2)
        both = cs.finite_volumes(law, n=fine), cs.finite_elements(law, n=fine // 2)
        name = f"binary choice D {d:g} p1 {p1:g} p2 {p2:g}"
        start = law.progenitor
        add(name, "exit time", *(float(p.exit_time(start)) for p in both), hours)
        add(name, "q(right)", *(float(p.committor(start)) for p in both), chance)
    for d, hours, gap in ((0.05, 188.4, 0.012406), (0.1, 70.3, 0.0377)):
        law = cs.ToggleSwitch(D=d, a=3.0, n=2)
        both = cs.finite_volumes(law, n=fine), cs.finite_elements(law, n=fine // 2)
        start = law.source.center
        passed = [float(p.passage_time(start)) for p in both]
        add(f"toggle D {d:g}", "passage time", *passed, hours)
        add(f"toggle D {d:g}", "gap", *(p.gap for p in both), gap)
    for d, stored in ((0.1, 2.57655), (0.3, 3.07514)):
        law = cs.NonEquilibriumLandscape(D=d, circulation=0.5, p1=0.0, p2=1.0)
        both = law.entropy_production(), law.entropy_production_by_curvature()
        add(f"circulating D {d:g}", "entropy production", *both, stored)
    return table("Decisions (relative differences; bar 1 %)", rows)


def bifurcations(n: int) -> pd.DataFrame:
    """Ramps: choice law, delay, variances, from equations and from n simulated cells.

    The choice law itself is a formula; "second route" there is the Fokker-Planck
    equation. Elsewhere it is the simulation, with its standard error.
    """
    rows = []
    for eps, d, h, right, decided, zero, early in (
        (0.05, 0.01, 0.02, 0.7132, 0.430, 0.05031, 0.01705),
        (0.02, 0.005, 0.01, 0.6917, 0.342, 0.03721, 0.009193),
        (0.01, 0.001, 0.005, 0.7472, 0.288, 0.01334, 0.001941),
    ):
        law = cs.RampedPitchfork(D=d, eps=eps, h=h)
        level = cs.RampedPitchfork(D=d, eps=eps)
        chance, flat = law.history().chance_right[-1], level.history()
        backward = float(law.committor(law.sample(20_000, SEED)).mean())
        at = f"ramp eps {eps:g} D {d:g}"
        exact, none = law.chance_right(), float("nan")
        rows.append((at, f"P(right), h {h:g}", exact, chance, none, right))
        rows.append((at, "same, backward equation", backward, chance, none, right))
        r, x = ramp(level, n)
        half = np.abs(x) > 0.5
        share, first = half.mean(axis=1), np.argmax(half.mean(axis=1) >= 0.5)
        seen = np.interp(0.5, share[first - 1 : first + 1], r[first - 1 : first + 1])
        slope = (share[first] - share[first - 1]) / (r[first] - r[first - 1])
        error = 0.5 / np.sqrt(n) / slope
        rows.append((at, "r of half |x| > .5", flat.r_decided, seen, error, decided))
        for level_of, stored in ((0.0, zero), (-0.5, early)):
            now = x[np.argmin(np.abs(r - level_of))]
            error = np.sqrt(np.var((now - now.mean()) ** 2) / n)
            found = float(flat.variance_at(level_of))
            rows.append(
                (at, f"variance at r = {level_of:g}", found, now.var(), error, stored)
            )
    names = ("system", "quantity", "first route", "second route", "se", "stored")
    title = f"Ramped pitchfork (simulation: {n:,} cells)"
    return table(title, [dict(zip(names, row, strict=True)) for row in rows])


def ramp(law: cs.RampedPitchfork, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Parameter (t,) and states (t, n) of cells along a ramp."""
    frames = 201
    interval = law.duration / (frames - 1)
    substeps = int(np.ceil(interval * law.fastest_rate / 0.05))
    x = cs.simulate(
        law,
        law.sample(n, SEED),
        n_frames=frames,
        frame_interval=interval,
        substeps=substeps,
        rng=SEED,
    )
    return law.r(np.arange(frames) * interval), x[..., 0]


def others(n: int) -> pd.DataFrame:
    """Chains, clones, trees, colonies and angles: two routes, stored, simulated."""
    rows: list[tuple] = []
    rng = np.random.default_rng(SEED)
    nan = float("nan")

    chain = cs.BirthDeathChain.immigration_death(5.0, 1.0, 40)
    both = chain.transition_paths(9, 2), chain.transition_paths_by_solve(9, 2)
    for name in ("nu", "k_ab", "mfpt_ba", "gap"):
        rows.append(("chain, A above B", name, *(getattr(p, name) for p in both), nan))
    q = [float(p.committor([5])) for p in both]
    rows.append(("chain, A above B", "q(5)", *q, nan))

    clone = cs.BranchingProcess(division_rate=1.0, death_rate=0.5)
    pair = clone.probability(3, 2.0), clone.probability_by_matrix(3, 2.0)
    rows.append(("branching", "P(3 cells), t 2", *map(float, pair), nan))
    counts = clone.simulate(np.ones(n, int), n_frames=2, frame_interval=2.0, rng=rng)
    rows.append(("branching", "mean, t 2", float(clone.mean(2.0)),
                 counts[-1].mean(), nan))  # fmt: skip
    kinds = cs.MultitypeBranching(
        division_rates=(1.0, 0.4),
        death_rates=(0.3, 0.1),
        switching=((0.0, 0.5), (0.1, 0.0)),
    )
    pair = kinds.composition()[0], kinds.composition_by_time()[0]
    rows.append(("two types", "share of the first", *map(float, pair), nan))
    pair = kinds.extinction()[0], kinds.extinction_by_time()[0]
    rows.append(("two types", "extinction", *map(float, pair), nan))

    trees = cs.BifurcatingAR(mother=0.7, sister=0.5)
    whole = trees.covariance(3)
    for name, uv, cells, stored in (
        ("mother-daughter", (0, 1), (0, 1), 0.7),
        ("sisters", (1, 1), (1, 2), 0.745),
        ("cousins", (2, 2), (3, 5), 0.36505),
    ):
        found = trees.kin_correlation(*uv), float(whole[cells])
        rows.append(("bifurcating AR", name, *found, stored))
    modes = cs.DivisionModes(ss=0.35, sd=0.5, dd=0.15)
    pair = modes.pairs_for_power(), modes.pairs_by_chi_square()
    rows.append(("division modes", "pairs for 80 % power", *map(float, pair), 4500))
    rows.append(("division modes", "phi", modes.phi, nan, -0.0417))
    fates = cs.FateTree(transition=((0.9, 0.1), (0.3, 0.7)))
    pair = fates.kin_frequencies(2, 2), fates.kin_frequencies_by_walk(2, 2)
    rows.append(("fates on a tree", "cousins alike", *map(np.trace, pair), nan))

    for coupling, stored in ((0.5, 0.264505), (1.0, 0.456947), (2.0, 0.815787)):
        law = cs.DesaiZwanzig(D=0.3, coupling=coupling)
        pair = law.critical_diffusion(), law.critical_diffusion_by_growth()
        rows.append((f"Desai-Zwanzig, K {coupling:g}", "critical D", *pair, stored))
    for d, stored in ((0.3, 0.705495), (0.4, 0.447106)):
        law = cs.DesaiZwanzig(D=d, coupling=1.0)
        pair = law.order_parameter(), law.order_parameter_by_time()
        rows.append((f"Desai-Zwanzig, D {d:g}", "order parameter", *pair, stored))

    for size, stored in ((20, 0.1996), (50, 0.1257), (200, 0.0625)):
        drawn = cs.first_mode_of(rng.uniform(0, 2 * np.pi, (n, size))).mean()
        rows.append((f"polarity, {size} cells", "null mode", cs.null_mode(size), drawn,
                     stored))  # fmt: skip
    threshold = cs.rayleigh_threshold(50)
    drawn = cs.first_mode_of(rng.uniform(0, 2 * np.pi, (n, 50))) > threshold
    rows.append(("polarity, 50 cells", "level of the null test",
                 cs.rayleigh_p_exact(threshold, 50), drawn.mean(), 0.05))  # fmt: skip

    names = ("system", "quantity", "first route", "second route", "stored")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    for row in found:
        row["routes differ"] = relative(row["first route"], row["second route"])
        row["from stored"] = relative(row["first route"], row["stored"])
    return table(
        f"Chains, clones, trees, colonies, angles (relative; the means of clones and "
        f"angles are over {n:,} simulations)",
        found,
    )


# Ensembles

ENSEMBLES = [
    ("double well", cs.DoubleWell(D=1 / 3)),
    ("tilted", cs.TiltedDoubleWell(D=1 / 4)),
    ("Prinz", cs.Prinz(D=1.0)),
    ("pitchfork", cs.Pitchfork(D=0.1, mu=1.0)),
    ("triple well", cs.TripleWell(D=1 / 1.67)),
    ("double well 2-D", cs.DoubleWell2D(D=1 / 3)),
    ("Mueller-Brown", cs.MuellerBrown(D=22.0)),
    ("rotational well", cs.RotationalDoubleWell(D=1 / 3)),
    ("circulating", cs.NonEquilibriumLandscape(D=0.3, circulation=0.5)),
    ("binary choice", cs.BinaryChoice(D=0.1, p2=0.5)),
    ("Maier-Stein", cs.MaierStein(D=0.1)),
    ("toggle", cs.ToggleSwitch(D=0.1)),
]


def ensembles(n: int) -> pd.DataFrame:
    """n independent cells, simulated from the stationary law, against its density."""
    rows = []
    for name, law in ENSEMBLES:
        begin = law.sample(n, SEED)
        rate = law.fastest_rate
        moved = cs.simulate(
            law, begin, n_frames=2, frame_interval=2 / rate, substeps=400, rng=SEED + 1
        )[-1]
        statistic, bins, p = chi_square(law, moved)
        rows.append(
            {
                "system": name,
                "n": n,
                "bins": bins,
                "chi-square": statistic,
                "p": p,
                "p of the start": chi_square(law, begin)[2],
            }
        )
    return table(
        "Simulated cells against the stationary density (chi-square; after a time of "
        "2 / lambda_max in 400 Heun steps)",
        rows,
    )


def chi_square(law: cs.Diffusion, x: np.ndarray) -> tuple[float, int, float]:
    """Counts in a grid of bins against the density integrated over them."""
    from scipy.stats import chi2

    side = 40 if law.dimension == 1 else 12
    parts = 64 if law.dimension == 1 else 16
    low, high = np.quantile(x, 0.002, axis=0), np.quantile(x, 0.998, axis=0)
    edges = [np.linspace(a, b, side + 1) for a, b in zip(low, high, strict=True)]
    counts, _ = np.histogramdd(x, bins=edges)
    fine = [
        (np.arange(side * parts) + 0.5) / (side * parts) * (b - a) + a
        for a, b in zip(low, high, strict=True)
    ]
    grid = np.stack(np.meshgrid(*fine, indexing="ij"), axis=-1)
    small = law.density(grid) * np.prod([f[1] - f[0] for f in fine])
    shape = [k for _ in fine for k in (side, parts)]
    axes = tuple(range(1, len(shape), 2))
    expected = small.reshape(shape).sum(axis=axes) * len(x)
    used = expected >= 10
    # What lies outside the bins, or in faint ones, is one more bin.
    seen = np.append(counts[used], len(x) - counts[used].sum())
    hoped = np.append(expected[used], len(x) - expected[used].sum())
    statistic = float(((seen - hoped) ** 2 / hoped).sum())
    return statistic, seen.size, float(chi2.sf(statistic, seen.size - 1))


# Pictures


def contours(n: int) -> pd.DataFrame:
    """Harmonics of noiseless shapes, from the half level of the picture."""
    from cellstate.datasets._movie._raster import coverage, tile
    from cellstate.datasets._movie._shape import amplitudes, centred

    rng = np.random.default_rng(SEED)
    rows = []
    for radius in (6.0, 8.0, 10.0, 14.0, 20.0):
        errors = []
        for _ in range(n):
            modes = np.zeros((1, 6), dtype=complex)
            size = rng.uniform(0, (0.15, 0.08, 0.05))
            modes[0, 1:4] = size * np.exp(2j * np.pi * rng.random(3))
            modes = centred(modes)
            place = rng.random(2)
            picture = coverage(tile(*place, radius, modes[0]))
            found = harmonics(picture)
            errors.append(found[1:4] - amplitudes(modes)[0][0, 1:4])
        rms = np.sqrt(np.mean(np.square(errors), axis=0))
        rows.append({"radius (px)": radius, "n": n}
                    | {f"RMSE a_{k + 2}": v for k, v in enumerate(rms)}
                    | {"bar": 0.004})  # fmt: skip
    return table("Contour harmonics from a noiseless picture", rows)


def harmonics(picture: np.ndarray) -> np.ndarray:
    """a_1 ... a_6 of the half-level contour about its centroid."""
    from skimage.measure import find_contours

    line = max(find_contours(np.pad(picture, 2), 0.5), key=len)[:, ::-1]
    x, y = line[:-1].T
    after_x, after_y = line[1:].T
    cross = x * after_y - after_x * y
    centre = np.array([((x + after_x) * cross).sum(), ((y + after_y) * cross).sum()])
    point = (line[:-1] - centre / (3 * cross.sum())) @ np.array([1, 1j])
    angle, radius = np.angle(point), np.abs(point)
    order = np.argsort(angle)
    even = np.linspace(-np.pi, np.pi, 256, endpoint=False)
    r = np.interp(even, angle[order], radius[order], period=2 * np.pi)
    modes = np.fft.rfft(r) / r.size
    return 2 * np.abs(modes[1:7]) / modes[0].real


def speed(small: bool) -> pd.DataFrame:
    """Seconds for a million frames in the plane, and for a movie."""
    import cellstate

    rows = []
    cells = 100 if small else 1000
    for name, law in (("binary choice", cs.BinaryChoice(D=0.05)),
                      ("Mueller-Brown", cs.MuellerBrown(D=22.0))):  # fmt: skip
        begin = time.perf_counter()
        cs.simulate(
            law,
            law.sample(cells, SEED),
            n_frames=1000,
            frame_interval=0.1 / law.fastest_rate,
            rng=SEED,
        )
        rows.append((f"{cells * 1000:,} frames, {name}, 5 Heun steps a frame",
                     time.perf_counter() - begin, 10.0))  # fmt: skip
    begin = time.perf_counter()
    size = {"n_cells": 6, "n_frames": 5, "shape": (128, 128)} if small else {}
    with cellstate.settings.override(progress=False):
        film = cellstate.datasets.simulate_movie("differentiation", rng=SEED, **size)
    took = time.perf_counter() - begin
    shape = " x ".join(map(str, film.movie.images.shape))
    rows.append((f"movie {shape}, {size.get('n_cells', 60)} founders", took, 20.0))
    names = ("what", "seconds", "bar")
    return table("Speed", [dict(zip(names, r, strict=True)) for r in rows])


def orders(n: int) -> pd.DataFrame:
    """Measured strong and weak order of the two schemes."""
    rows = []
    for step, weak in ((cs.euler_maruyama, 1), (cs.heun, 2)):
        measured = {
            ("double well", "strong", 1): cs.strong_errors(step, n=n // 10, rng=SEED),
            ("OU, mean", "weak", weak): cs.weak_errors(step, moment=1, n=n, rng=SEED),
            ("OU, square", "weak", weak): cs.weak_errors(step, moment=2, n=n, rng=SEED),
        }
        for (law, kind, theory), found in measured.items():
            rows.append(
                {
                    "law": law,
                    "scheme": step.__name__,
                    "order": kind,
                    "theory": theory,
                    "measured": found.order,
                    "se": found.order_error,
                    "largest error": found.errors.max(),
                    "smallest error": found.errors.min(),
                }
            )
    return table(f"Order of the schemes ({n:,} paths)", rows)


def main(words: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="small sizes, for a test")
    parser.add_argument("--only", nargs="+", help="sections to print")
    options = parser.parse_args(words)
    small = options.small
    pd.set_option("display.width", 250)
    sections: dict[str, Callable[[], pd.DataFrame]] = {
        "line": line,
        "horizons": horizons,
        "bifurcations": lambda: bifurcations(500 if small else 20_000),
        "plane": lambda: plane(100, slice(3, 4)) if small else plane(400),
        "decisions": lambda: decisions(80 if small else 300),
        "others": lambda: others(2_000 if small else 100_000),
        "ensembles": lambda: ensembles(4_000 if small else 200_000),
        "orders": lambda: orders(20_000 if small else 400_000),
        "contours": lambda: contours(20 if small else 400),
        "speed": lambda: speed(small),
    }
    chosen = options.only or list(sections)
    unknown = [name for name in chosen if name not in sections]
    if unknown:
        parser.error(f"no section {unknown}; there are {list(sections)}")
    return {name: sections[name]() for name in chosen}


if __name__ == "__main__":
    main()
