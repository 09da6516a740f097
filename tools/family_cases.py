"""The families' fixtures: for each a reduced model of the reference library, and its files as they are published.

A case is a function that returns a `Case`. Sizes are chosen so that a wrong reading shows: heads are not 64 channels
wide, blocks differ, inputs are interpolated or cropped by odd margins, some files are fp16, bf16 or sharded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import open_clip
import open_clip.timm_model
import timm
import torch
import transformers
from open_clip.model import CLIP as OpenClip
from open_clip.model import CustomTextCLIP
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file
from timm.layers import SwiGLUPacked
from timm.models.vision_transformer import VisionTransformer
from transformers import (
    BitImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    DeiTConfig,
    DeiTForImageClassificationWithTeacher,
    DeiTImageProcessorPil,
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    Siglip2Config,
    Siglip2ImageProcessorPil,
    Siglip2Model,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
    ViTModel,
)

CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]
HALF = [0.5, 0.5, 0.5]
#: A text tower that is there, as in whole repositories, and small.
TEXT = dict(
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    vocab_size=40,
    max_position_embeddings=8,
    projection_dim=24,
    pad_token_id=1,
    bos_token_id=38,
    eos_token_id=39,
)


@dataclass
class Case:
    family: str
    model: torch.nn.Module
    #: Modules whose outputs are the hidden states after the blocks.
    blocks: Iterable[torch.nn.Module]
    #: pixels [1, 3, S, S] -> the outputs to keep: feature, and pooled and logits where there are such.
    forward: Callable[[torch.Tensor], dict[str, torch.Tensor]]
    #: Writes weights and configs in the published layout.
    save: Callable[[Path], None]
    #: The library's own preparation, from the written files: folder, image, override of the size -> pixels.
    prepare: Callable[[Path, Image.Image, int | None], torch.Tensor]
    library: str
    version: str
    image: str = "landscape-173x97.png"
    dtype: torch.dtype = torch.float32
    #: Input sizes besides the published one.
    sizes: list[int] = field(default_factory=list)


def randomise(model: torch.nn.Module, seed: int, dtype: torch.dtype) -> None:
    """Random weights on which mistakes show: embeddings are small, so that the first norms feel their epsilon; queries
    and keys are large, so that attention is peaked; norms and biases are far from their usual start. Values are
    rounded to the dtype that the file will have."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        fan_in = float(np.prod(parameter.shape[1:])) if parameter.dim() > 1 else 1.0
        last = name.rsplit(".", 1)[-1]
        if "logit_scale" in name or "logit_bias" in name:
            value = torch.full_like(noise, 1.5)
        elif last in ("lambda1", "gamma"):
            value = 0.6 + 0.3 * noise
        elif parameter.dim() == 1 and last == "weight":
            value = 1 + 0.3 * noise
        elif any(word in name for word in ("embed", "token", "conv1")):
            value = 0.03 * noise / (fan_in**0.5 if parameter.dim() == 4 else 1)
        elif last.endswith("bias"):
            value = 0.3 * noise
        elif any(word in name for word in ("qkv", "in_proj", "q_proj", "k_proj", "query", "key")):
            value = 1.6 * noise / fan_in**0.5
        else:
            value = 1.2 * noise / fan_in**0.5
        parameter.data = value.to(dtype).float()
    model.eval()


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


def hf_case(
    family: str,
    model: torch.nn.Module,
    blocks: Iterable[torch.nn.Module],
    forward: Callable[..., dict[str, torch.Tensor]],
    processor: type,
    preprocessor: dict,
    shards: str | None = None,
    config: Callable[[dict], dict] = lambda config: config,
    **rest,
) -> Case:
    dtype = rest.get("dtype", torch.float32)

    def save(folder: Path) -> None:
        model.to(dtype).save_pretrained(folder, **({"max_shard_size": shards} if shards else {}))
        model.float()
        path = folder / "config.json"
        write_json(path, config(json.loads(path.read_text())))
        write_json(folder / "preprocessor_config.json", preprocessor)

    def prepare(folder: Path, image: Image.Image, size: int | None) -> torch.Tensor:
        loaded = processor.from_pretrained(folder)
        if size is not None:
            native = loaded.crop_size["height"] if loaded.do_center_crop else loaded.size["height"]
            scaled = {key: round(value * size / native) for key, value in dict(loaded.size).items() if value}
            loaded = processor.from_pretrained(folder, size=scaled, crop_size={"height": size, "width": size})
        return loaded(image, return_tensors="pt")["pixel_values"].float()

    return Case(
        family, model, blocks, forward, save, prepare, "transformers", transformers.__version__, **rest
    )


