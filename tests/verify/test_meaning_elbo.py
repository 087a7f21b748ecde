"""`check_elbo`: an ELBO is held against integrals, its gradient against another estimate of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from meaning_cases import LOG_2PI, log_normal, reparameterise, scaled_by_the_logvar, scaled_by_the_variance

from minivae import ops
from minivae.distributions import Normal, kl_divergence
from minivae.errors import DtypeError, ShapeError
from minivae.objectives import elbo as minivae_elbo
from minivae.verify import check_elbo, gradcheck

D, SIGMA = 7, 0.6


class Tanh:
    """x = tanh(z W) + noise: one example, a decoder that is not linear, everything in plain NumPy."""

    def __init__(self, L, seed=0):
        rng = np.random.default_rng(seed)
        self.L = L
        self.W = rng.normal(size=(L, D))
        self.x = rng.normal(size=D)
        self.params = {"mu": 0.7 * rng.normal(size=L), "logvar": rng.uniform(-1.5, 1.0, L)}

    def sample_q(self, n, rng, params, transform=reparameterise):
        return transform(params["mu"], params["logvar"], rng.standard_normal((n, self.L)))

    def log_q(self, z, params):
        return log_normal(z, params["mu"], params["logvar"]).sum(axis=1)

    def log_likelihood(self, z):
        return (-0.5 * (LOG_2PI + 2 * math.log(SIGMA) + ((self.x - np.tanh(z @ self.W)) / SIGMA) ** 2)).sum(axis=1)

    def log_joint(self, z):
        return self.log_likelihood(z) + log_normal(z, 0.0, 0.0).sum(axis=1)

    def kl(self, params):
        return 0.5 * (params["mu"] ** 2 + np.exp(params["logvar"]) - 1 - params["logvar"]).sum()

    def elbo(self, n, rng, params):
        """As it is trained: the closed-form KL, and one z for each estimate of the reconstruction."""
        return self.log_likelihood(self.sample_q(n, rng, params)) - self.kl(params)

    def gradient(self, n, rng, params, path=1.0, through_sigma=0.5, kl_mu=1.0, kl_logvar=0.5):
        """Derived by hand; the factors are 1, ½, 1, ½ where it is right."""
        sigma, eps = np.exp(params["logvar"] / 2), rng.standard_normal((n, self.L))
        z = params["mu"] + sigma * eps
        t = np.tanh(z @ self.W)
        dz = path * ((self.x - t) * (1 - t**2) / SIGMA**2) @ self.W.T
        return {
            "mu": dz - kl_mu * params["mu"],
            "logvar": through_sigma * dz * eps * sigma - kl_logvar * (np.exp(params["logvar"]) - 1),
        }

    def check(self, elbo=None, sample_q=None, **more):
        more.setdefault("draws", 40_000)
        return check_elbo(elbo, sample_q or self.sample_q, self.log_q, self.log_joint, self.params, **more)


@pytest.mark.parametrize("L", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_a_right_elbo_passes_with_a_right_gradient(L, seed):
    case = Tanh(L, seed)
    case.check(case.elbo, gradient=case.gradient, seed=seed).require()
    case.check(case.elbo, seed=seed).require()
    case.check(seed=seed).require()


def test_the_numbers_are_those_of_a_model_whose_integrals_are_known(rng):
    """x = z W + noise: p(x) is a normal density, and so is the posterior."""
    W, x, sigma = rng.normal(size=(2, D)), rng.normal(size=D), 0.8
    params = {"mu": np.array([0.4, -0.3]), "logvar": np.array([-1.0, 0.2])}

    def log_joint(z):
        return log_normal(x, z @ W, 2 * math.log(sigma)).sum(axis=1) + log_normal(z, 0.0, 0.0).sum(axis=1)

    report = check_elbo(
        None,
        lambda n, rng, p: reparameterise(p["mu"], p["logvar"], rng.standard_normal((n, 2))),
        lambda z, p: log_normal(z, p["mu"], p["logvar"]).sum(axis=1),
        log_joint,
        params,
    ).require()
    covariance = W.T @ W + sigma**2 * np.eye(D)
    log_px = -0.5 * (D * LOG_2PI + np.linalg.slogdet(covariance)[1] + x @ np.linalg.solve(covariance, x))
    M = W @ W.T + sigma**2 * np.eye(2)  # the posterior is N(M⁻¹ W x, σ² M⁻¹)
    distance = params["mu"] - np.linalg.solve(M, W @ x)
    gap = 0.5 * (
        np.trace(M @ np.diag(np.exp(params["logvar"]))) / sigma**2
        - 2
        + distance @ M @ distance / sigma**2
        - params["logvar"].sum()
        - np.linalg.slogdet(M / sigma**2)[1]
    )
    assert report.values["log p(x)"] == pytest.approx(log_px, abs=1e-9)
    assert report.values["gap"] == pytest.approx(gap, abs=1e-8)
    assert report.values["ELBO"] == pytest.approx(log_px - gap, abs=1e-8)
    dlogvar = 0.5 - 0.5 * np.exp(params["logvar"]) * np.diag(M) / sigma**2
    np.testing.assert_allclose(report["gradient for mu"].expected, -M @ distance / sigma**2, atol=1e-6)
    np.testing.assert_allclose(report["gradient for logvar"].expected, dlogvar, atol=1e-6)


@pytest.mark.parametrize("L", [1, 2, 3])
def test_a_sampler_that_does_not_belong_to_q_is_caught(L):
    case = Tanh(L)
    for transform in (scaled_by_the_variance, scaled_by_the_logvar):
        wrong = lambda n, rng, p, t=transform: case.sample_q(n, rng, p, t)
        assert not case.check(sample_q=wrong)
        # here the estimates of the ELBO use it as well, as training would
        assert not case.check(lambda n, rng, p, w=wrong: case.log_likelihood(w(n, rng, p)) - case.kl(p), wrong)


@pytest.mark.parametrize("L", [2, 3])
def test_the_gradient_checks_see_nothing_wrong_with_that_sampler(L, rng):
    """Each gradient is right, for the wrong distribution. Not near log σ² = 0, where e^lv and e^(lv/2) are the same."""
    case = Tanh(L)
    case.params["logvar"] = np.array([-1.2, 0.7, -0.8])[:L]
    eps = rng.standard_normal((13, L))

    def loss(mu, logvar):
        z = mu + ops.exp(logvar) * eps
        square = (ops.tanh(ops.matmul(z, case.W)) - case.x).square().sum() * (0.5 / SIGMA**2 / 13)
        return square + kl_divergence(Normal.from_logvar(mu, logvar), Normal(0, 1)).sum()

    assert gradcheck(loss, case.params["mu"], case.params["logvar"])
    wrong = lambda n, rng, p: case.sample_q(n, rng, p, scaled_by_the_variance)
    report = case.check(lambda n, rng, p: case.log_likelihood(wrong(n, rng, p)) - case.kl(p), wrong)
    assert "score function for logvar" in report.failed
    assert ("ELBO" in report.failed) == (L < 3)


WRONG_ELBOS = {
    "no ½ in the KL (K1)": lambda c, n, rng, p: c.elbo(n, rng, p) - c.kl(p),
    "KL with the wrong sign (K2)": lambda c, n, rng, p: c.elbo(n, rng, p) + 2 * c.kl(p),
    "no −1 in the KL (K4)": lambda c, n, rng, p: c.elbo(n, rng, p) - 0.5 * c.L,
    "no KL": lambda c, n, rng, p: c.elbo(n, rng, p) + c.kl(p),
    "the loss for the ELBO": lambda c, n, rng, p: -c.elbo(n, rng, p),
    "the mean over pixels (R1)": lambda c, n, rng, p: c.log_likelihood(c.sample_q(n, rng, p)) / D - c.kl(p),
    "squared error without ½ (R10)": lambda c, n, rng, p: (
        -((c.x - np.tanh(c.sample_q(n, rng, p) @ c.W)) ** 2).sum(axis=1) - c.kl(p)
    ),
    "log σ_x once instead of D times": lambda c, n, rng, p: c.elbo(n, rng, p) + (D - 1) * math.log(SIGMA),
    "z = μ (Z11)": lambda c, n, rng, p: np.full(n, c.log_likelihood(p["mu"][None])[0]) - c.kl(p),
    "half the noise": lambda c, n, rng, p: c.log_likelihood((c.sample_q(n, rng, p) + p["mu"]) / 2) - c.kl(p),
    "a log-weight of importance sampling without q": lambda c, n, rng, p: c.log_joint(c.sample_q(n, rng, p)),
    "the KL inside the weights as well": lambda c, n, rng, p: (lambda z: c.log_joint(z) - c.log_q(z, p) - c.kl(p))(
        c.sample_q(n, rng, p)
    ),
    "twice β": lambda c, n, rng, p: c.elbo(n, rng, p) - 0.3 * c.kl(p),
}


@pytest.mark.parametrize("wrong", WRONG_ELBOS.values(), ids=WRONG_ELBOS)
@pytest.mark.parametrize("L", [1, 2])
def test_wrong_elbos_are_caught(L, wrong):
    case = Tanh(L)
    report = case.check(lambda n, rng, p: wrong(case, n, rng, p))
    assert "ELBO" in report.failed
    assert report["ELBO"].expected == pytest.approx(report.values["ELBO"])


def test_evaluating_at_the_mean_promises_more_than_log_p_of_x():
    """Where the decoder bends, the reconstruction from μ is better than that from draws: no lower bound."""
    case = Tanh(1)
    best = case.check().values
    grid = np.linspace(-4, 4, 401)
    case.params = {"mu": grid[[case.log_joint(grid[:, None]).argmax()]], "logvar": np.array([0.5])}
    wrong = lambda n, rng, p: np.full(n, case.log_likelihood(p["mu"][None])[0] - 0.5 * (p["mu"] ** 2).sum())
    report = case.check(wrong)
    assert report.values["log p(x)"] == pytest.approx(best["log p(x)"], abs=1e-8)
    assert "ELBO ≤ log p(x)" in report.failed


WRONG_GRADIENTS = {
    "no gradient through σ (Z3)": {"through_sigma": 0.0},
    "the ½ lost (Z4)": {"through_sigma": 1.0},
    "z detached (Z9)": {"path": 0.0},
    "no KL (K19)": {"kl_mu": 0.0, "kl_logvar": 0.0},
    "μ/2 (K20)": {"kl_mu": 0.5},
    "2μ (K21)": {"kl_mu": 2.0},
    "½ lost in the KL (K23)": {"kl_logvar": 1.0},
    "ascent for descent (B3)": {"path": -1.0, "kl_mu": -1.0, "kl_logvar": -0.5},
}


@pytest.mark.parametrize("factors", WRONG_GRADIENTS.values(), ids=WRONG_GRADIENTS)
def test_wrong_gradients_are_caught_by_the_integral(factors):
    case = Tanh(2, seed=2)
    report = case.check(case.elbo, gradient=lambda n, rng, p: case.gradient(n, rng, p, **factors))
    assert set(report.failed) & {"gradient for mu", "gradient for logvar"}
    assert not set(report.failed) & {"ELBO", "∫ exp(log_q)"}


@pytest.mark.parametrize("name", ["z detached (Z9)", "2μ (K21)", "½ lost in the KL (K23)", "ascent for descent (B3)"])
def test_wrong_gradients_are_caught_by_the_score_function_alone(name):
    """With three latents there is no integral to hold it against."""
    case = Tanh(3, seed=2)
    report = case.check(case.elbo, gradient=lambda n, rng, p: case.gradient(n, rng, p, **WRONG_GRADIENTS[name]))
    assert not report
    assert all(check.startswith("score function") for check in report.failed)
    assert case.check(case.elbo, gradient=case.gradient)


def test_only_the_wrong_part_of_a_gradient_is_named():
    case = Tanh(2, seed=1)
    report = case.check(case.elbo, gradient=lambda n, rng, p: case.gradient(n, rng, p, through_sigma=0.0))
    assert "gradient for logvar" in report.failed
    assert not any(check.endswith("mu") for check in report.failed)


@pytest.mark.parametrize("L", [1, 2, 3])
def test_control_variates_are_worth_four_times_the_draws(L, rng):
    """The bare score-function estimate is so much noisier."""
    case = Tanh(L)
    found = case.check(draws=50_000)["score function for mu"]
    z = case.sample_q(50_000, rng, case.params)
    score = (z - case.params["mu"]) / np.exp(case.params["logvar"])
    bare = (case.log_joint(z) - case.log_q(z, case.params))[:, None] * score
    assert (bare.var(axis=0) / len(z) > 4 * found.error**2).all()


def test_a_density_of_q_that_is_not_normalised_is_caught():
    case = Tanh(2)
    report = check_elbo(None, case.sample_q, lambda z, p: case.log_q(z, p) + LOG_2PI, case.log_joint, case.params)
    assert "∫ exp(log_q)" in report.failed
    assert report["∫ exp(log_q)"].found == pytest.approx(2 * math.pi)


def test_a_posterior_with_two_peaks_is_integrated():
    """p(x|z) depends on |z|: two equal peaks, far from a normal q; the gap is near log 2 and more."""
    x, sigma = 3.0, 0.2
    log_joint = lambda z: (log_normal(x, np.abs(z), 2 * math.log(sigma)) + log_normal(z, 0.0, 0.0)).sum(axis=1)
    params = {"mu": np.array([2.9]), "logvar": np.array([2 * math.log(0.2)])}
    report = check_elbo(
        None,
        lambda n, rng, p: reparameterise(p["mu"], p["logvar"], rng.standard_normal((n, 1))),
        lambda z, p: log_normal(z, p["mu"], p["logvar"]).sum(axis=1),
        log_joint,
        params,
    ).require()
    z = np.linspace(-8, 8, 200_001)
    exact = math.log(np.exp(log_joint(z[:, None])).sum() * (z[1] - z[0]))
    assert report.values["log p(x)"] == pytest.approx(exact, abs=1e-6)
    assert report.values["gap"] == pytest.approx(math.log(2), abs=0.1)


def test_a_posterior_that_jumps_is_integrated_as_well_as_is_said():
    """The quadrature is off by about a step between nodes, and the report says by how much."""
    jump = lambda z: np.where(z[:, 0] > 0.3, 0.0, -2.0)
    q = (np.array([0.4]), np.array([-0.5]))
    report = check_elbo(
        None,
        lambda n, rng, p: reparameterise(*p, rng.standard_normal((n, 1))),
        lambda z, p: log_normal(z, *p),
        lambda z: jump(z) + log_normal(z, 0.0, 0.0)[:, 0],
        q,
    )
    assert "the quadrature of p(x) has a relative error of" in str(report)
    above = 0.5 * math.erfc(0.3 / math.sqrt(2))
    assert report.values["log p(x)"] == pytest.approx(math.log(above + math.exp(-2) * (1 - above)), abs=5e-3)
    # a gradient of single draws does not see the jump (its derivative is zero but for one point): a bias, and found
    assert set(report.failed) <= {f"{kind} for x[{i}]" for kind in ("gradient", "score function") for i in (0, 1)}


# --- forms --------------------------------------------------------------------------------------------------


def test_parameters_may_be_an_array_or_a_tuple():
    case = Tanh(2)
    mu, logvar = case.params["mu"], case.params["logvar"]
    as_dict = lambda p: {"mu": p[0], "logvar": p[1]}
    for params in ((mu, logvar), np.stack([mu, logvar])):
        report = check_elbo(
            lambda n, rng, p: case.elbo(n, rng, as_dict(p)),
            lambda n, rng, p: case.sample_q(n, rng, as_dict(p)),
            lambda z, p: case.log_q(z, as_dict(p)),
            case.log_joint,
            params,
        ).require()
        assert report["gradient for x" if isinstance(params, np.ndarray) else "gradient for x[1]"].found.size in (2, 4)


def test_minivae_functions_are_taken_as_they_are():
    case = Tanh(2)
    q = lambda p: Normal.from_logvar(p["mu"], p["logvar"])

    def elbo(n, rng, p):
        z = q(p).rsample(rng=rng, sample_shape=(n,))
        likelihood = Normal(ops.tanh(ops.matmul(z, case.W)), SIGMA)
        return likelihood.log_prob(np.broadcast_to(case.x, (n, D))).sum(1) - kl_divergence(q(p), Normal(0, 1)).sum()

    check_elbo(
        elbo,
        lambda n, rng, p: q(p).rsample(rng=rng, sample_shape=(n,)),
        lambda z, p: q(p).log_prob(z),
        case.log_joint,
        case.params,
    ).require()


def test_batch_means_of_the_objective_are_estimates_too(rng):
    """A mean over 100 examples, all alike, is one estimate."""
    case = Tanh(2)

    def elbo(n, rng, p):
        q = Normal.from_logvar(np.tile(p["mu"], (100, 1)), np.tile(p["logvar"], (100, 1)))
        values = []
        for _ in range(n // 100):
            likelihood = Normal(ops.tanh(ops.matmul(q.rsample(rng=rng), case.W)), SIGMA)
            values.append(-minivae_elbo(np.tile(case.x, (100, 1)), likelihood, q).loss.item())
        return np.array(values)

    case.check(elbo, gradient=case.gradient, draws=20_000).require()


def test_what_cannot_be_checked_is_refused():
    case = Tanh(2)
    with pytest.raises(ShapeError, match="A mean over draws hides it"):
        case.check(lambda n, rng, p: case.elbo(n, rng, p).mean())
    with pytest.raises(ShapeError, match="log_joint returned shape"):
        check_elbo(None, case.sample_q, case.log_q, lambda z: z, case.params)
    with pytest.raises(ShapeError, match="one estimate for each draw, in front"):
        case.check(gradient=lambda n, rng, p: {"mu": p["mu"], "logvar": p["logvar"]})
    with pytest.raises(DtypeError, match="float64"):
        check_elbo(None, case.sample_q, case.log_q, case.log_joint, {k: v.astype("f4") for k, v in case.params.items()})


def test_numbers_that_are_not_finite_are_reported():
    case = Tanh(1)
    assert case.check(lambda n, rng, p: np.full(n, np.nan)).failed == ("finite",)
    assert case.check(sample_q=lambda n, rng, p: np.full((n, 1), np.inf)).failed[0] == "finite"


def test_noise_that_does_not_come_from_rng_is_named_and_no_gradient_is_made_of_it():
    problem, own = Tanh(1), np.random.default_rng(0)
    sample = lambda n, rng, params: problem.sample_q(n, own, params)
    report = check_elbo(None, sample, problem.log_q, problem.log_joint, problem.params, draws=2000)
    assert report.failed == ("noise from rng",)
    elbo = lambda n, rng, params: problem.log_joint(z := sample(n, rng, params)) - problem.log_q(z, params)
    report = check_elbo(elbo, problem.sample_q, problem.log_q, problem.log_joint, problem.params, draws=2000)
    assert report.failed == ("noise from rng",)
