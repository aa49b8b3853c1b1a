"""Measure when each optimizer reaches the loss of 300 iterations of Adam.

    target/peer/bin/python benches/ways.py PATH/TO/impasto FOLDER [ROUNDS]

All minimize the loss of the classic recipe at 333x250, from the photograph. In each round every optimizer runs once, and PyTorch computes some
iterations of Adam before and after them, with random weights and pictures, which take as long as real ones. Its time is 300 times that of one
iteration. The pictures are written to FOLDER. Times are medians over the rounds; they are those of the optimization, including the set-up of each
size, without reading and writing files.
"""

import json
import pathlib
import statistics
import subprocess
import sys

WAYS = {
    "Adam, learning rate 2": "--iterations 300",
    "Adam, learning rate 8": "--iterations 150 --learning-rate 8",
    "L-BFGS": "--optimizer lbfgs --learning-rate 10 --iterations 100",
    "L-BFGS, 2 sizes": "--optimizer lbfgs --learning-rate 10 --iterations 54 --scales 2",
    "L-BFGS, 3 sizes": "--optimizer lbfgs --learning-rate 10 --iterations 60 --scales 3",
    "L-BFGS, 118 and 235 pixels first": "--optimizer lbfgs --learning-rate 10 --iterations 68 --scales 118,235",
    "L-BFGS, --scales auto": "--optimizer lbfgs --learning-rate 10 --iterations 90 --scales auto",
}
PAIRS = [("chelsea", "starry_night"), ("coffee", "great_wave")]
FULL = "333x250"
PEER_ITERATIONS = 20


def paint(program, folder, pair, number, options):
    """Paint, and return the log: a dictionary for each iteration at the full size. Its times include the smaller sizes."""
    data = pathlib.Path(__file__).parents[1] / "data"
    log, out = folder / "log.jsonl", folder / f"{pair[0]}-{number}.png"
    arguments = [program, "stylize", data / "content" / f"{pair[0]}.jpg", data / "style" / f"{pair[1]}.jpg", "-o", out, "-q"]
    arguments += f"--preset classic --init content --size {FULL}".split() + options.split() + ["--log", log]
    subprocess.run(arguments, check=True)
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["size"] == FULL]


def pytorch():
    """The seconds that PyTorch takes for the 300 iterations, from those of a few."""
    arguments = f"--mode eager --network vgg16 --size {FULL} --iterations {PEER_ITERATIONS}".split()
    command = [sys.executable, pathlib.Path(__file__).parent / "peer" / "pytorch.py", *arguments]
    measured = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return measured["median_seconds"] * 300


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    folder.mkdir(parents=True, exist_ok=True)
    for pair in PAIRS:
        runs, peer = {way: [] for way in WAYS}, []
        for _ in range(rounds):
            peer.append(pytorch())
            for number, (way, options) in enumerate(WAYS.items(), 1):
                runs[way].append(paint(program, folder, pair, number, options))
            peer.append(pytorch())
        first = next(iter(WAYS))
        goal = runs[first][0][-1]["total"]
        reference = statistics.median(peer)
        print(f"\n{pair[0]} in the style of {pair[1]}; Adam's loss after 300 iterations: {goal:.3g}\n")
        print("| way | reaches the loss after | of PyTorch's time | evaluations | loss at its end | total time |")
        print("|---|---|---|---|---|---|")
        print(f"| PyTorch: Adam, learning rate 2 | {reference:.1f} s | 1/1.0 | 300 | | {reference:.1f} s |")
        for way, logs in runs.items():
            there = [next((line for line in run if line["total"] <= goal), None) for run in logs]
            best = min(line["total"] for line in logs[0])
            end = statistics.median(run[-1]["seconds"] for run in logs)
            if None in there:
                reached = "never | | "
            else:
                seconds = statistics.median(line["seconds"] for line in there)
                reached = f"{seconds:.1f} s | 1/{reference / seconds:.1f} | {there[0]['iteration']}"
            print(f"| {way} | {reached} | {best:.3g} | {end:.1f} s |")


if __name__ == "__main__":
    main()
