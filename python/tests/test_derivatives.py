"""Operations, losses and the network: values, every gradient against finite differences, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import impasto
from conftest import CAT, noise
from impasto import losses, operations

# The largest relative error of a right gradient.
TOLERANCE = 1e-6

Array = NDArray[np.float64]
# In the order of the program's table.
STYLES = [losses.gram, losses.wasserstein, losses.moments, losses.sliced, losses.histogram]


def assert_gradient(x: Array, gradient: Array, loss: Callable[[Array], float]) -> None:
    """It is that of the loss, and the check would notice if it were not."""
    assert impasto.relative_error(x, gradient, loss) < TOLERANCE
    wrong = gradient.copy()
    wrong.flat[np.abs(wrong).argmax()] *= 1.001
    assert impasto.relative_error(x, wrong, loss) > 1e-4


@pytest.mark.parametrize("padding", ["zero", "circular"])
def test_the_gradient_of_a_convolution(rng: np.random.Generator, padding: Any) -> None:
    x, kernel, bias, dy = noise(rng, 5, 4, 2), noise(rng, 3, 3, 2, 3), noise(rng, 3), noise(rng, 5, 4, 3)
    gradient = operations.conv_backward(dy, kernel, padding)
    assert_gradient(x, gradient, lambda x: float((dy * operations.conv(x, kernel, bias, padding)).sum()))


def test_a_convolution_is_its_formula(rng: np.random.Generator) -> None:
    x, kernel, bias = noise(rng, 5, 4, 2), noise(rng, 3, 3, 2, 3), noise(rng, 3)
    around = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    wanted = bias + sum(
        np.einsum("ijc,co->ijo", around[p : p + 5, q : q + 4], kernel[p, q]) for p in range(3) for q in range(3)
    )
    np.testing.assert_allclose(operations.conv(x, kernel, bias), wanted, rtol=1e-12, atol=1e-12)


def test_the_gradient_of_a_relu(rng: np.random.Generator) -> None:
    x, dy = noise(rng, 5, 4, 3), noise(rng, 5, 4, 3)
    y = operations.relu(x)
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    assert_gradient(x, operations.relu_backward(y, dy), lambda x: float((dy * operations.relu(x)).sum()))


@pytest.mark.parametrize("pooling", ["max", "avg"])
def test_the_gradient_of_pooling(rng: np.random.Generator, pooling: Any) -> None:
    x, dy = noise(rng, 5, 4, 3), noise(rng, 3, 2, 3)
    gradient = operations.pool_backward(x, dy, pooling)
    assert_gradient(x, gradient, lambda x: float((dy * operations.pool(x, pooling)).sum()))
    cell = x[:2, :2].max((0, 1)) if pooling == "max" else x[:2, :2].mean((0, 1))
    np.testing.assert_allclose(operations.pool(x, pooling)[0, 0], cell, rtol=1e-12)


def test_the_gradient_of_a_gram_matrix(rng: np.random.Generator) -> None:
    x, dg = noise(rng, 3, 4, 5), noise(rng, 5, 5)
    rows = x.reshape(-1, 5)
    np.testing.assert_allclose(impasto.gram_matrix(x), rows.T @ rows, rtol=1e-12)
    assert_gradient(x, operations.gram_backward(x, dg), lambda x: float((dg * impasto.gram_matrix(x)).sum()))


def test_there_is_a_function_for_each_style_loss() -> None:
    with pytest.raises(impasto.Error, match=f"write one of {', '.join(make.__name__ for make in STYLES)}$"):
        impasto.stylize(CAT, CAT, style_loss="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("make", STYLES, ids=lambda make: make.__name__)
def test_the_gradient_of_a_style_loss(rng: np.random.Generator, make: Callable[[Array], losses.Loss[Any]]) -> None:
    # With a tail, so that no covariance is that of white noise.
    loss = make(np.exp(noise(rng, 6, 5, 4) / 2))
    x = noise(rng, 4, 6, 4)
    value, gradient = loss(x)
    assert isinstance(value, float) and value > 0
    assert_gradient(x, gradient, lambda x: loss(x)[0])


@pytest.mark.parametrize("make", STYLES, ids=lambda make: make.__name__)
def test_a_style_loss_does_not_see_where_things_are(rng: np.random.Generator, make: Callable[[Array], losses.Loss[Any]]) -> None:
    x = np.exp(noise(rng, 6, 5, 4) / 2)
    rolled = np.roll(x, 2, axis=1).transpose(1, 0, 2)
    assert make(x)(rolled)[0] == pytest.approx(0, abs=1e-10)
    assert make(x)(x + 1)[0] > 0.01


def test_the_gradient_of_the_content_loss(rng: np.random.Generator) -> None:
    x, photograph = noise(rng, 4, 3, 2), noise(rng, 4, 3, 2)
    loss = losses.content(photograph)
    value, gradient = loss(x)
    assert value == pytest.approx(((x - photograph) ** 2).mean() / 4)
    assert_gradient(x, gradient, lambda x: loss(x)[0])


@pytest.mark.parametrize("padding", ["zero", "circular"])
@pytest.mark.parametrize("diagonals", [0, 0.25])
def test_the_gradient_of_total_variation(rng: np.random.Generator, diagonals: float, padding: Any) -> None:
    x, loss = noise(rng, 4, 5, 3), losses.total_variation(diagonals, padding)
    value, gradient = loss(x)
    if (diagonals, padding) == (0, "zero"):
        assert value == pytest.approx((np.diff(x, axis=0) ** 2).sum() / 2 + (np.diff(x, axis=1) ** 2).sum() / 2)
    assert_gradient(x, gradient, lambda x: loss(x)[0])
    assert loss(x.astype(np.float32))[1].dtype == np.float32


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_the_gradient_of_the_network_down_to_the_pixels(rng: np.random.Generator, engine: Any) -> None:
    network = impasto.Network(engine=engine)
    # The check wants values of order 1: pixels are counted in units of 100 levels.
    u = noise(rng, 6, 5, 3)
    layers = ["conv1_2", "pool2"]
    activations = network.forward(100 * u, layers)
    upon = {name: rng.standard_normal(f.shape) / f.size for name, f in activations.items()}

    def loss(u: Array) -> float:
        return float(sum((upon[name] * f).sum() for name, f in network.forward(100 * u, layers).items()))

    assert_gradient(u, 100 * network.backward(100 * u, upon), loss)


def test_the_network_is_made_of_the_operations(network: impasto.Network, rng: np.random.Generator) -> None:
    x = 40 * noise(rng, 7, 6, 3)
    f = x
    activations = network.forward(x, network.layers)
    assert list(activations) == network.layers
    for layer in network.layers[:9]:
        if layer.startswith("pool"):
            f = operations.pool(f)
        else:
            kernel, bias = network.conv(layer)
            f = operations.relu(operations.conv(f, kernel.astype(np.float64), bias.astype(np.float64)))
        np.testing.assert_allclose(activations[layer], f, rtol=1e-9, atol=1e-9)
        assert activations[layer].flags.c_contiguous and activations[layer].flags.writeable


def test_single_and_double_precision_agree(network: impasto.Network) -> None:
    x = impasto.to_input(CAT, size=48)
    assert x.dtype == np.float32
    single, double = network.forward(x, ["conv4_1"])["conv4_1"], network.forward(x.astype(np.float64), ["conv4_1"])["conv4_1"]
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert np.abs(single - double).max() < 1e-4 * np.abs(double).max()
    gradient = network.backward(x, {"conv4_1": single})
    assert gradient.dtype == np.float32 and gradient.shape == x.shape


def test_inputs_and_pictures_are_inverse(rng: np.random.Generator) -> None:
    picture = rng.integers(0, 256, (5, 7, 3), np.uint8)
    x = impasto.to_input(picture)
    np.testing.assert_allclose(x, picture - np.array([123.68, 116.779, 103.939]), rtol=1e-5)
    for same in (x, x.astype(np.float64)):
        np.testing.assert_array_equal(impasto.to_picture(same), picture)
    assert impasto.to_picture(x + 1000).min() == 255
    assert impasto.to_input(CAT, size=50).shape == (33, 50, 3)


def test_a_nan_stays_one_and_does_no_harm(network: impasto.Network) -> None:
    for trouble in (np.nan, np.inf, 1e300):
        x = np.full((4, 4, 3), trouble)
        f = network.forward(x, ["conv2_1"])["conv2_1"]
        network.backward(x, {"conv2_1": f})
        for make in [*STYLES, losses.content]:
            value, _ = make(x)(x)
            assert np.isnan(value) or make is losses.content
        assert impasto.to_picture(x).shape == (4, 4, 3)
    assert np.isnan(network.forward(np.full((4, 4, 3), np.nan), ["pool5"])["pool5"]).all()
    assert impasto.relative_error(np.ones((1, 1, 1)), np.full((1, 1, 1), np.nan), lambda x: 0.0) == np.inf


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_smallest_pictures_go_through_all_layers(network: impasto.Network, size: int) -> None:
    x = np.ones((size, 1, 3), np.float32)
    deepest = network.forward(x, ["pool5"])["pool5"]
    assert deepest.shape == (1, 1, 512)
    assert network.backward(x, {"pool5": deepest}).shape == x.shape


def test_the_strides_of_an_array_do_not_matter(network: impasto.Network, rng: np.random.Generator) -> None:
    x = noise(rng, 6, 5, 3)
    wanted = network.forward(x, ["conv1_1"])["conv1_1"]
    packed = np.zeros(30 * 3, [("skip", "u1"), ("x", "<f8")])
    packed["x"] = x.ravel()
    unaligned = packed["x"].reshape(x.shape)
    assert not unaligned.flags.aligned
    views = [np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1].copy()[::-1], unaligned]
    for view in views:
        np.testing.assert_array_equal(network.forward(view, ["conv1_1"])["conv1_1"], wanted)
        np.testing.assert_array_equal(losses.content(view)(x)[1], np.zeros_like(x))
    x.flags.writeable = False
    np.testing.assert_array_equal(network.forward(x, ["conv1_1"])["conv1_1"], wanted)


def test_the_difference_check_takes_arrays_of_any_shape_and_passes_exceptions_on(rng: np.random.Generator) -> None:
    for shape in [(3,), (2, 2), (3, 3, 2, 2)]:
        x = noise(rng, *shape)
        assert impasto.relative_error(x, 3 * x**2, lambda x: float((x**3).sum())) < TOLERANCE
    with pytest.raises(ZeroDivisionError):
        impasto.relative_error(x, x, lambda x: 1 / 0)
    with pytest.raises(TypeError):
        impasto.relative_error(x, x, lambda x: "much")  # type: ignore[arg-type, return-value]


ONES = np.ones((4, 4, 3))
NET: Any = impasto.Network
POOL: Any = operations.pool


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda net: net.forward(ONES, ["conv9_1"]), impasto.Error, 'VGG-16 has no layer "conv9_1"; its layers are conv1_1, '),
        (lambda net: net.forward(ONES[..., :2], ["conv1_1"]), impasto.Error, "x must have the shape (4, 4, 3), not (4, 4, 2)"),
        (lambda net: net.forward(ONES[0], ["conv1_1"]), impasto.Error, "x must have 3 axes, and its shape is (4, 3)"),
        (lambda net: net.forward(ONES[:0], ["conv1_1"]), impasto.Error, "x is empty: its shape is (0, 4, 3)"),
        (lambda net: net.forward(ONES.astype(int), ["conv1_1"]), TypeError, "x must be of float32 or float64, not int64"),
        (lambda net: net.forward(ONES.astype(">f8"), ["conv1_1"]), TypeError, "x must be of float32 or float64, not >f8"),
        (lambda net: net.forward(ONES.tolist(), ["conv1_1"]), TypeError, "x must be a NumPy array, not list"),
        (lambda net: net.forward(ONES, "conv1_1"), TypeError, ""),
        (lambda net: net.backward(ONES, {}), impasto.Error, "there is none; name a layer"),
        (lambda net: net.backward(ONES, {"conv1_1": ONES}), impasto.Error, "the gradient at conv1_1 must have the shape (4, 4, 64)"),
        (
            lambda net: net.backward(ONES, {"pool1": np.ones((2, 2, 64), np.float32)}),
            TypeError,
            "the gradient at pool1 must be of float64, not float32",
        ),
        (lambda net: net.conv("pool1"), impasto.Error, "pool1 is not a convolution"),
        (lambda net: NET("none.pth"), FileNotFoundError, "weights: none.pth: no such file or directory"),
        (lambda net: NET(pooling="min"), impasto.Error, "write one of max, avg"),
        (lambda net: NET(padding="mirror"), impasto.Error, "write one of zero, circular"),
        (lambda net: losses.gram(ONES)(ONES[..., :2]), impasto.Error, "x must have the shape (4, 4, 3), not (4, 4, 2)"),
        (lambda net: losses.gram(ONES)(ONES.astype(np.float32)), TypeError, "x must be of float64, not float32"),
        (lambda net: losses.gram(ONES[:, :0]), impasto.Error, "painting is empty"),
        (lambda net: losses.content(ONES)(ONES[:2]), impasto.Error, "x must have the shape (4, 4, 3), not (2, 4, 3)"),
        (lambda net: losses.total_variation(-1), impasto.Error, "write a number, at least 0"),
        (lambda net: losses.total_variation(float("nan")), impasto.Error, "write a number, at least 0"),
        (lambda net: operations.conv(ONES, np.ones((5, 5, 3, 2)), np.ones(2)), impasto.Error, "kernel must have the shape (3, 3, 3, 2)"),
        (lambda net: operations.conv(ONES, np.ones((3, 3, 4, 2)), np.ones(2)), impasto.Error, "x must have the shape (4, 4, 4)"),
        (lambda net: operations.conv(ONES, np.ones((3, 3, 3, 2)), np.ones(3)), impasto.Error, "bias must have the shape (2,)"),
        (lambda net: operations.conv_backward(ONES, np.ones((3, 3, 3, 2))), impasto.Error, "dy must have the shape (4, 4, 2)"),
        (lambda net: operations.relu_backward(ONES, ONES[:2]), impasto.Error, "dy must have the shape (4, 4, 3)"),
        (lambda net: operations.pool_backward(ONES, ONES), impasto.Error, "dy must have the shape (2, 2, 3)"),
        (lambda net: POOL(ONES, "sum"), impasto.Error, "write one of max, avg"),
        (lambda net: operations.gram_backward(ONES, np.ones((2, 2))), impasto.Error, "dg must have the shape (3, 3)"),
        (lambda net: impasto.relative_error(ONES, ONES[:1], np.sum), impasto.Error, "gradient must have the shape (4, 4, 3)"),
        (lambda net: impasto.to_picture(ONES[..., 0]), impasto.Error, "x must have 3 axes"),
        (lambda net: impasto.to_input(CAT, size=0), impasto.Error, "size: write pixels, from 1 to 32768"),
        (lambda net: impasto.to_input(CAT, size=-1), OverflowError, ""),
    ],
)
def test_wrong_arrays_are_refused(network: impasto.Network, call: Callable[[Any], object], kind: type, words: str) -> None:
    with pytest.raises(kind) as refusal:
        call(network)
    assert words in str(refusal.value)
    assert type(refusal.value).__name__ != "PanicException"
