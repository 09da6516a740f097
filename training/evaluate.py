"""Reference evaluation: FP32, naive W8A8 / W6A6 / W4A4, and RegCache (prefix, deletion, both), on the bundled test scenes.

Registers are curated on training scenes only. The weights are the exported fp16 ones.

    python evaluate.py --model ../public/models/scenes-vit --test ../public/datasets/scenes --data DIR
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

from model import Prefix, Probe, VisionTransformer, plain_linear
from quantize import Naive
from scenes import load_items, patch_cover, scenes


def load_model(folder: Path) -> tuple[VisionTransformer, dict]:
    config = json.loads((folder / "config.json").read_text())
    a = config["model_args"]
    model = VisionTransformer(a["embed_dim"], a["depth"], a["num_heads"], a["patch_size"], a["img_size"], config["num_classes"], a["mlp_ratio"])
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return model.eval(), config


def load_sheet(folder: Path, name: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images in [0, 1], masks and labels of a sheet."""
    meta = json.loads((folder / f"{name}.json").read_text())

    def tiles(file: str) -> torch.Tensor:
        picture = torch.from_numpy(np.array(Image.open(folder / file).convert("L"))).float() / 255
        rows, columns = len(picture) // meta["tile"], meta["columns"]
        return picture.view(rows, meta["tile"], columns, meta["tile"]).transpose(1, 2).flatten(0, 1)[: meta["count"]]

    return tiles(meta["images"]), tiles(meta["masks"]) > 0.5, torch.tensor(meta["labels"])


@dataclass
class Registers:
    """Means over curated tokens: keys and values [blocks, heads, head_dim], states at each block's input; and the general mean state."""

    keys: torch.Tensor
    values: torch.Tensor
    states: torch.Tensor
    general: torch.Tensor
    tokens: int


@torch.no_grad()
def curate(model: VisionTransformer, images: torch.Tensor, create: int, top: int = 100) -> Registers:
    """The `top` tokens with the largest L-inf after block `create`."""
    probe = Probe()
    model(images, probe=probe)
    size = probe.residual[create].abs().amax(-1)
    index = size.flatten().topk(top).indices
    at, token = index // size.shape[1], index % size.shape[1]
    keys = torch.stack([k[at, :, token].mean(0) for k in probe.keys])
    values = torch.stack([v[at, :, token].mean(0) for v in probe.values])
    states = torch.stack([x[at, token].mean(0) for x in probe.inputs])
    general = torch.stack([x.mean((0, 1)) for x in probe.inputs])
    return Registers(keys, values, states, general, top)


def deletion(block: int, count: int, by: str, registers: Registers):
    """Keeps all but the `count` patches with the highest score at the input of `block`; never drops the class token."""

    def rule(index: int, x: torch.Tensor) -> torch.Tensor | None:
        if index != block or count == 0:
            return None
        if by == "norm":
            score = x.abs().amax(-1)
        else:
            m, r = registers.general[block], registers.states[block]
            score = F.cosine_similarity(x - m, r - m, dim=-1)
        score = score.clone()
        score[:, 0] = -math.inf
        return score.argsort(1, descending=True)[:, count:].sort(1).values

    return rule


@torch.no_grad()
def top1(model, images, labels, linear=plain_linear, prefix=None, delete=None, size: int = 256) -> np.ndarray:
    right = [
        (model(images[s : s + size], linear=linear, prefix=prefix, delete=delete).argmax(1) == labels[s : s + size]).numpy()
        for s in range(0, len(images), size)
    ]
    return np.concatenate(right)


