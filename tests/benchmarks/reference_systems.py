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
