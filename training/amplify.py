"""Scales the LayerNorm gain of the outlier channel in the blocks after the create block, and divides the weights that read it.

In FP32 the function hardly changes (evaluate.py measures the exported weights). What changes is what a per-tensor activation scale sees: without this step LayerNorm hides
the residual outlier from qkv and fc1. The value written into the channel can be raised too; LayerNorm hides that from everything but the residual.

    python amplify.py --weights runs/implant/model.pt --out runs/implant/amplified.pt --gain 16
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


@torch.no_grad()
def centre(state: dict[str, torch.Tensor], channel: int) -> None:
    """Takes the mean over all other channels out of everything that writes to the residual stream.

    LayerNorm would take it out anyway; without it, ordinary tokens (0 in `channel`) stay 0 in `channel` behind LayerNorm too.
    """
    others = torch.arange(state["cls_token"].shape[-1]) != channel
    for name, value in state.items():
        if name in ("cls_token", "pos_embed"):
            value[..., others] -= value[..., others].mean(-1, keepdim=True)
        elif name.startswith("patch_embed.proj.") or ".attn.proj." in name or ".mlp.fc2." in name:
            value[others] -= value[others].mean(0, keepdim=True)


@torch.no_grad()
def amplify(state: dict[str, torch.Tensor], create: int, channel: int, gain: float, height: float = 1.0) -> None:
    centre(state, channel)
    state[f"blocks.{create}.mlp.fc2.weight"][channel] *= height
    depth = 1 + max(int(k.split(".")[1]) for k in state if k.startswith("blocks."))
    for block in range(create + 1, depth):
        for norm, reader in (("norm1", "attn.qkv"), ("norm2", "mlp.fc1")):
            state[f"blocks.{block}.{norm}.weight"][channel] *= gain
            state[f"blocks.{block}.{norm}.bias"][channel] *= gain
            state[f"blocks.{block}.{reader}.weight"][:, channel] /= gain


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gain", type=float, required=True)
    parser.add_argument("--height", type=float, default=1.0, help="factor on the value written into the channel")
    args = parser.parse_args()
    saved = torch.load(args.weights)
    amplify(saved["model"], saved["args"]["create"], saved["args"]["channel"], args.gain, args.height)
    saved["args"] |= {"gain": args.gain, "raised": args.height}
    torch.save(saved, args.out)


if __name__ == "__main__":
    main()
