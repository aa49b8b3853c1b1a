"""Compare impasto with PyTorch on the same iterations.

    python compare.py PATH/TO/impasto [--rounds 3] [--iterations 3]

Each round runs every program once, so that other load on the machine affects all of them. Prints the medians over the rounds,
as a table for the README.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
SECONDS, BYTES = "median_seconds", "peak_memory_bytes"


class Program:
    """A program with a size and a number of threads, and the results of its runs."""

    def __init__(self, name, size, threads, command, environment=()):
        self.name, self.size, self.threads = name, size, threads
        self.command = [*map(str, command), "--size", size, "--threads", str(threads)]
        self.environment = dict(environment)
        self.said = []

    def run(self, iterations):
        command = [*self.command, "--iterations", str(iterations)]
        inherited = {name: value for name, value in os.environ.items() if name != "IMPASTO_CPU"}
        done = subprocess.run(command, env=inherited | self.environment, stdout=subprocess.PIPE, check=True)
        self.said.append(json.loads(done.stdout))

    def median(self, what):
        return statistics.median(run[what] for run in self.said)


def programs(impasto):
    def ours(size, threads, cpu=None):
        command = [impasto, "bench", "--json", "--network", "vgg19"]
        name = f"impasto, forced to {cpu}" if cpu else "impasto"
        return Program(name, size, threads, command, {"IMPASTO_CPU": cpu} if cpu else {})

    def theirs(size, threads, mode="eager"):
        command = [sys.executable, HERE / "pytorch.py", "--network", "vgg19", "--mode", mode]
        return Program(f"PyTorch {mode}", size, threads, command)

    return [
        [ours("666x500", 2), ours("666x500", 2, "avx2"), theirs("666x500", 2),
         theirs("666x500", 2, "channels_last"), theirs("666x500", 2, "bfloat16")],
        [ours("666x500", 1), theirs("666x500", 1)],
        [ours("256x192", 2), theirs("256x192", 2)],
        [ours("1024x768", 2), theirs("1024x768", 2)],
    ]


def machine():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown CPU"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("impasto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--iterations", type=int, default=3)
    arguments = parser.parse_args()
    groups = programs(pathlib.Path(arguments.impasto).resolve())
    everything = [program for group in groups for program in group]
    for number in range(arguments.rounds):
        for program in everything:
            program.run(arguments.iterations)
            print(f"round {number + 1}: {program.name}, {program.size}, {program.threads} threads: "
                  f"{program.said[-1][SECONDS]:.3f} s", file=sys.stderr)

    import torch
    print(f"VGG-19, classic recipe; {machine()}, {os.cpu_count()} cores; PyTorch {torch.__version__}; medians of "
          f"{arguments.rounds} rounds of {arguments.iterations} iterations\n")
    print("| program | size | threads | s/iteration | peak memory | time ÷ impasto's |")
    print("|---|---|---|---|---|---|")
    for ours, *others in groups:
        for program in [ours, *others]:
            ratios = [run[SECONDS] / own[SECONDS] for run, own in zip(program.said, ours.said)]
            ratio = "" if program is ours else f"{statistics.median(ratios):.2f}"
            print(f"| {program.name} | {program.size} | {program.threads} | {program.median(SECONDS):.3f} | "
                  f"{program.median(BYTES) / 1e6:.0f} MB | {ratio} |")
    two, forced, eager = groups[0][0], groups[0][1], groups[0][2]
    one = groups[1][0]
    print(f"\n2 threads over 1: {one.median(SECONDS) / two.median(SECONDS):.2f}. "
          f"PyTorch eager ÷ impasto forced to AVX2: {eager.median(SECONDS) / forced.median(SECONDS):.2f}.")


if __name__ == "__main__":
    main()
