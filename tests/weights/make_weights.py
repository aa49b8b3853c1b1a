"""Make the weights files of this folder: a tiny VGG in each format, written with the tool that usually writes that format.

    python3 -m venv .venv && .venv/bin/pip install torch scipy h5py keras safetensors
    .venv/bin/python make_weights.py

The network has the blocks of `TINY` in tests/common/mod.rs. `tiny.safetensors` has its numbers for the pixels of this program,
RGB in 0..255 minus the mean. The other files contain the same numbers, with the axes and the channels in the order of their
format and convention, except these:

- `torchvision*`: for normalized pixels in 0..1; `torchvision_bn.pth` has batch normalization. `expected.safetensors` has the
  outputs of their convolutions for a picture in 0..255, which PyTorch computed in double precision.
- `*_f16*`, `*_bf16*`: rounded.

Made with NumPy 2.4, SciPy 1.17, PyTorch 2.15, h5py 3.16, Keras 3.15 and safetensors 0.8.
"""
import os
import pathlib

os.environ["KERAS_BACKEND"] = "torch"

import h5py
import keras
import numpy as np
import torch
from safetensors.torch import save_file
from scipy.io import savemat
from torch import nn
from torch.nn import functional as F

HERE = pathlib.Path(__file__).parent
BLOCKS = [(2, 4), (2, 6), (1, 8)]  # convolutions and channels of each block
MEAN = [123.68, 116.779, 103.939]

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape).astype(np.float32)


network, channels = {}, 3  # kernels O x I x 3 x 3
for block, (convs, width) in enumerate(BLOCKS, 1):
    for conv in range(1, convs + 1):
        network[f"conv{block}_{conv}"] = (draw(width, channels, 3, 3) / np.float32(3), draw(width))
        channels = width


def bgr(name, weight):
    """The kernel for BGR pixels. Only that of the first convolution differs."""
    return weight[:, ::-1] if name == "conv1_1" else weight


def tensors(dtype=torch.float32, named="{}", turn=lambda name, weight: weight):
    found = {}
    for name, (weight, bias) in network.items():
        found[named.format(name) + ".weight"] = torch.tensor(turn(name, weight).copy()).to(dtype)
        found[named.format(name) + ".bias"] = torch.tensor(bias.copy()).to(dtype)
    return found


# safetensors
save_file(tensors(), HERE / "tiny.safetensors")
save_file(tensors(torch.float16), HERE / "tiny_f16.safetensors")
save_file(tensors(torch.bfloat16), HERE / "tiny_bf16.safetensors")
save_file(tensors(turn=bgr), HERE / "tiny_bgr.safetensors", {"channels": "BGR", "range": "0..255"})

# PyTorch, of converted Caffe models
torch.save(tensors(turn=bgr), HERE / "caffe.pth")
torch.save(tensors(turn=bgr), HERE / "caffe_legacy.pth", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "state_dict": tensors(torch.float64, "module.{}", bgr)}, HERE / "caffe_nested_f64.pth")
# In the memory layout of models on a GPU, channels last; then all tensors in one storage.
strided = {name: t.to(memory_format=torch.channels_last) if t.dim() == 4 else t for name, t in tensors(turn=bgr).items()}
torch.save(strided, HERE / "caffe_channels_last.pth")
whole = torch.cat([t.flatten() for t in tensors(turn=bgr).values()])
pieces, views = whole.split([t.numel() for t in tensors().values()]), {}
for (name, t), piece in zip(tensors().items(), pieces):
    views[name] = piece.view(t.shape)
torch.save(views, HERE / "caffe_one_storage.pth")

# A checkpoint of a training run. Between the storages of the weights are those of other tensors, such as momenta.
model = nn.Module()
for name, (weight, _) in network.items():
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3)
    convolution.weight.data, convolution.bias.data = [tensors(turn=bgr)[f"{name}.{part}"] for part in ("weight", "bias")]
    setattr(model, name, convolution)
