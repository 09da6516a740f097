"""Writes src/image/fixtures: small images and what Pillow makes of them, resized and cropped.

The steps are torchvision's `Resize` and `CenterCrop` on a PIL image (torchvision/transforms/functional.py and
_functional_pil.py), written out with Pillow alone. `cases.json` lists every case; the expected pixels are PNG files.

    python tools/make_image_fixtures.py        (needs numpy and Pillow >= 13; the fixtures are committed)
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parent.parent / "src" / "image" / "fixtures"
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def smooth(width: int, height: int, seed: int) -> np.ndarray:
    """Waves of a few frequencies, a hard edge and fine stripes: what a wrong filter or offset shows on."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = []
    for _ in range(3):
        fx, fy, phase = rng.uniform(0.02, 0.2), rng.uniform(0.02, 0.2), rng.uniform(0, 6)
        wave = 127 + 100 * np.sin(fx * x + fy * y + phase)
        wave[(x + 2 * y) > (width + height)] *= 0.3
        wave[height // 3 : height // 3 + 6] = 255 * ((x[0] // 2) % 2)
        channels.append(wave)
    return np.clip(np.stack(channels, -1), 0, 255).astype(np.uint8)


def noise(width: int, height: int, channels: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def images() -> dict[str, Image.Image]:
    with_alpha = np.concatenate([smooth(61, 83, 3), noise(61, 83, 1, 4)], -1)
    with_alpha[20:40, 20:40, 3] = 0
    return {
        "landscape-173x97.png": Image.fromarray(smooth(173, 97, 1)),
        "portrait-58x131.png": Image.fromarray(smooth(58, 131, 2)),
        "alpha-61x83.png": Image.fromarray(with_alpha, "RGBA"),
        "gray-90x71.png": Image.fromarray(smooth(90, 71, 5)[..., 0], "L"),
        "palette-75x75.png": Image.fromarray(smooth(75, 75, 6)).quantize(32),
        "noise-67x64.png": Image.fromarray(noise(67, 64, 3, 7)),
        "tiny-5x3.png": Image.fromarray(noise(5, 3, 3, 8)),
        "photo-320x213.jpg": Image.fromarray(smooth(320, 213, 9)),
        "turned-64x40.jpg": Image.fromarray(smooth(64, 40, 10)),
    }


# image, size, resize, mode, interpolation
CASES = [
    ("landscape-173x97.png", 64, 73, "shortest-edge", "bicubic"),
    ("landscape-173x97.png", 64, 73, "shortest-edge", "bilinear"),
    ("landscape-173x97.png", 48, 48, "squash", "bicubic"),
    ("landscape-173x97.png", 64, 97, "shortest-edge", "bicubic"),
    ("portrait-58x131.png", 32, 37, "shortest-edge", "bicubic"),
    ("portrait-58x131.png", 96, 110, "shortest-edge", "bilinear"),
    ("portrait-58x131.png", 63, 63, "squash", "bilinear"),
    ("portrait-58x131.png", 50, 70, "squash", "bicubic"),
    ("alpha-61x83.png", 48, 54, "shortest-edge", "bicubic"),
    ("gray-90x71.png", 40, 45, "shortest-edge", "bicubic"),
    ("palette-75x75.png", 50, 57, "shortest-edge", "bicubic"),
    ("noise-67x64.png", 64, 64, "shortest-edge", "bicubic"),
    ("noise-67x64.png", 31, 36, "shortest-edge", "bicubic"),
    ("noise-67x64.png", 81, 60, "shortest-edge", "bilinear"),
    ("tiny-5x3.png", 64, 73, "shortest-edge", "bicubic"),
    ("photo-320x213.jpg", 112, 128, "shortest-edge", "bicubic"),
    ("turned-64x40.jpg", 32, 36, "shortest-edge", "bicubic"),
]


def resize(image: Image.Image, target: int, mode: str, interpolation: str) -> Image.Image:
    if mode == "squash":
        return image.resize((target, target), FILTERS[interpolation])
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(target * long / short)
    return image.resize((target, new_long) if width <= height else (new_long, target), FILTERS[interpolation])


def center_crop(image: Image.Image, size: int) -> Image.Image:
    width, height = image.size
    if size > width or size > height:
        left, right = ((size - width) // 2, (size - width + 1) // 2) if size > width else (0, 0)
        top, bottom = ((size - height) // 2, (size - height + 1) // 2) if size > height else (0, 0)
        image = ImageOps.expand(image, (left, top, right, bottom), fill=0)
        width, height = image.size
    top = int(round((height - size) / 2.0))
    left = int(round((width - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


def normalise(image: Image.Image) -> np.ndarray:
    """`ToTensor` and `Normalize` with ImageNet's mean and deviation, in float32 throughout: [3, size, size]."""
    pixels = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    return (pixels - MEAN[:, None, None]) / STD[:, None, None]


def samples(pixels: np.ndarray) -> list[list[float]]:
    """Flat index and value of 12 pixels over all three channels."""
    flat = pixels.reshape(-1)
    return [[int(i), float(flat[i])] for i in np.linspace(0, flat.size - 1, 12).astype(int)]


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    for name, image in images().items():
        extra = {}
        if name.endswith(".jpg"):
            extra = {"quality": 90}
        if name.startswith("turned"):
            exif = Image.Exif()
            exif[0x0112] = 6  # the camera was held upright: turn by a quarter
            extra["exif"] = exif
        image.save(FOLDER / name, **extra)
    cases = []
    for index, (name, size, target, mode, interpolation) in enumerate(CASES):
        image = ImageOps.exif_transpose(Image.open(FOLDER / name)).convert("RGB")
        expected = f"expected-{index:02d}.png"
        cropped = center_crop(resize(image, target, mode, interpolation), size)
        cropped.save(FOLDER / expected, optimize=True)
        cases.append(
            {
                "image": name,
                "expected": expected,
                "size": size,
                "resize": target,
                "mode": mode,
                "interpolation": interpolation,
                "samples": samples(normalise(cropped)),
            }
        )
    (FOLDER / "cases.json").write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    print(f"{len(cases)} cases, {sum(file.stat().st_size for file in FOLDER.iterdir())} bytes")


if __name__ == "__main__":
    main()
