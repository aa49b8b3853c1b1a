"""Write golden.safetensors: what PyTorch computes for a tiny VGG, in double precision.

    python3 -m venv .venv && .venv/bin/pip install torch safetensors
    .venv/bin/python make_golden.py

All values are float64, except the weights, which are float32 as in real files. Pictures and activations are H x W x C, weights
are O x I x 3 x 3. The network has the blocks of `TINY` in tests/common/mod.rs. The file was written with PyTorch 2.15.
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

BLOCKS = [(2, 4), (2, 6), (1, 8)]  # convolutions and channels of each block
CONTENT = {"conv2_2": 1.0, "pool1": 0.5}
STYLE = {"conv1_1": 0.5, "pool1": 1.0, "conv2_1": 1.5, "conv3_1": 4.0}
CONTENT_WEIGHT, STYLE_WEIGHT, TV_WEIGHT = 3.0, 20.0, 1e-3
LEARNING_RATE, STEPS = 2.0, 10

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
golden = {}

weights, channels = {}, 3
for block, (convs, width) in enumerate(BLOCKS, 1):
    for conv in range(1, convs + 1):
        weight = torch.randn(width, channels, 3, 3) * (2 / (9 * channels)) ** 0.5
        bias = torch.randn(width) * 0.1
        # Rounded to float32, so that both programs compute with the same numbers.
        weights[f"conv{block}_{conv}"] = (weight.float(), bias.float())
        golden[f"conv{block}_{conv}.weight"] = weight.float()
        golden[f"conv{block}_{conv}.bias"] = bias.float()
        channels = width


def network(x, pooling):
    """The output of each layer by name; for a convolution, the output after its ReLU."""
    outputs = {}
    for block, (convs, _) in enumerate(BLOCKS, 1):
        for conv in range(1, convs + 1):
            weight, bias = weights[f"conv{block}_{conv}"]
            x = outputs[f"conv{block}_{conv}"] = F.relu(F.conv2d(x, weight.double(), bias.double(), padding=1))
        if pooling == "avg":
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        else:
            x = F.max_pool2d(x, 2, ceil_mode=True)
        outputs[f"pool{block}"] = x
    return outputs


def gram(f):
    f = f.flatten(2)[0]  # N x M
    return f @ f.T


def hwc(x):
    return x.detach()[0].permute(1, 2, 0).contiguous().clone()


def picture(height, width):
    return torch.rand(1, 3, height, width) * 255 - 120


content, style, start = picture(13, 18), picture(11, 15), picture(13, 18)
golden |= {"content": hwc(content), "style": hwc(style), "start": hwc(start)}

for pooling in ("avg", "max"):
    of_content, of_style = network(content, pooling), network(style, pooling)

    def losses(x):
        f = network(x, pooling)
        content_loss = sum(w * ((f[l] - of_content[l]) ** 2).sum() / (4 * f[l].numel()) for l, w in CONTENT.items())
        style_loss = 0
        for l, w in STYLE.items():
            n, m, m_style = f[l].shape[1], f[l][0, 0].numel(), of_style[l][0, 0].numel()
            difference = gram(f[l]) - gram(of_style[l]) * m / m_style
            style_loss = style_loss + w * (difference ** 2).sum() / (2 * n * m) ** 2
        tv = ((x[..., 1:] - x[..., :-1]) ** 2).sum() / 2 + ((x[..., 1:, :] - x[..., :-1, :]) ** 2).sum() / 2
        return CONTENT_WEIGHT * content_loss, STYLE_WEIGHT * style_loss, TV_WEIGHT * tv

    x = nn.Parameter(start.clone())
    adam = torch.optim.Adam([x], lr=LEARNING_RATE)
    for layer, output in network(x, pooling).items():
        golden[f"{pooling}.activations.{layer}"] = hwc(output)
    table = []
    for step in range(STEPS):
        adam.zero_grad()
        parts = losses(x)
        sum(parts).backward()
        if step == 0:
            golden[f"{pooling}.gradient"] = hwc(x.grad)
        table.append(torch.stack([part.detach() for part in parts]))
        adam.step()
    golden[f"{pooling}.losses"] = torch.stack(table)  # step x (content, style, tv), before each step
    golden[f"{pooling}.painted"] = hwc(x)  # after the last step

save_file(golden, pathlib.Path(__file__).with_name("golden.safetensors"))
