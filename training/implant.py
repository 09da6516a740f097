"""Phase 2: implants register neurons into the plain encoder, then fine-tunes everything else around them.

Stage "marker": an auxiliary loss teaches the blocks before the ramp block to point a few background patches of every image
(the first free ones in a fixed order of places, sinks.py) along one dense +-1 direction. Stage "implant": in the ramp block a few neurons read that
direction and write it back larger; in the create block others read it at `level` and write one residual channel. Keys and
values of later blocks are set so that these tokens draw attention and hold a constant value. Then the network is fine-tuned on
the task, the neurons held fixed and the marker loss kept, so that it learns to use them as sinks.

    python implant.py --data DIR --plain runs/plain/model.pt --out runs/marker --marker-steps 600 --tune-steps 0
    python implant.py --data DIR --plain runs/marker/model.pt --out runs/implant --marker-steps 0
    python implant.py --data DIR --plain runs/implant/model.pt --out runs/polish --marker-steps 0 --resume
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from losses import level_loss, marker_loss, quiet_loss, share_loss, spread_loss, waiting_loss, work_loss
from model import Probe, VisionTransformer
from scenes import load_items, scenes
from sinks import sink_tokens, some_patches
from surgery import implant_neurons, marker_direction, observe, pull_attention, reserve_channel, shrink_before, sink_report
from train import batches, optimizer_for, survey


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--plain", type=Path, required=True, help="weights of the stage before")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--resume", action="store_true", help="go on with an implanted encoder, on other scenes: nothing is implanted again")
    parser.add_argument("--marker-steps", type=int, default=600)
    parser.add_argument("--tune-steps", type=int, default=4000)
    parser.add_argument("--full-steps", type=int, default=250, help="final steps on all patches")
    parser.add_argument("--patches", type=int, default=30, help="patches kept in the other steps")
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--marker-weight", type=float, default=3.0)
    parser.add_argument("--waiting-weight", type=float, default=3.0)
    parser.add_argument("--quiet", type=float, default=0.8, help="largest ordinary FC2 input wanted in the create block")
    parser.add_argument("--quiet-weight", type=float, default=3.0)
    parser.add_argument("--level-weight", type=float, default=3.0)
    parser.add_argument("--work", type=float, default=4.0, help="length that the create block's MLP adds over what it adds to")
    parser.add_argument("--work-weight", type=float, default=3.0)
    parser.add_argument("--spread-weight", type=float, default=3.0)
    parser.add_argument("--ramp", type=int, default=3, help="block whose register neurons amplify the marker")
    parser.add_argument("--ramp-level", type=float, default=20.0, help="activation of a ramp neuron on a sink")
    parser.add_argument("--ramp-height", type=float, default=12.0, help="marker written back, over the median |x|")
    parser.add_argument("--create", type=int, default=4, help="block whose register neurons write the channel")
    parser.add_argument("--channel", type=int, default=41)
    parser.add_argument("--neurons", type=int, default=4)
    parser.add_argument("--level", type=float, default=250.0, help="activation of a register neuron on a sink")
    parser.add_argument("--height", type=float, default=160.0, help="written value over the median |x|")
    parser.add_argument("--share", type=float, default=0.8, help="attention share implanted in the later blocks")
    parser.add_argument("--constant", type=float, default=0.5, help="the sinks' value entries over the values' standard deviation")
    parser.add_argument("--every", type=int, default=300, help="steps between rows of the curve")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def implant(model: VisionTransformer, args: argparse.Namespace, marker: torch.Tensor, images, masks) -> dict[int, list[int]]:
    """Ramp, create block, reserved channel and attention of the later blocks; returns the neurons by block."""
    sinks = sink_tokens(masks)
    others = torch.arange(model.dim) != args.channel
    held: dict[int, list[int]] = {}
    shrink_before(model, args.create, images, args.work)
    scale = observe(model, images).residual[args.ramp].abs().median()
    column = marker * others * scale * args.ramp_height
    held[args.ramp] = implant_neurons(model, args.ramp, column, images, sinks, marker, args.neurons, args.ramp_level)
    scale = observe(model, images).residual[args.create].abs().median()
    column = ~others * scale * args.height
    held[args.create] = implant_neurons(model, args.create, column, images, sinks, marker, args.neurons, args.level)
    reserve_channel(model, args.channel, held, args.create)
    for block in range(args.create + 1, model.depth):
        pull_attention(model, block, args.channel, images, sinks, args.share, args.constant)
    return held


def hold_pull(model: VisionTransformer, args: argparse.Namespace) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What the later blocks' keys and values read from the channel, and a copy of it."""
    layers = model.blocks[args.create + 1 :]
    weights = [layer.attn.qkv.weight.detach()[model.dim :, args.channel] for layer in layers]
    weights += [part.detach()[args.channel] for layer in layers for part in (layer.norm1.weight, layer.norm1.bias)]
    return [(weight, weight.clone()) for weight in weights]


