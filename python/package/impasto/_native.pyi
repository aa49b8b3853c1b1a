from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from types import GenericAlias
from typing import Any, Generic, Literal, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from typing_extensions import Unpack

from impasto._settings import Settings

_Float = TypeVar("_Float", np.float32, np.float64)
_Path: TypeAlias = str | PathLike[str]
_Picture: TypeAlias = _Path | NDArray[np.uint8] | NDArray[np.uint16] | Image
_Pictures: TypeAlias = _Picture | Sequence[_Picture]
_Padding: TypeAlias = Literal["zero", "circular"]
_Pooling: TypeAlias = Literal["max", "avg"]
_Engine: TypeAlias = Literal["fast", "reference"]
_Convention: TypeAlias = Literal["caffe-rgb", "caffe-bgr", "torchvision"]

__all__ = [
    "Loss",
    "Network",
    "Step",
    "__version__",
    "content",
    "conv",
    "conv_backward",
    "gram_backward",
    "gram_matrix",
    "main",
    "pool",
    "pool_backward",
    "presets",
    "relative_error",
    "relu",
    "relu_backward",
    "setting_names",
    "style",
    "stylize",
    "to_input",
    "to_picture",
    "total_variation",
]

__version__: str

def stylize(
    content: _Picture,
    style: _Pictures,
    size: int | tuple[int, int] | str | None = None,
    preset: _Path | None = None,
    on_step: Callable[[Step], object] | None = None,
    *,
    content_mask: _Pictures | None = None,
    style_mask: _Pictures | None = None,
    protect: _Picture | None = None,
    weights: _Path | Network | None = None,
    weights_convention: _Convention | None = None,
    engine: _Engine = "fast",
    threads: int | None = None,
    **settings: Unpack[Settings],
) -> NDArray[np.uint8]: ...
@final
class Step:
    @property
    def iteration(self) -> int: ...
    @property
    def iterations(self) -> int: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def losses(self) -> dict[str, float]: ...
    @property
    def seconds(self) -> float: ...
    def picture(self) -> NDArray[np.uint8]: ...

@final
class Network:
    def __new__(
        cls,
        weights: _Path | None = None,
        *,
        weights_convention: _Convention | None = None,
        pooling: _Pooling = "max",
        padding: _Padding = "zero",
        engine: _Engine = "fast",
    ) -> Network: ...
    @property
    def architecture(self) -> str: ...
    @property
    def layers(self) -> list[str]: ...
    def conv(self, layer: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
    def forward(self, x: NDArray[_Float], layers: Sequence[str]) -> dict[str, NDArray[_Float]]: ...
    def backward(self, x: NDArray[_Float], gradients: dict[str, NDArray[_Float]]) -> NDArray[_Float]: ...

def to_input(picture: _Picture, size: int | None = None) -> NDArray[np.float32]: ...
def to_picture(x: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.uint8]: ...
def presets() -> list[str]: ...
def setting_names() -> list[str]: ...
def relative_error(
    x: NDArray[np.float64], gradient: NDArray[np.float64], loss: Callable[[NDArray[np.float64]], float]
) -> float: ...
@final
class Loss(Generic[_Float]):
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    def __call__(self, x: NDArray[_Float]) -> tuple[float, NDArray[_Float]]: ...

def content(photograph: NDArray[_Float]) -> Loss[_Float]: ...
def style(name: str, painting: NDArray[_Float]) -> Loss[_Float]: ...
def total_variation(diagonals: float = 0.0, padding: _Padding = "zero") -> Loss[Any]: ...
def conv(
    x: NDArray[_Float], kernel: NDArray[_Float], bias: NDArray[_Float], padding: _Padding = "zero"
) -> NDArray[_Float]: ...
def conv_backward(dy: NDArray[_Float], kernel: NDArray[_Float], padding: _Padding = "zero") -> NDArray[_Float]: ...
def relu(x: NDArray[_Float]) -> NDArray[_Float]: ...
def relu_backward(y: NDArray[_Float], dy: NDArray[_Float]) -> NDArray[_Float]: ...
def pool(x: NDArray[_Float], pooling: _Pooling = "max") -> NDArray[_Float]: ...
def pool_backward(x: NDArray[_Float], dy: NDArray[_Float], pooling: _Pooling = "max") -> NDArray[_Float]: ...
def gram_matrix(activations: NDArray[_Float]) -> NDArray[_Float]: ...
def gram_backward(activations: NDArray[_Float], dg: NDArray[_Float]) -> NDArray[_Float]: ...
def main(arguments: Sequence[str]) -> int: ...
