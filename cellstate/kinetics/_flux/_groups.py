"""Flux of the paths from A to B between groups of states."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cellstate.kinetics._flux._steps import ReactiveSteps

# Between the names of a pathway.
ARROW = " > "
# Numbers that the sums of all groups of lineages may take (80 MB).
SUMS = 10_000_000


@dataclass(frozen=True, eq=False, kw_only=True)
class FluxSums:
    """Sums over the steps of each group of lineages.

    Attributes
    ----------
    gross
        Reactive weight of the steps from node i to node j, shape (G, k * k).
    gained
        Reactive weight times the gain of a function that is 0 on A and 1 on B: the
        passages, averaged over all surfaces between A and B, shape (G,).
    hours
        Time watched, shape (G,).
    n_nodes
        k.
    """

    gross: sparse.csr_array
    gained: np.ndarray
    hours: np.ndarray
    n_nodes: int

    def rates(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gross flux (b, k, k) and nu (b,) per hour, groups weighted (b, G)."""
        hours = weight @ self.hours
        k = self.n_nodes
        gross = (weight @ self.gross).reshape(-1, k, k) / hours[:, None, None]
        return gross, weight @ self.gained / hours


def flux_sums(
    found: ReactiveSteps,
    node: np.ndarray,
    k: int,
    rise: np.ndarray,
    group: np.ndarray,
) -> FluxSums:
    """Add up steps by node before and after.

    Parameters
    ----------
    found
        Steps with their reactive weights.
    node
        Node of each row, 0 for A and k - 1 for B, shape (n,).
    k
        Number of nodes; some may have no row.
    rise
        Function of the rows that is 0 on A and 1 on B, shape (n,).
    group
        Group of lineages of each row, shape (n,).
    """
    n_groups = int(group.max()) + 1
    flat = node[found.row] * k + node[found.after]
    owner = group[found.row]
    gross = sparse.csr_array(
        (found.weight, (owner, flat)), shape=(n_groups, k * k), dtype=float
    )
    gross.sum_duplicates()
    gained = found.weight * (rise[found.after] - rise[found.row])
    return FluxSums(
        gross=gross,
        gained=np.bincount(owner, gained, n_groups),
        hours=np.bincount(owner, found.hours, n_groups),
        n_nodes=k,
    )


def net_of(gross: np.ndarray) -> np.ndarray:
    """Net flux max(f_ij - f_ji, 0) of gross flux (..., k, k).

    Examples
    --------
    >>> net_of(np.array([[5.0, 3.0], [1.0, 7.0]]))
    array([[0., 2.],
           [0., 0.]])
    """
    return np.maximum(gross - np.swapaxes(gross, -1, -2), 0.0)


def numbered(
    groups: np.ndarray | None,
    source: np.ndarray,
    target: np.ndarray,
    names: tuple[str, str],
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number the nodes: A, the groups outside A and B in order, B.

    Parameters
    ----------
    groups
        Group of each row, texts or numbers, shape (n,); None for one group, "between".
    source, target
        Boolean masks (n,) of A and B.
    names
        Of A and B.

    Raises
    ------
    ValueError
        Rows without a group, too many groups, or names that cannot be told apart.
    """
    outside = ~source & ~target
    values = np.full(source.size, "between") if groups is None else np.asarray(groups)
    if values.shape != source.shape:
        raise ValueError(
            f"`groups` must name a group for each of {source.size} rows; found shape "
            f"{values.shape}."
        )
    found, number = np.unique(values[outside], return_inverse=True)
    labels = tuple(str(v) for v in found)
    if set(labels) & set(names):
        raise ValueError(
            f"groups outside A and B are called {sorted(set(labels) & set(names))}, as "
            f"the states {list(names)} are; rename these groups."
        )
    odd = [name for name in (*labels, *names) if ARROW in name]
    if odd:
        raise ValueError(
            f"names of groups may not hold {ARROW!r}, which joins the names of a "
            f"pathway; found {odd[:3]}. Rename these groups."
        )
    if (len(labels) + 2) ** 2 > SUMS // 1000:
        raise ValueError(
            f"flux is shown between at most {int((SUMS // 1000) ** 0.5) - 2} groups; "
            f"found {len(labels)}. Give a column with fewer groups."
        )
    node = np.where(source, 0, len(labels) + 1)
    node[outside] = number + 1
    return node, (names[0], *labels, names[1])
