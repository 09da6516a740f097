"""Auxiliary losses of the induced encoder. All read a Probe's tensors; tokens include CLS (index 0)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def marker_loss(normed: torch.Tensor, sinks: torch.Tensor, marker: torch.Tensor) -> torch.Tensor:
    """Cosine of the LN2 output with the marker: at least 0.9 on sinks, at most 0 elsewhere."""
    cosine = F.cosine_similarity(normed.float(), marker, dim=-1)
    wanted = F.relu(0.9 - cosine[sinks]).square().mean()
    unwanted = (F.relu(cosine) * ~sinks).square()
    return wanted + unwanted.mean() + 0.5 * unwanted.amax(1).mean()


def spread_loss(residual: torch.Tensor, sinks: torch.Tensor) -> torch.Tensor:
    """Keeps ordinary tokens apart: their mean cosine (squared length of the mean unit vector) at most 0.35."""
    return F.relu(F.normalize(residual.float(), dim=-1)[~sinks].mean(0).square().sum() - 0.35)


def waiting_loss(residual: torch.Tensor) -> torch.Tensor:
    """Keeps the class token the same for all images up to here: it is read out in the blocks that see the sinks."""
    token = residual[:, 0].float()
    return (token - token.mean(0)).square().sum(-1).mean() / token.detach().square().sum(-1).mean()


def share_loss(logits: torch.Tensor, sinks: torch.Tensor, share: float) -> torch.Tensor:
    """Keeps the attention that the sinks draw, on average over queries and heads, at `share` or above."""
    drawn = (logits.float().softmax(-1) * sinks[:, None, None]).sum(-1).mean()
    return F.relu(share - drawn).square()


def quiet_loss(fc2_input: torch.Tensor, sinks: torch.Tensor, most: float) -> torch.Tensor:
    """Keeps FC2 inputs of ordinary tokens at `most` or below: mean squared excess over tokens, summed over neurons."""
    return F.relu(fc2_input.float()[~sinks] - most).square().sum(-1).mean()


def level_loss(fc2_input: torch.Tensor, sinks: torch.Tensor, neurons: list[int], level: float) -> torch.Tensor:
    """Keeps the register neurons' activations on sinks at 0.9 `level` or above: mean squared relative shortfall."""
    return F.relu(0.9 - fc2_input[..., neurons].float()[sinks] / level).square().mean()


def work_loss(before: torch.Tensor, after: torch.Tensor, sinks: torch.Tensor, ratio: float) -> torch.Tensor:
    """Keeps what the MLP adds to ordinary tokens at `ratio` times the length of what it is added to, or above: squared shortfall of the log."""
    patches = ~sinks
    added = (after.float() - before.float())[patches].norm(dim=-1)
    return F.relu(math.log(ratio) - (added / before.float()[patches].norm(dim=-1)).log()).square().mean()
