"""The settings of a run, as keyword arguments of stylize."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypedDict, Union

if TYPE_CHECKING:
    from impasto._native import _Picture

# What the annotations below mean: each setting may be left out, or None.
Layers = Union[str, Sequence[str], Mapping[str, float], None]
PerStyle = Union[float, Sequence[float], str, None]
Number = Union[float, None]
Whole = Union[int, None]
Flag = Union[bool, None]


class Settings(TypedDict, total=False):
    """The settings of a run besides its size. `All settings`, a page of the book, says what each does."""

    scales: str | int | Sequence[int] | None
    border: Whole
    style_scale: PerStyle
    style_margin: Number
    style_blend: PerStyle
    enlarge_style: Flag
    coarsest: Whole
    scale_step: Number
    iterations: Whole
    finer_iterations: Whole
    optimizer: Literal["lbfgs", "adam", "rmsprop"] | None
    learning_rate: Number
    finest_learning_rate: Number
    history: Whole
    average: Number
    beta2: Number
    keep_moments: Flag
    clamp: Flag
    init: _Picture | None
    noise_ratio: Number
    seed: Whole
    content_weight: Number
    content_falloff: Number
    style_weight: Number
    tv_weight: Number
    tv_mean: Flag
    tv_diagonals: Number
    content_layers: Layers
    style_layers: Layers
    method: Literal["layers", "strotss", "nearest"] | None
    rotations: Flag
    split_iterations: Whole
    style_loss: Literal["gram", "wasserstein", "moments", "sliced", "histogram"] | None
    normalize_gradients: Flag
    original_colors: Literal["off", "match", "luminance", "palette"] | None
    seamless: Flag
    parameters: Literal["pixels", "pyramid"] | None
    replicate_edges: Flag
    pooling: Literal["avg", "max"] | None
