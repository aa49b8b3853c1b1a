"""impasto paints a photograph in the style of a painting (Gatys, Ecker and Bethge 2015), on a CPU.

:func:`stylize` paints. :class:`Network` computes activations and takes gradients back to the pixels, :mod:`impasto.losses` and
:mod:`impasto.operations` have what a run minimizes and what the network is made of, and :func:`relative_error` checks any of their
gradients against finite differences.
"""

from impasto import losses, operations
from impasto._errors import Diverged, Error, MissingFile
from impasto._native import (
    Network,
    Step,
    __version__,
    gram_matrix,
    presets,
    relative_error,
    stylize,
    to_input,
    to_picture,
)
from impasto._settings import Settings

__all__ = [
    "Diverged",
    "Error",
    "MissingFile",
    "Network",
    "Settings",
    "Step",
    "__version__",
    "gram_matrix",
    "losses",
    "operations",
    "presets",
    "relative_error",
    "stylize",
    "to_input",
    "to_picture",
]
