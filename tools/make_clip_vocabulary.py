"""Writes CLIP's published vocabulary, as open_clip_torch carries it, in the layout of the Hub's repositories, and the token ids that
transformers and open_clip give for prompts and hard texts. For tools/check_tokenizer.ts; nothing of it is committed.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers open_clip_torch
    /tmp/venv/bin/python tools/make_clip_vocabulary.py FOLDER
"""

import json
import sys
from pathlib import Path

from open_clip import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES
from open_clip.tokenizer import SimpleTokenizer
from transformers import CLIPTokenizer

CONTEXT = 77
HARD = [
    "",
    " leading,  inner\tand\ntrailing  ",
    "UPPER Case, MiXeD",
    "it's the dog's, we've they're I'm he'd she'll",
    "caf\u00e9 na\u00efve \u00c5ngstr\u00f6m stra\u00dfe",
    "cafe\u0301 with a combining accent",
    "\u65e5\u672c\u8a9e \ud55c\uad6d\uc5b4 \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0639\u0631\u0628\u064a",
    "\U0001f600 \U0001f469\u200d\U0001f52c \u2764\ufe0f",
    "\uff26\uff55\uff4c\uff4c \uff37\uff49\uff44\uff54\uff48 \ufb01ne \u2126",
    "1234567890 3.14 2nd 10% $5 #1",
    "a_b-c/d\\e (f) [g] {h} <i> !? ... \u2026 \u2013 \u2014",
    "zero\u200bwidth and no\u00a0break",
    "AT&amp;T &lt;b&gt;",
    "<|endoftext|> inside",
    "supercalifragilisticexpialidocious " * 20,
]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    library = SimpleTokenizer()
    vocabulary = {token: i for token, i in library.encoder.items()}
    for theirs, published in (("<start_of_text>", "<|startoftext|>"), ("<end_of_text>", "<|endoftext|>")):
        vocabulary[published] = vocabulary.pop(theirs)
    merges = sorted(library.bpe_ranks, key=library.bpe_ranks.get)
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=CONTEXT)
    tokenizer.save_pretrained(folder)
    prompts = [template(name) for name in IMAGENET_CLASSNAMES for template in OPENAI_IMAGENET_TEMPLATES[::8]]
    texts = [*prompts, *HARD]
    end = vocabulary["<|endoftext|>"]

    def unpadded(ids: list[int]) -> list[int]:
        return ids[: ids.index(end) + 1]

    reference = {
        "texts": texts,
        "ids": {
            "transformers": tokenizer(texts, truncation=True, max_length=CONTEXT).input_ids,
            "open_clip": [unpadded(ids) for ids in library(texts, context_length=CONTEXT).tolist()],
        },
        "vocabulary": len(vocabulary),
        "context": CONTEXT,
    }
    (folder / "reference.json").write_text(json.dumps(reference))
    print(len(prompts), "prompts,", len(HARD), "hard texts,", len(vocabulary), "tokens")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
