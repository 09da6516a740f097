"""Writes random-weight checkpoints of the size of CLIP-B/16 and SigLIP-B/16 and their references into a folder, in the
form of make_family_fixtures.py. Too large to keep (350 MB each); see docs/parity.md.

    /tmp/venv/bin/python tools/make_full_size_fixtures.py FOLDER
    npx tsx tools/measure_parity.ts FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from family_cases import (
    Case,
    clip_forward,
    clip_model,
    clip_preprocessor,
    hf_case,
    siglip_forward,
    siglip_model,
    siglip_preprocessor,
)
from make_family_fixtures import IMAGES, write
from transformers import CLIPImageProcessorPil, SiglipImageProcessorPil

B16 = dict(
    hidden_size=768,
    intermediate_size=3072,
    num_hidden_layers=12,
    num_attention_heads=12,
    image_size=224,
    patch_size=16,
)
IMAGE = "photo-320x213.jpg"


def clip_b16() -> Case:
    model = clip_model(B16, 512)
    blocks = model.vision_model.encoder.layers
    return hf_case("clip", model, blocks, clip_forward(model), CLIPImageProcessorPil, clip_preprocessor(224), image=IMAGE)


def siglip_b16() -> Case:
    model = siglip_model(B16)
    blocks = model.vision_model.encoder.layers
    preprocessor = siglip_preprocessor(224, 3)
    return hf_case("siglip", model, blocks, siglip_forward(model), SiglipImageProcessorPil, preprocessor, image=IMAGE)


def main() -> None:
    out = Path(sys.argv[1])
    for name, case in {"clip-b16": clip_b16(), "siglip-b16": siglip_b16()}.items():
        write(name, case, out, IMAGES / case.image)
        print(name)


if __name__ == "__main__":
    main()
