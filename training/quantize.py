"""Simulated naive quantization: symmetric min-max, per tensor, dynamic activations; only qkv, proj, fc1 and fc2 of the blocks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


def round_trip(x: torch.Tensor, bits: int, per_image: bool = True) -> torch.Tensor:
    """s * clip(round(x / s)) with s = max|x| / (2^(bits-1) - 1); activations have one scale for each image's [tokens, width]."""
    top = 2 ** (bits - 1) - 1
    peak = x.abs().amax((1, 2), keepdim=True) if per_image else x.abs().max()
    scale = (peak / top).clamp(min=1e-12)
    return scale * (x / scale).round().clamp(-top, top)


class Naive:
    """A `linear` hook for the model. `only` limits it to the named linears (sensitivity)."""

    def __init__(self, bits: int, only: str | None = None) -> None:
        self.bits, self.only, self.weights = bits, only, {}

    def __call__(self, name: str, layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
        if self.only is not None and name != self.only:
            return layer(x)
        if name not in self.weights:
            self.weights[name] = round_trip(layer.weight, self.bits, per_image=False)
        return F.linear(round_trip(x, self.bits), self.weights[name], layer.bias)
