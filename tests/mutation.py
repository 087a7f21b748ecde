"""Mutation testing with cosmic-ray: would the tests notice one small change to the code?

    python tests/mutation.py                              # everything
    python tests/mutation.py optim ops/softmax.py         # some folders or files of minivae/
    python tests/mutation.py --again results.json optim   # only what survived, by the results of a run before
    python tests/mutation.py --near ops                   # quicker: only the tests that are about the file

Cosmic-ray makes the mutants. Each is tried in a copy of the repository, against the tests that are about its file, and
if it survives, against all of its folder and those of extreme inputs. The tests run in a fork of a process that has
NumPy, pytest and Hypothesis loaded already, which takes half of the time off. What survives must stand in
tests/MUTATION.md with the reason; what does not is printed, and the exit status is 1. Needs a system that forks.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import hypothesis.extra.numpy  # noqa: F401  (so that a fork finds it loaded)
import pytest

TOP = Path(__file__).parent.parent
FOLDERS = ("objectives", "optim", "distributions", "ops")
MEMORY, SECONDS = 6 << 30, 40  # what the tests of a mutant may take of a core; when they take more, it is killed

NEAR = {
    "minivae/ops/channels.py": ["conv", "normalisation"],
    "minivae/ops/correlation.py": ["conv"],
    "minivae/ops/dims.py": ["reductions", "softmax", "shapes", "joining"],
    "minivae/ops/columns.py": ["conv"],
    "minivae/ops/conv.py": ["conv_errors"],
    "minivae/ops/scratch.py": ["conv"],
    "minivae/ops/windows.py": ["conv", "conv_errors", "pooling"],
    "minivae/optim/chunks.py": ["optimizer", "adam"],
    "minivae/distributions/distribution.py": ["normal"],
    "*": ["every_op", "op_defaults", "op_limits", "optim_defaults", "draws", "elbo_terms"],
}
"""The tests that are about a file, beside those of its own name; the last ones where its folder has them."""

# Cosmic-ray replaces each operator by eleven others. Most of these stop the first test with a TypeError and prove
# nothing. One or two that give a number are kept; so is all that is no binary operator or comparison.
KEPT = {
    "": "AddNot ExceptionReplacer NumberReplacer RemoveDecorator ReplaceAndWithOr ReplaceOrWithAnd "
    "ZeroIterationForLoop ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceBreakWithContinue ReplaceContinueWithBreak",
    "ReplaceUnaryOperator_": "Delete_USub Delete_Not Delete_Invert",
    "ReplaceBinaryOperator_": "Add_Sub Sub_Add Mul_Div Mul_Add Div_Mul FloorDiv_Mul Mod_Mul Pow_Mul BitAnd_BitOr "
    "LShift_RShift",
    "ReplaceComparisonOperator_": "Eq_NotEq NotEq_Eq Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Is_IsNot "
    "IsNot_Is",
}

# In the copies alone: a failing property is not made smaller, and every run draws the same examples.
CONFTEST = """
from hypothesis import Phase, settings

settings.register_profile(
    "mutation", phases=[Phase.explicit, Phase.generate], derandomize=True, database=None, deadline=None
)
settings.load_profile("mutation")
"""


def mutants(source: str) -> Iterator[str]:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    for name in (kind + name for kind, names in KEPT.items() for name in names.split()):
        operator = get_operator(f"core/{name}")()
        for mutant in itertools.takewhile(bool, (mutate_code(source, operator, i) for i in itertools.count())):
            if mutant.count("strict=True") == source.count(
                "strict=True"
            ):  # else a zip of equal lengths: no other result
                yield mutant


def change(before: str, after: str) -> str:
    """`line before` → `line after`."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""))[2:]
    return " → ".join(f"`{' '.join(line[1:].strip() for line in lines if line[0] == sign)}`" for sign in "-+")


