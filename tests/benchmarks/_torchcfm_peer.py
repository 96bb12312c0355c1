"""Peer: OT-CFM of torchcfm, trained along the published protocol, by its own python.

    python _torchcfm_peer.py IN.npz OUT.npz

IN: `x` (n, d) cells of the kept times, `time` (n,), `push` (m, d) cells to move from
`start` to `stop`, `seed`, `iterations`. OUT: `pushed` (m, d), `cpu` seconds to train.
Batches of 256 per pair of consecutive kept times, an MLP of width 64, AdamW with rate
1e-3, sigma 0.1, 100 Euler steps, one thread.
"""

import sys
import time

import numpy as np
import torch
from torchcfm.conditional_flow_matching import (
    ExactOptimalTransportConditionalFlowMatcher,
)
from torchcfm.models.models import MLP

BATCH, WIDTH, RATE, SIGMA, EULER = 256, 64, 1e-3, 0.1, 100


def batch(matcher, parts, times, generator):
    """Locations with times, and velocities, of every pair of consecutive times."""
    where, velocity = [], []
    for k in range(len(parts) - 1):
        ends = [
            part[torch.randint(len(part), (BATCH,), generator=generator)]
            for part in parts[k : k + 2]
        ]
        span = float(times[k + 1] - times[k])
        share, x, u = matcher.sample_location_and_conditional_flow(*ends)
        where.append(torch.cat([x, (times[k] + share * span)[:, None].float()], 1))
        velocity.append(u / span)
    return torch.cat(where), torch.cat(velocity)


def main(source: str, target: str) -> None:
    """Train and push."""
    torch.set_num_threads(1)
    given = np.load(source)
    seed = int(given["seed"])
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  POT draws the plan's pairs with it
    generator = torch.Generator().manual_seed(seed)
    times = np.unique(given["time"])
    parts = [
        torch.tensor(given["x"][given["time"] == t], dtype=torch.float32) for t in times
    ]
    begin = time.process_time()
    net = MLP(dim=given["x"].shape[1], time_varying=True, w=WIDTH)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE)
    matcher = ExactOptimalTransportConditionalFlowMatcher(sigma=SIGMA)
    for _ in range(int(given["iterations"])):
        where, velocity = batch(matcher, parts, times, generator)
        loss = (net(where) - velocity).pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    cpu = time.process_time() - begin
    x = torch.tensor(given["push"], dtype=torch.float32)
    start, stop = float(given["start"]), float(given["stop"])
    step = (stop - start) / EULER
    with torch.no_grad():
        for k in range(EULER):
            clock = torch.full((len(x), 1), start + k * step)
            x = x + step * net(torch.cat([x, clock], 1))
    np.savez(target, pushed=x.numpy(), cpu=cpu)


if __name__ == "__main__":
    main(*sys.argv[1:])