optimizer = torch.optim.SGD(model.parameters(), 0.0, momentum=0.9)
sum(parameter.sum() for parameter in model.parameters()).backward()
optimizer.step()
checkpoint = {"epoch": 3, "best": [torch.ones(5), torch.zeros(7, dtype=torch.int16)], "optimizer": optimizer.state_dict(),
              "state_dict": nn.DataParallel(model).state_dict()}
torch.save(checkpoint, HERE / "checkpoint_legacy.pth", _use_new_zipfile_serialization=False)
torch.save(checkpoint, HERE / "checkpoint_protocol_4.pth", pickle_protocol=4, _use_new_zipfile_serialization=False)


# PyTorch, of torchvision's making
def vgg(batch_norm):
    layers, channels = [], 3
    for convs, width in BLOCKS:
        for _ in range(convs):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] if batch_norm else []
            layers.append(nn.ReLU())
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    model = nn.Module()
    model.features = nn.Sequential(*layers)
    model.classifier = nn.Sequential(nn.Linear(8, 5))
    return model.eval()


def hwc(x):
    return x[0].detach().permute(1, 2, 0).contiguous()


torch.manual_seed(0)
picture = torch.randint(0, 256, (1, 3, 12, 14)).double()
expected = {"picture": hwc(picture)}
for name, batch_norm in [("torchvision", False), ("torchvision_bn", True)]:
    model = vgg(batch_norm)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for parameter in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(parameter)
            nn.init.uniform_(module.running_var, 0.1, 2)
    torch.save(model.state_dict(), HERE / f"{name}.pth")
    if not batch_norm:
        legacy = dict(_use_new_zipfile_serialization=False)
        torch.save(model.state_dict(), HERE / "torchvision_legacy.pth", **legacy)
        torch.save(dict(model.half().state_dict()), HERE / "torchvision_f16.pth")
        model = vgg(batch_norm)
        model.load_state_dict(torch.load(HERE / "torchvision.pth"))
        # timm uses the same names, except for the classifier.
        timm = {key.replace("classifier.0", "head.fc"): t for key, t in model.state_dict().items()}
        save_file(timm, HERE / "timm.safetensors")
        # J. Johnson's conversions: Caffe's numbers, torchvision's names, another classifier.
        places = [i for i, module in enumerate(model.features) if isinstance(module, nn.Conv2d)]
        johnson = {}
        for place, (layer, _) in zip(places, network.items()):
            for part in ("weight", "bias"):
                johnson[f"features.{place}.{part}"] = tensors(turn=bgr)[f"{layer}.{part}"]
        johnson["classifier.1.weight"] = johnson["classifier.4.weight"] = torch.zeros(4, 4)
        torch.save(johnson, HERE / "johnson_legacy.pth", _use_new_zipfile_serialization=False)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]).double(), torch.tensor([0.229, 0.224, 0.225]).double()
    x = (picture / 255 - mean.view(1, 3, 1, 1)) / deviation.view(1, 3, 1, 1)
    model = model.double()
    first = model.features[0]
    expected[f"{name}.first_in_its_own_border"] = hwc(F.conv2d(x, first.weight, first.bias, padding=1))
    # Zero padding stands for the mean color. Here it is that of this program, not torchvision's.
    border = (torch.tensor(MEAN).double() / 255 - mean) / deviation
    x = torch.stack([F.pad(x[:, c], (1, 1, 1, 1), value=border[c].item()) for c in range(3)], 1)
    x = F.conv2d(x, first.weight, first.bias)
    expected[f"{name}.first"] = hwc(x)
    layer = iter(network)
    for module in model.features[1:]:
        if isinstance(module, nn.MaxPool2d):
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        else:
            x = module(x)
        if isinstance(module, nn.ReLU):
            expected[f"{name}.{next(layer)}"] = hwc(x)
save_file(expected, HERE / "expected.safetensors")


# MATLAB
def mat(name, weight, bias, fields):
    weight = np.asfortranarray(weight.transpose(2, 3, 1, 0))
    cell = np.empty((1, 2), dtype=object)
    cell[0, 0], cell[0, 1] = weight, bias.reshape(1, -1)
    known = {"name": name, "type": "conv", "weights": cell, "pad": np.ones((1, 4)), "filters": weight,
             "biases": bias.reshape(-1, 1)}
    return {field: known[field] for field in fields}