def clip_model(vision: dict, projection: int) -> CLIPModel:
    return CLIPModel(
        CLIPConfig(
            vision_config=vision,
            text_config={**TEXT, "projection_dim": projection},
            projection_dim=projection,
        )
    )


def clip_forward(model: CLIPModel) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        pooled = model.vision_model(pixels, interpolate_pos_encoding=True).pooler_output
        return {"pooled": pooled, "feature": model.visual_projection(pooled)}

    return forward


def clip_preprocessor(size: int) -> dict:
    """As openai/clip-vit-base-patch16 has it: sizes as numbers, of the time of feature extractors."""
    return dict(
        crop_size=size,
        do_center_crop=True,
        do_normalize=True,
        do_resize=True,
        feature_extractor_type="CLIPFeatureExtractor",
        image_mean=CLIP_MEAN,
        image_std=CLIP_STD,
        resample=3,
        size=size,
    )


def clip() -> Case:
    vision = dict(
        hidden_size=64, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4, image_size=48, patch_size=8
    )
    model = clip_model(vision, 24)
    blocks = model.vision_model.encoder.layers
    return hf_case(
        "clip", model, blocks, clip_forward(model), CLIPImageProcessorPil, clip_preprocessor(48), sizes=[64]
    )


def clip_laion() -> Case:
    """LAION's exports: erf GELU, a vision_config_dict that repeats the config, here also in shards and fp16."""
    vision = dict(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=40,
        patch_size=8,
        hidden_act="gelu",
    )
    model = clip_model(vision, 32)
    preprocessor = {
        **clip_preprocessor(40),
        "crop_size": {"height": 40, "width": 40},
        "size": {"shortest_edge": 40},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "image_processor_type": "CLIPImageProcessor",
    }
    return hf_case(
        "clip",
        model,
        model.vision_model.encoder.layers,
        clip_forward(model),
        CLIPImageProcessorPil,
        preprocessor,
        shards="70KB",
        config=lambda config: {**config, "vision_config_dict": vision},
        dtype=torch.float16,
        image="portrait-58x131.png",
    )


def tiny_clip() -> Case:
    """TinyCLIP: a narrow CLIP; bf16."""
    vision = dict(
        hidden_size=48, intermediate_size=192, num_hidden_layers=3, num_attention_heads=3, image_size=48, patch_size=16
    )
    model = clip_model(vision, 24)
    return hf_case(
        "clip",
        model,
        model.vision_model.encoder.layers,
        clip_forward(model),
        CLIPImageProcessorPil,
        clip_preprocessor(48),
        dtype=torch.bfloat16,
    )


def siglip_model(vision: dict) -> SiglipModel:
    return SiglipModel(SiglipConfig(vision_config=vision, text_config={**TEXT, "projection_size": 64}))


def siglip_forward(model: SiglipModel) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"feature": model.vision_model(pixels, interpolate_pos_encoding=True).pooler_output}

    return forward


def siglip_preprocessor(size: int, resample: int) -> dict:
    return dict(
        do_normalize=True,
        do_rescale=True,
        do_resize=True,
        image_mean=HALF,
        image_processor_type="SiglipImageProcessor",
        image_std=HALF,
        processor_class="SiglipProcessor",
        resample=resample,
        rescale_factor=0.00392156862745098,
        size={"height": size, "width": size},
    )


def siglip() -> Case:
    vision = dict(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, image_size=40, patch_size=8
    )
    model = siglip_model(vision)
    return hf_case(
        "siglip",
        model,
        model.vision_model.encoder.layers,
        siglip_forward(model),
        SiglipImageProcessorPil,
        siglip_preprocessor(40, 3),
        dtype=torch.float16,
    )


def siglip2() -> Case:
    """Bilinear, and a size that is no multiple of the patch, as so400m's 384 / 14; bf16."""
    vision = dict(
        hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=2, image_size=45, patch_size=8
    )
    model = siglip_model(vision)
    return hf_case(
        "siglip",
        model,
        model.vision_model.encoder.layers,
        siglip_forward(model),
        SiglipImageProcessorPil,
        siglip_preprocessor(45, 2),
        dtype=torch.bfloat16,
        image="portrait-58x131.png",
    )


