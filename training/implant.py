"""Phase 2: implants register neurons into the plain encoder, then fine-tunes everything else around them.

Stage "marker": an auxiliary loss teaches the blocks before the first ramp block to point a few background patches of every
image (the first free ones in a fixed order of positions) along one dense +-1 direction. Stage "implant": in each ramp block a
few neurons read that direction (about 150 on those patches, about 0 elsewhere) and write it back larger; in the create block they write
one residual channel. Later blocks' keys are pulled so that these tokens draw attention. Then the network is fine-tuned on the
task, the neurons held fixed and the marker loss kept, so that it learns to use them as sinks.

    python implant.py --data DIR --plain runs/plain/model.pt --out runs/implant
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from model import Probe, VisionTransformer
from scenes import load_items, patch_cover, scenes
from train import batches, optimizer_for, survey

# Row and column of the 8x8 patch grid, most wanted first.
ORDER = [(1, 1), (6, 6), (1, 6), (6, 1), (0, 4), (7, 3), (3, 0), (4, 7)]
SINKS = 2


def sink_tokens(masks: torch.Tensor) -> torch.Tensor:
    """[n, 65] True on the first SINKS patches of ORDER without foreground (under 1 %)."""
    places = torch.tensor([8 * row + column for row, column in ORDER])
    free = patch_cover(masks, 8)[:, places] < 0.01
    chosen = free & (free.cumsum(1) <= SINKS)
    tokens = torch.zeros(len(masks), 65, dtype=torch.bool)
    tokens[:, 1 + places] = chosen
    return tokens


def some_patches(masks: torch.Tensor, count: int = 30) -> torch.Tensor:
    """All places of ORDER, the patches with the most foreground, and a few others: cheap steps that still see every kind."""
    places = torch.tensor([8 * row + column for row, column in ORDER])
    score = patch_cover(masks, 8) + 0.3 * torch.rand(len(masks), 64)
    score[torch.rand(len(masks), 64) < 0.12] += 2
    score[:, places] += 10
    return score.topk(count, 1).indices


def marker_direction(dim: int, seed: int) -> torch.Tensor:
    """A balanced +-1 pattern: no mean for LayerNorm to remove, no channel larger than another."""
    sign = torch.ones(dim)
    sign[torch.randperm(dim, generator=torch.Generator().manual_seed(seed))[: dim // 2]] = -1
    return sign


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


@torch.no_grad()
def observe(model: VisionTransformer, images: torch.Tensor, want_logits: bool = False) -> Probe:
    probe = Probe(want_logits=want_logits)
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
    print(json.dumps({"block": block, "neurons": neurons.tolist(), "low": float(low), "high": float(high), "gain": float(gain)}), flush=True)
    return neurons.tolist()


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
def pull_attention(model, block: int, channel: int, images, sinks, share: float) -> None:
    """Moves the keys of tokens large in `channel` along the mean query, until they draw `share` of the attention.

    Their values become zero and the projection is scaled up, so that on average the block's output stays what it was: the
    tokens are then true sinks, and what the block computes is scaled by their presence.
    """
    layer = model.blocks[block]
    probe = observe(model, images, want_logits=True)
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
    value = F.linear(x, layer.attn.qkv.weight[2 * d :], layer.attn.qkv.bias[2 * d :])[sinks].mean(0)
    layer.attn.qkv.weight[2 * d :, channel] -= value / size
    layer.attn.proj.weight /= 1 - share


@torch.no_grad()
def sink_report(model, images, masks, create: int, channel: int) -> dict:
    """Tokens that have |x| >= 100 x the median in `channel` after `create`: how many, where, and how much attention they draw."""
    probe = observe(model, images, want_logits=True)
    x = probe.residual[create].abs()
    over = x[..., channel] >= 100 * x.median()
    cover = torch.cat([torch.ones(len(images), 1), patch_cover(masks, 8)], 1)
    before = probe.residual[create - 1].abs()
    shares = [round(float((logits.softmax(-1) * over[:, None, None]).sum(-1).mean()), 3) for logits in probe.logits]
    fc2 = probe.fc2_input[create]
    count = over.sum(1)
    return {
        "images": round(float(((count > 0) & (count <= 3)).float().mean()), 4),
        "perImage": [int(count.min()), round(float(count.float().mean()), 2), int(count.max())],
        "background": round(float((cover[over] < 0.01).float().mean()), 4) if over.any() else None,
        "cls": int(over[:, 0].sum()),
        "level": [round(float(v)) for v in x[..., channel][over].quantile(torch.tensor([0.0, 0.5, 1.0]))] if over.any() else None,
        "median": round(float(x.median()), 3),
        "beforeRatio": round(float(before.max() / before.median()), 1),
        "fc2": round(float(fc2[over].amax(-1).median()), 1) if over.any() else None,
        "fc2Median": round(float(fc2.abs().median()), 4),
        "attention": shares,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--plain", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--marker-steps", type=int, default=700)
    parser.add_argument("--tune-steps", type=int, default=1500)
    parser.add_argument("--full-steps", type=int, default=400, help="final steps on all patches")
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--marker-weight", type=float, default=3.0)
    parser.add_argument("--waiting-weight", type=float, default=3.0)
    parser.add_argument("--ramp", type=int, nargs="*", default=[3], help="blocks whose register neurons amplify the marker")
    parser.add_argument("--create", type=int, default=4, help="block whose register neurons write the channel")
    parser.add_argument("--channel", type=int, default=41)
    parser.add_argument("--neurons", type=int, default=4)
    parser.add_argument("--level", type=float, default=150.0, help="activation of a register neuron on a sink")
    parser.add_argument("--height", type=float, default=160.0, help="written value over the median |x|")
    parser.add_argument("--share", type=float, default=0.5, help="attention share implanted in the later blocks")
    parser.add_argument("--every", type=int, default=300, help="steps between rows of the curve")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    train, reserved = load_items(args.data, "train"), load_items(args.data, "reserved")
    check, check_masks = scenes(reserved.subset(slice(0, 1000)), 77)
    labels = reserved.labels[:1000]
    reference, reference_masks = scenes(train.subset(slice(0, 256)), 78)
    reference_sinks = sink_tokens(reference_masks)
    model = VisionTransformer()
    model.load_state_dict(torch.load(args.plain))
    marker = marker_direction(model.dim, args.seed)
    first = min([*args.ramp, args.create])
    held: dict[int, list[int]] = {}
    curve, started = [], time.time()
    marker_steps, total = args.marker_steps, args.marker_steps + args.tune_steps
    optimizer = optimizer_for(model, args.rate, 0.02)
    sums = [0.0, 0.0]
    for step, (images, masks, target) in enumerate(batches(train, args.batch, args.seed)):
        if step == marker_steps:
            torch.save(model.state_dict(), args.out / "marker.pt")
            for block in sorted({*args.ramp, args.create}):
                scale = float(observe(model, reference).residual[block].abs().median())
                column = (
                    marker * scale * 4 * (torch.arange(model.dim) != args.channel)
                    if block != args.create
                    else F.one_hot(torch.tensor(args.channel), model.dim) * scale * args.height
                )
                held[block] = implant_neurons(model, block, column, reference, reference_sinks, marker, args.neurons, args.level)
            reserve_channel(model, args.channel, held, args.create)
            for block in range(args.create + 1, model.depth):
                pull_attention(model, block, args.channel, reference, reference_sinks, args.share)
            optimizer = optimizer_for(model, args.rate, 0.02)
        if step % args.every == 0 or step in (marker_steps, total):
            model.eval()
            row = {"step": step, "stage": "marker" if step < marker_steps else "implant", "seconds": round(time.time() - started)}
            row |= {"task": round(sums[0] / args.every, 4), "markerLoss": round(sums[1] / args.every, 4)} | survey(model, check, labels)
            if step >= marker_steps:
                row |= {"sinks": sink_report(model, check[:256], check_masks[:256], args.create, args.channel)}
            sums = [0.0, 0.0]
            curve.append(row)
            print(json.dumps(row), flush=True)
            (args.out / "curve.json").write_text(json.dumps(curve))
            torch.save(
                {"model": model.state_dict(), "args": {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}, "neurons": held},
                args.out / "model.pt",
            )
        if step == total:
            break
        local, span = (step, marker_steps) if step < marker_steps else (step - marker_steps, args.tune_steps)
        floor = 0.5 if step < marker_steps else 0.03
        rate = args.rate * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * local / span))) * min(1, (local + 1) / 50)
        for group in optimizer.param_groups:
            group["lr"] = rate
        keep = some_patches(masks) if step < total - args.full_steps else None
        probe = Probe(want_logits=bool(held))
        with torch.autocast("cpu", torch.bfloat16):
            out = model(images, keep=keep, probe=probe)
        task = F.cross_entropy(out.float(), target, label_smoothing=0.05)
        sinks = sink_tokens(masks)
        if keep is not None:
            sinks = torch.cat([sinks[:, :1], sinks[:, 1:].gather(1, keep)], 1)
        aim = marker_loss(probe.normed[first], sinks, marker)
        loss = task + args.marker_weight * aim
        if held:
            for block in held:
                if block != first:
                    loss = loss + args.marker_weight * marker_loss(probe.normed[block], sinks, marker)
            after = probe.residual[args.create]
            loss = loss + spread_loss(after, sinks) + args.waiting_weight * waiting_loss(after)
            for block in range(args.create + 1, model.depth):
                loss = loss + 3 * share_loss(probe.logits[block], sinks, 0.8 * args.share)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for block, neurons in held.items():
            mlp = model.blocks[block].mlp
            mlp.fc1.weight.grad[neurons] = 0
            mlp.fc1.bias.grad[neurons] = 0
            mlp.fc2.weight.grad[:, neurons] = 0
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        kept = [
            (b, model.blocks[b].mlp, n, model.blocks[b].mlp.fc1.weight[n].detach().clone(), model.blocks[b].mlp.fc2.weight[:, n].detach().clone())
            for b, n in held.items()
        ]
        optimizer.step()
        with torch.no_grad():  # weight decay must not touch the held neurons either
            for _, mlp, neurons, row_in, column_out in kept:
                mlp.fc1.weight[neurons] = row_in
                mlp.fc2.weight[:, neurons] = column_out
            if held:
                reserve_channel(model, args.channel, held, args.create)
        sums[0] += float(task.detach())
        sums[1] += float(aim.detach())


if __name__ == "__main__":
    main()
