"""`check_model`: `check_elbo` for a whole model, from its encoder to what backward leaves in `.grad`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minivae.backend import Array, to_backend, to_numpy
from minivae.distributions import Normal
from minivae.errors import ConfigError
from minivae.random import Rng
from minivae.verify.bound import check_elbo
from minivae.verify.statistic import MeaningReport

BATCH = 100  # draws for each estimate: one forward and one backward pass


def check_model(
    model: Any,
    x: Any,
    parameters: Sequence[str] = ("encoder.mu.bias", "encoder.logvar.bias"),
    *,
    draws: int = 20_000,
    alpha: float = 1e-4,
    seed: int = 0,
    name: str | None = None,
) -> MeaningReport:
    """Test `model.elbo` and the gradients that backward computes of it, for one example x.

        model = VAE((1, 8, 8), hidden=(16,), latent_dim=2).to(np.float64)
        print(check_model(model, x))

    The model's sampler, densities, divergence, decoder and backward pass work together here, and are held against
    integrals over z that use none of them but log p(x, z) and log q(z|x); `check_elbo` says how.

    Args:
        model: has `encode(x)`, `decode(z)`, `elbo(x, rng=...)` and `named_parameters()`, with z ~ N(0, I), in float64
            and without dropout or batch statistics (`model.eval()`). It is left as it was found.
        x: one example, with or without a batch axis of length 1.
        parameters: names of the *encoder's* parameters whose gradients are tested; best small ones, as each entry costs
            two evaluations of q.
        draws: how many draws of z, in batches of 100.
        alpha: the false-alarm rate. Right code fails for at most this share of the seeds.
        seed: from which the draws are made.
        name: what to call the check in the report.

    Returns:
        A report: true if it passed, and a table when printed.

    Raises:
        ConfigError: the model is not in float64, or has no parameter of such a name.
    """
    guest = _Model(model, x, parameters)
    before = guest.values()
    gradients = {key: parameter.grad for key, parameter in guest.parameters.items()}
    try:
        return check_elbo(
            guest.elbo,
            guest.sample_q,
            guest.log_q,
            guest.log_joint,
            before,
            gradient=guest.gradient,
            draws=draws,
            alpha=alpha,
            seed=seed,
            name=name or f"{type(model).__name__}.elbo",
        )
    finally:
        guest.load(before)
        model.zero_grad()
        for key, parameter in guest.parameters.items():
            parameter.grad = gradients[key]


class _Model:
    """The functions that `check_elbo` asks for, of a model at one x."""

    def __init__(self, model: Any, x: Any, names: Sequence[str]) -> None:
        own = dict(model.named_parameters())
        if missing := [name for name in names if name not in own]:
            raise ConfigError(f"check_model: the model has no parameter {missing[0]!r}; it has: {', '.join(own)}")
        if wrong := [name for name, parameter in own.items() if parameter.dtype != np.float64]:
            raise ConfigError(f"check_model: {wrong[0]} is {own[wrong[0]].dtype}; convert the model: .to(np.float64)")
        self.model = model
        self.parameters = {name: own[name] for name in names}
        self.device = next(iter(own.values())).device
        x = np.asarray(to_numpy(getattr(x, "data", x)), np.float64)
        shape = tuple(getattr(model, "image_shape", x.shape[1:]))
        self.x = x.reshape(1, *shape)

    def batch(self, n: int) -> Array:
        """x, n times."""
        return to_backend(np.repeat(self.x, n, axis=0), self.device)

    def values(self) -> dict[str, Array]:
        """The parameters, copied."""
        return {name: np.array(to_numpy(parameter.data)) for name, parameter in self.parameters.items()}

    def load(self, values: dict[str, Array]) -> None:
        """Put values into the model."""
        for name, parameter in self.parameters.items():
            parameter.data[...] = to_backend(values[name], self.device)

    def q(self, values: dict[str, Array]) -> Any:
        """q(z|x), of shape (1, L)."""
        self.load(values)
        return self.model.encode(self.batch(1))

    def sample_q(self, n: int, rng: Rng, values: dict[str, Array]) -> Any:
        """n draws, (n, L)."""
        return self.q(values).rsample(rng=rng, sample_shape=(n,))[:, 0]

    def log_q(self, z: Any, values: dict[str, Array]) -> Any:
        """log q(z|x), (n,)."""
        return self.q(values).log_prob(z).sum(1)

    def log_joint(self, z: Any) -> Array:
        """log p(x|z) + log N(z; 0, I), (n,)."""
        log_likelihood = self.model.decode(z).log_prob(self.batch(len(z))).data
        return log_likelihood.reshape(len(z), -1).sum(axis=1) + Normal(0.0, 1.0).log_prob(z).data.sum(axis=1)

    def elbo(self, n: int, rng: Rng, values: dict[str, Array]) -> Array:
        """−loss of each batch."""
        self.load(values)
        batch = self.batch(BATCH)
        return np.array([-self.model.elbo(batch, rng=rng).loss.item() for _ in range(max(30, n // BATCH))])

    def gradient(self, n: int, rng: Rng, values: dict[str, Array]) -> dict[str, Array]:
        """What backward of −loss leaves in each parameter, for each batch."""
        self.load(values)
        batch = self.batch(BATCH)
        found: dict[str, list[Array]] = {name: [] for name in self.parameters}
        for _ in range(max(30, n // BATCH)):
            self.model.zero_grad()
            self.model.elbo(batch, rng=rng).loss.backward()
            for name, parameter in self.parameters.items():
                nothing = np.zeros(parameter.shape)
                found[name].append(nothing if parameter.grad is None else -to_numpy(parameter.grad))
        return {name: np.stack(rows) for name, rows in found.items()}


__all__ = ["check_model"]
