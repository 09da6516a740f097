"""Writes the fixtures of src/text: reduced checkpoints with random weights in the real layouts of CLIP, OpenCLIP,
SigLIP and SigLIP 2 (both towers, config, preprocessor and tokenizer), and what the reference libraries make of them.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers open_clip_torch sentencepiece protobuf
    /tmp/venv/bin/python tools/make_text_fixtures.py

Every folder of src/text/fixtures then holds `reference.json`: token ids, text embeddings, an image's pooled feature,
class embeddings (mean over templates of normalised embeddings, normalised again, as in CLIP's notebook) and the
probabilities of the classes. Not needed to run or to test RegScope.
"""

import json
import re
import string
from pathlib import Path

import numpy as np
import open_clip as open_clip_library
import sentencepiece
import timm
import torch
import transformers
from open_clip.model import CLIP as OpenClip
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer, SiglipConfig, SiglipModel, SiglipTokenizer

OUT = Path(__file__).parent.parent / "src" / "text" / "fixtures"
CLASSES = ["tench", "English springer", "cassette player", "chain saw", "church", "French horn"]
TEMPLATES = ["a photo of a {}.", "a bad photo of the {}.", "itap of my {}."]
TEXTS = [
    "a photo of a tench.",
    "A Photo of THE Church,  in   winter!",
    "it's 2 dogs & a café (naïve) – 100%",
    "\u65e5\u672c \U0001f600",
    "",
    "a very long description of a church " * 12,
]
CORPUS = [template.format(name) for template in TEMPLATES for name in CLASSES] + [
    "a photo of many english springers playing near the old church in winter",
    "the garbage truck and the gas pump are beside a golf ball and a parachute",
    "the church of the tench: springers, chains, saws, horns, cassettes and players in a low resolution photo",
    "a sculpture, a painting, a drawing, a sketch and a plushie of the large, small, clean or dirty pump",
    "it's a dog's life, they're all good photos of cats and dogs; we've seen 10 of them",
]
SIDE, PATCH = 32, 8


def randomise(model: torch.nn.Module, seed: int, dtype: torch.dtype) -> None:
    """Variance 1 / fan-in, LayerNorms near identity; rounded to the dtype that the file will have."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1 and ("norm" in name or "ln_" in name) and name.endswith("weight"):
            value = 1 + 0.1 * noise
        elif "logit_scale" in name:
            value = torch.full_like(noise, 2.3)
        elif "logit_bias" in name:
            value = torch.full_like(noise, -4.0)
        elif parameter.dim() < 2 or "embedding" in name or "probe" in name:
            value = 0.3 * noise
        else:
            value = noise / np.sqrt(np.prod(parameter.shape[1:]))
        parameter.data = value.to(dtype).float()
    model.eval()


def write(name: str, state: dict, dtype: torch.dtype, files: dict) -> Path:
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.to(dtype).contiguous() for key, value in state.items() if value.is_floating_point()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")
    return folder


def numbers(tensor: torch.Tensor) -> list:
    return [[float(f"{x:.9g}") for x in row] for row in tensor.double().tolist()]


def reference(folder: Path, encode, embed, image: torch.Tensor, score) -> None:
    """encode(texts) -> ids [N, context]; embed(ids) -> [N, E]; image [1, E]; score(cosines [1, C]) -> [1, C]."""
    with torch.inference_mode():
        ids = encode(TEXTS)
        per_class = []
        for name in CLASSES:
            rows = embed(encode([template.format(name) for template in TEMPLATES]))
            mean = (rows / rows.norm(dim=-1, keepdim=True)).mean(dim=0)
            per_class.append(mean / mean.norm())
        classes = torch.stack(per_class)
        cosines = image / image.norm(dim=-1, keepdim=True) @ classes.T
        result = {
            "texts": TEXTS,
            "ids": ids.tolist(),
            "embeddings": numbers(embed(ids)),
            "classes": CLASSES,
            "templates": TEMPLATES,
            "classEmbeddings": numbers(classes),
            "imageFeature": numbers(image)[0],
            "probabilities": numbers(score(cosines))[0],
        }
    (folder / "reference.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


def pixels() -> torch.Tensor:
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(7))


def clip_tokenizer() -> CLIPTokenizer:
    """CLIP's structure: 256 bytes, 256 bytes that end a word, merges, start and end of text."""
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.normalizer = normalizers.Lowercase()
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trained.train_from_iterator(
        CORPUS * 4, trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, end_of_word_suffix="</w>")
    )
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    tokens = alphabet + [f"{byte}</w>" for byte in alphabet]
    tokens += [a + b for a, b in merges if a + b not in tokens]
    vocabulary = {token: i for i, token in enumerate(tokens + ["<|startoftext|>", "<|endoftext|>"])}
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)


def tokenizer_files(tokenizer) -> dict:
    folder = OUT / ".tokenizer"
    tokenizer.save_pretrained(folder)
    files = {name: json.loads((folder / name).read_text()) for name in ("tokenizer.json", "tokenizer_config.json")}
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return files


