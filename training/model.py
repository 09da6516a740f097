"""A plain pre-LN vision transformer in timm's layout and names, with the switches RegCache needs.

`forward` takes an optional `Probe` (records tensors), a `delete` rule (tokens leave the residual stream for good), a `prefix`
(one extra key and value per block, its logit raised by ln(count)) and a `linear` hook (simulated quantization).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Probe:
    """What a forward pass leaves behind: residual stream after each block, FC2 inputs, keys and values."""

    inputs: list[torch.Tensor] = field(default_factory=list)
    residual: list[torch.Tensor] = field(default_factory=list)
    middle: list[torch.Tensor] = field(default_factory=list)
    normed: list[torch.Tensor] = field(default_factory=list)
    fc2_input: list[torch.Tensor] = field(default_factory=list)
    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)
    logits: list[torch.Tensor] = field(default_factory=list)


@dataclass
class Prefix:
    """Keys and values [blocks, heads, head_dim], used in blocks `first`..last as `count` equal tokens."""

    keys: torch.Tensor
    values: torch.Tensor
    first: int
    count: float


Linear = Callable[[str, nn.Linear, torch.Tensor], torch.Tensor]
Delete = Callable[[int, torch.Tensor], torch.Tensor | None]


def plain_linear(_name: str, layer: nn.Linear, x: torch.Tensor) -> torch.Tensor:
    return layer(x)


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor, name: str, linear: Linear, probe: Probe | None, prefix: Prefix | None, index: int):
        n, t, d = x.shape
        q, k, v = linear(f"{name}.qkv", self.qkv, x).view(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if probe is not None:
            probe.keys.append(k)
            probe.values.append(v)
        if prefix is not None and index >= prefix.first:
            k = torch.cat([k, prefix.keys[index][None, :, None].expand(n, -1, 1, -1)], 2)
            v = torch.cat([v, prefix.values[index][None, :, None].expand(n, -1, 1, -1)], 2)
        logits = q @ k.transpose(-1, -2) / math.sqrt(d // self.heads)
        if prefix is not None and index >= prefix.first:
            logits[..., -1] += math.log(prefix.count)
        if probe is not None:
            probe.logits.append(logits)
        # Written out: the fused kernel's bfloat16 backward is several times slower on a CPU.
        out = logits.softmax(-1, dtype=torch.float32).to(v.dtype) @ v
        return linear(f"{name}.proj", self.proj, out.transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)


class Block(nn.Module):
    def __init__(self, dim: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.skip_mlp = False  # stochastic depth, training only
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, ratio * dim)

    def forward(self, x: torch.Tensor, index: int, linear: Linear, probe: Probe | None, prefix: Prefix | None):
        x = x + self.attn(self.norm1(x), f"blocks.{index}.attn", linear, probe, prefix, index)
        if self.skip_mlp:
            if probe is not None:
                probe.middle.append(x)
                probe.normed.append(x)
                probe.fc2_input.append(x)
                probe.residual.append(x)
            return x
        normed = self.norm2(x)
        hidden = F.gelu(linear(f"blocks.{index}.mlp.fc1", self.mlp.fc1, normed))
        middle, x = x, x + linear(f"blocks.{index}.mlp.fc2", self.mlp.fc2, hidden)
        if probe is not None:
            probe.middle.append(middle)
            probe.normed.append(normed)
            probe.fc2_input.append(hidden)
            probe.residual.append(x)
        return x


class PatchEmbed(nn.Module):
    def __init__(self, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)


class VisionTransformer(nn.Module):
    def __init__(self, dim: int = 96, depth: int = 8, heads: int = 3, patch: int = 8, side: int = 64, classes: int = 10, ratio: int = 4):
        super().__init__()
        self.dim, self.depth, self.heads, self.patch, self.side, self.ratio = dim, depth, heads, patch, side, ratio
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (side // patch) ** 2, dim))
        self.patch_embed = PatchEmbed(dim, patch)
        self.blocks = nn.ModuleList(Block(dim, heads, ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, classes)
        self.initialize()

    @torch.no_grad()
    def initialize(self) -> None:
        """Sine-cosine positions and mimetic attention (Trockman and Kolter 2023): small data, few steps."""
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        cells = self.side // self.patch
        wave = torch.exp(-math.log(100.0) * torch.arange(self.dim // 4) / (self.dim // 4))
        angle = torch.arange(cells)[:, None] * wave
        axis = torch.cat([angle.sin(), angle.cos()], 1)
        rows, columns = axis[:, None].expand(-1, cells, -1), axis[None].expand(cells, -1, -1)
        self.pos_embed[0, 1:] = 0.5 * torch.cat([rows, columns], -1).flatten(0, 1)
        eye, d = torch.eye(self.dim), self.dim // self.heads
        for block in self.blocks:
            q, k, v = block.attn.qkv.weight.view(3, self.heads, d, self.dim)
            for head in range(self.heads):
                u, s, vh = torch.linalg.svd(0.7 * torch.randn(self.dim, self.dim) / self.dim**0.5 + 0.7 * eye)
                q[head] = (u * s.sqrt())[:, :d].T
                k[head] = (vh.T * s.sqrt())[:, :d].T
            u, s, vh = torch.linalg.svd(0.4 * torch.randn(self.dim, self.dim) / self.dim**0.5 - 0.4 * eye)
            v.copy_((vh.T * s.sqrt()).T.reshape(self.heads, d, self.dim))
            block.attn.proj.weight.copy_(u * s.sqrt())

    def embed(self, gray: torch.Tensor) -> torch.Tensor:
        """Gray scenes [n, side, side] in [0, 1] to patch tokens with positions; RGB has three equal channels."""
        x = ((gray - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1)
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        cls = (self.cls_token + self.pos_embed[:, :1]).expand(len(gray), -1, -1)
        return torch.cat([cls, x], 1)

    def forward(
        self,
        gray: torch.Tensor,
        keep: torch.Tensor | None = None,
        probe: Probe | None = None,
        delete: Delete | None = None,
        prefix: Prefix | None = None,
        linear: Linear = plain_linear,
    ) -> torch.Tensor:
        """`keep` [n, m] lists the patches (0-based) that enter the encoder; `delete(block, x)` names the tokens that stay."""
        x = self.embed(gray)
        if keep is not None:
            x = torch.cat([x[:, :1], x[:, 1:].gather(1, keep[..., None].expand(-1, -1, self.dim))], 1)
        for index, block in enumerate(self.blocks):
            if probe is not None:
                probe.inputs.append(x)
            stay = delete(index, x) if delete is not None else None
            if stay is not None:
                x = x.gather(1, stay[..., None].expand(-1, -1, self.dim))
            x = block(x, index, linear, probe, prefix)
        return self.head(self.features(x))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x[:, 0])
