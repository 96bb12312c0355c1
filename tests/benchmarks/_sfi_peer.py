"""Peer: drift and diffusion of tracks by StochasticForceInference, by its own python.

    python _sfi_peer.py IN.npz OUT.npz METHOD ...

IN: `n` data sets; of set k `x_k` (frames, tracks, d), `dt_k` and `states_k` (m, d) at
which the drift is asked. OUT: of set k and method `drift_k_METHOD` (m, d),
`D_k_METHOD` (d, d), `seconds_k_METHOD` from arrays to drift and diffusion, or
`failed_k_METHOD`. Monomials up to degree 3 throughout; methods as its user guide has
them, "Choosing an estimator" and "Noise and sampling":

linear       `compute_diffusion_constant()`, `infer_force_linear(basis)`: settings by
             whether it sees measurement noise
clean        the same for data known to be without noise
PASTIS       linear, then `sparsify_force(criterion="PASTIS")`
parametric   `infer_force(basis)`: likelihood, for noise and for long frames
p. clean     the same with `eiv=False, n_substeps=2`, for long frames without noise
p. PASTIS    parametric, then `sparsify_force(criterion="PASTIS")`
p. clean PASTIS
             "p. clean", then PASTIS
"""

import sys
import time
import warnings

import jax.numpy as jnp
import numpy as np
from SFI import OverdampedLangevinInference, TrajectoryCollection
from SFI.bases import monomials_up_to

DEGREE = 3


def linear(fit, basis, preset="auto"):
    """Projection in closed form."""
    fit.compute_diffusion_constant(method="WeakNoise" if preset == "clean" else "auto")
    fit.infer_force_linear(basis, preset=preset)


def parametric(fit, basis, **settings):
    """Likelihood of a Runge-Kutta step, noise and diffusion with it."""
    fit.infer_force(basis, **settings)


METHODS = {
    "linear": (linear, {}, False),
    "clean": (linear, {"preset": "clean"}, False),
    "PASTIS": (linear, {}, True),
    "parametric": (parametric, {}, False),
    "p. clean": (parametric, {"eiv": False, "n_substeps": 2}, False),
    "p. PASTIS": (parametric, {}, True),
    "p. clean PASTIS": (parametric, {"eiv": False, "n_substeps": 2}, True),
}


def one(method: str, x: np.ndarray, dt: float, states: np.ndarray) -> dict:
    """Fit a data set; drift at the states, diffusion, seconds."""
    run, settings, sparse = METHODS[method]
    begin = time.perf_counter()
    tracks = TrajectoryCollection.from_arrays(X=x, dt=dt)
    fit = OverdampedLangevinInference(tracks)
    basis = monomials_up_to(order=DEGREE, dim=x.shape[-1], rank="vector")
    run(fit, basis, **settings)
    if sparse:
        fit.sparsify_force(criterion="PASTIS")
    drift = np.asarray(fit.force_inferred(jnp.asarray(states)))
    diffusion = np.asarray(fit.diffusion_average)
    seconds = time.perf_counter() - begin
    return {"drift": drift, "D": diffusion, "seconds": seconds}


def main(source: str, target: str, *methods: str) -> None:
    """Every method on every data set."""
    given, out = np.load(source), {}
    warnings.simplefilter("ignore")
    for method in methods:
        for k in range(int(given["n"])):
            try:
                found = one(
                    method, given[f"x_{k}"], float(given[f"dt_{k}"]),
                    given[f"states_{k}"],
                )  # fmt: skip
            except Exception as error:  # noqa: BLE001  the failure is the result
                found = {"failed": f"{type(error).__name__}: {error}"[:80]}
            out |= {f"{name}_{k}_{method}": value for name, value in found.items()}
    np.savez(target, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
