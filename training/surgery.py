"""What is written into the encoder by hand: register neurons, a reserved channel, attention to the sinks; and a report on them."""

from __future__ import annotations

import json
import math

import torch
import torch.nn.functional as F

from model import Probe, VisionTransformer
from scenes import patch_cover


def marker_direction(dim: int, seed: int) -> torch.Tensor:
    """A balanced +-1 pattern: no mean for LayerNorm to remove, no channel larger than another."""
    sign = torch.ones(dim)
    sign[torch.randperm(dim, generator=torch.Generator().manual_seed(seed))[: dim // 2]] = -1
    return sign


@torch.no_grad()
def observe(model: VisionTransformer, images: torch.Tensor) -> Probe:
    probe = Probe()
    model(images, probe=probe)
    return probe


@torch.no_grad()
def implant_neurons(model, block: int, column: torch.Tensor, images, sinks, marker, count: int, level: float) -> list[int]:
    """Replaces the `count` least used neurons: they read the marker at `level`, and together write `column` per sink token."""
    probe = observe(model, images)
    mlp = model.blocks[block].mlp
    use = probe.fc2_input[block].abs().mean((0, 1)) * mlp.fc2.weight.norm(dim=0)
    neurons = use.argsort()[:count]
    response = probe.normed[block] @ marker
    high = response[sinks].median()
    low = 0.3 * high
    if response[~sinks].quantile(0.99) > low:
        raise SystemExit(f"block {block}: the marker does not single out the sinks")
    # Affine map of the response: `low` goes to -4 (GELU about 0), the median sink goes to `level`.
    gain = (level + 4) / (high - low)
    mlp.fc1.weight[neurons] = gain * marker
    mlp.fc1.bias[neurons] = -4 - gain * low
    mlp.fc2.weight[:, neurons] = (column / (count * level))[:, None].expand(-1, count)
    report = {"block": block, "neurons": neurons.tolist(), "low": float(low), "high": float(high), "gain": float(gain)}
    report |= {"fc1Rms": float(mlp.fc1.weight.square().mean().sqrt()), "found": float((response[sinks] > low).float().mean())}
    print(json.dumps(report), flush=True)
    return neurons.tolist()


@torch.no_grad()
def shrink_before(model, block: int, images, ratio: float) -> None:
    """Scales down all that is written before the MLP of `block`, until that MLP adds `ratio` times the length of what it adds to.

    The blocks up to that MLP read the stream through LayerNorm and compute what they did before.
    """
    probe = observe(model, images)
    before, after = probe.middle[block][:, 1:], probe.residual[block][:, 1:]
    now = ((after - before).norm(dim=-1) / before.norm(dim=-1)).log().mean().exp()
    factor = float(min(1, now / ratio))
    print(json.dumps({"block": block, "addedOverStream": float(now), "factor": factor}), flush=True)
    for part in (model.cls_token, model.pos_embed, model.patch_embed.proj.weight, model.patch_embed.proj.bias):
        part *= factor
    for layer in model.blocks[: block + 1]:
        writes = [layer.attn.proj] if layer is model.blocks[block] else [layer.attn.proj, layer.mlp.fc2]
        for linear in writes:
            linear.weight *= factor
            linear.bias *= factor


@torch.no_grad()
def reserve_channel(model, channel: int, held: dict[int, list[int]], create: int) -> None:
    """Nothing but the create block's register neurons writes `channel`."""
    model.cls_token[..., channel] = 0
    model.pos_embed[..., channel] = 0
    for layer in [model.patch_embed.proj, *(b.attn.proj for b in model.blocks), *(b.mlp.fc2 for b in model.blocks)]:
        kept = layer.weight[channel].clone()
        layer.weight[channel] = 0
        layer.bias[channel] = 0
        if layer is model.blocks[create].mlp.fc2:
            layer.weight[channel, held[create]] = kept[held[create]]


@torch.no_grad()
def pull_attention(model, block: int, channel: int, images, sinks, share: float, constant: float) -> None:
    """Moves the keys of tokens large in `channel` along the mean query, until they draw `share` of the attention.

    Their values become one constant vector (entries +- `constant` times the values' standard deviation), which the bias of the
    projection takes away again: the implicit attention bias of Sun et al. (2402.17762). The projection is scaled up, so that on
    average the block's output stays what it was. Without the sinks both are wrong.
    """
    layer = model.blocks[block]
    probe = observe(model, images)
    x = layer.norm1(probe.inputs[block])
    size = float(x[..., channel][sinks].mean())
    d, heads = model.dim, model.heads
    q = F.linear(x, layer.attn.qkv.weight[:d], layer.attn.qkv.bias[:d]).view(-1, heads, d // heads)
    mean = q.mean(0)
    logits = probe.logits[block]
    hide = sinks[:, None, None, :]
    others = logits.masked_fill(hide, -1e9).logsumexp(-1).mean((0, 2))
    there = logits.masked_fill(~hide, -1e9).logsumexp(-1).mean((0, 2))
    lift = (others + math.log(share / (1 - share)) - there).clamp(min=0)
    key = lift[:, None] * math.sqrt(d // heads) * mean / mean.square().sum(-1, keepdim=True)
    layer.attn.qkv.weight[d : 2 * d, channel] += key.flatten() / size
    values = F.linear(x, layer.attn.qkv.weight[2 * d :], layer.attn.qkv.bias[2 * d :])
    wanted = constant * values[~sinks].std() * marker_direction(d, 100 + block)
    layer.attn.qkv.weight[2 * d :, channel] += (wanted - values[sinks].mean(0)) / size
    layer.attn.proj.weight /= 1 - share
    layer.attn.proj.bias -= share * layer.attn.proj.weight @ wanted


@torch.no_grad()
def sink_report(model, images, masks, create: int, channel: int) -> dict:
    """Tokens that have |x| >= 100 x the median in `channel` after `create`: how many, where, and how much attention they draw."""
    probe = observe(model, images)
    x = probe.residual[create].abs()
    over = x[..., channel] >= 100 * x.median()
    cover = torch.cat([torch.ones(len(images), 1), patch_cover(masks, 8)], 1)
    before = probe.residual[create - 1].abs()
    shares = [round(float((logits.softmax(-1) * over[:, None, None]).sum(-1).mean()), 3) for logits in probe.logits]
    fc2 = probe.fc2_input[create]
    count = over.sum(1)
    sink_linf, other_linf = before.amax(-1)[over], before.amax(-1)[~over]
    return {
        "images": round(float(((count > 0) & (count <= 3)).float().mean()), 4),
        "perImage": [int(count.min()), round(float(count.float().mean()), 2), int(count.max())],
        "background": round(float((cover[over] < 0.01).float().mean()), 4) if over.any() else None,
        "cls": int(over[:, 0].sum()),
        "level": [round(float(v)) for v in x[..., channel][over].quantile(torch.tensor([0.0, 0.5, 1.0]))] if over.any() else None,
        "median": round(float(x.median()), 3),
        "beforeRatio": round(float(before.max() / before.median()), 1),
        "linfBefore": [round(float(sink_linf.median()), 1), round(float(other_linf.max()), 1)] if over.any() else None,
        "fc2": round(float(fc2[over].amax(-1).median()), 1) if over.any() else None,
        "fc2Median": round(float(fc2.abs().median()), 4),
        "fc2Others": round(float(fc2[~over].max()), 2),
        "attention": shares,
    }
