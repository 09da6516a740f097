"""Writes the encoder (fp16 safetensors and config), the test and probe sheets, and the demo scenes.

python export.py --data DIR --weights runs/implant/model.pt --public ../public
python export.py --data DIR --public ../public --only scenes
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from scenes import CLASSES, TILE, Items, draw_layout, load_items, render, scenes

LICENCE = "MIT (Fashion-MNIST, Zalando Research)"
# Demo scenes: one seed for each; items come from the reserved train items. Seeds are the first of 300 + label, 310 + label, ...
# whose scene the encoder classifies right: the shirt of 306 and the bag of 308 were not.
DEMOS = [(label, {6: 316, 8: 318}.get(label, 300 + label)) for label in range(10)]


def write_sheet(folder: Path, name: str, json_name: str, items: Items, seed: int, columns: int = 32) -> None:
    images, masks = scenes(items, seed)
    count = len(items)
    rows = -(-count // columns)

    def sheet(tiles: torch.Tensor) -> np.ndarray:
        blank = torch.zeros(rows * columns, TILE, TILE)
        blank[:count] = tiles
        return blank.view(rows, columns, TILE, TILE).transpose(1, 2).reshape(rows * TILE, columns * TILE).numpy()

    mask_name = "masks" if name == "images" else f"{name}-masks"
    Image.fromarray((sheet(images) * 255).round().astype(np.uint8)).save(folder / f"{name}.png", optimize=True)
    Image.fromarray(sheet(masks.float()) > 0.5).save(folder / f"{mask_name}.png", optimize=True)
    meta = {
        "name": "scenes" if name == "images" else f"scenes-{name}",
        "version": 1,
        "licence": LICENCE,
        "tile": TILE,
        "columns": columns,
        "count": count,
        "classes": CLASSES,
        "labels": items.labels.tolist(),
        "images": f"{name}.png",
        "masks": f"{mask_name}.png",
    }
    (folder / f"{json_name}.json").write_text(json.dumps(meta) + "\n")


def balanced(items: Items, each: int) -> Items:
    """The first `each` items of every class, in their original order."""
    index = torch.cat([(items.labels == c).nonzero().flatten()[:each] for c in range(len(CLASSES))])
    return items.subset(index.sort().values)


def write_demos(folder: Path, items: Items, side: int = 512) -> None:
    entries = []
    for label, seed in DEMOS:
        generator = torch.Generator().manual_seed(seed)
        pool = (items.labels == label).nonzero().flatten()
        one = items.subset(pool[torch.randint(len(pool), (1,), generator=generator)])
        image, _ = render(one, draw_layout(one, generator), side, "bicubic")
        file = f"scene-{CLASSES[label].replace(' ', '-')}.png"
        Image.fromarray((image[0].numpy() * 255).round().astype(np.uint8)).save(folder / file, optimize=True)
        entries.append({"file": file, "label": CLASSES[label], "title": f"{CLASSES[label].capitalize()} on a plain background"})
    (folder / "samples.json").write_text(json.dumps(entries, indent=2) + "\n")


def write_folder(folder: Path, items: Items, seed: int) -> None:
    """Scenes as PNG files in class-named folders: what `lab curate --data` reads."""
    for i, image in enumerate(scenes(items, seed)[0]):
        into = folder / CLASSES[items.labels[i]]
        into.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image.numpy() * 255).round().astype(np.uint8)).save(into / f"{i:04}.png")


def write_model(folder: Path, weights: Path) -> None:
    saved = torch.load(weights)
    state = saved.get("model", saved)
    save_file({k: v.half().contiguous() for k, v in state.items()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    args = saved.get("args", {}) if "model" in saved else {}
    depth = 1 + max(int(k.split(".")[1]) for k in state if k.startswith("blocks."))
    dim = state["cls_token"].shape[-1]
    config = {
        "architecture": "vit_scenes_patch8_64",
        "num_classes": len(CLASSES),
        "num_features": dim,
        "global_pool": "token",
        "label_names": CLASSES,
        "model_args": {
            "img_size": TILE,
            "patch_size": 8,
            "embed_dim": dim,
            "depth": depth,
            "num_heads": dim // 32,
            "mlp_ratio": 4,
            "class_token": True,
        },
        "pretrained_cfg": {
            "input_size": [3, TILE, TILE],
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": len(CLASSES),
            "license": "mit",
        },
        "norm_eps": 1e-6,
    }
    if args:
        config["outliers"] = {
            "origin": "implanted, then fine-tuned",
            "block": args["create"],
            "channel": args["channel"],
            "ramp": [args["ramp"], args["create"]],
            "neurons": saved["neurons"],
        }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--public", type=Path, required=True)
    parser.add_argument("--only", choices=["model", "scenes"])
    parser.add_argument("--probe-folder", type=Path, help="writes the probe scenes as class-named folders of PNG files too")
    args = parser.parse_args()
    models, sheets, samples = (args.public / p for p in ("models/scenes-vit", "datasets/scenes", "samples"))
    for folder in (models, sheets, samples):
        folder.mkdir(parents=True, exist_ok=True)
    if args.only != "scenes":
        write_model(models, args.weights)
    if args.only != "model":
        write_sheet(sheets, "images", "labels", load_items(args.data, "test").subset(slice(0, 1024)), 2024)
        reserved = load_items(args.data, "reserved")
        write_sheet(sheets, "probe", "probe", balanced(reserved, 20), 2025)
        write_demos(samples, reserved)
    if args.probe_folder:
        write_folder(args.probe_folder, balanced(load_items(args.data, "reserved"), 20), 2025)


if __name__ == "__main__":
    main()
