"""What the tests share. They run in a folder outside of the tree, against the package that is installed from the wheel."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import impasto

ROOT = Path(__file__).parents[2]
CAT = ROOT / "data/content/chelsea.jpg"
NIGHT = ROOT / "data/style/starry_night.jpg"
WAVE = ROOT / "data/style/great_wave.jpg"
# The program of the wheel, and the binary that cargo built.
SCRIPT = Path(sysconfig.get_path("scripts")) / "impasto"
BINARY = Path(os.environ.get("IMPASTO_BINARY", ROOT / "target/debug/impasto"))


def pytest_configure() -> None:
    """The package is the installed one, and no environment variable changes what is painted."""
    assert ROOT not in Path(impasto.__file__).parents or "site-packages" in impasto.__file__
    for variable in ("IMPASTO_WEIGHTS", "IMPASTO_CPU"):
        os.environ.pop(variable, None)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def network() -> impasto.Network:
    return impasto.Network()


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def noise(rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Values of order 1, far from each other and from 0, where ReLU and max pooling have kinks."""
    size = int(np.prod(shape))
    steps = (np.arange(size) - size // 2 + 0.5) / size
    return 3 * rng.permutation(steps).reshape(shape)
