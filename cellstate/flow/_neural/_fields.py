"""Fields of a stored model at states given as arrays, in double precision."""

import numpy as np
import torch
from torch import Tensor

from cellstate.flow._neural._nets import (
    Layers,
    Units,
    evaluate,
    free_field,
    gradient_field,
    growth_field,
    layers,
    root_matrix,
)
from cellstate.flow._neural._stored import Network, Networks


def network_layers(network: Network) -> Layers:
    """Matrices and offsets of a stored network, in double precision."""
    weights = torch.from_numpy(np.array(network.weights, dtype=float))
    return layers(weights, [int(size) for size in network.sizes])


def drift(model: Networks, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Drift of the networks, before averaging over a symmetry, (n, d)."""
    states, times = _tensors(x, t)
    with torch.no_grad():
        return _drift(model, states, times).numpy()


def jacobian(model: Networks, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Derivatives of the networks' drift by automatic differentiation, (n, d, d)."""
    states, times = _tensors(x, t)
    states.requires_grad_(True)
    found = _drift(model, states, times)
    rows = np.zeros((*x.shape, x.shape[1]))
    if not found.requires_grad:  # no network: the correction is 0
        return rows
    for i in range(x.shape[1]):
        kept = i + 1 < x.shape[1]
        (part,) = torch.autograd.grad(found[:, i].sum(), states, retain_graph=kept)
        rows[:, i] = part.numpy()
    return rows


def psi(model: Networks, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Potential of the potential network, (n,)."""
    if model.psi is None:
        return np.zeros(len(x))
    states, times = _tensors(x, t)
    units = Units(model.frame, states)
    with torch.no_grad():
        found = evaluate(network_layers(model.psi), units.inputs(states, times))
    return model.frame.energy * found[:, 0].numpy()


def root(model: Networks, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Lower triangular matrix of the diffusion network, (n, d, d)."""
    return _answer(root_matrix, model.root, model, x, t)


def growth(model: Networks, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Growth rate of the growth network, (n,)."""
    return _answer(growth_field, model.growth, model, x, t)


def _answer(
    field, network: Network, model: Networks, x: np.ndarray, t: np.ndarray
) -> np.ndarray:
    states, times = _tensors(x, t)
    with torch.no_grad():
        units = Units(model.frame, states)
        return field(network_layers(network), units, states, times).numpy()


def _drift(model: Networks, x: Tensor, t: Tensor) -> Tensor:
    units, total = Units(model.frame, x), torch.zeros_like(x)
    if model.free is not None:
        total = total + free_field(network_layers(model.free), units, x, t)
    if model.psi is not None:
        total = total + gradient_field(network_layers(model.psi), units, x, t)
    return total


def _tensors(x: np.ndarray, t: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.tensor(x, dtype=torch.double), torch.tensor(t, dtype=torch.double)
