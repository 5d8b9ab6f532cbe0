"""Images a second of PyTorch's DataLoader on JPEG files; the task comes as JSON on stdin (see peers.ts).

Transforms as torchvision's RandomResizedCrop (bilinear, antialiased), RandomHorizontalFlip and PILToTensor spell them with
Pillow, so that torchvision is not needed. Pillow decodes the whole image; its `draft` would be shrink-on-load, which
torchvision's folder does not use.
"""

import json
import math
import random
import sys
import time

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset


class Photos(Dataset):
    def __init__(self, task):
        self.task = task

    def __len__(self):
        return 1_000_000

    def __getitem__(self, i):
        files, size = self.task["files"], self.task["size"]
        image = Image.open(files[i % len(files)]).convert("RGB")
        left, top, width, height = box(*image.size, self.task["cropScale"])
        image = image.crop((left, top, left + width, top + height)).resize((size, size), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return torch.from_numpy(np.array(image))


def box(width, height, scale):
    for _ in range(10):
        area = width * height * random.uniform(scale, 1)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return random.randint(0, width - w), random.randint(0, height - h), w, h
    return 0, 0, width, height


def main():
    task = json.load(sys.stdin)
    loader = iter(DataLoader(Photos(task), batch_size=task["batch"], num_workers=task["workers"]))
    for _ in range(2 * task["workers"]):
        next(loader)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < task["seconds"]:
        count += len(next(loader))
    print(count / (time.perf_counter() - start))


main()