def siglip2_naflex() -> Case:
    """Variable resolution: patches embedded by a linear, a square image on the grid of its budget, here one patch smaller
    than the position embedding's; also at two other budgets. The library pads to the budget and masks: nothing is padded
    where the grid fills it."""
    patch = 8
    vision = dict(
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_patches=36,
        patch_size=patch,
    )
    model = Siglip2Model(Siglip2Config(vision_config=vision, text_config={**TEXT, "projection_size": 64}))
    preprocessor = dict(
        do_convert_rgb=None,
        do_normalize=True,
        do_rescale=True,
        do_resize=True,
        image_mean=HALF,
        image_processor_type="Siglip2ImageProcessor",
        image_std=HALF,
        max_num_patches=25,
        patch_size=patch,
        processor_class="Siglip2Processor",
        resample=2,
        rescale_factor=0.00392156862745098,
    )

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        grid = pixels.shape[-1] // patch
        # [1, 3, S, S] -> [1, patches, patch * patch * 3], as `convert_image_to_patches`
        patches = pixels.reshape(1, 3, grid, patch, grid, patch).permute(0, 2, 4, 3, 5, 1).reshape(1, grid * grid, -1)
        outputs = model.vision_model(
            pixel_values=patches,
            pixel_attention_mask=torch.ones(1, grid * grid, dtype=torch.int64),
            spatial_shapes=torch.tensor([[grid, grid]]),
        )
        return {"feature": outputs.pooler_output}

    case = hf_case(
        "siglip2-naflex",
        model,
        model.vision_model.encoder.layers,
        forward,
        Siglip2ImageProcessorPil,
        preprocessor,
        dtype=torch.bfloat16,
        image="palette-75x75.png",
        sizes=[32, 64],
    )

    def prepare(folder: Path, image: Image.Image, size: int | None) -> torch.Tensor:
        budget = {} if size is None else {"max_num_patches": (size // patch) ** 2}
        loaded = Siglip2ImageProcessorPil.from_pretrained(folder, **budget)(image, return_tensors="pt")
        rows, columns = loaded["spatial_shapes"][0].tolist()
        patches = loaded["pixel_values"][:, : rows * columns].float()
        image_of = patches.reshape(1, rows, columns, patch, patch, 3).permute(0, 5, 1, 3, 2, 4)
        return image_of.reshape(1, 3, rows * patch, columns * patch)

    case.prepare = prepare
    return case


DINO = dict(hidden_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=70, patch_size=14, mlp_ratio=2)


def dino_preprocessor(size: int, resize: int) -> dict:
    return dict(
        crop_size={"height": size, "width": size},
        do_center_crop=True,
        do_convert_rgb=True,
        do_normalize=True,
        do_rescale=True,
        do_resize=True,
        image_mean=IMAGENET_MEAN,
        image_processor_type="BitImageProcessor",
        image_std=IMAGENET_STD,
        resample=3,
        rescale_factor=0.00392156862745098,
        size={"shortest_edge": resize},
    )


def dino_forward(model: torch.nn.Module) -> Callable[[torch.Tensor], dict[str, torch.Tensor]]:
    return lambda pixels: {"feature": model(pixels).pooler_output}


def dinov2_case(family: str, model: torch.nn.Module, resize: int, **how) -> Case:
    """A bare encoder, prepared at 42 pixels."""
    preprocessor = dino_preprocessor(42, resize)
    return hf_case(
        family, model, model.encoder.layer, dino_forward(model), BitImageProcessorPil, preprocessor, **how
    )


def dinov2() -> Case:
    """Trained at 70 pixels, prepared at 42, as the original is at 518 and 224; also run at 70 and 98."""
    return dinov2_case("dinov2", Dinov2Model(Dinov2Config(**DINO)), 49, sizes=[70, 98])


def dinov2_classifier() -> Case:
    """facebook/dinov2-*-imagenet1k-1-layer: a classifier over CLS and the mean of the patches; fp16."""
    model = Dinov2ForImageClassification(Dinov2Config(**DINO, num_labels=7))
    core = model.dinov2

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"feature": core(pixels).pooler_output, "logits": model(pixels).logits}

    return hf_case(
        "dinov2",
        model,
        core.encoder.layer,
        forward,
        BitImageProcessorPil,
        dino_preprocessor(70, 80),
        dtype=torch.float16,
        image="portrait-58x131.png",
    )


def dinov2_with_registers() -> Case:
    model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**DINO, num_register_tokens=4))
    return dinov2_case("dinov2-with-registers", model, 48, dtype=torch.float16, sizes=[98])