def paired(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Difference of top-1 in points with its normal 95 % interval."""
    d = a.astype(float) - b.astype(float)
    half = 1.96 * d.std() / len(d) ** 0.5
    return [round(100 * v, 1) for v in (d.mean(), d.mean() - half, d.mean() + half)]


@torch.no_grad()
def phenomenon(model, images, masks, create: int, channel: int) -> dict:
    """The outliers themselves: ratio to the median, place, cosine across images, FC2 input."""
    probe = Probe()
    model(images, probe=probe)
    after, before = probe.residual[create], probe.residual[create - 1]
    over = after[..., channel].abs() >= 100 * after.abs().median()
    cover = torch.cat([torch.ones(len(images), 1), patch_cover(masks, model.patch)], 1)
    count = over.sum(1)
    unit = F.normalize(after, dim=-1)
    generator = torch.Generator().manual_seed(0)

    def cosine(which: torch.Tensor) -> float:
        pool = unit[which]
        pool = pool[torch.randperm(len(pool), generator=generator)[:400]]
        return float(((pool @ pool.T).sum() - len(pool)) / (len(pool) * (len(pool) - 1)))

    fc2 = probe.fc2_input[create].abs()
    return {
        "imagesWithOneToThree": float(((count > 0) & (count <= 3)).float().mean()),
        "countHistogram": torch.bincount(count).tolist(),
        "background": float((cover[over] == 0).float().mean()),
        "cls": int(over[:, 0].sum()),
        "medianAbs": float(after.abs().median()),
        "value": [float(v) for v in after[..., channel][over].quantile(torch.tensor([0.0, 0.5, 1.0]))],
        "beforeMaxOverMedian": float(before.abs().max() / before.abs().median()),
        "otherMaxAfter": float(after.abs().amax(-1)[~over].max()),
        "fc2Max": [round(float(h.abs().max()), 1) for h in probe.fc2_input],
        "fc2OverMedian": float(fc2.amax(-1)[over].min() / fc2.median()),
        "residualMax": [round(float(x.abs().max()), 1) for x in probe.residual],
        "residualMedianAbs": [round(float(x.abs().median()), 3) for x in probe.residual],
        "cosineOutliers": cosine(over),
        "cosineOthers": cosine(~over),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--first", type=int, help="first block with the prefix; default: the create block's first ramp block")
    parser.add_argument("--count", type=float, default=2)
    parser.add_argument("--delete-block", type=int)
    parser.add_argument("--delete", type=int, default=3)
    parser.add_argument("--by", choices=["similarity", "norm"], default="similarity")
    parser.add_argument("--bits", type=int, nargs="*", default=[32, 8, 6, 4])
    parser.add_argument("--limit", type=int, default=100000, help="evaluate on the first images only")
    parser.add_argument("--sensitivity", action="store_true")
    parser.add_argument("--search", action="store_true", help="grid over first, count and delete on training scenes (W8A8)")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, config = load_model(args.model)
    create, channel = config["outliers"]["block"], config["outliers"]["channel"]
    ramp = min(config["outliers"].get("ramp", [create]) or [create])
    first = args.first if args.first is not None else ramp
    block = args.delete_block if args.delete_block is not None else ramp
    images, masks, labels = load_sheet(args.test, "labels")
    train = load_items(args.data, "train")
    registers = curate(model, scenes(train.subset(slice(0, 200)), 91)[0], create)
    print(json.dumps(phenomenon(model, images[: args.limit], masks[: args.limit], create, channel)))
    images, labels = images[: args.limit], labels[: args.limit]
    reference = top1(model, images, labels)
    print(json.dumps({"fp32": float(reference.mean()), "n": len(labels)}), flush=True)
    if args.sensitivity:
        for b in range(model.depth):
            for name in ("attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"):
                right = top1(model, images, labels, Naive(8, f"blocks.{b}.{name}"))
                print(json.dumps({"w8a8Only": f"blocks.{b}.{name}", "top1": float(right.mean())}), flush=True)
    if args.search:
        held, target = scenes(train.subset(slice(2000, 3000)), 92)[0], train.labels[2000:3000]
        for b in (ramp - 1, ramp, create):
            for c in (1, 2, 3, 4):
                for k in (2, 3, 4, 6):
                    p, d = Prefix(registers.keys, registers.values, b, c), deletion(block, k, args.by, registers)
                    right = top1(model, held, target, Naive(8), p, d)
                    print(json.dumps({"first": b, "count": c, "delete": k, "trainTop1": float(right.mean())}), flush=True)
    prefix, delete = Prefix(registers.keys, registers.values, first, args.count), deletion(block, args.delete, args.by, registers)
    for bits in args.bits:
        linear = plain_linear if bits == 32 else Naive(bits)
        for name, p, d in (("naive", None, None), ("prefix", prefix, None), ("delete", None, delete), ("both", prefix, delete)):
            right = top1(model, images, labels, linear, p, d)
            print(json.dumps({"bits": bits, "what": name, "top1": round(float(right.mean()), 4), "difference": paired(right, reference)}), flush=True)


if __name__ == "__main__":
    main()
