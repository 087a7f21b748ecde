"""`minivae info`: what is installed and found, for a bug report or before a long run."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

import minivae.backend
from minivae.cli.options import add_backend, use_backend

DESCRIPTION = """\
Print the version of minivae, the backend (NumPy or CuPy), the BLAS library and its threads, the optional
packages, and the data sets that can be loaded without a download."""

OPTIONAL = ("matplotlib", "tqdm", "safetensors", "pooch", "scikit-learn", "threadpoolctl")
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser("info", help="print versions, backend, threads and data sets", description=DESCRIPTION)
    add_backend(parser.add_argument_group("options"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table."""
    from minivae.data import available

    backend = use_backend(args)
    rows = [
        ("minivae", _version("minivae") or "(not installed)"),
        ("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"),
        ("NumPy", np.__version__),
        ("BLAS", describe_blas()),
        ("backend", backend),
        ("CuPy", _describe_cupy()),
    ]
    rows += [(name, _version(name) or "not installed") for name in OPTIONAL]
    width = max(len(name) for name, _ in rows) + 2
    for name, value in rows:
        print(f"{name:<{width}}{value}")
    print("\ndata sets (minivae train --data NAME)")
    found = available()
    width = max(map(len, found)) + 2
    for name, where in found.items():
        print(f"  {name:<{width}}{where}")
    return 0


def describe_blas() -> str:
    """The library behind NumPy's matrix products, and its number of threads, on one line."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ImportError:
        return f"{_blas_of_numpy()}, {_threads_by_environment()}"
    pools = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    if not pools:
        return f"{_blas_of_numpy()}, number of threads unknown"
    threads = pools[0]["num_threads"]
    return f"{pools[0]['internal_api']} {pools[0]['version'] or ''}, {threads} thread{'s' * (threads != 1)}"


def _blas_of_numpy() -> str:
    """Name and version from NumPy's build configuration."""
    try:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas.get('version', '')}".strip()
    except (KeyError, TypeError):
        return "unknown BLAS"


def _threads_by_environment() -> str:
    for variable in THREAD_VARIABLES:
        if os.environ.get(variable):
            return f"{os.environ[variable]} threads ({variable})"
    return f"up to {os.cpu_count()} threads (one a core)"


def _describe_cupy() -> str:
    """CuPy's version and the name of the device, or why there is none."""
    if reason := minivae.backend.why_no_cupy():
        return reason.partition(". ")[0]
    import cupy

    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())["name"].decode()
    return f"{cupy.__version__} on {name}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
