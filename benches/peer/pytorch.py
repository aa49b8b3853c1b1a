"""Measure iterations of the classic recipe in PyTorch, the same as in `impasto bench`.

VGG up to conv5_1 with average pooling, style losses at conv1_1 to conv5_1, a content loss at conv4_2, and Adam on the pixels.
Prints one JSON object. The mode bfloat16 uses channels_last too, with which autocast is fastest; compile is torch.compile, which
needs a C++ compiler.

    python pytorch.py --mode eager|channels_last|bfloat16|compile [--network vgg19] [--size 666x500] [--threads 2] [--iterations 5]
"""

import argparse
import contextlib
import json
import resource
import statistics
import time

import torch
import torch.nn.functional as F

BLOCKS = {"vgg16": (2, 2, 3, 3, 1), "vgg19": (2, 2, 4, 4, 1)}
WIDTHS = (64, 128, 256, 512, 512)
STYLE = {"conv1_1": 0.5, "conv2_1": 1.0, "conv3_1": 1.5, "conv4_1": 3.0, "conv5_1": 4.0}
CONTENT = {"conv4_2": 0.01}


def he_normal(network, memory_format):
    """The name, kernel and bias of each convolution, in order, with None for each pooling layer."""
    torch.manual_seed(0)
    layers, cin = [], 3
    for block, (convs, width) in enumerate(zip(BLOCKS[network], WIDTHS), 1):
        for conv in range(1, convs + 1):
            kernel = torch.randn(width, cin, 3, 3) * (2 / (9 * cin)) ** 0.5
            layers.append((f"conv{block}_{conv}", kernel.contiguous(memory_format=memory_format), torch.zeros(width)))
            cin = width
        if block < len(WIDTHS):
            layers.append(None)
    return layers


def activations(layers, x):
    tapped = {}
    for layer in layers:
        if layer is None:
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
            continue
        name, kernel, bias = layer
        x = F.relu(F.conv2d(x, kernel, bias, padding=1), inplace=name not in STYLE and name not in CONTENT)
        if name in STYLE or name in CONTENT:
            tapped[name] = x
    return tapped


def gram(f):
    f = f.flatten(2)[0]
    return f @ f.T


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["eager", "channels_last", "bfloat16", "compile"], default="eager")
    parser.add_argument("--network", choices=list(BLOCKS), default="vgg19")
    parser.add_argument("--size", default="666x500")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--iterations", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    width, height = map(int, arguments.size.split("x"))
    contiguous = arguments.mode in ("eager", "compile")
    memory_format = torch.contiguous_format if contiguous else torch.channels_last
    half = lambda: torch.autocast("cpu", torch.bfloat16) if arguments.mode == "bfloat16" else contextlib.nullcontext()
    layers = he_normal(arguments.network, memory_format)
    picture = lambda: (torch.rand(1, 3, height, width) * 255 - 115).contiguous(memory_format=memory_format)
    with torch.no_grad(), half():
        content = {name: activations(layers, picture())[name] for name in CONTENT}
        style = {name: gram(f) for name, f in activations(layers, picture()).items() if name in STYLE}
    x = picture().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=2.0)

    def loss_of(x):
        with half():
            tapped = activations(layers, x)
            loss = 0
            for name, weight in STYLE.items():
                f = tapped[name]
                loss = loss + weight * ((gram(f).float() - style[name].float()) ** 2).sum() / (4.0 * f.numel() ** 2)
            for name, weight in CONTENT.items():
                f = tapped[name]
                loss = loss + weight * ((f.float() - content[name].float()) ** 2).sum() / (4.0 * f.numel())
        return loss

    if arguments.mode == "compile":
        loss_of = torch.compile(loss_of)
    seconds = []
    for _ in range(arguments.iterations + 1):
        begin = time.perf_counter()
        optimizer.zero_grad()
        loss_of(x).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
    seconds = seconds[1:]  # the first one includes the set-up
    print(json.dumps({
        "median_seconds": statistics.median(seconds),
        "min_seconds": min(seconds),
        "total_seconds": sum(seconds),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


if __name__ == "__main__":
    main()
