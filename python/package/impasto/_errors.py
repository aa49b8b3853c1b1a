"""What can go wrong. The messages are those of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Error(ValueError):
    """Something that was handed in cannot be used: a setting, a picture, weights, an array of the wrong shape."""

    __module__ = "impasto"


class MissingFile(Error, FileNotFoundError):
    """A file that was named does not exist."""

    __module__ = "impasto"


class Diverged(Error):
    """The loss is no longer a finite number.

    ``picture`` is the last picture with a finite loss, an array H×W×3 of uint8, or None if there was none.
    """

    __module__ = "impasto"
    picture: NDArray[np.uint8] | None

    def __init__(self, message: str, picture: NDArray[np.uint8] | None = None) -> None:
        super().__init__(message)
        self.picture = picture
