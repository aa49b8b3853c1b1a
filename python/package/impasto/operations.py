"""The operations that the network is made of, in their plain form: each forward, and backward.

Arrays are H×W×C of float32 or float64, without a batch axis. For an operation y = f(x) inside a loss L, a backward pass takes
dy = dL/dy and returns dL/dx, so that each can be checked by :func:`impasto.relative_error`.
"""

from impasto._native import (
    conv,
    conv_backward,
    gram_backward,
    gram_matrix,
    pool,
    pool_backward,
    relu,
    relu_backward,
)

__all__ = [
    "conv",
    "conv_backward",
    "gram_backward",
    "gram_matrix",
    "pool",
    "pool_backward",
    "relu",
    "relu_backward",
]
