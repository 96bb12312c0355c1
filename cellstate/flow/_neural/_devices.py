"""Where to train, and how to leave torch as it was found."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from cellstate._base.checks import choice

DEVICES = ("auto", "cpu", "cuda")


def chosen_device(device: str) -> tuple[str, str]:
    """Name of the device for torch, and what to say of it.

    Examples
    --------
    >>> chosen_device("cpu")
    ('cpu', 'cpu')
    """
    choice(device, "device", DEVICES)
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError(
            "device='cuda' was asked for; found no GPU that torch can use (torch "
            f"{torch.__version__}). Use device='auto' or 'cpu', or install a build of "
            "torch for your GPU."
        )
    if device == "cpu" or not there:
        return "cpu", "cpu" if device == "cpu" else "cpu (auto: no GPU found)"
    return "cuda", f"cuda ({torch.cuda.get_device_name()})"


@contextmanager
def one_thread() -> Iterator[None]:
    """Train on one thread: networks are small, and sums keep their order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
