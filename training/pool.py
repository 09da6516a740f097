"""A variant for the attempts to let outliers emerge: no class token, the head reads an attention pool over all patches."""

from __future__ import annotations

import torch
from torch import nn

from model import VisionTransformer


class PooledTransformer(VisionTransformer):
    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(self.dim))

    def embed(self, gray: torch.Tensor) -> torch.Tensor:
        return super().embed(gray)[:, 1:]

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """One learned query over the normalised patches: a weighted mean [n, dim]."""
        x = self.norm(x)
        share = (x.float() @ self.query / self.dim**0.5).softmax(1)
        return (x * share[..., None]).sum(1)