def copy_repository(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", "__pycache__"), dirs_exist_ok=True)


def prepare(original: Path) -> None:
    """In each worker, once: a copy of the repository to spoil."""
    os.chdir(tempfile.mkdtemp(dir=original.parent))
    copy_repository(original, Path.cwd())
    Path("conftest.py").write_text(CONFTEST)
    collect = [sys.executable, "-m", "pytest", "--co", "-q", *(f"tests/{folder}" for folder in FOLDERS)]
    subprocess.run(collect, stdout=subprocess.DEVNULL)  # compiles them, once for all
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def survives(module: Path, source: str, near_only: bool) -> bool:
    """Whether all tests pass with this source in place of the module's."""
    folder = Path("tests", module.parent.name)
    names = [module.stem, *NEAR.get(str(module), ()), *NEAR["*"]]
    near = [test for test in (folder / f"test_{name}.py" for name in names) if test.exists()]
    wide = [folder, *Path("tests/properties").glob("test_edge_*.py")]
    for stale in (module.parent / "__pycache__").glob(f"{module.stem}.*"):
        stale.unlink()
    original = module.read_text()
    module.write_text(source)
    passed = tests_pass(near) and (near_only or tests_pass(wide))
    module.write_text(original)
    return passed


def tests_pass(tests: list[Path]) -> bool:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        signal.alarm(10 * SECONDS)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.dont_write_bytecode = True  # of mutants made within a second each would pass for the other
        sys.path.insert(0, os.getcwd())
        os._exit(pytest.main(["-x", "-p", "no:cacheprovider", *map(str, tests)]))
    return os.waitpid(child, 0)[1] == 0


def modules(top: Path, names: list[str]) -> list[Path]:
    paths = [top / "minivae" / name for name in names or FOLDERS]
    files = [file for path in paths for file in (sorted(path.glob("*.py")) if path.is_dir() else [path])]
    return [file.relative_to(top) for file in files if file.name != "__init__.py"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="folders or files of minivae/")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--near", action="store_true", help="leave out the wider tests; more survive")
    parser.add_argument("--again", type=Path, help="results of a run before: only its survivors are tried")
    parser.add_argument("--results", type=Path, help="a JSON file that gets the counts and survivors of each file")
    options = parser.parse_args()
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    explained = (TOP / "tests/MUTATION.md").read_text()
    before = json.loads(options.again.read_text()) if options.again else {}
    results: dict[str, dict] = {}
    unexplained = 0
    with tempfile.TemporaryDirectory() as scratch:
        original = Path(scratch, "original")
        copy_repository(TOP, original)  # the working tree may change meanwhile
        pool = ProcessPoolExecutor(options.jobs, None, prepare, (original,))
        for module in modules(original, options.names):
            source = (original / module).read_text()
            changed = {mutant: change(source, mutant) for mutant in mutants(source)}
            known = before.get(str(module), {}).get("survived", changed.values())
            tried = {mutant: text for mutant, text in changed.items() if text in known}
            right, *outcomes = pool.map(partial(survives, module, near_only=options.near), [source, *tried])
            if not right:
                raise SystemExit(f"{module}: the tests fail without any mutation")
            survivors = list(itertools.compress(tried.values(), outcomes))
            killed = len(changed) - len(survivors)
            results[str(module)] = {"killed": killed, "survived": survivors}
            new = [text for text in survivors if text not in explained]
            unexplained += len(new)
            print(f"{module}: {killed} killed, {len(survivors)} survive, {len(new)} of them unexplained", flush=True)
            print(*(f"  {text}\n" for text in new), sep="", end="", flush=True)
            if options.results:
                options.results.write_text(json.dumps(results, indent=1, ensure_ascii=False))
        pool.shutdown()
    killed = sum(result["killed"] for result in results.values())
    survived = sum(len(result["survived"]) for result in results.values())
    print(f"{killed + survived} mutants: {killed} killed, {survived} survive, {unexplained} of them unexplained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
