"""Which test shows which truth. All of them use minivae's own models, distributions, objectives and optimisers.

| truth                                                       | where                                                  |
|-------------------------------------------------------------|--------------------------------------------------------|
| likelihood of probabilistic PCA (Tipping & Bishop 1999)     | test_truth_probabilistic_pca, test_truth_training      |
| linear VAE at the optimum: ELBO = log p(x) (Lucas 2019)     | test_truth_probabilistic_pca                           |
| rotated decoder: gap ½(Σ log M_jj − log det M)              | test_truth_probabilistic_pca                           |
| linear β-VAE: active units, rate, distortion                | test_truth_training                                    |
| aggregate posterior = prior, rate = mutual information      | test_truth_probabilistic_pca                           |
| IWAE_k does not fall with k and tends to log p(x)           | test_truth_importance                                  |
| closed-form KLs, exactly and by drawing                     | test_truth_divergences                                 |
| bits-back coding: net bits are −ELBO, lossless              | test_truth_bits_back (with the codec in bits_back.py)  |
| a T-step diffusion's ELBO is a sum of KLs                   | test_truth_diffusion                                   |

`linear_vae.py` says how expectations are taken exactly. The names below are the tests that carry a row.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TRUTHS = {
    "probabilistic PCA": (
        "test_the_maximum_likelihood_has_the_closed_form_in_the_eigenvalues",
        "test_no_direction_leads_up_from_the_optimum",
        "test_adam_brings_a_linear_vae_to_the_likelihood_of_probabilistic_pca",
        "test_batches_of_gaussian_data_and_drawn_noise_lead_there_as_well",
    ),
    "gap zero": (
        "test_the_elbo_is_the_likelihood_for_every_example_if_the_columns_of_w_are_orthogonal",
        "test_at_the_optimum_every_importance_weight_of_the_vae_is_the_likelihood",
    ),
    "gap of a rotated decoder": (
        "test_a_rotated_decoder_with_a_diagonal_posterior_has_a_gap_of_half_log_m_jj_over_det_m",
        "test_no_other_diagonal_posterior_has_a_smaller_gap",
    ),
    "β staircase": (
        "test_a_beta_vae_has_the_loss_of_a_vae_with_noise_beta_sigma_squared",
        "test_rate_and_distortion_at_the_optimum_are_those_of_reverse_water_filling",
        "test_adam_trains_a_beta_vae_to_the_predicted_step_of_the_staircase",
    ),
    "aggregate posterior": (
        "test_the_aggregate_posterior_has_the_moments_of_the_prior",
        "test_the_aggregate_posterior_of_gaussian_data_is_the_prior",
        "test_the_rate_is_the_mutual_information_of_x_and_z",
    ),
    "IWAE": (
        "test_the_bound_does_not_fall_with_k_for_any_set_of_draws",
        "test_the_bound_tends_to_the_likelihood_that_quadrature_gives",
        "test_the_gap_of_many_draws_is_half_the_variance_of_the_weights_over_k",
    ),
    "closed-form KLs": ("test_diagonal_normals", "test_full_normals", "test_bernoulli", "test_categorical"),
    "bits-back coding": (
        "test_net_bits_per_image_are_minus_the_elbo_within_the_standard_error",
        "test_decoding_is_lossless_and_gives_the_first_bits_back",
    ),
    "diffusion": (
        "test_the_elbo_is_the_sum_of_divergences",
        "test_for_standard_normal_data_the_true_reversal_has_no_gap_at_any_point",
    ),
}


def names_of_all() -> set[str]:
    """The names of all test functions in this folder."""
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in Path(__file__).parent.glob("test_truth_*.py")]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("truth", TRUTHS)
def test_every_truth_has_its_tests(truth):
    assert set(TRUTHS[truth]) <= names_of_all()
