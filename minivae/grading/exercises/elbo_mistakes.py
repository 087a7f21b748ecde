"""The catalogue: what learners get wrong in the ELBO and its gradient, as changes to the steps of `elbo_steps`.

B batch, D pixels, L latents, σ² = exp(logvar), p = sigmoid(logits), d_z = ∂(reconstruction)/∂z.
"""

from __future__ import annotations

from minivae.grading.exercise import Mistake
from minivae.grading.exercises.elbo_kl_mistakes import KL_MISTAKES
from minivae.grading.exercises.elbo_network_mistakes import NETWORK_MISTAKES
from minivae.grading.exercises.elbo_reconstruction_mistakes import RECONSTRUCTION_MISTAKES
from minivae.grading.exercises.elbo_sampling_mistakes import SAMPLING_MISTAKES

MISTAKES: tuple[Mistake, ...] = SAMPLING_MISTAKES + KL_MISTAKES + RECONSTRUCTION_MISTAKES + NETWORK_MISTAKES