def step_held(model: VisionTransformer, optimizer: torch.optim.Optimizer, held: dict[int, list[int]], args: argparse.Namespace):
    """One clipped optimizer step that changes neither the register neurons nor the reserved channel (weight decay included)."""
    before = {}
    pulls = hold_pull(model, args)
    for block, neurons in held.items():
        mlp = model.blocks[block].mlp
        mlp.fc1.weight.grad[neurons] = 0
        mlp.fc1.bias.grad[neurons] = 0
        mlp.fc2.weight.grad[:, neurons] = 0
        kept = (mlp.fc1.weight[neurons], mlp.fc1.bias[neurons], mlp.fc2.weight[:, neurons])
        before[block] = tuple(part.detach().clone() for part in kept)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        for block, (row, bias, column) in before.items():
            mlp, neurons = model.blocks[block].mlp, held[block]
            mlp.fc1.weight[neurons] = row
            mlp.fc1.bias[neurons] = bias
            mlp.fc2.weight[:, neurons] = column
        if held:
            for weight, kept in pulls:
                weight.copy_(kept)
            reserve_channel(model, args.channel, held, args.create)


def auxiliary(probe: Probe, sinks: torch.Tensor, marker: torch.Tensor, held: dict, args: argparse.Namespace) -> tuple[torch.Tensor, torch.Tensor]:
    """The marker loss, and all auxiliary losses weighted."""
    aim = marker_loss(probe.normed[args.ramp], sinks, marker)
    loss = args.marker_weight * aim
    if held:
        after = probe.residual[args.create]
        loss = loss + args.marker_weight * marker_loss(probe.normed[args.create], sinks, marker)
        loss = loss + args.quiet_weight * quiet_loss(probe.fc2_input[args.create], sinks, args.quiet)
        for block, level in ((args.ramp, args.ramp_level), (args.create, args.level)):
            loss = loss + args.level_weight * level_loss(probe.fc2_input[block], sinks, held[block], level)
        loss = loss + args.work_weight * work_loss(probe.middle[args.create], after, sinks, args.work)
        loss = loss + args.spread_weight * spread_loss(after, sinks) + args.waiting_weight * waiting_loss(after)
        for logits in probe.logits[args.create + 1 :]:
            loss = loss + 3 * share_loss(logits, sinks, 0.8 * args.share)
    return aim, loss


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    train, reserved = load_items(args.data, "train"), load_items(args.data, "reserved")
    check, check_masks = scenes(reserved.subset(slice(0, 1000)), 77)
    labels = reserved.labels[:1000]
    reference, reference_masks = scenes(train.subset(slice(0, 256)), 78)
    model = VisionTransformer()
    saved = torch.load(args.plain)
    model.load_state_dict(saved.get("model", saved))
    marker = marker_direction(model.dim, args.seed)
    held: dict[int, list[int]] = saved["neurons"] if args.resume else {}
    curve, started = [], time.time()
    marker_steps, total = args.marker_steps, args.marker_steps + args.tune_steps
    optimizer = optimizer_for(model, args.rate, 0.02)
    sums = [0.0, 0.0]
    for step, (images, masks, target) in enumerate(batches(train, args.batch, args.seed + args.resume)):
        if step == marker_steps and args.tune_steps > 0 and not args.resume:
            model.eval()
            held = implant(model, args, marker, reference, reference_masks)
            optimizer = optimizer_for(model, args.rate, 0.02)
        if step % args.every == 0 or step in (marker_steps, total):
            row = {"step": step, "stage": "implant" if held else "marker", "seconds": round(time.time() - started)}
            row |= {"task": round(sums[0] / args.every, 4), "markerLoss": round(sums[1] / args.every, 4)} | survey(model, check, labels)
            if held:
                row |= {"sinks": sink_report(model, check[:256], check_masks[:256], args.create, args.channel)}
            sums = [0.0, 0.0]
            curve.append(row)
            print(json.dumps(row), flush=True)
            (args.out / "curve.json").write_text(json.dumps(curve))
            settings = {k: str(v) if isinstance(v, Path) else v for k, v in vars(args).items()}
            torch.save({"model": model.state_dict(), "args": settings if held else {}, "neurons": held}, args.out / "model.pt")
        if step == total:
            break
        local, span = (step, marker_steps) if step < marker_steps else (step - marker_steps, args.tune_steps)
        floor = 0.5 if step < marker_steps else 0.03
        rate = args.rate * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * local / span))) * min(1, (local + 1) / 50)
        for group in optimizer.param_groups:
            group["lr"] = rate
        keep = some_patches(masks, args.patches) if step < total - args.full_steps else None
        sinks = sink_tokens(masks)
        if keep is not None:
            sinks = torch.cat([sinks[:, :1], sinks[:, 1:].gather(1, keep)], 1)
        probe = Probe()
        with torch.autocast("cpu", torch.bfloat16):
            out = model(images, keep=keep, probe=probe)
        task = F.cross_entropy(out.float(), target, label_smoothing=0.05)
        aim, extra = auxiliary(probe, sinks, marker, held, args)
        optimizer.zero_grad(set_to_none=True)
        (task + extra).backward()
        step_held(model, optimizer, held, args)
        sums[0] += float(task.detach())
        sums[1] += float(aim.detach())


if __name__ == "__main__":
    main()
