"""Losses, each with its gradient: ``loss = gram(painting)``, then ``value, gradient = loss(activations)``.

Activations are arrays H×W×C of float32 or float64, as :meth:`impasto.Network.forward` returns them, and those of a picture of any
size go with those of a painting of any other. A loss is for the type of the arrays that it was made of. Its value is a number without
a unit, before any weight of a setting; the gradient is dL/dF, an array like the activations F.

``TypeError`` is raised for anything but such arrays, and :class:`impasto.Error` for shapes that do not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from impasto._native import Loss, content, total_variation
from impasto._native import style as _style

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Loss",
    "content",
    "gram",
    "histogram",
    "moments",
    "sliced",
    "total_variation",
    "wasserstein",
]

_Float = TypeVar("_Float", "np.float32", "np.float64")


def gram(painting: NDArray[_Float]) -> Loss[_Float]:
    """Which channels are active together: the Gram matrix (Gatys, Ecker and Bethge 2015, equations 4 to 6).

    L = Σ (G/M - A/M')² / (4·N²), with the Gram matrices G of M positions of the picture and A of M' positions of the painting, N×N.
    """
    return _style("gram", painting)


def wasserstein(painting: NDArray[_Float]) -> Loss[_Float]:
    """How far the activations are to be moved, as normal distributions: the squared Wasserstein distance, divided by N."""
    return _style("wasserstein", painting)


def moments(painting: NDArray[_Float]) -> Loss[_Float]:
    """Mean and covariance, each by itself, the covariance by the squares of its differences."""
    return _style("moments", painting)


def sliced(painting: NDArray[_Float]) -> Loss[_Float]:
    """The whole distribution, by sorting along a random orthonormal basis (Heitz et al. 2021)."""
    return _style("sliced", painting)


def histogram(painting: NDArray[_Float]) -> Loss[_Float]:
    """The Gram matrix, and the histogram of each channel (Risser, Wilmot and Barnes 2017)."""
    return _style("histogram", painting)
