"""What `import minivae` gives, what it needs, and how long it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

import minivae as mv

BLOCKER = """
import importlib.abc, sys
class Blocker(importlib.abc.MetaPathFinder):
    names = ("matplotlib", "tqdm", "safetensors", "pooch", "sklearn", "scipy", "cupy", "torch", "threadpoolctl", "PIL")
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Blocker())
"""


def python(program, **environment):
    environment = os.environ | environment
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_public_name_is_there():
    assert [name for name in mv.__all__ if not hasattr(mv, name)] == []
    assert mv.__version__ == version("minivae")
    with pytest.raises(AttributeError, match="no attribute 'tensor'"):
        _ = mv.tensor


def test_numpy_alone_is_enough_to_import_train_and_sample():
    python(
        BLOCKER
        + """
import numpy as np, minivae as mv
train, test = mv.data.fashion_mnist()
model = mv.models.ConvVAE(image_shape=(1, 28, 28), channels=(2, 2), latent_dim=2, seed=0)
history = mv.training.fit(model, train[:64], test[:32], epochs=1, batch_size=32)
assert len(history) == 1
assert model.sample(3, seed=1).shape == (3, 1, 28, 28)
print(mv.metrics.evaluate(model, test[:32], binarise="dynamic"))
assert mv.gradcheck(lambda x: mv.ops.tanh(x), np.ones((2, 3)))
"""
    )


@pytest.mark.parametrize(
    ("call", "package", "extra"),
    [
        ("mv.plots.image_grid(np.zeros((2, 4, 4)))", "matplotlib", "plot"),
        ("mv.training.fit(model, data, batch_size=2, run_dir='never-made')", "safetensors", "train"),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(call, package, extra):
    python(
        BLOCKER
        + f"""
import numpy as np, minivae as mv
model = mv.models.VAE((1, 4, 4), hidden=(3,), latent_dim=2)
data = mv.data.Dataset(np.zeros((4, 1, 4, 4), np.uint8))
try:
    {call}
except mv.errors.MissingExtraError as error:
    assert "{package!s}" in str(error) and 'pip install "minivae[{extra}]"' in str(error), error
else:
    raise SystemExit("no error")
"""
    )


def test_the_command_line_and_its_help_need_numpy_alone():
    out = python(BLOCKER + "from minivae.cli import main; main(['train', '--help'])" + "\n" * 2)
    assert "--latent-dim" in out


def test_importing_imports_no_optional_package_and_no_slow_part_of_the_standard_library():
    python(
        "import sys, minivae\n"
        "slow = {'matplotlib', 'tqdm', 'safetensors', 'pooch', 'sklearn', 'scipy', 'argparse', 'importlib.metadata'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)"
    )


def test_importing_takes_less_than_a_third_of_a_second(tmp_path):
    """Of processor time, once compiled, as an installed package is; the best of five."""
    program = "import time; start = time.process_time(); import minivae; print(time.process_time() - start)"
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    times = [float(python(program, **compiled)) for _ in range(6)][1:]
    assert min(times) < 0.3, times
