"""The examples of the README, the notebook, and the docstrings."""

from __future__ import annotations

import doctest
import inspect
import json
import shutil
from pathlib import Path
from types import ModuleType

import nbclient
import nbformat
import pytest

import impasto
from conftest import CAT, NIGHT, ROOT, WAVE

NOTEBOOKS = sorted((ROOT / "docs/notebook").glob("*.ipynb"))


def test_the_examples_of_the_readme_run() -> None:
    for file, name in [(CAT, "photo.jpg"), (NIGHT, "painting.jpg"), (WAVE, "wave.jpg")]:
        shutil.copy(file, name)
    readme = ROOT / "python/README.md"
    done = doctest.testfile(str(readme), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted >= 10
    assert done.failed == 0


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: str(file.stem))
def test_a_notebook_runs(file: Path) -> None:
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    kernel = {"metadata": {"path": str(file.parent)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=kernel).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any("image/png" in output.get("data", {}) for output in outputs)


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: str(file.stem))
def test_a_notebook_is_stored_without_its_outputs(file: Path) -> None:
    for cell in json.loads(file.read_text())["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("module", [impasto, impasto.losses, impasto.operations], ids=lambda module: str(module.__name__))
def test_everything_is_documented(module: ModuleType) -> None:
    assert module.__doc__
    for name in module.__all__:
        thing = getattr(module, name)
        if name == "__version__":
            continue
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing) and thing.__module__.startswith("impasto"):
            for part, value in vars(thing).items():
                if not part.startswith("_") and (callable(value) or inspect.isdatadescriptor(value)):
                    assert inspect.getdoc(value), f"{name}.{part}"