def dinov2_swiglu() -> Case:
    """The giant's MLP: a gate beside the values, hidden width (int(64 * 2 * 2 / 3) + 7) // 8 * 8 = 88."""
    return dinov2_case("dinov2", Dinov2Model(Dinov2Config(**DINO, use_swiglu_ffn=True)), 49, dtype=torch.float16)


def dinov2_with_registers_swiglu() -> Case:
    sizes = {**DINO, "hidden_size": 48}
    model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**sizes, num_register_tokens=4, use_swiglu_ffn=True))
    return dinov2_case("dinov2-with-registers", model, 48, dtype=torch.bfloat16)


VIT = dict(
    hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, image_size=48, patch_size=8
)


def vit_preprocessor() -> dict:
    return dict(
        do_normalize=True,
        do_resize=True,
        image_mean=HALF,
        image_std=HALF,
        size=48,
        resample=2,
        feature_extractor_type="ViTFeatureExtractor",
    )


def vit() -> Case:
    names = {0: "tench", 1: "goldfish", 2: "great white shark"}
    model = ViTForImageClassification(ViTConfig(**VIT, id2label=names, label2id={v: k for k, v in names.items()}))

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = model.vit(pixels).last_hidden_state
        return {"feature": hidden[:, 0], "logits": model(pixels).logits}

    return hf_case("vit", model, model.vit.layers, forward, ViTImageProcessorPil, vit_preprocessor())


def vit_bare() -> Case:
    """google/vit-base-patch16-224-in21k: no prefix, a pooler that the feature does not use; fp16."""
    model = ViTModel(ViTConfig(**VIT))

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"feature": model(pixels, interpolate_pos_encoding=True).last_hidden_state[:, 0]}

    return hf_case(
        "vit",
        model,
        model.layers,
        forward,
        ViTImageProcessorPil,
        vit_preprocessor(),
        dtype=torch.float16,
        sizes=[32],
    )


def deit_preprocessor() -> dict:
    return dict(
        crop_size=48,
        do_center_crop=True,
        do_normalize=True,
        do_resize=True,
        feature_extractor_type="DeiTFeatureExtractor",
        image_mean=IMAGENET_MEAN,
        image_std=IMAGENET_STD,
        resample=3,
        size=55,
    )


def deit() -> Case:
    """facebook/deit-tiny-patch16-224: without a distillation token DeiT is published as a ViT; bf16."""
    model = ViTForImageClassification(ViTConfig(**VIT, num_labels=5))

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = model.vit(pixels).last_hidden_state
        return {"feature": hidden[:, 0], "logits": model(pixels).logits}

    return hf_case(
        "vit",
        model,
        model.vit.layers,
        forward,
        DeiTImageProcessorPil,
        deit_preprocessor(),
        dtype=torch.bfloat16,
    )


def deit_distilled() -> Case:
    model = DeiTForImageClassificationWithTeacher(DeiTConfig(**VIT, num_labels=5))

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        hidden = model.deit(pixels).last_hidden_state
        return {"feature": hidden[:, 0], "logits": model(pixels).logits}

    return hf_case(
        "deit",
        model,
        model.deit.layers,
        forward,
        DeiTImageProcessorPil,
        deit_preprocessor(),
        dtype=torch.float16,
        image="portrait-58x131.png",
    )


