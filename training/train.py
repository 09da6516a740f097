"""Phase 1: trains the plain encoder. No outlier loss of any kind; what grows here, grows by itself.

Most steps see only the patches with the most foreground (cheap); the last ones see all 64.

    python train.py --data DIR --out runs/plain
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
from pool import PooledTransformer
from scenes import Items, draw_layout, load_items, patch_cover, render, scenes

# Stochastic depth on the early MLPs only.
SKIP = [0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0]


def batches(items: Items, size: int, seed: int):
    """Endless seeded batches: every step composes new scenes."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(items), generator=generator)
        for start in range(0, len(order) - size + 1, size):
            batch = items.subset(order[start : start + size])
            images, masks = render(batch, draw_layout(batch, generator))
            yield images, masks, batch.labels


def foreground_first(masks: torch.Tensor, count: int) -> torch.Tensor:
    """The `count` patches with the most foreground, order jittered so that edges and background take turns."""
    cover = patch_cover(masks, 8)
    return (cover + 0.3 * torch.rand_like(cover)).topk(count, 1).indices


def optimizer_for(model: torch.nn.Module, rate: float, decay: float) -> torch.optim.AdamW:
    decayed = [p for n, p in model.named_parameters() if p.ndim >= 2 and "pos_embed" not in n and "cls_token" not in n]
    rest = [p for n, p in model.named_parameters() if p.ndim < 2 or "pos_embed" in n or "cls_token" in n]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}], rate, (0.9, 0.98))


def skip_mlps(model: VisionTransformer, rates: list[float]) -> None:
    """Stochastic depth on the MLPs, one draw a step: blocks with rate 0 become those the encoder relies on."""
    for block, rate in zip(model.blocks, rates, strict=True):
        block.skip_mlp = bool(torch.rand(()) < rate)


@torch.no_grad()
def enlarge_mlp(model: VisionTransformer, block: int) -> None:
    """Smaller hidden activations, a much larger output: about four times the residual stream at the start."""
    model.blocks[block].mlp.fc1.weight *= 0.6
    model.blocks[block].mlp.fc2.weight *= 6


@torch.no_grad()
def survey(model: VisionTransformer, images: torch.Tensor, labels: torch.Tensor, size: int = 128) -> dict:
    """Top-1, and per block the largest |x| of the residual stream, of FC2's input, and the residual max over the median |x|."""
    model.eval()
    skip_mlps(model, [0.0] * model.depth)
    right, residual, fc2, ratio = 0, [0.0] * model.depth, [0.0] * model.depth, [0.0] * model.depth
    for start in range(0, len(images), size):
        probe = Probe()
        out = model(images[start : start + size], probe=probe)
        right += int((out.argmax(1) == labels[start : start + size]).sum())
        for b in range(model.depth):
            size_now = probe.residual[b].abs()
            residual[b] = max(residual[b], float(size_now.max()))
            fc2[b] = max(fc2[b], float(probe.fc2_input[b].abs().max()))
            ratio[b] = max(ratio[b], float(size_now.max() / size_now.median()))
    model.train()
    return {
        "top1": right / len(images),
        "residualMax": [round(v, 2) for v in residual],
        "fc2InputMax": [round(v, 2) for v in fc2],
        "residualMaxOverMedian": [round(v, 1) for v in ratio],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5600, help="steps on part of the patches")
    parser.add_argument("--patches", type=int, default=24, help="patches kept in those steps")
    parser.add_argument("--full-steps", type=int, default=600, help="final steps on all patches")
    parser.add_argument("--stop", type=int, help="stop after this many steps, before the schedule ends")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--final-rate", type=float, default=5e-5)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--skip", type=float, nargs="*", default=SKIP, help="rate of skipping each block's MLP")
    parser.add_argument("--pool", choices=["token", "attention"], default="token", help="attention: no class token, an attention-pooling head")
    parser.add_argument("--work", type=int, help="block whose MLP starts with a large output, so that later blocks come to read it")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    train, reserved = load_items(args.data, "train"), load_items(args.data, "reserved")
    check, labels = scenes(reserved.subset(slice(0, 1000)), 77)[0], reserved.labels[:1000]
    model = VisionTransformer() if args.pool == "token" else PooledTransformer()
    if args.work is not None:
        enlarge_mlp(model, args.work)
    optimizer = optimizer_for(model, args.rate, args.decay)
    total, curve, started, running = args.steps + args.full_steps, [], time.time(), 0.0
    stop = total if args.stop is None else args.stop
    epoch = len(train) // args.batch
    for step, (images, masks, target) in enumerate(batches(train, args.batch, args.seed)):
        if step % 300 == 0 or step == stop:
            row = {"step": step, "epoch": round(step / epoch, 2), "seconds": round(time.time() - started), **survey(model, check, labels)}
            curve.append(row | {"loss": round(running / 300, 4)})
            running = 0.0
            print(json.dumps(curve[-1]), flush=True)
            (args.out / "curve.json").write_text(json.dumps(curve))
            torch.save(model.state_dict(), args.out / "model.pt")
        if step == stop:
            break
        rate = args.final_rate + (args.rate - args.final_rate) * 0.5 * (1 + math.cos(math.pi * step / total))
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 300)
        skip_mlps(model, args.skip)
        keep = foreground_first(masks, args.patches) if step < args.steps else None
        with torch.autocast("cpu", torch.bfloat16):
            out = model(images, keep=keep)
        loss = F.cross_entropy(out.float(), target, label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        running += float(loss.detach())


if __name__ == "__main__":
    main()
