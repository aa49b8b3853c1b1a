"""Compare impasto with PyTorch on the same iterations.

    python compare.py PATH/TO/impasto [--rounds 3] [--iterations 3]

Each round runs every program once, so that other load on the machine affects all of them. Prints the medians over the rounds,
as a table. A ratio is the median of the rounds' ratios, so it may differ from the quotient of the medians.
"""

import argparse
import json
import os
import pathlib
import shutil
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


# Restricts the libraries that PyTorch computes with: oneDNN, MKL and its own ATen.
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


def programs(impasto):
    """Groups of programs with the same work. The others of a group are compared with its first."""

    def ours(size, threads, cpu=None):
        command = [impasto, "bench", "--json", "--network", "vgg19"]
        name = f"impasto, forced to {cpu}" if cpu else "impasto"
        return Program(name, size, threads, command, {"IMPASTO_CPU": cpu} if cpu else {})

    def theirs(size, threads, mode="eager", environment=()):
        command = [sys.executable, HERE / "pytorch.py", "--network", "vgg19", "--mode", mode]
        name = f"PyTorch {mode}" + (", forced to avx2" if environment else "")
        return Program(name, size, threads, command, environment)

    modes = ["eager", "channels_last", "bfloat16"] + ["compile"] * (shutil.which("g++") is not None)
    return [
        [ours("666x500", 2), *(theirs("666x500", 2, mode) for mode in modes)],
        [ours("666x500", 2, "avx2"), theirs("666x500", 2, environment=AVX2)],
        [ours("666x500", 1), theirs("666x500", 1)],
        [ours("128x96", 2), theirs("128x96", 2)],
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
                  f"{program.said[-1][SECONDS]:.4f} s", file=sys.stderr)

    import torch
    print(f"VGG-19, classic recipe; {machine()}, {os.cpu_count()} cores; PyTorch {torch.__version__}; medians of "
          f"{arguments.rounds} rounds of {arguments.iterations} iterations\n")
    print("| program | size | threads | s/iteration | peak memory | time ÷ impasto's |")
    print("|---|---|---|---|---|---|")
    for ours, *others in groups:
        for program in [ours, *others]:
            ratios = [run[SECONDS] / own[SECONDS] for run, own in zip(program.said, ours.said)]
            ratio = "" if program is ours else f"{statistics.median(ratios):.2f}"
            print(f"| {program.name} | {program.size} | {program.threads} | {program.median(SECONDS):.3g} | "
                  f"{program.median(BYTES) / 1e6:.0f} MB | {ratio} |")
    two, one = groups[0][0], groups[2][0]
    print(f"\n2 threads over 1: {one.median(SECONDS) / two.median(SECONDS):.2f}.")


if __name__ == "__main__":
    main()
