"""Files of every kind that is read, with bytes changed, cut, doubled and swapped: an answer, or one sentence."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import convex_core as cc
from convex_core.export.listed import load_listed

from .kept import accepted


@cache
def originals():
    """Name and bytes of files that are understood."""
    data = cc.load_dataset("edge", n=4)
    solution = cc.solve(cc.Problem.from_dataset(data), tol=1e-4)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cc.save_model(folder / "model.npz", solution)
        cc.save_dataset(data, folder / "data.npz")
        solution.report(folder / "report.html")
        found = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    table = "a,b,label\n" + "\n".join(f"{i}.5,{-i},{'yes' if i % 2 else 'no'}" for i in range(6))
    found["table.csv"] = table.encode()
    found["table.tsv"] = "\n".join(f"{i}\t{i * i},5\t{i % 2}" for i in range(5)).encode("utf-16")
    found["table.csv.gz"] = gzip.compress(found["table.csv"])
    found["series.ts"] = b"@problemName x\n@classLabel true a b\n@data\n1,2,3:a\n4,5,6:b\n7,8,9:a\n"
    images = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    np.savez(buffer := io.BytesIO(), images=images, y=np.arange(3))
    found["images.npz"] = buffer.getvalue()
    found["train-images-idx3-ubyte"] = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (3, 4, 4)) + bytes(48)
    return found


def mutated(rng, data):
    """`data` with a few changes."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        if not out:
            break
        at, kind = int(rng.integers(len(out))), rng.integers(7)
        length = int(rng.integers(1, 1 + min(40, len(out) - at)))
        if kind == 0:
            out[at] = int(rng.integers(256))
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            del out[at : at + length]
        elif kind == 3:
            out[at:at] = out[at : at + length]
        elif kind == 4:
            out[at : at + length] = bytes(length)
        elif kind == 5:
            digits = [i for i, byte in enumerate(out) if 48 <= byte < 58]
            if digits:
                i = digits[int(rng.integers(len(digits)))]
                out[i : i + 1] = rng.choice([b"nan", b"1e999", b"-", b"999999999999", b"", b"0"]).item()
        else:
            out[at:at] = rng.choice([b"\n", b",", b'"', b"\xff", b"{", b"\0", b"NaN", "\u2028".encode()]).item()
    return bytes(out)


def rearranged(rng, data):
    """An NPZ with one array of another shape, kind or name."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = dict(file)
    name = str(rng.choice(list(arrays)))
    value = arrays[name]
    others = [
        value[None], value.ravel()[:1], value.ravel()[:0], value.astype(str), np.array("x"), np.array(-1),
        np.array(10**18), np.full(value.shape, np.nan), value.T, np.asarray(value == value), np.zeros((3, 0, 2)),
        value.astype(str).astype("S"), np.array([1j]),
    ]  # fmt: skip
    arrays[name] = others[int(rng.integers(len(others)))]
    if rng.random() < 0.2:
        arrays[str(rng.choice(["free", "hidden", "dual", "loss", "slope", "pool_size", "other"]))] = value
    np.savez(buffer := io.BytesIO(), **arrays)
    return buffer.getvalue()


def file_case(rng, kept):
    """One changed file, read by what reads its kind."""
    names = list(originals())
    name = names[int(rng.integers(len(names)))]
    good = originals()[name]
    data = rearranged(rng, good) if name.endswith(".npz") and rng.random() < 0.5 else mutated(rng, good)
    kept.update(said=name, data=data)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / name
        path.write_bytes(data)
        if name == "model.npz":
            accepted(cc.load_model, path)
            accepted(load_listed, path)
        if name.startswith("report"):
            accepted(lambda: cc.verify(path, time_limit=2.0))
        accepted(lambda: json.dumps(cc.read_dataset(path).description))
