"""Writes test/fixtures/randaugment.safetensors: what Pillow makes of small images by the operations of RandAugment.

    python -m venv /tmp/pillow && /tmp/pillow/bin/pip install pillow==13.0.0 numpy safetensors
    /tmp/pillow/bin/python tools/reference/randaugment_fixtures.py

README.md beside this file describes the tensors.
"""

from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageEnhance, ImageOps
from safetensors.numpy import save_file

FILE = Path(__file__).resolve().parents[2] / 'test/fixtures/randaugment.safetensors'
GRAY = 128
random = np.random.default_rng(0)


def affine(image, matrix):
    fill = GRAY if image.mode == 'L' else (GRAY,) * 3
    return image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.NEAREST, fillcolor=fill)


def rotate(image, degrees):
    return image.rotate(degrees, Image.Resampling.NEAREST, fillcolor=GRAY if image.mode == 'L' else (GRAY,) * 3)


FACTORS = (0.05, 0.62, 0.95, 0, 1, 1.9)
SHEARS = (0.3, -0.137, -0.3, 0, 0.9)
SHIFTS = (3, -9.6, 2.5, 0, -0.5, 40)
# operation: the parameters, of which the first is all that large images take
OPERATIONS = {
    'autoContrast': (lambda image, _: ImageOps.autocontrast(image), (0,)),
    'equalize': (lambda image, _: ImageOps.equalize(image), (0,)),
    'brightness': (lambda image, v: ImageEnhance.Brightness(image).enhance(v), (0.62, *FACTORS)),
    'color': (lambda image, v: ImageEnhance.Color(image).enhance(v), (0.31, *FACTORS)),
    'contrast': (lambda image, v: ImageEnhance.Contrast(image).enhance(v), (0.47, *FACTORS)),
    'sharpness': (lambda image, v: ImageEnhance.Sharpness(image).enhance(v), (0.05, *FACTORS)),
    'posterize': (lambda image, v: ImageOps.posterize(image, v), (5, 8, 4, 1)),
    'solarize': (lambda image, v: ImageOps.solarize(image, v), (100.5, 256, 200, 0)),
    'rotate': (rotate, (-17.3, 30, -30, 4, 0, 0.1, 90, 180, -270, 61.8)),
    'shearX': (lambda image, v: affine(image, (1, v, 0, 0, 1, 0)), (0.21, *SHEARS)),
    'shearY': (lambda image, v: affine(image, (1, 0, 0, v, 1, 0)), (-0.29, *SHEARS)),
    'translateX': (lambda image, v: affine(image, (1, 0, v, 0, 1, 0)), (-5.3, *SHIFTS)),
    'translateY': (lambda image, v: affine(image, (1, 0, 0, 0, 1, v)), (7.7, *SHIFTS)),
}


def noise(height, width, channels):
    return random.integers(0, 256, (height, width, channels), np.uint8)


def gradient(height, width, channels):
    rows, columns = np.mgrid[0:1 : height * 1j, 0:1 : width * 1j]
    return np.stack([40 + (90 + 20 * c) * rows + (60 - 25 * c) * columns for c in range(channels)], -1).astype(np.uint8)


def constant(height, width, channels):
    return np.full((height, width, channels), (200, 31, 90)[:channels], np.uint8)


def natural(height, width, channels):
    """Noise with a spectrum of 1/f behind a disc of another colour: smooth regions, edges, uneven histograms."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) + 1 / width
    wave = np.fft.ifft2(np.fft.fft2(random.normal(size=(channels, height, width))) / frequency).real
    rows, columns = np.mgrid[:height, :width]
    disc = np.hypot(rows - 0.4 * height, columns - 0.6 * width) < 0.25 * width
    colour = np.array((70, -50, 20))[:channels, None, None]
    scaled = 120 + 35 * wave / wave.std() + disc * colour
    return scaled.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)


# image: its pixels [height, width, channels]
IMAGES = {
    'natural-rgb-32x32': natural(32, 32, 3),
    'noise-gray-32x32': noise(32, 32, 1),
    'noise-rgb-5x7': noise(5, 7, 3),
    'natural-gray-5x7': natural(5, 7, 1),
    'gradient-rgb-7x6': gradient(7, 6, 3),
    'constant-rgb-4x6': constant(4, 6, 3),
    'noise-rgb-2x3': noise(2, 3, 3),
    'noise-gray-1x1': noise(1, 1, 1),
}

stored = {f'parameters/{name}': np.array(values, np.float64) for name, (_, values) in OPERATIONS.items()}
for kind, pixels in IMAGES.items():
    stored[f'images/{kind}'] = np.ascontiguousarray(pixels)
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    for name, (apply, values) in OPERATIONS.items():
        taken = values[:1] if pixels.shape[0] == 32 else values
        results = [np.asarray(apply(image, value)).reshape(pixels.shape) for value in taken]
        stored[f'results/{kind}/{name}'] = np.stack(results)
save_file(stored, FILE, {'pillow': PIL.__version__})
print(f'{FILE.name}: {len(stored)} tensors, {FILE.stat().st_size} bytes')
