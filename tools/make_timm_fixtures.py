"""Writes FOLDER: timm models as their configs are published, with a name and without arguments, at full width, two blocks deep
and with small inputs, random weights, and what timm makes of an image (as make_family_fixtures.py does). Not committed.

    /tmp/venv/bin/python tools/make_timm_fixtures.py FOLDER
    npx tsx tools/measure_parity.ts FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import timm
import torch
from family_cases import HALF, Case, write_json
from make_family_fixtures import IMAGES, write
from PIL import Image

#: Models whose heads or activation only name and width tell, and the size of their input here.
MODELS = {
    "vit_so400m_patch14_siglip_224": 56,
    "vit_so400m_patch16_siglip_gap_256": 64,
    "vit_giantopt_patch16_siglip_256": 64,
    "vit_large_patch16_siglip_512": 64,
    "vit_huge_patch14_clip_224": 56,
    "vit_base_patch16_gap_224": 64,
    "vit_giant_patch14_dinov2": 56,
}


def case(name: str, size: int) -> Case:
    model = timm.create_model(name, depth=2, img_size=size, num_classes=0)
    data = dict(input_size=(3, size, size), interpolation="bicubic", crop_pct=1.0, mean=HALF, std=HALF)
    model.pretrained_cfg = {**model.pretrained_cfg, **data, "crop_mode": "center"}

    def save(folder: Path) -> None:
        timm.models.save_for_hf(model, folder, safe_serialization=True)
        config = json.loads((folder / "config.json").read_text())
        # The arguments are those that made the model small; published configs have none.
        del config["model_args"]
        write_json(folder / "config.json", config)

    def prepare(folder: Path, image: Image.Image, other: int | None) -> torch.Tensor:
        return timm.data.create_transform(**data, is_training=False)(image)[None]

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"feature": model.forward_head(model.forward_features(pixels), pre_logits=True)}

    return Case("timm-vit", model, model.blocks, forward, save, prepare, "timm", timm.__version__)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name, size in MODELS.items():
        of = case(name, size)
        write(name, of, out, IMAGES / of.image)
        print(name)


if __name__ == "__main__":
    main()
