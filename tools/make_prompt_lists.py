"""Writes src/text/data/prompts.json: the prompt templates and class names of open_clip (MIT; see LICENSE-open_clip beside
it), which took them from OpenAI's CLIP notebook `Prompt_Engineering_for_ImageNet.ipynb`.

    pip install open_clip_torch==3.3.0
    python tools/make_prompt_lists.py
"""

import json
from pathlib import Path

from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES, SIMPLE_IMAGENET_TEMPLATES

OUT = Path(__file__).parent.parent / "src" / "text" / "data" / "prompts.json"

# Imagenette's ten classes (fast.ai): WordNet id -> index in ImageNet-1k.
IMAGENETTE = {
    "n01440764": 0,
    "n02102040": 217,
    "n02979186": 482,
    "n03000684": 491,
    "n03028079": 497,
    "n03394916": 566,
    "n03417042": 569,
    "n03425413": 571,
    "n03445777": 574,
    "n03888257": 701,
}

if __name__ == "__main__":
    lists = {
        "openai80": [template("{}") for template in OPENAI_IMAGENET_TEMPLATES],
        "subset7": [template("{}") for template in SIMPLE_IMAGENET_TEMPLATES],
        "imagenette": {wnid: IMAGENET_CLASSNAMES[index] for wnid, index in IMAGENETTE.items()},
    }
    OUT.write_text(json.dumps(lists, indent=2) + "\n")
