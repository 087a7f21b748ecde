"""Lesson 05: principal component analysis: reconstruct new images, and say how much variance is kept."""

from __future__ import annotations

import numpy as np

from minivae.backend import Array
from minivae.grading.exercise import Arguments, Exercise, Mistake, register
from minivae.grading.program import Program, Step, Steps

Rng = np.random.Generator


def pca_reconstruct(x_train: Array, x: Array, L: int) -> tuple[Array, Array, Array]:
    """The mean, the L largest eigenvalues of the covariance (1/N), and x projected on their eigenvectors."""
    mean = x_train.mean(axis=0)
    eigenvalues, axes = np.linalg.eigh((x_train - mean).T @ (x_train - mean) / len(x_train))
    U = axes[:, ::-1][:, :L]
    return mean, eigenvalues[::-1][:L], mean + (x - mean) @ U @ U.T


def variance_kept(x: Array, L: int) -> tuple[Array, Array]:
    """All eigenvalues of the covariance (1/N), the largest first, and the share of the first L in their sum."""
    centred = x - x.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(centred.T @ centred / len(x))[::-1]
    return eigenvalues, eigenvalues[:L].sum() / eigenvalues.sum()


RECONSTRUCT: dict[str, Step] = {
    "mean": lambda v: v.x_train.mean(axis=0),
    "n": lambda v: len(v.x_train),
    "centred": lambda v: v.x_train - v.mean,
    "eigen": lambda v: np.linalg.eigh(v.centred.T @ v.centred / v.n),
    "order": lambda v: np.argsort(-v.eigen[0])[: v.L],
    "eigenvalues": lambda v: v.eigen[0][v.order],
    "axes": lambda v: v.eigen[1][:, v.order],
    "shift": lambda v: v.mean,
    "z": lambda v: (v.x - v.shift) @ v.axes,
    "back": lambda v: v.mean,
    "x_hat": lambda v: v.back + v.z @ v.axes.T,
}
KEPT: dict[str, Step] = {
    "n": lambda v: len(v.x),
    "centred": lambda v: v.x - v.x.mean(axis=0),
    "eigenvalues": lambda v: np.linalg.eigvalsh(v.centred.T @ v.centred / v.n)[::-1],
    "share": lambda v: v.eigenvalues[: v.L].sum() / v.eigenvalues.sum(),
}
X_HAT = "x̂ = m + (x − m)·U·Uᵀ"
COVARIANCE = "(1/N) Σ (x − m)(x − m)ᵀ"


def _images(rng: Rng, n: int, mixing: Array) -> Array:
    """n images of 5 pixels that go together, around a mean that is not 0."""
    return 3 + rng.standard_normal((n, 5)) @ mixing


def _reconstruct_case(rng: Rng) -> Arguments:
    mixing = rng.standard_normal((5, 5)) * [3, 2, 1.5, 1, 0.5]
    return _images(rng, 13, mixing), _images(rng, 7, mixing), 3


def _kept_case(rng: Rng) -> Arguments:
    return _images(rng, 13, rng.standard_normal((5, 5)) * [3, 2, 1.5, 1, 0.5]), 3


def _not_centred(code: str, changes: tuple[Steps, ...]) -> Mistake:
    return Mistake(
        code,
        "the images are not centred",
        "(1/N) Σ x xᵀ",
        COVARIANCE,
        "If all images become brighter by the same amount, does their variance change? Do your eigenvalues?",
        "A variance is measured from the mean. Subtract the mean image first.",
        changes=changes,
    )


def _not_divided(code: str) -> Mistake:
    return Mistake(
        code,
        "not divided by the number of images",
        "Σ (x − m)(x − m)ᵀ",
        COVARIANCE,
        "If every image came twice, should a variance double?",
        "The covariance is a mean over images: divide by N.",
        changes=({"n": lambda v: 1},),
    )


