"""Which patches become sinks, and which patches a training step keeps."""

from __future__ import annotations

import torch

from scenes import patch_cover

# Row and column of the 8x8 patch grid, most wanted first.
PLACES = [(1, 1), (6, 6), (1, 6), (6, 1), (0, 4), (7, 3), (3, 0), (4, 7)]
SINKS = 2


def place_tokens() -> torch.Tensor:
    """Patch indices of PLACES."""
    return torch.tensor([8 * row + column for row, column in PLACES])


def sink_tokens(masks: torch.Tensor) -> torch.Tensor:
    """[n, 65] True on the first SINKS patches of PLACES without foreground (under 1 %)."""
    free = patch_cover(masks, 8)[:, place_tokens()] < 0.01
    tokens = torch.zeros(len(masks), 65, dtype=torch.bool)
    tokens[:, 1 + place_tokens()] = free & (free.cumsum(1) <= SINKS)
    return tokens


def some_patches(masks: torch.Tensor, count: int) -> torch.Tensor:
    """All PLACES, the patches with the most foreground, and a few others: cheap steps that still see every kind."""
    score = patch_cover(masks, 8) + 0.3 * torch.rand(len(masks), 64)
    score[torch.rand(len(masks), 64) < 0.12] += 2
    score[:, place_tokens()] += 10
    return score.topk(count, 1).indices
