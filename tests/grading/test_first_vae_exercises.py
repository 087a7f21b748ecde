"""The exercises of lesson 10: references are right, mistakes are named as themselves, right forms pass."""

from __future__ import annotations

import numpy as np
import pytest

import minivae as mv
from minivae.grading.exercise import EXERCISES
from minivae.grading.exercises import import_all
from minivae.grading.exercises.evaluation_report import evaluation_report
from minivae.grading.exercises.independent_pixels import independent_pixels
from minivae.grading.exercises.latent_codes import aggregate_moments, latent_report
from minivae.grading.exercises.rate_and_distortion import HIDDEN, beta_bookkeeping
from minivae.grading.exercises.training_epoch import train_epoch
from minivae.grading.judge import case, judge, judge_value

import_all()

# --- the references are right ---------------------------------------------------------------------------------


def test_independent_pixels_are_a_distribution():
    """Over all 2^5 images of five pixels the probabilities add up to 1."""
    x_train = np.random.default_rng(0).integers(0, 2, (13, 5)).astype(float)
    every = np.array(list(np.ndindex(*(2,) * 5)), dtype=float)
    assert np.exp(-independent_pixels(x_train, every)[1]).sum() == pytest.approx(1)


def test_the_epoch_is_that_of_the_library():
    data = mv.data.Dataset(np.random.default_rng(0).integers(0, 2, (23, 1, 4, 4)).astype(bool))
    of_fit, by_hand = (mv.models.VAE((1, 4, 4), hidden=(7,), latent_dim=3) for _ in range(2))
    history = mv.training.fit(of_fit, data, epochs=1, batch_size=10, beta=1.7, progress=False)
    batches = [
        (batch.x, mv.random.normal(mv.random.stream(0, "step", step), (len(batch.x), 3)))
        for step, batch in enumerate(mv.data.DataLoader(data, 10).epoch(0))
    ]
    answer = train_epoch(by_hand, mv.optim.Adam(by_hand.parameters()), batches, 1.7)
    assert answer == pytest.approx((history.train_reconstruction[0], history.train_kl[0]), rel=1e-12)


def test_the_aggregate_has_the_moments_of_many_draws():
    mu, logvar = case(EXERCISES["aggregate_moments"], 0)
    rng = np.random.default_rng(0)
    image = rng.integers(0, len(mu), 400_000)
    z = mu[image] + np.exp(logvar[image] / 2) * rng.standard_normal((len(image), mu.shape[1]))
    mean, variance = aggregate_moments(mu, logvar)
    np.testing.assert_allclose(z.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(z.var(axis=0), variance, rtol=0.02)


def test_the_report_agrees_with_the_library():
    model = mv.models.VAE((7,), hidden=(11,), latent_dim=5)
    rng = np.random.default_rng(0)
    x, eps = rng.integers(0, 2, (13, 7)).astype(np.float32), rng.standard_normal((13, 5)).astype(np.float32)

    def encode(x):
        q = model.encode(x)
        return q.mean.data, np.log(q.variance.data)

    report = evaluation_report(x, encode, lambda z: model.decode(z).logits.data, eps, 2.5)
    terms = model.elbo(x, eps=eps, beta=2.5)
    assert report["trained_loss"] == pytest.approx(terms.loss.item(), rel=1e-5)
    assert report["neg_elbo"] == pytest.approx(terms.reconstruction.item() + terms.kl.item(), rel=1e-5)
    kl, _, _ = latent_report(*encode(x))
    assert kl.sum() == pytest.approx(terms.kl.item(), rel=1e-5)


def test_at_an_optimum_the_exchange_rate_lies_between_the_neighbouring_betas():
    """On a convex curve D(R) = 100/R the loss D + βR is smallest at R = 10/√β, where the slope is −β."""
    betas = np.array([0.25, 1.0, 4.0])
    rate = 10 / np.sqrt(betas)
    _, _, exchange = beta_bookkeeping(100 / rate, rate, betas)
    assert np.all(betas[:-1] < exchange)
    assert np.all(exchange < betas[1:])


@pytest.mark.parametrize("number", range(5))
def test_a_hidden_beta_is_the_one_with_the_same_gradient(number):
    """a·D + b·R has the gradient of D + (b/a)·R, up to a factor; the five losses of the lesson as (a, b)."""
    a, b = [(0.01, 0.01), (0.01 / 784, 0.01), (0.01 / 784, 0.01 / 20), (1, 0.01), (0.01, 0.01 / 20)][number]
    assert b / a == pytest.approx(HIDDEN[number])


# --- the mistakes are named as themselves ---------------------------------------------------------------------


@pytest.mark.parametrize("mistake", EXERCISES["hidden_betas"].mistakes, ids=lambda mistake: mistake.code)
def test_a_wrong_hidden_beta_is_named(mistake):
    assert judge_value(EXERCISES["hidden_betas"], mistake.wrong()).codes == (mistake.code,)


def test_the_right_hidden_betas_pass_as_a_list():
    assert judge_value(EXERCISES["hidden_betas"], [1, 784, 784 / 20, 1 / 100, 1 / 20]).status == "right"


def colleague(x, encode, decode, eps, beta):
    """The function of the lesson's bug: the mean is decoded, and β weighs the KL of the −ELBO."""
    mu, logvar = encode(x)
    logits = decode(mu)
    reconstruction = (np.logaddexp(0, logits) - x * logits).sum(axis=1).mean()
    kl = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1).mean()
    loss = reconstruction + beta * kl
    return {"reconstruction": reconstruction, "kl": kl, "trained_loss": loss, "neg_elbo": loss}