def open_clip_case(quick_gelu: bool, preprocess: dict, dtype: torch.dtype, name: str, **vision) -> Case:
    model_cfg = {
        "embed_dim": 24,
        "quick_gelu": quick_gelu,
        "vision_cfg": {"layers": 2, "width": 64, "patch_size": 8, "image_size": 48, **vision},
        "text_cfg": {"context_length": 8, "vocab_size": 40, "width": 16, "heads": 2, "layers": 1},
    }
    model = OpenClip(**json.loads(json.dumps(model_cfg)))

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        visual = model.visual
        kept: dict[str, torch.Tensor] = {}
        pool = visual._pool

        def keep(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            pooled, tokens = pool(x)
            kept["pooled"] = pooled
            return pooled, tokens

        visual._pool = keep
        feature = visual(pixels)
        visual._pool = pool
        return {**kept, "feature": feature}

    def save(folder: Path) -> None:
        state = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items()}
        save_file(state, folder / name, metadata={"format": "pt"})
        write_json(folder / "open_clip_config.json", {"model_cfg": model_cfg, "preprocess_cfg": preprocess})

    def prepare(folder: Path, image: Image.Image, size: int | None) -> torch.Tensor:
        cfg = json.loads((folder / "open_clip_config.json").read_text())["preprocess_cfg"]
        return image_transform_v2(PreprocessCfg(size=size or 48, **cfg), is_train=False)(image)[None]

    blocks = model.visual.transformer.resblocks
    return Case(
        "open-clip", model, blocks, forward, save, prepare, "open_clip_torch", open_clip.__version__, dtype=dtype
    )


def open_clip_openai() -> Case:
    preprocess = {"mean": CLIP_MEAN, "std": CLIP_STD}
    return open_clip_case(True, preprocess, torch.float32, "open_clip_model.safetensors", head_width=32)


def open_clip_variant() -> Case:
    """LayerScale, mean pooling before the norm, squashed bilinear input; fp16, under the other usual file name."""
    preprocess = {"mean": HALF, "std": HALF, "interpolation": "bilinear", "resize_mode": "squash"}
    return open_clip_case(
        False,
        preprocess,
        torch.float16,
        "model.safetensors",
        head_width=16,
        ls_init_value=0.1,
        pool_type="avg",
        final_ln_after_pool=True,
        mlp_ratio=2.5,
    )


def open_clip_timm_case(trunk: str, reduced: dict, dtype: torch.dtype, image: str, **vision) -> Case:
    """OpenCLIP's SigLIP models: timm builds the image tower by its name. Here with reduced sizes, which tensors tell;
    heads and activation stay those of the name."""
    size = reduced["img_size"]
    model_cfg = {
        "embed_dim": 24 if vision.get("timm_proj") == "linear" else reduced["embed_dim"],
        "init_logit_bias": -10,
        "custom_text": True,
        "vision_cfg": {
            "image_size": size,
            "timm_model_name": trunk,
            "timm_model_pretrained": False,
            "timm_pool": "map",
            **vision,
        },
        "text_cfg": {
            "context_length": 8,
            "vocab_size": 40,
            "width": 16,
            "heads": 2,
            "layers": 1,
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
            "norm_kwargs": {"eps": 1e-6},
        },
    }
    preprocess = {"mean": HALF, "std": HALF, "interpolation": "bicubic", "resize_mode": "squash"}
    create = timm.create_model
    timm.create_model = lambda *args, **kwargs: create(*args, **kwargs, **reduced)
    arguments = json.loads(json.dumps({key: value for key, value in model_cfg.items() if key != "custom_text"}))
    model = CustomTextCLIP(**arguments)
    timm.create_model = create

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        outputs = {"feature": model.encode_image(pixels)}
        return {**outputs, "pooled": model.visual.trunk(pixels)} if vision.get("timm_proj") == "linear" else outputs

    def save(folder: Path) -> None:
        state = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items()}
        save_file(state, folder / "open_clip_model.safetensors", metadata={"format": "pt"})
        write_json(folder / "open_clip_config.json", {"model_cfg": model_cfg, "preprocess_cfg": preprocess})

    def prepare(folder: Path, image: Image.Image, size: int | None) -> torch.Tensor:
        cfg = json.loads((folder / "open_clip_config.json").read_text())["preprocess_cfg"]
        return image_transform_v2(PreprocessCfg(size=reduced["img_size"], **cfg), is_train=False)(image)[None]

    blocks = model.visual.trunk.blocks
    version = open_clip.__version__
    return Case(
        "open-clip-timm", model, blocks, forward, save, prepare, "open_clip_torch", version, dtype=dtype, image=image
    )


def open_clip_siglip() -> Case:
    """ViT-B-16-SigLIP: erf GELU, 12 heads, the pooled feature is the embedding; fp16."""
    reduced = {"img_size": 48, "patch_size": 8, "embed_dim": 48, "depth": 2}
    name = "vit_base_patch16_siglip_224"
    return open_clip_timm_case(name, reduced, torch.float16, "landscape-173x97.png", timm_proj="none")


