"""Writes a small sentencepiece tokenizer with the `Precompiled` normaliser (nmt_nfkc) that published tokenizer.json files carry,
and the token ids that Hugging Face's tokenizers gives for hard texts. For tools/check_tokenizer.ts; nothing of it is committed.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install sentencepiece protobuf tokenizers
    /tmp/venv/bin/python tools/make_precompiled_tokenizer.py FOLDER
"""

import json
import sys
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

CORPUS = ["a photo of the church", "fine office fi", "Full Width text 123", "caf\u00e9 na\u00efve"] * 50 + [
    f"the quick brown fox jumps over lazy dogs {i}" for i in range(200)
]
TEXTS = [
    "a photo of the church",
    "\uff26\uff55\uff4c\uff4c \uff37\uff49\uff44\uff54\uff48 \uff11\uff12\uff13",
    "\ufb01ne o\ufb03ce",
    "cafe\u0301 nai\u0308ve",
    "zero\u200bwidth",
    "soft\u00adhyphen",
    "no\u00a0break ideographic\u3000space",
    "\u2460 \u00bd \u2122 \u2126 \u00aa",
    "\u0000ctrl\u0007x",
    "\ufeffbom",
    "tab\tnew\nline",
    "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab",
    "\U0001f469\u200d\U0001f52c \u2764\ufe0f",
]


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / "pieces"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_prefix=str(prefix), vocab_size=150, model_type="unigram",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name="nmt_nfkc", character_coverage=1.0,
        minloglevel=2, num_threads=1, hard_vocab_limit=False,
    )  # fmt: skip
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(prefix.with_suffix(".model").read_bytes())
    vocabulary = [(piece.piece, piece.score) for piece in model.pieces]
    # As transformers converts a sentencepiece model (`SpmConverter`).
    fast = Tokenizer(models.Unigram(vocabulary, unk_id=2, byte_fallback=False))
    fast.normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    fast.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    fast.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast.add_special_tokens(["</s>", "<unk>", "<pad>"])
    fast.save(str(folder / "tokenizer.json"))
    config = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    reference = {
        "texts": TEXTS,
        "ids": {"tokenizers": [fast.encode(text).ids for text in TEXTS]},
        "vocabulary": len(vocabulary),
        "context": 64,
    }
    (folder / "reference.json").write_text(json.dumps(reference))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
