"""Make a safetensors file that --weights takes from the published imagenet-vgg-verydeep-19.mat (or -16.mat).

The file, 534 MB in MATLAB's format, is the one that MatConvNet offers among its pretrained models. Its convolutions are
H x W x in x out, for RGB pixels 0..255 less their mean, which is the convention here. Run from the project's root:

    python3 -m venv target/data/venv
    target/data/venv/bin/pip install numpy scipy
    target/data/venv/bin/python data/make_vgg19.py imagenet-vgg-verydeep-19.mat vgg19.safetensors
    impasto stylize photo.jpg painting.jpg -o painted.png --weights vgg19.safetensors
"""

import argparse
import json
import struct

import numpy as np
from scipy.io import loadmat

METADATA = {"layout": "OIHW", "channels": "RGB", "range": "0..255", "mean": "123.68,116.779,103.939"}

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("mat")
parser.add_argument("out")
arguments = parser.parse_args()

tensors = {}
for layer in loadmat(arguments.mat, struct_as_record=False, squeeze_me=True, variable_names=["layers"])["layers"]:
    if not layer.name.startswith("conv"):
        continue
    # Older files have filters and biases, later ones a cell with both.
    weight, bias = layer.weights if hasattr(layer, "weights") else (layer.filters, layer.biases)
    tensors[f"{layer.name}.weight"] = weight.transpose(3, 2, 0, 1)
    tensors[f"{layer.name}.bias"] = bias.reshape(-1)

header, body = {"__metadata__": METADATA}, b""
for name, values in tensors.items():
    values = np.ascontiguousarray(values, "<f2").tobytes()
    shape, offsets = list(tensors[name].shape), [len(body), len(body) + len(values)]
    header[name] = {"dtype": "F16", "shape": shape, "data_offsets": offsets}
    body += values
text = json.dumps(header).encode()
with open(arguments.out, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + body)
