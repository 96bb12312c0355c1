"""State of a fit in a file, so that it can go on after an interruption."""

import hashlib
from pathlib import Path

import numpy as np
import torch

EVERY = 5  # epochs between two writes


class Checkpoint:
    """Seed, fingerprint and the state of every part; nothing without a path."""

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self.stored: dict = {"seed": -1, "fingerprint": "", "parts": {}}
        if self.path is not None and self.path.exists():
            self.stored = torch.load(self.path, map_location="cpu", weights_only=True)

    def seed(self, given: int, *, fixed: bool) -> int:
        """Seed to use: the stored one when there is a file."""
        stored = self.stored["seed"]
        if stored < 0:
            self.stored["seed"] = given
        elif fixed and stored != given:
            raise ValueError(
                f"the checkpoint {self.path} was written with another `rng`. Give the "
                "same seed, or another path."
            )
        return self.stored["seed"]

    def check(self, arrays: list[np.ndarray], settings: str) -> None:
        """Refuse a file that was written for other data or settings."""
        digest = hashlib.sha256(settings.encode())
        for array in arrays:
            digest.update(np.ascontiguousarray(array))
        found, own = self.stored["fingerprint"], digest.hexdigest()
        if found and found != own:
            raise ValueError(
                f"the checkpoint {self.path} belongs to other data or settings "
                f"(fingerprint {found[:8]}, expected {own[:8]}). Give another path, or "
                "delete the file to start afresh."
            )
        self.stored["fingerprint"] = own

    def part(self, name: str) -> dict | None:
        """State of a part, None where it has not begun."""
        return self.stored["parts"].get(name)

    def write(self, name: str, state: dict) -> None:
        """Write the file anew; an interruption leaves the old one."""
        self.stored["parts"][name] = state
        if self.path is None:
            return
        fresh = self.path.with_name(self.path.name + ".part")
        torch.save(self.stored, fresh)
        fresh.replace(self.path)
