"""A step of PyTorch, eager, with its default Adam."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from benchmarks.work import Work
from minivae.layers import Dense


def step(work: Work) -> Callable[[], float]:
    """On the CPU."""
    return train(work, "cpu")


def train(work: Work, device: str, **adam: bool) -> Callable[[], float]:
    """Written as PyTorch's users write it; `adam` are options of torch.optim.Adam."""
    model = copy_of(work).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **adam)
    x, eps = (torch.from_numpy(array).to(device) for array in work.batch_and_noise())

    def run() -> float:
        h = model.trunk(x)
        mu, logvar = model.mu(h), model.logvar(h)
        z = mu + torch.exp(0.5 * logvar) * eps
        logits = model.decoder(z)
        reconstruction = binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum()
        loss = (reconstruction + kl) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return run


class VAE(nn.Module):
    """The layers of minivae's models, in their order."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        if work.channels:
            smallest = (work.channels[-1], work.size >> len(work.channels), work.size >> len(work.channels))
            features = smallest[0] * smallest[1] * smallest[2]
            down = [(nn.Conv2d(a, b, 4, 2, 1), nn.ReLU()) for a, b in itertools.pairwise((1, *work.channels))]
            up = [
                (nn.ConvTranspose2d(a, b, 4, 2, 1), nn.ReLU()) for a, b in itertools.pairwise((*work.channels[::-1], 1))
            ]
            encoder = [*itertools.chain(*down), nn.Flatten()]
            start = [nn.Linear(work.latent_dim, features), nn.ReLU(), nn.Unflatten(1, smallest)]
            decoder = [*start, *list(itertools.chain(*up))[:-1]]
        else:
            sizes = (work.size**2, *work.hidden)
            features = sizes[-1]
            down = [(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(sizes)]
            up = [(nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise((work.latent_dim, *sizes[::-1]))]
            encoder = [nn.Flatten(), *itertools.chain(*down)]
            decoder = [*list(itertools.chain(*up))[:-1], nn.Unflatten(1, (1, work.size, work.size))]
        self.trunk = nn.Sequential(*encoder)
        self.mu = nn.Linear(features, work.latent_dim)
        self.logvar = nn.Linear(features, work.latent_dim)
        self.decoder = nn.Sequential(*decoder)


def copy_of(work: Work) -> VAE:
    """The model with minivae's initial weights; PyTorch keeps those of dense layers transposed."""
    ours, theirs = work.model(), VAE(work)
    transposed = {id(part.weight) for part in ours.modules() if isinstance(part, Dense)}
    with torch.no_grad():
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            other.copy_(torch.from_numpy(mine.data.T if id(mine) in transposed else mine.data))
    return theirs