register(
    Exercise(
        name="pca_reconstruct",
        reference=pca_reconstruct,
        cases=_reconstruct_case,
        returns=("mean", "eigenvalues", "x_hat"),
        sizes={13: "N", 7: "M", 5: "D", 3: "L"},
        program=Program(RECONSTRUCT, ("x_train", "x", "L"), {n: n for n in ("mean", "eigenvalues", "x_hat")}),
        mistakes=(
            _not_centred(
                "AE8",
                (
                    {"centred": lambda v: v.x_train},
                    {"centred": lambda v: v.x_train, "shift": lambda v: 0.0, "back": lambda v: 0.0},
                ),
            ),
            _not_divided("AE9"),
            Mistake(
                "AE10",
                "divided by N − 1",
                "(1/(N − 1)) Σ (x − m)(x − m)ᵀ",
                COVARIANCE,
                "The error of this lesson is a mean over N images. By what must you divide so that both agree?",
                "np.cov divides by N − 1 unless you say bias=True. Here the dropped eigenvalues add up to the error.",
                changes=({"n": lambda v: len(v.x_train) - 1},),
            ),
            Mistake(
                "AE11",
                "the smallest eigenvalues, not the largest",
                "the first L columns that eigh returns",
                "the last L columns",
                "In which order does eigh return its eigenvalues?",
                "Ascending. The axis of largest variance is the last column.",
                changes=(
                    {"order": lambda v: np.argsort(v.eigen[0])[: v.L]},
                    {"axes": lambda v: v.eigen[1][:, : v.L]},
                ),
            ),
            Mistake(
                "AE12",
                "rows of the matrix of eigenvectors, not columns",
                "U = vectors[rows].T",
                "U = vectors[:, columns]",
                "Which of the two, a row or a column v of what eigh returns, satisfies S·v = λ·v?",
                "The eigenvectors are the columns.",
                changes=({"axes": lambda v: v.eigen[1][v.order].T},),
            ),
            Mistake(
                "AE13",
                "the mean is not added again",
                "x̂ = (x − m)·U·Uᵀ",
                X_HAT,
                "Which image should come out if all numbers of the code are 0?",
                "The mean image: the code says how to depart from it.",
                changes=({"back": lambda v: 0.0},),
            ),
            Mistake(
                "AE14",
                "the mean is not subtracted before the projection",
                "x̂ = m + x·U·Uᵀ",
                X_HAT,
                "Which code should the mean image have?",
                "All zeros. Subtract m from x as you did from the training images.",
                changes=({"shift": lambda v: 0.0},),
            ),
            Mistake(
                "AE15",
                "the new images are centred with their own mean",
                "x − x.mean(axis=0)",
                "x − m, with the mean of the training images",
                "Does the reconstruction of one image change when other images come with it? May it?",
                "The mean is part of the machine, and was learned from the training images.",
                changes=(
                    {"shift": lambda v: v.x.mean(axis=0)},
                    {"shift": lambda v: v.x.mean(axis=0), "back": lambda v: v.x.mean(axis=0)},
                ),
            ),
            Mistake(
                "AE16",
                "singular values or standard deviations, not eigenvalues",
                "√λ, or √(N·λ)",
                "λ",
                "Which unit have your numbers: that of a pixel, or its square?",
                "A singular value s of the centred images belongs to the eigenvalue s²/N of the covariance.",
                changes=(
                    {"eigenvalues": lambda v: np.sqrt(v.n * v.eigen[0][v.order])},
                    {"eigenvalues": lambda v: np.sqrt(v.eigen[0][v.order])},
                ),
            ),
        ),
    )
)

register(
    Exercise(
        name="variance_kept",
        reference=variance_kept,
        cases=_kept_case,
        returns=("eigenvalues", "share"),
        sizes={13: "N", 5: "D"},
        program=Program(KEPT, ("x", "L"), {"eigenvalues": "eigenvalues", "share": "share"}),
        mistakes=(
            _not_centred("AE17", ({"centred": lambda v: v.x},)),
            _not_divided("AE18"),
            Mistake(
                "AE19",
                "one mean for all pixels",
                "x − x.mean()",
                "x − x.mean(axis=0)",
                "Has each pixel of your centred images the mean 0?",
                "A pixel at the border is dark in every image. That is no variance.",
                changes=({"centred": lambda v: v.x - v.x.mean()},),
            ),
            Mistake(
                "AE20",
                "the smallest eigenvalues, not the largest",
                "(λ_D + … + λ_(D−L+1)) / Σ λ",
                "(λ_1 + … + λ_L) / Σ λ",
                "In which order does eigvalsh return its eigenvalues?",
                "Ascending: turn them round with [::-1].",
                changes=(
                    {"eigenvalues": lambda v: np.linalg.eigvalsh(v.centred.T @ v.centred / v.n)},
                    {"share": lambda v: v.eigenvalues[-v.L :].sum() / v.eigenvalues.sum()},
                ),
            ),
            Mistake(
                "AE21",
                "the share that is dropped, not the share kept",
                "(λ_(L+1) + … + λ_D) / Σ λ",
                "(λ_1 + … + λ_L) / Σ λ",
                "Should the share grow or fall with L?",
                "It grows, to 1 at L = D.",
                changes=({"share": lambda v: v.eigenvalues[v.L :].sum() / v.eigenvalues.sum()},),
            ),
            Mistake(
                "AE22",
                "a share of standard deviations, not of variances",
                "Σ_(j≤L) √λ_j / Σ √λ_j",
                "Σ_(j≤L) λ_j / Σ λ_j",
                "What adds up for independent numbers: standard deviations, or variances?",
                "Squared errors add, so the share is one of eigenvalues.",
                changes=({"share": lambda v: np.sqrt(v.eigenvalues[: v.L]).sum() / np.sqrt(v.eigenvalues).sum()},),
            ),
        ),
    )
)
