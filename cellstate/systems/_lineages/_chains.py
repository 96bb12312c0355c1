"""Birth-death chains: one step up or down at a time, every answer in closed form."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh_tridiagonal, expm

from cellstate._base.checks import fraction, integer, positive
from cellstate.systems._lineages._chain_solve import paths_by_solve
from cellstate.systems._lineages._counts import whole_numbers
from cellstate.systems._lineages._gillespie import counts_on_frames
from cellstate.systems._paths import Field, TransitionPaths


@dataclass(frozen=True, kw_only=True)
class BirthDeathChain:
    """States 0..k; n goes to n + 1 or n - 1 at given rates, and no further.

    Every rate between neighbours is above 0, so the chain is reversible. Sets are half
    lines: source `a` and target `b` stand for {0..a} and {b..k} when a < b, and for
    {a..k} and {0..b} when a > b. Per step in place of per time, the same numbers hold
    for the chain in discrete time with the matrix `step_matrix(1)`.

    Attributes
    ----------
    births
        Rates from n to n + 1 for n = 0..k-1, 1/time.
    deaths
        Rates from n to n - 1 for n = 1..k, 1/time.

    Examples
    --------
    >>> walk = BirthDeathChain.random_walk(4, 0.5)
    >>> walk.committor(0, 4)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> walk.passage_time(4).round(6)
    array([20., 18., 14.,  8.,  0.])
    """

    births: tuple[float, ...]
    deaths: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("births", "deaths"):
            rates = np.asarray(getattr(self, name), dtype=float)
            if rates.ndim != 1 or not rates.size:
                raise ValueError(
                    f"`{name}` must be k >= 1 rates; found shape {rates.shape}."
                )
            if not (np.isfinite(rates).all() and (rates > 0).all()):
                raise ValueError(
                    f"`{name}` must be finite and above 0; found {rates.min():g} to "
                    f"{rates.max():g}. Drop states that are never entered or left."
                )
            object.__setattr__(self, name, tuple(rates.tolist()))
        if len(self.births) != len(self.deaths):
            raise ValueError(
                "`births` (from 0..k-1) and `deaths` (from 1..k) must be as many; "
                f"found {len(self.births)} and {len(self.deaths)}."
            )

    @classmethod
    def random_walk(cls, k: int, up: float) -> "BirthDeathChain":
        """Steps up with probability `up`, else down; at 0 and k a step may be lost.

        Between the ends this is the gambler's ruin.
        """
        k, up = integer(k, "k", 1), fraction(up, "up")
        return cls(births=(up,) * k, deaths=(1 - up,) * k)

    @classmethod
    def immigration_death(
        cls, immigration: float, death_rate: float, k: int
    ) -> "BirthDeathChain":
        """Arrivals at a constant rate, each gone at `death_rate`; none beyond k.

        Stationary law: Poisson of mean immigration / death_rate, cut off after k.
        """
        immigration = positive(immigration, "immigration", "1/time", "immigration=5.0")
        death_rate = positive(death_rate, "death_rate", "1/time", "death_rate=1.0")
        k = integer(k, "k", 1)
        deaths = tuple(death_rate * n for n in range(1, k + 1))
        return cls(births=(immigration,) * k, deaths=deaths)

    @property
    def k(self) -> int:
        """The highest state."""
        return len(self.births)

    def generator(self) -> np.ndarray:
        """Rates from state to state, shape (k + 1, k + 1); rows sum to 0."""
        rates = np.diag(self.births, 1) + np.diag(self.deaths, -1)
        return rates - np.diag(rates.sum(axis=1))

    def transition_matrix(self, lag: float) -> np.ndarray:
        """Probabilities e^(lag L) from state to state, shape (k + 1, k + 1)."""
        return expm(positive(lag, "lag", "time", "lag=1.0") * self.generator())

    def step_matrix(self, dt: float = 1.0) -> np.ndarray:
        """Chain in discrete time I + dt L: one step at most per dt.

        Raises
        ------
        ValueError
            A state would be left with more than probability 1.
        """
        rates = self.generator()
        dt = positive(dt, "dt", "time", "step_matrix(1.0)")
        fastest = -rates.diagonal().min()
        # A walk that always steps has dt * rate = 1 up to rounding.
        if dt * fastest > 1 + 1e-12:
            raise ValueError(
                f"dt * fastest rate must be at most 1; found {dt:g} * {fastest:g} = "
                f"{dt * fastest:.3g}. Use dt <= {1 / fastest:.3g}."
            )
        return np.maximum(np.eye(self.k + 1) + dt * rates, 0)

    @cached_property
    def _log_pi(self) -> np.ndarray:
        """Logarithm of the stationary law: pi_n births_n = pi_(n+1) deaths_(n+1)."""
        steps = np.log(self.births) - np.log(self.deaths)
        log_pi = np.append(0.0, np.cumsum(steps))
        return log_pi - np.logaddexp.reduce(log_pi)

    def stationary(self) -> np.ndarray:
        """Stationary distribution by the product formula, shape (k + 1,)."""
        return np.exp(self._log_pi)

    def _log_resistance(self) -> np.ndarray:
        """Logarithm of 1 / (flux up or down each link in equilibrium), shape (k,)."""
        return -(self._log_pi[:-1] + np.log(self.births))

    def committor(self, a: int, b: int) -> np.ndarray:
        """Chance to reach b before a from every state, shape (k + 1,).

        Ratio of the resistances on the way; 0 beyond a, 1 beyond b. Chances below about
        1e-308 come out as 0.
        """
        a, b = self._ends(a, b)
        if a > b:
            return self._mirrored().committor(self.k - a, self.k - b)[::-1]
        resistance = self._log_resistance()[a:b]
        upto = np.cumsum(np.exp(resistance - resistance.max()))
        way = np.append(0.0, upto / upto[-1])
        return np.concatenate([np.zeros(a), way, np.ones(self.k - b)])

    def passage_time(self, b: int) -> np.ndarray:
        """Mean time to reach b from every state, shape (k + 1,).

        Up one step from m it takes (sum of pi over 0..m) / (pi_m births_m).
        """
        b = self._state(b, "b")
        up = np.logaddexp.accumulate(self._log_pi)[:-1] + self._log_resistance()
        above = np.logaddexp.accumulate(self._log_pi[::-1])[::-1]
        down = above[1:] + self._log_resistance()
        below = np.cumsum(np.exp(up[:b])[::-1])[::-1]
        return np.concatenate([below, [0.0], np.cumsum(np.exp(down[b:]))])

    def exit_time(self, a: int, b: int) -> np.ndarray:
        """Mean time to reach a or b from every state, shape (k + 1,).

        Mean visits to j from n are the resistance of the whole way, times the chance
        to reach b first from the lower of n and j, that to reach a first from the
        other, and pi_j.
        """
        q, p, pi = self.committor(a, b), self.committor(b, a), self.stationary()
        if a > b:
            q, p = p, q
        whole = np.exp(np.logaddexp.reduce(self._way(a, b)))
        inside = np.where(np.any(self._sets(a, b), axis=0), 0.0, pi)
        upto = np.cumsum(q * inside)
        beyond = np.append(np.cumsum((p * inside)[:0:-1])[::-1], 0.0)
        return whole * (p * upto + q * beyond)

    def gap(self) -> float:
        """Slowest rate of relaxation: second eigenvalue of the symmetric form."""
        diagonal = -self.generator().diagonal()
        beside = -np.sqrt(np.multiply(self.births, self.deaths))
        return float(
            eigh_tridiagonal(
                diagonal, beside, eigvals_only=True, select="i", select_range=(1, 1)
            )[0]
        )

    def transition_paths(self, a: int, b: int) -> TransitionPaths:
        """What is known about passages from a to b, by sums and products.

        States are given as whole numbers of shape (..., 1).
        """
        a, b = self._ends(a, b)
        q, p, pi = self.committor(a, b), self.committor(b, a), self.stationary()
        nu = float(np.exp(-np.logaddexp.reduce(self._way(a, b))))
        last_a = float(pi @ p)
        source, target = self._sets(a, b)
        passage = np.where(target, 0.0, self.passage_time(b))
        return TransitionPaths(
            route="closed form",
            nu=nu,
            k_ab=nu / last_a,
            k_ba=nu / float(pi @ q),
            last_a=last_a,
            pi_a=float(pi[source].sum()),
            pi_b=float(pi[target].sum()),
            reactive=float(pi @ (q * p)),
            committor=self._field(q),
            committor_backward=self._field(p),
            density=self._field(pi),
            passage_time=self._field(passage),
            exit_time=self._field(self.exit_time(a, b)),
            gap=self.gap(),
            residual=0.0,
            size=(self.k + 1,),
        )

    def transition_paths_by_solve(self, a: int, b: int) -> TransitionPaths:
        """Second route to `transition_paths`: linear solves with the generator."""
        a, b = self._ends(a, b)
        return paths_by_solve(self.generator(), *self._sets(a, b), self._field)

    def simulate(
        self,
        start: ArrayLike,
        *,
        n_frames: int,
        frame_interval: float,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        """States of independent chains at every frame, without bias.

        Parameters
        ----------
        start
            States in the first frame, whole numbers in 0..k, shape (...).
        n_frames
            Frames, the first included.
        frame_interval
            Time between frames.
        rng
            Seed or Generator.

        Returns
        -------
        ndarray
            States, shape (n_frames, ...), of type int64.
        """
        start = np.asarray(self._states(start))
        both = np.stack([(*self.births, 0.0), (0.0, *self.deaths)], axis=-1)
        frames = counts_on_frames(
            start[..., None],
            [[1], [-1]],
            lambda n: both[n[:, 0]],
            n_frames=n_frames,
            frame_interval=frame_interval,
            rng=rng,
        )
        return frames[..., 0]

    def _way(self, a: int, b: int) -> np.ndarray:
        """Logarithms of the resistances between a and b."""
        return self._log_resistance()[min(a, b) : max(a, b)]

    def _mirrored(self) -> "BirthDeathChain":
        """The chain of k - n."""
        return BirthDeathChain(births=self.deaths[::-1], deaths=self.births[::-1])

    def _sets(self, a: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        """The half lines that a and b stand for, as masks (k + 1,)."""
        n = np.arange(self.k + 1)
        return (n <= a, n >= b) if a < b else (n >= a, n <= b)

    def _field(self, values: np.ndarray) -> Field:
        """Values per state as a function of states (..., 1)."""
        return lambda x: values[self._states(x)[..., 0]]

    def _states(self, x: ArrayLike) -> np.ndarray:
        x = whole_numbers(x, "states")
        if x.max(initial=0) > self.k:
            raise ValueError(f"states lie in 0..{self.k}; found {x.max()}.")
        return x

    def _state(self, n: int, name: str) -> int:
        n = integer(n, name, 0)
        if n > self.k:
            raise ValueError(f"`{name}` must lie in 0..{self.k}; found {n}.")
        return n

    def _ends(self, a: int, b: int) -> tuple[int, int]:
        a, b = self._state(a, "a"), self._state(b, "b")
        if a == b:
            raise ValueError(f"`a` and `b` must be two states; found {a} twice.")
        return a, b