def no_zero_grad(model, optimizer, batches, beta):
    sums, n = np.zeros(2), 0
    for x, eps in batches:
        q = model.encode(x)
        terms = mv.objectives.elbo(x, model.decode(q.rsample(eps)), q, beta=beta)
        terms.loss.backward()
        optimizer.step()
        sums += len(x) * np.array([terms.reconstruction.item(), terms.kl.item()])
        n += len(x)
    return sums[0] / n, sums[1] / n


def without_imagined(x_train, x_test):
    p = x_train.mean(axis=0)
    return p, -np.sum(np.where(x_test == 1, np.log(p), np.log(1 - p)), axis=1)


def only_the_means(mu, logvar):
    return mu.mean(axis=0), ((mu - mu.mean(axis=0)) ** 2).mean(axis=0)


WRITTEN_BY_HAND = {
    "the colleague of the lesson": ("evaluation_report", colleague, {"Z11", "FV40"}),
    "gradients never cleared": ("train_epoch", no_zero_grad, {"FV10"}),
    "no imagined images": ("independent_pixels", without_imagined, {"FV2"}),
    "the spread of the means alone": ("aggregate_moments", only_the_means, {"FV30"}),
    "the weighted loss as the bound": (
        "beta_bookkeeping",
        lambda d, r, betas: (d + betas * r, d + betas * r, np.diff(d) / -np.diff(r)),
        {"FV40"},
    ),
}


@pytest.mark.parametrize("what", WRITTEN_BY_HAND)
def test_a_mistake_in_the_learners_own_words_is_named(what):
    name, wrong, codes = WRITTEN_BY_HAND[what]
    verdict = judge(EXERCISES[name], wrong)
    assert set(verdict.codes) == codes, verdict.text


def test_an_epoch_with_noise_of_its_own_is_told():
    def own_noise(model, optimizer, batches, beta):
        rng = np.random.default_rng()
        batches = [(x, rng.standard_normal(eps.shape)) for x, eps in batches]
        return train_epoch(model, optimizer, batches, beta)

    assert "two different answers" in judge(EXERCISES["train_epoch"], own_noise).text


def test_a_place_that_was_never_white_is_tried():
    def almost(x_train, x_test):
        p, nats = independent_pixels(x_train, x_test)
        return p, np.where((p < 0.1) @ x_test.T > 0, np.inf, nats)

    assert "black in all training images" in judge(EXERCISES["independent_pixels"], almost).text


# --- right in another form ------------------------------------------------------------------------------------


def epoch_by_parts(model, optimizer, batches, beta):
    """The loop with the objective spelled out, gradients cleared at the end of each step."""
    reconstructions, kls, sizes = [], [], []
    for x, eps in batches:
        q = model.encode(mv.Tensor(x))
        p = model.decode(q.rsample(eps))
        reconstruction = -p.log_prob(x).sum() / len(x)
        kl = mv.distributions.kl_divergence(q, mv.distributions.Normal(0.0, 1.0)).sum() / len(x)
        (reconstruction + beta * kl).backward()
        optimizer.step()
        model.zero_grad()
        reconstructions.append(reconstruction.item())
        kls.append(kl.item())
        sizes.append(len(x))
    return np.average(reconstructions, weights=sizes), np.average(kls, weights=sizes)


def pixels_by_where(x_train, x_test):
    white = (x_train.mean(axis=0) * len(x_train) + 1) / (len(x_train) + 2)
    return white, -np.log(np.where(x_test == 1, white, 1 - white)).sum(axis=1)


RIGHT = {
    "the loop spelled out": ("train_epoch", epoch_by_parts),
    "chosen by where": ("independent_pixels", pixels_by_where),
    "the moments by the mean square": (
        "aggregate_moments",
        lambda mu, lv: (mu.mean(axis=0), (mu**2 + np.exp(lv)).mean(axis=0) - mu.mean(axis=0) ** 2),
    ),
    "float32": ("latent_report", lambda mu, lv: latent_report(np.float32(mu), np.float32(lv))),
    "loops": (
        "beta_bookkeeping",
        lambda d, r, betas: (
            [d[i] + betas[i] * r[i] for i in range(len(d))],
            [d[i] + r[i] for i in range(len(d))],
            [(d[i + 1] - d[i]) / (r[i] - r[i + 1]) for i in range(len(d) - 1)],
        ),
    ),
}


@pytest.mark.parametrize("what", RIGHT)
def test_a_right_answer_in_another_form_passes(what):
    name, answer = RIGHT[what]
    verdict = judge(EXERCISES[name], answer)
    assert verdict.status == "right", verdict.text
