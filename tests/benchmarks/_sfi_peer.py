"""Peer: drift and diffusion of tracks by StochasticForceInference, by its own python.

    python _sfi_peer.py IN.npz OUT.npz LIMIT METHOD ...

IN: `n` data sets; of set k `x_k` (frames, tracks, d), `dt_k` and `states_k` (m, d) at
which the drift is asked. OUT: of set k and method `drift_k_METHOD` (m, d),
`D_k_METHOD` (d, d) and `seconds_k_METHOD`, CPU seconds from arrays to drift, or
`failed_k_METHOD`; nothing for sets that LIMIT CPU seconds do not reach. Monomials up to
degree 3 throughout; methods as the user guide has them ("Choosing an estimator",
"Measurement noise and coarse sampling"):

linear       `compute_diffusion_constant()`, `infer_force_linear(basis)`: by itself it
             takes settings for noise where it sees some
clean        the same, told that there is no noise
parametric   `infer_force(basis)`: likelihood, for noise and for long frames
p. clean     the same with `eiv=False, n_substeps=2`, for long frames without noise

each also followed by `sparsify_force(criterion="PASTIS")`, as "METHOD, PASTIS".
"""

import sys
import time
import warnings

import jax.numpy as jnp
import numpy as np
from SFI import OverdampedLangevinInference, TrajectoryCollection
from SFI.bases import monomials_up_to

DEGREE, SPARSE = 3, ", PASTIS"


def linear(fit, basis, preset="auto"):
    """Projection in closed form."""
    fit.compute_diffusion_constant(method="WeakNoise" if preset == "clean" else "auto")
    fit.infer_force_linear(basis, preset=preset)


def parametric(fit, basis, **settings):
    """Likelihood of a Runge-Kutta step, noise and diffusion with it."""
    fit.infer_force(basis, **settings)


METHODS = {
    "linear": (linear, {}),
    "clean": (linear, {"preset": "clean"}),
    "parametric": (parametric, {}),
    "p. clean": (parametric, {"eiv": False, "n_substeps": 2}),
}


def seen(fit, states: np.ndarray, seconds: float) -> dict:
    """Drift at the states and diffusion of a fit; seconds until then."""
    begin = time.process_time()
    drift = np.asarray(fit.force_inferred(jnp.asarray(states)))
    diffusion = np.asarray(fit.diffusion_average)
    seconds = seconds + time.process_time() - begin
    return {"drift": drift, "D": diffusion, "seconds": seconds}


def one(method: str, x: np.ndarray, dt: float, states: np.ndarray) -> list[dict]:
    """Fit a data set, then make the fit sparse: both results."""
    run, settings = METHODS[method]
    begin = time.process_time()
    fit = OverdampedLangevinInference(TrajectoryCollection.from_arrays(X=x, dt=dt))
    run(fit, monomials_up_to(order=DEGREE, dim=x.shape[-1], rank="vector"), **settings)
    full = seen(fit, states, time.process_time() - begin)
    begin = time.process_time()
    fit.sparsify_force(criterion="PASTIS")
    more = time.process_time() - begin
    fitted = full["seconds"]
    return [full, seen(fit, states, fitted + more)]


def main(source: str, target: str, limit: str, *methods: str) -> None:
    """Every method on every data set, until the CPU seconds are used up."""
    given, out = np.load(source), {}
    warnings.simplefilter("ignore")
    for k in range(int(given["n"])):
        for method in methods:
            if time.process_time() > float(limit):
                break
            x, dt, states = (given[f"{name}_{k}"] for name in ("x", "dt", "states"))
            try:
                both = one(method, x, float(dt), states)
            except Exception as error:  # the failure is the result
                words = f"{type(error).__name__}: {error}"[:80]
                both = [{"failed": words}] * 2
            for name, found in zip((method, f"{method}{SPARSE}"), both, strict=True):
                out |= {f"{kind}_{k}_{name}": v for kind, v in found.items()}
        np.savez(target, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
