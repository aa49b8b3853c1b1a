"""stylize: the bytes of the program, its settings and its errors, and what watches a run."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import impasto
from conftest import BINARY, CAT, NIGHT, ROOT, WAVE
from impasto._native import setting_names

SMALL: dict[str, Any] = {"size": 48, "iterations": 4}


def program(*arguments: object) -> NDArray[np.uint8]:
    """What the binary paints with these arguments."""
    command = [str(BINARY), "stylize", *map(str, arguments), "--output", "out.png", "--quiet"]
    subprocess.run(command, check=True)
    return pixels(Path("out.png"))


def pixels(file: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(file))


@pytest.fixture(scope="module")
def cat() -> NDArray[np.uint8]:
    """A small photograph, without losses of compression."""
    return np.asarray(Image.open(CAT).resize((60, 40)))


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], {}),
        (["--preset", "gram"], {"preset": "gram"}),
        (["--preset", "strotss"], {"preset": "strotss"}),
        (
            ["--preset", "classic", "--size", "50x40", "--original-colors", "match", "--seed", 3],
            {"preset": "classic", "size": (50, 40), "original_colors": "match", "seed": 3},
        ),
        (
            ["--style-layers", "conv1_1=2,conv3_1", "--content-weight", "1e3", "--normalize-gradients", "--optimizer", "adam"],
            {
                "style_layers": {"conv1_1": 2, "conv3_1": 1},
                "content_weight": 1e3,
                "normalize_gradients": True,
                "optimizer": "adam",
            },
        ),
        (["--scales", "24,48", "--style-loss", "sliced"], {"scales": [24, 48], "style_loss": "sliced", "threads": 1}),
        (["--engine", "reference", "--init", "noise"], {"engine": "reference", "init": "noise"}),
        (["--init", str(WAVE)], {"init": WAVE}),
    ],
)
def test_the_bytes_are_those_of_the_program(options: list[Any], settings: dict[str, Any]) -> None:
    size = [] if "--size" in options else ["--size", 48]
    wanted = program(CAT, NIGHT, "--iterations", 4, *size, *options)
    painted = impasto.stylize(CAT, str(NIGHT), **{**SMALL, **settings})
    assert painted.dtype == np.uint8
    np.testing.assert_array_equal(painted, wanted)


def test_several_styles_and_masks_are_those_of_the_program(cat: NDArray[np.uint8]) -> None:
    left = np.zeros(cat.shape[:2], np.uint8)
    left[:, :30] = 255
    Image.fromarray(cat).save("cat.png")
    Image.fromarray(left).save("left.png")
    Image.fromarray(np.ascontiguousarray(left[::-1, ::-1] // 2)).save("protect.png")
    wanted = program(
        "cat.png", NIGHT, WAVE, "--content-mask", "left.png", "--content-mask", "rest", "--protect", "protect.png",
        "--style-scale", "1,1.5", "--size", 48, "--iterations", 4,
    )  # fmt: skip
    painted = impasto.stylize(
        cat, [NIGHT, WAVE], content_mask=[left, "rest"], protect=left[::-1, ::-1] // 2, style_scale=[1, 1.5], **SMALL
    )
    np.testing.assert_array_equal(painted, wanted)


def test_a_preset_may_be_a_file_and_options_win_over_it() -> None:
    Path("mine.toml").write_text("size = 32\niterations = 2\nstyle-loss = 'gram'\n")
    wanted = program(CAT, NIGHT, "--preset", "mine.toml", "--iterations", 3)
    painted = impasto.stylize(CAT, NIGHT, preset="mine.toml", iterations=3)
    np.testing.assert_array_equal(painted, wanted)
    assert painted.shape[1] == 32


def test_a_network_and_a_file_of_weights_paint_the_same(network: impasto.Network) -> None:
    file = ROOT / "data/vgg16.safetensors"
    of_file = impasto.stylize(CAT, NIGHT, weights=file, **SMALL)
    np.testing.assert_array_equal(of_file, impasto.stylize(CAT, NIGHT, weights=network, **SMALL))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
def test_arrays_and_pil_images_are_pictures_as_files_are(mode: str) -> None:
    image = Image.open(CAT).resize((60, 40))
    if mode in ("LA", "RGBA"):
        image.putalpha(Image.radial_gradient("L").resize((60, 40)))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 250)
    else:
        image = image.convert(mode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        painted = impasto.stylize(image, NIGHT, size=24, iterations=1)
        if mode == "CMYK":
            image.convert("RGB").save("cat.png")
        else:
            image.save("cat.png")
        wanted = impasto.stylize("cat.png", NIGHT, size=24, iterations=1)
    np.testing.assert_array_equal(painted, wanted)
    if mode not in ("P", "1", "CMYK"):
        np.testing.assert_array_equal(impasto.stylize(np.asarray(image), NIGHT, size=24, iterations=1), wanted)


def test_the_strides_of_an_array_do_not_matter(cat: NDArray[np.uint8]) -> None:
    wide = np.repeat(cat, 2, axis=1)
    views = [wide[:, ::2], np.asfortranarray(cat), cat[::-1].copy()[::-1], cat.transpose(1, 0, 2).copy().transpose(1, 0, 2)]
    wanted = impasto.to_input(cat)
    for view in views:
        np.testing.assert_array_equal(impasto.to_input(view), wanted)
    gray = cat[..., 0]
    np.testing.assert_array_equal(impasto.to_input(gray), impasto.to_input(np.dstack([gray] * 3)))
    still = np.broadcast_to(np.uint8(7), (4, 5))
    assert impasto.to_picture(impasto.to_input(still)).tolist() == np.full((4, 5, 3), 7).tolist()


def test_a_remark_of_the_reader_is_a_warning() -> None:
    Image.new("RGBA", (20, 20), (1, 2, 3, 128)).save("glass.png")
    with pytest.warns(UserWarning, match="transparent areas were placed on a white background"):
        impasto.to_input("glass.png")


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"iterations": 0}, impasto.Error, "iterations=0: write a whole number, 1 or more"),
        ({"iterations": 2.5}, impasto.Error, "iterations=2.5: write a whole number"),
        ({"content_weight": float("nan")}, impasto.Error, "content_weight=nan: write a number"),
        ({"size": "big"}, impasto.Error, "size=big: write pixels, from 1 to 32768"),
        ({"size": (0, 3)}, impasto.Error, "size=0x3: write pixels"),
        ({"style_loss": "none"}, impasto.Error, "style_loss=none: write one of gram, "),
        ({"style_layers": {"conv9_9": 1}}, impasto.Error, 'VGG-16 has no layer "conv9_9"; its layers are conv1_1'),
        ({"average": 0.5}, impasto.Error, "average works with Adam only"),
        ({"preset": "sketch"}, impasto.MissingFile, "preset: sketch: no such file or directory; nor is it one of the presets"),
        ({"weights": "vgg.pth"}, impasto.MissingFile, "weights: vgg.pth: no such file or directory"),
        ({"weights": 5}, TypeError, ""),
        ({"weights_convention": "torch"}, impasto.Error, "weights_convention: "),
        ({"weights_convention": "caffe-bgr"}, impasto.Error, "weights_convention is for the file"),
        ({"init": "first.png"}, impasto.MissingFile, "init picture: first.png: no such file or directory"),
        ({"engine": "slow"}, impasto.Error, "write one of fast, reference"),
        ({"threads": 0}, impasto.Error, "threads: write a whole number from 1 to 1024"),
        ({"content_mask": ["rest", "rest"]}, impasto.Error, "content_mask: 2 for 1 style pictures"),
        ({"style_mask": [np.zeros((9, 3), np.uint8)]}, impasto.Error, "they must have the same aspect"),
        ({"iteration": 5}, TypeError, "unexpected keyword argument 'iteration'; did you mean 'iterations'?"),
        ({"glow": None}, TypeError, "unexpected keyword argument 'glow'"),
    ],
)
def test_a_wrong_setting_is_refused_in_the_words_of_the_program(settings: dict[str, Any], kind: type, words: str) -> None:
    with pytest.raises(kind) as refusal:
        impasto.stylize(CAT, NIGHT, **settings)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("picture", "kind", "words"),
    [
        ("none.jpg", FileNotFoundError, "picture: none.jpg: no such file or directory"),
        ("none.jpg", impasto.Error, "none.jpg"),
        (Path("."), ValueError, "not a file; name a picture file"),
        (5, TypeError, "a path, a NumPy array or a PIL image, not int"),
        (None, TypeError, "not NoneType"),
        (np.zeros((4, 4, 3)), TypeError, "an array of float64; make it one of uint8, 0..255, or uint16, 0..65535"),
        (np.zeros((4, 4), bool), TypeError, "an array of bool"),
        (np.zeros((4, 4, 3), ">u2"), TypeError, "an array of >u2"),
        (np.zeros((0, 4, 3), np.uint8), impasto.Error, "a picture of 4x0 has no pixels"),
        (np.zeros((4, 4, 5), np.uint8), impasto.Error, "its shape is (4, 4, 5)"),
        (np.zeros((4, 4, 0), np.uint8), impasto.Error, "its shape is (4, 4, 0)"),
        (np.uint8(3), TypeError, ""),
        (np.array(3, np.uint8), impasto.Error, "its shape is ()"),
        (np.broadcast_to(np.uint8(0), (1 << 20, 1 << 20)), impasto.Error, "at most 200 million are accepted"),
    ],
)
def test_what_is_no_picture_is_refused(picture: Any, kind: type, words: str) -> None:
    style: Any
    for content, style in [(picture, NIGHT), (CAT, [NIGHT, picture])]:
        with pytest.raises(kind) as refusal:
            impasto.stylize(content, style, size=24)
        assert words in str(refusal.value)


def test_without_a_style_there_is_nothing_to_paint() -> None:
    with pytest.raises(impasto.Error, match="style: there is none"):
        impasto.stylize(CAT, [])


def test_all_settings_of_the_program_are_in_the_types() -> None:
    assert {*impasto.Settings.__annotations__, "size"} == set(setting_names())


def test_each_step_is_shown_with_its_picture() -> None:
    steps: list[impasto.Step] = []
    pictures = []

    def on_step(step: impasto.Step) -> None:
        steps.append(step)
        pictures.append(step.picture())
        assert threading.current_thread() is threading.main_thread()

    painted = impasto.stylize(CAT, NIGHT, on_step=on_step, scales=[30, 48], **SMALL)
    assert [step.iteration for step in steps] == [1, 2, 3, 4]
    assert {step.iterations for step in steps} == {4}
    assert [step.size[0] for step in steps] == [30, 30, 48, 48]
    for step in steps:
        losses = step.losses
        assert losses["total"] == pytest.approx(losses["content"] + losses["style"] + losses["tv"])
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds) and seconds[0] > 0
    np.testing.assert_array_equal(pictures[-1], painted)
    assert pictures[0].shape == painted.shape
    with pytest.raises(impasto.Error, match="only while on_step runs"):
        steps[-1].picture()


def test_the_first_step_is_what_a_run_of_one_iteration_paints() -> None:
    first = []
    impasto.stylize(CAT, NIGHT, size=48, scales=1, iterations=2, on_step=lambda step: first.append(step.picture()))
    np.testing.assert_array_equal(first[0], impasto.stylize(CAT, NIGHT, size=48, scales=1, iterations=1))


def test_false_ends_a_run_early_and_nothing_else_does() -> None:
    seen: list[NDArray[np.uint8]] = []

    def on_step(step: impasto.Step) -> bool | None:
        seen.append(step.picture())
        return False if step.iteration == 2 else None

    painted = impasto.stylize(CAT, NIGHT, on_step=on_step, **SMALL)
    assert len(seen) == 2
    np.testing.assert_array_equal(painted, seen[-1])


def test_an_exception_in_on_step_ends_the_run_and_is_passed_on() -> None:
    class Enough(Exception):
        pass

    calls = []

    def on_step(step: impasto.Step) -> None:
        calls.append(step.iteration)
        raise Enough

    with pytest.raises(Enough):
        impasto.stylize(CAT, NIGHT, on_step=on_step, **SMALL)
    assert calls == [1]


def test_a_picture_may_be_asked_for_by_another_thread() -> None:
    pictures = []

    def on_step(step: impasto.Step) -> None:
        asking = threading.Thread(target=lambda: pictures.append(step.picture()))
        asking.start()
        asking.join()

    painted = impasto.stylize(CAT, NIGHT, on_step=on_step, **SMALL)
    np.testing.assert_array_equal(pictures[-1], painted)


def test_nothing_of_a_run_is_kept() -> None:
    class Watcher:
        def __call__(self, step: impasto.Step) -> None:
            pass

    watcher = Watcher()
    gone = weakref.ref(watcher)
    impasto.stylize(CAT, NIGHT, on_step=watcher, **SMALL)
    del watcher
    gc.collect()
    assert gone() is None


def test_a_run_that_diverges_raises_with_its_last_good_picture() -> None:
    with pytest.raises(impasto.Diverged, match="no longer a finite number") as trouble:
        impasto.stylize(CAT, NIGHT, size=32, iterations=20, optimizer="adam", learning_rate=1e30, style_loss="gram")
    picture = trouble.value.picture
    assert picture is not None and picture.shape == (21, 32, 3)


def test_other_threads_run_while_it_paints() -> None:
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.wait(0.001):
            counted += 1

    counter = threading.Thread(target=count)
    counter.start()
    begin = time.monotonic()
    impasto.stylize(CAT, NIGHT, size=128, iterations=10)
    seconds = time.monotonic() - begin
    done.set()
    counter.join()
    # It counts a thousand times a second if nobody holds it up, and hardly ever if it has to wait for the run.
    assert counted > 50 * seconds


INTERRUPTED = """
import sys, impasto
try:
    print("begins", flush=True)
    impasto.stylize({cat!r}, {night!r}, size=128, iterations=100000, on_step={on_step})
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(9)
"""


@pytest.mark.parametrize("shows", [True, False])
def test_ctrl_c_ends_a_run(shows: bool) -> None:
    on_step = "lambda step: print(step.iteration, flush=True)" if shows else "None"
    code = INTERRUPTED.format(cat=str(CAT), night=str(NIGHT), on_step=on_step)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begins\n"
    if shows:
        assert child.stdout.readline() == "1\n"
    else:
        time.sleep(1)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate(timeout=60)
    assert (child.returncode, output.splitlines()[-1]) == (9, "interrupted")