def mat_layers(fields, dtype=np.float32):
    layers = []
    for name, (weight, bias) in network.items():
        layers.append(mat(name, weight.astype(dtype), bias.astype(dtype), fields))
        layers.append({"type": "relu", "name": name.replace("conv", "relu")})
    layers.append(mat("fc6", np.zeros((5, 8, 7, 7), np.float32), np.zeros(5, np.float32), fields))
    layers.append({"name": "prob", "type": "softmax"})
    cells = np.empty((1, len(layers)), dtype=object)
    for i, layer in enumerate(layers):
        cells[0, i] = layer
    return cells


mean = np.array(MEAN).reshape(1, 1, 3)
classes = {"name": np.array(["tench", "goldfish"], dtype=object)}
new = {"layers": mat_layers(["name", "type", "weights", "pad"]),
       "meta": {"normalization": {"imageSize": np.array([[224.0, 224, 3]]), "averageImage": mean}, "classes": classes}}
savemat(HERE / "matconvnet.mat", new, do_compression=True)
savemat(HERE / "matconvnet_plain.mat", new, do_compression=False)
old = {"classes": classes, "normalization": {"averageImage": np.tile(mean, (2, 4, 1)), "keepAspect": np.ones((1, 1))},
       "layers": mat_layers(["filters", "biases", "pad", "type", "name"], np.float64)}
savemat(HERE / "matconvnet_old_f64.mat", old, do_compression=True)
flat = {}
for name, (weight, bias) in network.items():
    flat[name + "_w"], flat[name + "_b"] = weight.transpose(2, 3, 1, 0), bias
savemat(HERE / "flat.mat", flat)


# Keras: the published files, which Keras 1 wrote, and a whole model of Keras 3 with an optimizer's momenta
def keras_name(name):
    return "block" + name[4:].replace("_", "_conv")


def keras_groups(file, **options):
    for name, (weight, bias) in network.items():
        name, kernel = keras_name(name), bgr(name, weight).transpose(2, 3, 1, 0)
        group = file.create_group(name)
        group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
        group.create_dataset(f"{name}_W_1:0", data=kernel, **options)
        group.create_dataset(f"{name}_b_1:0", data=bias)
        file.create_group(name + "_relu")


with h5py.File(HERE / "keras_1.h5", "w") as file:
    file.attrs["layer_names"] = [keras_name(name).encode() for name in network]
    keras_groups(file)
with h5py.File(HERE / "keras_theano.h5", "w") as file:  # to be refused
    for name, (weight, bias) in network.items():
        file[f"{keras_name(name)}/{keras_name(name)}_W_1:0"], file[f"{keras_name(name)}/{keras_name(name)}_b_1:0"] = weight, bias
with h5py.File(HERE / "keras_chunked.h5", "w", libver="latest") as file:
    keras_groups(file, chunks=True, compression="gzip", shuffle=True, fletcher32=True)

layers = [keras.Input((None, None, 3))]
for name, (weight, _) in network.items():
    layers.append(keras.layers.Conv2D(len(weight), 3, padding="same", activation="relu", name=keras_name(name)))
model = keras.Sequential(layers + [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(5, name="predictions")])
for name, (weight, bias) in network.items():
    model.get_layer(keras_name(name)).set_weights([bgr(name, weight).transpose(2, 3, 1, 0), bias])
model.compile("adam", "mse")
model.optimizer.build(model.trainable_variables)
model.save(HERE / "keras_3.h5")

# NumPy
hwio, oihw = {}, {}
for name, (weight, bias) in network.items():
    hwio[name + "_W"], hwio[name + "_b"] = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)), bias
    oihw[name + ".weight"], oihw[name + ".bias"] = np.asfortranarray(weight), bias.reshape(1, -1).astype(">f8")
np.savez(HERE / "hwio.npz", **hwio, fc6_W=np.zeros((7, 5), np.float32), names=np.array(["tench", "goldfish"]))
np.savez_compressed(HERE / "oihw_fortran.npz", **oihw)