def open_clip_siglip_linear() -> Case:
    """tanh GELU, 16 heads, a hidden width that is no multiple, a linear projection, a rest of the image; bf16."""
    reduced = {"img_size": 45, "patch_size": 8, "embed_dim": 64, "depth": 2}
    name = "vit_so400m_patch16_siglip_256"
    return open_clip_timm_case(name, reduced, torch.bfloat16, "portrait-58x131.png", timm_proj="linear")


def timm_case(name: str, dtype: torch.dtype, classes: int, crop_pct: float, **args) -> Case:
    args = {"img_size": 48, "patch_size": 8, "embed_dim": 64, "depth": 2, "num_heads": 2, **args}
    model = VisionTransformer(**args, num_classes=classes)
    # A class, which the published config leaves out.
    args.pop("mlp_layer", None)
    pool = args.get("global_pool", "token")
    config = {
        "architecture": name,
        "num_classes": classes,
        "num_features": 64,
        "global_pool": pool,
        "model_args": args,
        "pretrained_cfg": {
            "input_size": [3, 48, 48],
            "interpolation": "bicubic",
            "crop_pct": crop_pct,
            "crop_mode": "center",
            "mean": IMAGENET_MEAN,
            "std": IMAGENET_STD,
            "num_classes": classes,
        },
    }

    def forward(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        tokens = model.forward_features(pixels)
        outputs = {"feature": model.forward_head(tokens, pre_logits=True)}
        return {**outputs, "logits": model.forward_head(tokens)} if classes > 0 else outputs

    def save(folder: Path) -> None:
        state = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items()}
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        write_json(folder / "config.json", config)

    def prepare(folder: Path, image: Image.Image, size: int | None) -> torch.Tensor:
        data = timm.data.resolve_data_config(pretrained_cfg=config["pretrained_cfg"])
        if size is not None:
            data["input_size"] = (3, size, size)
            model.set_input_size(img_size=size)
        return timm.data.create_transform(**data, is_training=False)(image)[None]

    return Case(
        "timm-vit", model, model.blocks, forward, save, prepare, "timm", timm.__version__, dtype=dtype
    )


def timm_vit() -> Case:
    """Registers without position embedding, LayerScale, a norm after mean pooling; also at another size."""
    case = timm_case(
        "vit_test_patch8_reg2_48",
        torch.float32,
        6,
        0.9,
        reg_tokens=2,
        no_embed_class=True,
        init_values=0.1,
        global_pool="avg",
        mlp_ratio=2.5,
    )
    case.sizes = [64]
    return case


def timm_siglip() -> Case:
    """timm's SigLIP towers: no CLS, attention pooling, tanh GELU; fp16."""
    return timm_case(
        "vit_test_patch8_siglip_48",
        torch.float16,
        0,
        1.0,
        class_token=False,
        global_pool="map",
        act_layer="gelu_tanh",
        mlp_ratio=2.0,
    )


def timm_swiglu() -> Case:
    """timm's giants of DINOv2: a gated MLP whose gate and values are packed into fc1; bf16."""
    return timm_case(
        "vit_test_patch8_dinov2_48",
        torch.bfloat16,
        0,
        1.0,
        init_values=0.1,
        mlp_ratio=2.75,
        mlp_layer=SwiGLUPacked,
        act_layer="silu",
    )


CASES: dict[str, Callable[[], Case]] = {
    "clip": clip,
    "clip-laion": clip_laion,
    "tinyclip": tiny_clip,
    "siglip": siglip,
    "siglip2": siglip2,
    "siglip2-naflex": siglip2_naflex,
    "dinov2": dinov2,
    "dinov2-classifier": dinov2_classifier,
    "dinov2-with-registers": dinov2_with_registers,
    "dinov2-swiglu": dinov2_swiglu,
    "dinov2-with-registers-swiglu": dinov2_with_registers_swiglu,
    "vit": vit,
    "vit-bare": vit_bare,
    "deit": deit,
    "deit-distilled": deit_distilled,
    "open-clip": open_clip_openai,
    "open-clip-variant": open_clip_variant,
    "open-clip-siglip": open_clip_siglip,
    "open-clip-siglip-linear": open_clip_siglip_linear,
    "timm-vit": timm_vit,
    "timm-siglip": timm_siglip,
    "timm-swiglu": timm_swiglu,
}

if __name__ == "__main__":
    sys.exit("Run make_family_fixtures.py.")
