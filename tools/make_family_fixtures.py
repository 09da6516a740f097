"""Writes src/families/fixtures: for every family a reduced checkpoint with random weights in its published layout, and
what the reference library makes of an image: pixels, hidden state after every block, feature, logits.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch torchvision transformers timm open_clip_torch pillow
    /tmp/venv/bin/python tools/make_family_fixtures.py [CASE ...]
    npx tsx tools/measure_parity.ts          (then: the differences of this program, for docs and badge)

Each folder holds the files of one checkpoint. Beside them `references/CASE-SIZE.safetensors` holds per input size
`pixels`, `embedded` (the state before block 0), `block.0`, `block.1`, ..., `feature`, `pooled` and `logits`; its
metadata say which library, which version, which image of src/image/fixtures and which size. Not needed to run or to
test RegScope.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from family_cases import CASES, Case, randomise
from PIL import Image
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "src" / "families" / "fixtures"
IMAGES = ROOT / "src" / "image" / "fixtures"


def run(case: Case, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    """The outputs to keep and the hidden states around every block, batch axis dropped."""
    states: dict[str, torch.Tensor] = {}
    hooks = []
    for index, block in enumerate(case.blocks):

        def keep(module, args, kwargs, output, index=index):
            state = output[0] if isinstance(output, tuple) else output
            if index == 0:
                states["embedded"] = (args[0] if args else kwargs["hidden_states"])[0]
            states[f"block.{index}"] = state[0]

        hooks.append(block.register_forward_hook(keep, with_kwargs=True))
    with torch.inference_mode():
        outputs = case.forward(pixels)
    for hook in hooks:
        hook.remove()
    return {**states, **{name: value[0] for name, value in outputs.items()}}


def write(name: str, case: Case, out: Path, image: Path) -> None:
    """The checkpoint into out/name, the references into out/references."""
    folder, references = out / name, out / "references"
    randomise(case.model, seed=sum(map(ord, name)), dtype=case.dtype)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    references.mkdir(exist_ok=True)
    for old in references.glob(f"{name}-*.safetensors"):
        if old.stem[len(name) + 1 :].isdigit():
            old.unlink()
    case.save(folder)
    picture = Image.open(image).convert("RGB")
    for size in [None, *case.sizes]:
        pixels = case.prepare(folder, picture, size)
        tensors = {"pixels": pixels[0], **run(case, pixels)}
        side = pixels.shape[-1]
        metadata = {
            "case": name,
            "family": case.family,
            "library": case.library,
            "version": case.version,
            "torch": torch.__version__.split("+")[0],
            "image": image.name,
            "size": str(side),
            "native": str(size is None).lower(),
        }
        tensors = {key: value.float().contiguous() for key, value in tensors.items()}
        save_file(tensors, references / f"{name}-{side}.safetensors", metadata=metadata)


def main() -> None:
    for name in sys.argv[1:] or CASES:
        case = CASES[name]()
        write(name, case, OUT, IMAGES / case.image)
        print(name, sum(file.stat().st_size for file in (OUT / name).iterdir()), "bytes")
    total = sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file())
    print("all", total, "bytes")


if __name__ == "__main__":
    main()
