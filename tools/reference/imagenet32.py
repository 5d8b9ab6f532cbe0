"""Writes test/fixtures/imagenet32: two images as NumPy and Python's pickle write ImageNet 32x32 (run: python tools/reference/imagenet32.py)."""

import os
import pickle

import numpy as np

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "test", "fixtures", "imagenet32")
ROW = 3072


def rows(count):
    """Byte i of row r is (7 r + i + i // 1024) mod 256."""
    i = np.arange(ROW)
    return np.stack([(7 * r + i + i // 1024) % 256 for r in range(count)]).astype(np.uint8)


def main():
    os.makedirs(OUT, exist_ok=True)
    data, labels = rows(2), [3, 1]
    for protocol in (2, 3, 4, 5):
        batch = {"data": data, "labels": labels, "mean": data.mean(axis=0)}
        with open(os.path.join(OUT, f"protocol{protocol}.pickle"), "wb") as file:
            pickle.dump(batch, file, protocol=protocol)
    with open(os.path.join(OUT, "scalars.pickle"), "wb") as file:
        pickle.dump({b"data": data, b"labels": list(np.array(labels))}, file, protocol=3)
    with open(os.path.join(OUT, "labelarray.pickle"), "wb") as file:
        pickle.dump({"data": data, "labels": np.array(labels)}, file, protocol=4)
    np.savez(os.path.join(OUT, "stored.npz"), data=data, labels=np.array(labels))
    np.savez_compressed(os.path.join(OUT, "deflated.npz"), data=data, labels=np.array(labels))
    with open(os.path.join(OUT, "fortran.pickle"), "wb") as file:
        pickle.dump({"data": np.asfortranarray(data), "labels": labels}, file, protocol=4)
    # what must be refused
    with open(os.path.join(OUT, "system.pickle"), "wb") as file:
        file.write(b"\x80\x03cos\nsystem\nX\x04\x00\x00\x00true\x85R.")


main()
