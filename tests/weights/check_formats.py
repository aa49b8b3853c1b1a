"""Check that the project's weights are the same in every format, and how much memory a large file takes.

    make check-weights

1. data/vgg16.safetensors is written in each format with the tool that usually writes that format. Painting with each file, and
   with what `impasto weights convert` makes of it, must give exactly the losses of the built-in weights.
2. A MatConvNet file of VGG-19 with fully connected layers, about 570 MB, compressed or not, must load with at most 250 MB of
   memory.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from scipy.io import savemat

ROOT = pathlib.Path(__file__).parents[2]
MAX_MEMORY = 250  # MB
WIDTHS = [64, 128, 256, 512, 512]
CONNECTED = {"fc6": (7, 7, 512, 4096), "fc7": (1, 1, 4096, 4096), "fc8": (1, 1, 4096, 1000)}


def mat(path, kernels, biases, connected=False, compressed=False):
    """MatConvNet's layout; kernels O x I x 3 x 3."""
    layers = []

    def add(name, weight, bias):
        cell = np.empty((1, 2), dtype=object)
        cell[0, 0], cell[0, 1] = weight, bias.reshape(1, -1)
        layers.append({"name": name, "type": "conv", "weights": cell, "pad": np.ones((1, 4))})
        layers.append({"name": name.replace("conv", "relu"), "type": "relu"})

    for name, kernel in kernels.items():
        add(name, kernel.transpose(2, 3, 1, 0), biases[name])
    rng = np.random.default_rng(1)
    for name, shape in CONNECTED.items() if connected else ():
        add(name, rng.standard_normal(shape, dtype=np.float32), np.zeros(shape[-1], np.float32))
    cells = np.empty((1, len(layers)), dtype=object)
    cells[0, :] = layers
    mean = np.array([123.68, 116.779, 103.939]).reshape(1, 1, 3)
    savemat(path, {"layers": cells, "meta": {"normalization": {"averageImage": mean}}}, do_compression=compressed)


def bgr(name, kernel):
    return np.ascontiguousarray(kernel[:, ::-1] if name == "conv1_1" else kernel)


def write_all(folder, kernels, biases):
    """Write a file in each format, with kernels for BGR where that is the format's convention."""
    mat(folder / "plain.mat", kernels, biases)
    mat(folder / "compressed.mat", kernels, biases, compressed=True)
    caffe = {f"{n}.weight": torch.from_numpy(bgr(n, k)) for n, k in kernels.items()}
    caffe |= {f"{n}.bias": torch.from_numpy(b) for n, b in biases.items()}
    torch.save(caffe, folder / "zip.pth")
    torch.save(caffe, folder / "legacy.pth", _use_new_zipfile_serialization=False)
    with h5py.File(folder / "keras.h5", "w") as file:
        for name, kernel in kernels.items():
            layer = "block" + name[4:].replace("_", "_conv")
            group = file.create_group(layer)
            group[f"{layer}_W_1:0"] = bgr(name, kernel).transpose(2, 3, 1, 0)
            group[f"{layer}_b_1:0"] = biases[name]
    hwio = {f"{n}_W": k.transpose(2, 3, 1, 0) for n, k in kernels.items()} | {f"{n}_b": b for n, b in biases.items()}
    np.savez(folder / "plain.npz", **hwio)
    np.savez_compressed(folder / "compressed.npz", **hwio)
    oihw = {f"{n}.weight": k for n, k in kernels.items()} | {f"{n}.bias": b for n, b in biases.items()}
    save_file(oihw, folder / "f32.safetensors")


def losses(impasto, folder, *options):
    log = folder / "log"
    command = [impasto, "stylize", ROOT / "data/content/chelsea.jpg", ROOT / "data/style/starry_night.jpg",
               "-o", folder / "out.png", "--size", "160", "--iterations", "5", "-q", "--log", log, *options]
    subprocess.run(command, check=True)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


# A new process inherits the peak memory of its parent, so a small process starts the measured one.
STARTER = """
import os, sys, time
begin = time.monotonic()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(child, 0)
print(time.monotonic() - begin, usage.ru_maxrss / 1000)
sys.exit(status != 0)
"""


def measured(command):
    """The seconds that a command takes, and its peak memory in megabytes."""
    run = subprocess.run([sys.executable, "-c", STARTER, *command], check=True, text=True, stdout=subprocess.PIPE)
    return map(float, run.stdout.split())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("impasto", type=lambda path: pathlib.Path(path).resolve())
    impasto = parser.parse_args().impasto
    failed = False

    tensors = {name: t.astype(np.float32) for name, t in load_file(ROOT / "data/vgg16.safetensors").items()}
    names = sorted(name.removesuffix(".weight") for name in tensors if name.endswith(".weight"))
    kernels = {name: tensors[name + ".weight"] for name in names}
    biases = {name: tensors[name + ".bias"] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        expected = losses(impasto, folder)
        write_all(folder, kernels, biases)
        print("| file | MB | losses as it is | losses when converted |\n|---|---|---|---|")
        for file in sorted(folder.glob("*.*")):
            if file.suffix not in (".mat", ".pth", ".h5", ".npz", ".safetensors"):
                continue
            back = folder / "back.safetensors"
            subprocess.run([impasto, "weights", "convert", file, back], check=True, stderr=subprocess.DEVNULL)
            same = [losses(impasto, folder, "--weights", weights) == expected for weights in (file, back)]
            failed |= not all(same)
            words = ["the same" if s else "DIFFERENT" for s in same]
            print(f"| {file.name} | {file.stat().st_size / 1e6:.0f} | {words[0]} | {words[1]} |")
            back.unlink()

    rng = np.random.default_rng(0)
    kernels, biases, channels = {}, {}, 3
    for block, (convs, width) in enumerate(zip([2, 2, 4, 4, 4], WIDTHS), 1):
        for conv in range(1, convs + 1):
            name = f"conv{block}_{conv}"
            kernels[name] = rng.standard_normal((width, channels, 3, 3), dtype=np.float32)
            biases[name] = rng.standard_normal(width, dtype=np.float32)
            channels = width
    print("\n| VGG-19 with fully connected layers | MB | command | seconds | peak memory |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for compressed in (False, True):
            file = folder / "imagenet-vgg-verydeep-19.mat"
            mat(file, kernels, biases, connected=True, compressed=compressed)
            what = "compressed" if compressed else "uncompressed"
            for command in ("info", file), ("convert", file, folder / "out.safetensors"):
                seconds, memory = measured([impasto, "weights", *command])
                failed |= memory > MAX_MEMORY
                size = file.stat().st_size / 1e6
                print(f"| {what} | {size:.0f} | weights {command[0]} | {seconds:.2f} | {memory:.0f} MB |")
    sys.exit(failed)


if __name__ == "__main__":
    main()
