"""Scenes: one Fashion-MNIST item on a plain, low-information background.

Everything is drawn from a seeded generator, so a (seed, item list) pair always gives the same scenes. Images are gray in
[0, 1]; the mask is True on the item. Rendering is resolution independent: the same parameters give a 64x64 training scene or
a 512x512 demo picture.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
TILE = 64
# The last train items are never trained on: probes, curation on unseen items and the demo scenes use them.
RESERVED = 5000


def read_idx(path: Path) -> np.ndarray:
    """Reads an idx file (plain or gzipped) of unsigned bytes."""
    packed = path.with_name(path.name + ".gz")
    data = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    dims = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dims).reshape(shape)


@dataclass
class Items:
    """Item pictures with their silhouettes: `pixels` is [n, 2, 28, 28], tone and mask in [0, 1]."""

    pixels: torch.Tensor
    labels: torch.Tensor

    def subset(self, index: torch.Tensor | slice) -> Items:
        return Items(self.pixels[index], self.labels[index])

    def __len__(self) -> int:
        return len(self.labels)


def silhouettes(tone: torch.Tensor) -> torch.Tensor:
    """Item pixels, with the holes that are enclosed both along their row and along their column."""
    on = tone > 0.03

    def between(dim: int) -> torch.Tensor:
        before = on.int().cummax(dim).values
        after = on.int().flip(dim).cummax(dim).values.flip(dim)
        return (before & after).bool()

    return (on | (between(-1) & between(-2))).float()


def load_items(folder: str | Path, part: str) -> Items:
    """`part` is "train", "reserved" (the last 5,000 train items) or "test"."""
    folder, prefix = Path(folder), "t10k" if part == "test" else "train"
    tone = torch.from_numpy(read_idx(folder / f"{prefix}-images-idx3-ubyte").astype(np.float32)) / 255
    labels = torch.from_numpy(read_idx(folder / f"{prefix}-labels-idx1-ubyte").astype(np.int64))
    items = Items(torch.stack([tone, silhouettes(tone)], 1), labels)
    if part == "train":
        return items.subset(slice(0, len(items) - RESERVED))
    if part == "reserved":
        return items.subset(slice(len(items) - RESERVED, None))
    return items


@dataclass
class Layout:
    """Random choices of n scenes; lengths are fractions of the scene's side."""

    size: torch.Tensor
    centre: torch.Tensor
    flip: torch.Tensor
    tone: torch.Tensor
    slope: torch.Tensor
    spots: torch.Tensor


def draw_layout(items: Items, generator: torch.Generator) -> Layout:
    n = len(items)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    # Two sizes (32 and 40 of 64 pixels), corners on the 8-pixel patch lattice: what a small encoder learns in minutes.
    pixels = torch.where(uniform(0, 1) < 0.5, 32, 40)
    corner = (torch.rand(n, 2, generator=generator) * ((TILE - pixels) // 8 + 1)[:, None]).floor() * 8
    size = pixels / TILE
    centre = corner / TILE + size[:, None] / 2
    flip = torch.rand(n, generator=generator) < 0.5
    # Background tone: mostly dark, kept away from the item's own mean tone.
    tone = uniform(0.0, 0.4)
    mask = items.pixels[:, 1]
    mean = 0.12 + 0.88 * (items.pixels[:, 0] * mask).sum((1, 2)) / mask.sum((1, 2)).clamp(min=1)
    tone = torch.where((tone - mean).abs() < 0.25, (mean - 0.25).clamp(min=0.0), tone)
    slope = uniform(-0.06, 0.06, 2)
    # Up to two faint discs: x, y, radius, contrast.
    spots = torch.stack([uniform(0, 1, 2), uniform(0, 1, 2), uniform(0.03, 0.09, 2), uniform(-0.05, 0.05, 2)], -1)
    spots[..., 3] *= (uniform(0, 1, 2) < 0.5).float()
    return Layout(size, centre, flip, tone, slope, spots)


def render(items: Items, layout: Layout, side: int = TILE, mode: str = "bilinear") -> tuple[torch.Tensor, torch.Tensor]:
    """Scenes [n, side, side] in [0, 1] on the 8-bit grid, and exact foreground masks."""
    axis = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    position = torch.stack([x, y], -1)[None]
    grid = 2 * (position - layout.centre[:, None, None]) / layout.size[:, None, None, None]
    grid[..., 0] *= torch.where(layout.flip, -1.0, 1.0)[:, None, None]
    drawn = F.grid_sample(items.pixels, grid, mode=mode, padding_mode="zeros", align_corners=False).clamp(0, 1)
    alpha = drawn[:, 1]
    # `drawn[:, 0]` is already weighted by coverage; the floor of 0.12 keeps dark items visible.
    item = 0.12 * alpha + 0.88 * drawn[:, 0]
    ground = layout.tone[:, None, None] + ((position - 0.5) * layout.slope[:, None, None]).sum(-1)
    for s in range(layout.spots.shape[1]):
        spot = layout.spots[:, s]
        away = (position - spot[:, None, None, :2]).norm(dim=-1) - spot[:, None, None, 2]
        ground = ground + spot[:, None, None, 3] * (0.5 - away * side).clamp(0, 1)
    image = ground.clamp(0, 1) * (1 - alpha) + item
    return (image.clamp(0, 1) * 255).round() / 255, alpha > 0.5


def scenes(items: Items, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One scene for each item."""
    return render(items, draw_layout(items, torch.Generator().manual_seed(seed)))


def patch_cover(masks: torch.Tensor, patch: int) -> torch.Tensor:
    """Fraction of foreground in each patch, [n, patches], row by row."""
    return F.avg_pool2d(masks[:, None].float(), patch).flatten(1)