def clip() -> None:
    tokenizer = clip_tokenizer()
    text = dict(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, projection_dim=24, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    vision = dict(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
        patch_size=PATCH, projection_dim=24,
    )  # fmt: skip
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    model = CLIPModel(config)
    randomise(model, 1, torch.float32)
    files = {
        "config.json": {**config.to_diff_dict(), "architectures": ["CLIPModel"]},
        "preprocessor_config.json": preprocessor("CLIPImageProcessor"),
        **tokenizer_files(tokenizer),
    }
    folder = write("clip", model.state_dict(), torch.float32, files)

    def encode(texts):
        return tokenizer(texts, padding="max_length", truncation=True, return_tensors="pt").input_ids

    def embed(ids):
        return model.text_projection(model.text_model(input_ids=ids).pooler_output)

    with torch.inference_mode():
        image = model.visual_projection(model.vision_model(pixel_values=pixels()).pooler_output)
        reference(folder, encode, embed, image, lambda c: (model.logit_scale.exp() * c).softmax(dim=-1))


def preprocessor(kind: str) -> dict:
    if kind == "CLIPImageProcessor":
        return {
            "image_processor_type": kind, "do_resize": True, "size": {"shortest_edge": SIDE}, "resample": 3,
            "do_center_crop": True, "crop_size": {"height": SIDE, "width": SIDE}, "do_rescale": True,
            "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True,
            "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        }  # fmt: skip
    return {
        "image_processor_type": kind, "do_resize": True, "size": {"height": SIDE, "width": SIDE}, "resample": 3,
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }  # fmt: skip


def open_clip() -> None:
    tokenizer = clip_tokenizer()
    end = tokenizer.eos_token_id
    vision = dict(image_size=SIDE, layers=2, width=64, patch_size=PATCH, head_width=32)
    text = dict(context_length=77, vocab_size=len(tokenizer), width=32, heads=2, layers=2, mlp_ratio=3.0)
    model = OpenClip(embed_dim=24, vision_cfg=CLIPVisionCfg(**vision), text_cfg=CLIPTextCfg(**text))
    randomise(model, 2, torch.float16)
    files = {
        "open_clip_config.json": {
            "model_cfg": {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text},
            "preprocess_cfg": {
                "mean": [0.48145466, 0.4578275, 0.40821073],
                "std": [0.26862954, 0.26130258, 0.27577711],
            },
        },
        **tokenizer_files(tokenizer),
    }
    folder = write("open-clip", model.state_dict(), torch.float16, files)

    def encode(texts):
        # As open_clip.tokenizer.SimpleTokenizer: cut with the end of text last, and padded with 0.
        out = torch.zeros(len(texts), 77, dtype=torch.long)
        for row, ids in zip(out, tokenizer(texts).input_ids):
            ids = ids if len(ids) <= 77 else [*ids[:76], end]
            row[: len(ids)] = torch.tensor(ids)
        return out

    with torch.inference_mode():
        image = model.encode_image(pixels())
        reference(folder, encode, model.encode_text, image, lambda c: (model.logit_scale.exp() * c).softmax(dim=-1))


def siglip_model(seed: int, dtype: torch.dtype, vocabulary: int, act: str) -> SiglipModel:
    text = dict(
        vocab_size=vocabulary, hidden_size=32, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=64, hidden_act=act,
    )  # fmt: skip
    vision = dict(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
        patch_size=PATCH, hidden_act=act,
    )  # fmt: skip
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    randomise(model, seed, dtype)
    return model


def siglip_reference(name: str, model: SiglipModel, dtype: torch.dtype, tokenizer, files: dict) -> None:
    files = {
        "config.json": {**model.config.to_diff_dict(), "architectures": ["SiglipModel"]},
        "preprocessor_config.json": preprocessor("SiglipImageProcessor"),
        **files,
    }
    folder = write(name, model.state_dict(), dtype, files)

    def encode(texts):
        return tokenizer(texts, padding="max_length", max_length=64, truncation=True, return_tensors="pt").input_ids

    def embed(ids):
        return model.text_model(input_ids=ids).pooler_output

    with torch.inference_mode():
        image = model.vision_model(pixel_values=pixels()).pooler_output
        scale, bias = model.logit_scale.exp(), model.logit_bias
        reference(folder, encode, embed, image, lambda c: (scale * c + bias).sigmoid())


def siglip_tokenizer() -> tuple[SiglipTokenizer, int, dict]:
    """Sentencepiece unigram pieces, ids as in the real c4_en vocabulary: <pad> 0, </s> 1, <unk> 2.

    The slow tokenizer, its vocabulary's size, and the files of its fast form."""
    prefix = OUT / ".siglip"
    OUT.mkdir(parents=True, exist_ok=True)
    lines = [re.sub(r"\s+", " ", line.lower().translate(str.maketrans("", "", string.punctuation))) for line in CORPUS]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 4), model_prefix=str(prefix), vocab_size=200, model_type="unigram",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_name="identity", character_coverage=1.0,
        minloglevel=2, num_threads=1, hard_vocab_limit=False,
    )  # fmt: skip
    slow = SiglipTokenizer(f"{prefix}.model")
    pieces = slow.sp_model
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    # The fast form that the Hub's repositories carry beside the sentencepiece model.
    fast = Tokenizer(models.Unigram(vocabulary, unk_id=2, byte_fallback=False))
    fast.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(f"[{re.escape(string.punctuation)}]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    fast.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    fast.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    fast.decoder = decoders.Metaspace(prepend_scheme="always")
    fast.add_special_tokens(["</s>", "<unk>"])
    files = {
        "tokenizer.json": json.loads(fast.to_str()),
        "tokenizer_config.json": {
            "tokenizer_class": "SiglipTokenizer", "do_lower_case": True, "eos_token": "</s>", "pad_token": "</s>",
            "unk_token": "<unk>", "model_max_length": 64, "model_input_names": ["input_ids"],
        },
    }  # fmt: skip
    for file in OUT.glob(".siglip*"):
        file.unlink()
    return slow, len(vocabulary), files


def siglip() -> None:
    tokenizer, vocabulary, files = siglip_tokenizer()
    model = siglip_model(3, torch.float32, vocabulary, "gelu_pytorch_tanh")
    siglip_reference("siglip", model, torch.float32, tokenizer, files)


def open_clip_siglip() -> None:
    """OpenCLIP's SigLIP: timm's image tower with attention pooling, a text tower of its own, SigLIP's tokenizer."""
    tokenizer, vocabulary, tokenizer_json = siglip_tokenizer()
    model_cfg = {
        "embed_dim": 48,
        "init_logit_bias": -10,
        "vision_cfg": {
            "image_size": SIDE, "timm_model_name": "vit_base_patch16_siglip_224", "timm_model_pretrained": False,
            "timm_pool": "map", "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": 64, "vocab_size": vocabulary, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
            "tokenizer_kwargs": {"clean": "canonicalize"}, "width": 48, "heads": 4, "layers": 2,
            "no_causal_mask": True, "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
            "act_kwargs": {"approximate": "tanh"},
        },
    }  # fmt: skip
    create = timm.create_model
    timm.create_model = lambda *args, **kwargs: create(
        *args, **{**kwargs, "img_size": SIDE}, patch_size=PATCH, embed_dim=48, depth=2
    )
    model = CustomTextCLIP(**json.loads(json.dumps(model_cfg)))
    timm.create_model = create
    randomise(model, 5, torch.float16)
    files = {
        "open_clip_config.json": {
            "model_cfg": {**model_cfg, "custom_text": True},
            "preprocess_cfg": {
                "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic", "resize_mode": "squash",
            },
        },
        **tokenizer_json,
    }  # fmt: skip
    folder = write("open-clip-siglip", model.state_dict(), torch.float16, files)

    def encode(texts):
        # As open_clip.tokenizer.HFTokenizer: cleaned, then padded to the context.
        clean = [open_clip_library.tokenizer.canonicalize_text(text) for text in texts]
        return tokenizer(clean, padding="max_length", max_length=64, truncation=True, return_tensors="pt").input_ids

    with torch.inference_mode():
        image = model.encode_image(pixels())
        scale, bias = model.logit_scale.exp(), model.logit_bias
        reference(folder, encode, model.encode_text, image, lambda c: (scale * c + bias).sigmoid())


def siglip2() -> None:
    """Gemma's structure: BPE over whole texts with spaces as U+2581, bytes as a fallback; <pad> 0, <eos> 1, <bos> 2."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(" ", "▁")])
    trained.train_from_iterator(CORPUS * 4, trainers.BpeTrainer(vocab_size=160))
    model_json = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in model_json["merges"]]
    tokens = specials + bytes_ + [token for token, _ in sorted(model_json["vocab"].items(), key=lambda item: item[1])]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    # tokenizer.json as the Hub's repositories have it: without the lower-casing, which the class adds.
    fast = Tokenizer(models.BPE(vocabulary, merges, fuse_unk=True, unk_token="<unk>", byte_fallback=True))
    fast.normalizer = normalizers.Replace(" ", "▁")
    fast.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    fast.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    fast.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    fast.add_special_tokens(specials)
    files = {
        "tokenizer.json": json.loads(fast.to_str()),
        "tokenizer_config.json": {
            "tokenizer_class": "GemmaTokenizer", "add_bos_token": False, "add_eos_token": True, "bos_token": "<bos>",
            "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>", "padding_side": "right",
            "model_max_length": 64, "model_input_names": ["input_ids"],
        },
    }  # fmt: skip
    reference_tokenizer = transformers.Siglip2Tokenizer(vocab=vocabulary, merges=merges, padding_side="right")
    reference_tokenizer.backend_tokenizer.post_processor = fast.post_processor
    model = siglip_model(4, torch.bfloat16, len(vocabulary), "gelu_pytorch_tanh")
    siglip_reference("siglip2", model, torch.bfloat16, reference_tokenizer, files)


if __name__ == "__main__":
    torch.set_num_threads(1)
    clip()
    open_clip()
    siglip()
    siglip2()
    open_clip_siglip()
