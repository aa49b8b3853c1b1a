"""The program that the wheel puts on the path does what the binary does."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from conftest import BINARY, CAT, NIGHT, SCRIPT


def run(program: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--version", 0),
        ("--help", 0),
        ("stylize --help", 0),
        ("texture -h", 0),
        ("studio --help", 0),
        ("", 2),
        ("paint", 2),
        ("stylize photo.jpg", 2),
        ("stylize a.jpg b.jpg -o c.png --iterations 0", 2),
        ("stylize a.jpg b.jpg -o c.png", 1),
        ("weights info none.pth", 1),
        ("weights info", 0),
    ],
)
def test_it_says_the_same_and_exits_with_the_same_code(line: str, code: int) -> None:
    said = run(SCRIPT, *line.split())
    assert said == run(BINARY, *line.split())
    assert said[0] == code
    assert said[1] or said[2]


def test_it_writes_the_same_file() -> None:
    for program, name in [(SCRIPT, "a"), (BINARY, "b")]:
        Path(name).mkdir()
        line = ["stylize", str(CAT), str(NIGHT), "-o", f"{name}/out.png", "--size", "48", "--iterations", "4", "--quiet"]
        assert run(program, *line) == (0, "", "")
    assert Path("a/out.png").read_bytes() == Path("b/out.png").read_bytes()


def test_ctrl_c_saves_the_picture_and_the_code_is_130() -> None:
    line = ["stylize", str(CAT), str(NIGHT), "-o", "out.png", "--size", "64", "--iterations", "100000", "--log", "log"]
    child = subprocess.Popen([str(SCRIPT), *line], stderr=subprocess.DEVNULL)
    while not (Path("log").exists() and Path("log").read_text()):
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130
    assert Path("out.png").exists()


def test_ctrl_c_ends_a_command_that_does_not_watch_for_it() -> None:
    child = subprocess.Popen([str(SCRIPT), "bench", "--size", "256", "--iterations", "60000"], stdout=subprocess.DEVNULL)
    time.sleep(2)
    assert child.poll() is None
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == -signal.SIGINT
