"""Paint with impasto and with PyTorch from the same pictures and weights, and compare the losses of each iteration.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors pillow
    cargo build --release
    .venv/bin/python tests/golden/follow_pytorch.py [CONTENT STYLE] [--size WxH] [--iterations N]

Run it in the project's root. It prints the losses of both programs and the largest relative difference. It fails if that is
above 0.5 %.
"""
import argparse
import json
import subprocess
import sys
import tempfile

import torch
from PIL import Image, ImageOps
from safetensors.torch import load_file
from torch.nn import functional as F

MEAN = torch.tensor([123.68, 116.779, 103.939])
BLOCKS = {1: 2, 2: 2, 3: 3, 4: 3, 5: 1}  # convolutions per block of VGG-16, up to the deepest that the recipe uses
STYLE = {"conv1_1": 0.5, "conv2_1": 1, "conv3_1": 1.5, "conv4_1": 3, "conv5_1": 4}
CONTENT, CONTENT_WEIGHT = "conv4_2", 0.01

arguments = argparse.ArgumentParser()
arguments.add_argument("content", nargs="?", default="data/content/chelsea.jpg")
arguments.add_argument("style", nargs="?", default="data/style/starry_night.jpg")
arguments.add_argument("--size", default="333x250")
arguments.add_argument("--iterations", type=int, default=20)
arguments.add_argument("--impasto", default="target/release/impasto")
a = arguments.parse_args()

with tempfile.TemporaryDirectory() as folder:
    subprocess.run([a.impasto, "stylize", a.content, a.style, "-o", f"{folder}/out.png", "--preset", "classic", "--size",
                    a.size, "--init", "content", "--iterations", str(a.iterations), "--log", f"{folder}/log"], check=True)
    ours = [json.loads(line) for line in open(f"{folder}/log")]

weights = {name: value.float() for name, value in load_file("data/vgg16.safetensors").items()}


def picture(path):
    size = tuple(map(int, a.size.split("x")))
    fitted = ImageOps.fit(Image.open(path).convert("RGB"), size, Image.Resampling.LANCZOS)
    pixels = torch.frombuffer(bytearray(fitted.tobytes()), dtype=torch.uint8).reshape(size[1], size[0], 3)
    return (pixels.float() - MEAN).permute(2, 0, 1)[None].contiguous()


def network(x):
    outputs = {}
    for block, convs in BLOCKS.items():
        for conv in range(1, convs + 1):
            name = f"conv{block}_{conv}"
            x = outputs[name] = F.relu(F.conv2d(x, weights[name + ".weight"], weights[name + ".bias"], padding=1))
        x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
    return outputs


def gram(f):
    f = f.flatten(2)[0]
    return f @ f.T


with torch.no_grad():
    target = network(picture(a.content))[CONTENT]
    grams = {layer: gram(network(picture(a.style))[layer]) for layer in STYLE}
x = torch.nn.Parameter(picture(a.content))
adam = torch.optim.Adam([x], lr=2)
worst = 0
for line in ours:
    adam.zero_grad()
    f = network(x)
    content = CONTENT_WEIGHT * ((f[CONTENT] - target) ** 2).sum() / (4 * target.numel())
    style = sum(w * ((gram(f[layer]) - grams[layer]) ** 2).sum() / (2 * f[layer].numel()) ** 2
                for layer, w in STYLE.items())
    (content + style).backward()
    adam.step()
    theirs = {"content": content.item(), "style": style.item(), "total": (content + style).item()}
    off = {key: abs(line[key] - value) / value for key, value in theirs.items() if value}
    worst = max(worst, *off.values())
    print(f"{line['iteration']:3}", *(f"{key} {line[key]:.6e} {theirs[key]:.6e} {off.get(key, 0):.2%}" for key in theirs))
print(f"largest relative difference: {worst:.3%}")
sys.exit(worst > 0.005)
