"""Writes src/quantize/fixtures/quantizers.json: small activations and weights, and what NumPy makes of them.

Every quantizer is written out here a second time, from the papers, in fp64 and without a look at the graphs: rounding is
numpy.rint, ranges are plain reductions, and a block of calibration images is reduced at once where the program goes image
by image.

    python tools/make_quantizer_fixtures.py        (needs numpy; the fixture is committed)
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parent.parent / "src" / "quantize" / "fixtures" / "quantizers.json"
PERCENTILES = [99, 99.9, 99.99, 99.999]
T, WIDTH, OUT, IMAGES = 9, 12, 8, 3


def symmetric(x, bits, largest):
    q = 2 ** (bits - 1) - 1
    s = largest / q
    return s * np.clip(np.rint(x / s), -q, q)


def asymmetric(x, bits, low, high):
    low, high = np.minimum(low, 0), np.maximum(high, 0)
    s = (high - low) / (2**bits - 1)
    z = np.rint(-low / s)
    return s * (np.clip(np.rint(x / s) + z, 0, 2**bits - 1) - z)


def twin(x, bits, positive, negative):
    """PTQ4ViT, section 3.2: one grid for each sign."""
    q = 2 ** (bits - 1)
    above = positive * np.clip(np.rint(x / positive), 0, q - 1)
    below = negative * np.clip(np.rint(x / negative), -q, 0)
    return above + below


def dynamic_cases(x):
    token = np.abs(x).max(1, keepdims=True)
    lower_median = np.sort(token[:, 0])[(T - 1) // 2]
    inlier = token <= 3 * lower_median
    largest = np.abs(x).max()
    yield "symmetric", 8, {}, symmetric(x, 8, largest)
    yield "symmetric", 3, {}, symmetric(x, 3, largest)
    yield "asymmetric", 4, {"activationScheme": "asymmetric"}, asymmetric(x, 4, x.min(), x.max())
    yield "per token", 4, {"activationGranularity": "per-token"}, symmetric(x, 4, token)
    both = {"activationGranularity": "per-token", "activationScheme": "asymmetric"}
    yield "asymmetric per token", 6, both, asymmetric(x, 6, x.min(1, keepdims=True), x.max(1, keepdims=True))
    yield "clip ratio", 6, {"clip": {"kind": "ratio", "ratio": 0.4}}, symmetric(x, 6, 0.4 * largest)
    yield "clip limit", 6, {"clip": {"kind": "absolute", "limit": 1.5}}, symmetric(x, 6, 1.5)
    clip = {"clip": {"kind": "ratio", "ratio": 0.5}, "activationScheme": "asymmetric"}
    yield "asymmetric clip ratio", 5, clip, asymmetric(x, 5, 0.5 * x.min(), 0.5 * x.max())
    kept = np.abs(x[inlier[:, 0]]).max()
    out = {"excludeOutliers": {"kind": "ratio", "above": 3}}
    yield "outliers excluded by ratio", 6, out, np.where(inlier, symmetric(x, 6, kept), x)
    limit = {"excludeOutliers": {"kind": "absolute", "above": 4}}
    small = token <= 4
    kept = np.abs(x[small[:, 0]]).max()
    yield "outliers excluded by limit", 6, limit, np.where(small, symmetric(x, 6, kept), x)
    low, high = x[small[:, 0]].min(), x[small[:, 0]].max()
    yield "asymmetric, outliers excluded", 6, {**limit, "activationScheme": "asymmetric"}, np.where(small, asymmetric(x, 6, low, high), x)


def static_cases(x, images):
    flat = images.reshape(IMAGES, -1)
    low, high = images.min(), images.max()
    yield "min-max", 6, {"range": {"kind": "static", "statistic": "min-max"}}, symmetric(x, 6, max(high, -low))
    asym = {"range": {"kind": "static", "statistic": "min-max"}, "activationScheme": "asymmetric"}
    yield "asymmetric min-max", 6, asym, asymmetric(x, 6, low, high)
    for p in (99, 99.9):
        percentile = {"range": {"kind": "static", "statistic": "percentile", "percentile": p}}
        largest = np.percentile(np.abs(flat), p, axis=1).mean()
        yield f"percentile {p}", 6, percentile, symmetric(x, 6, largest)
        tails = np.percentile(flat, 100 - p, axis=1).mean(), np.percentile(flat, p, axis=1).mean()
        yield f"asymmetric percentile {p}", 6, {**percentile, "activationScheme": "asymmetric"}, asymmetric(x, 6, *tails)


def weight_cases(w):
    q = lambda bits: 2 ** (bits - 1) - 1
    for bits in (8, 6, 4, 2):
        yield "per-tensor", bits, symmetric(w, bits, np.abs(w).max())
        yield "per-channel", bits, symmetric(w, bits, np.abs(w).max(1, keepdims=True))


def smooth(images, gamma, beta, w, bias, alpha):
    """SmoothQuant, equation 4, folded into the LayerNorm before the linear."""
    largest = np.abs(images).max((0, 1))
    s = largest**alpha / np.abs(w).max(0) ** (1 - alpha)
    return {"normWeight": gamma / s, "normBias": beta / s, "weight": w * s, "bias": bias}


def reparameterise(images, gamma, beta, w, bias, bits):
    """RepQ-ViT, equations 8 to 12: r1 = s / s~, r2 = z - z~; gamma / r1, (beta + s r2) / r1, W r1, c - W (s r2)."""
    low, high = images.min((0, 1)), images.max((0, 1))
    s = (high - low) / (2**bits - 1)
    z = np.rint(-low / s)
    s_mean, z_mean = s.mean(), np.rint(z.mean())
    r1, r2 = s / s_mean, z - z_mean
    return {
        "normWeight": gamma / r1,
        "normBias": (beta + s * r2) / r1,
        "weight": w * r1,
        "bias": bias - w @ (s * r2),
        "scale": s_mean,
        "zero": z_mean,
    }


CANDIDATES = 0.01 + np.arange(101) * (1.2 - 0.01) / 100


def search(rows, w, bits):
    """Scales of least output error if rounding errors of different channels are uncorrelated (scale-search.ts)."""
    q = 2 ** (bits - 1) - 1
    norms = (w**2).sum(0)
    errors = [(norms * (rows - symmetric(rows, bits, f * np.abs(rows).max())) ** 2).sum() for f in CANDIDATES]
    activation = CANDIDATES[np.argmin(errors)] * np.abs(rows).max() / q
    positive = np.maximum(rows, 0)
    tries = CANDIDATES * rows.max() / q
    errors = [(norms * (positive - s * np.clip(np.rint(positive / s), 0, q)) ** 2).sum() for s in tries]
    moments = (rows**2).sum(0)
    per_row = [
        [(moments * (row - symmetric(row, bits, f * np.abs(row).max())) ** 2).sum() for f in CANDIDATES] for row in w
    ]
    return {
        "activation": activation,
        "positive": tries[np.argmin(errors)],
        "negative": -rows.min() / 2 ** (bits - 1),
        "perChannel": [CANDIDATES[np.argmin(e)] * np.abs(row).max() / q for e, row in zip(per_row, w)],
    }


def guided_search(rows, w, gradients, bits):
    """PTQ4ViT, section 3.3: output errors weighed with squared gradients, under the same assumption as `search`."""
    q = 2 ** (bits - 1) - 1
    g2 = gradients**2
    ofInputs = g2 @ w**2  # [rows, in]
    errors = [(ofInputs * (rows - symmetric(rows, bits, f * np.abs(rows).max())) ** 2).sum() for f in CANDIDATES]
    ofWeights = g2.T @ rows**2  # [out, in]
    tensor = [(ofWeights * (w - symmetric(w, bits, f * np.abs(w).max())) ** 2).sum() for f in CANDIDATES]
    return {
        "gradients": gradients,
        "activation": CANDIDATES[np.argmin(errors)] * np.abs(rows).max() / q,
        "weights": CANDIDATES[np.argmin(tensor)] * np.abs(w).max() / q,
    }


HEADS = 2


def twin_softmax(a, bits, split):
    """PTQ4ViT, section 3.2: R1 = [0, 2^(k-1) d1) with 2^(k-1) levels, R2 = [0, 1] with d2 = 1 / 2^(k-1); split = 2^(k-1) d1."""
    q = 2 ** (bits - 1)
    fine, coarse = split / q, 1 / q
    return np.where(a < split, fine * np.clip(np.rint(a / fine), 0, q - 1), coarse * np.clip(np.rint(a / coarse), 0, q - 1))


def log_sqrt2(a, bits, scale):
    """RepQ-ViT, equations 14 to 17: in the log2 domain, brought back with a factor sqrt2 for odd levels; zero past the last level."""
    with np.errstate(divide="ignore"):
        n = np.rint(-2 * np.log2(a / scale))
    past = n >= 2**bits
    n = np.clip(n, 0, 2**bits - 1)
    odd = n % 2
    value = scale * 2.0 ** -np.ceil(n / 2) * (odd * (np.sqrt(2) - 1) + 1)
    return np.where(past, 0, value)


def attention(rng, f32):
    d = WIDTH // HEADS
    q, k, v = (f32(rng.normal(0.1, 1, (IMAGES, T, WIDTH)) * rng.uniform(0.4, 2, WIDTH)) for _ in range(3))
    heads = lambda x: x.reshape(T, HEADS, d).transpose(1, 0, 2)
    maps = []
    for image in range(IMAGES):
        logits = 1.5 * heads(q[image]) @ heads(k[image]).transpose(0, 2, 1)
        e = np.exp(logits - logits.max(-1, keepdims=True))
        maps.append(np.concatenate([np.zeros((HEADS, T, 1)), e / e.sum(-1, keepdims=True)], 2))  # the slot is closed
    maps = f32(np.stack(maps))  # [image, H, T, 1 + T]
    x = heads(k[1])
    per_head = np.abs(x).max((1, 2), keepdims=True) / 7
    norms = np.concatenate([np.zeros((IMAGES, HEADS, 1)), np.stack([(heads(v[i]) ** 2).sum(-1) for i in range(IMAGES)])], 2)
    split_error = lambda bits, split: (norms[:, :, None] * (maps - twin_softmax(maps, bits, split)) ** 2).sum()
    splits = 2.0 ** -np.arange(20)
    scales = [np.mean([np.percentile(m, p) for m in maps]) for p in (99.9, 99.99, 99.999)]
    tries = CANDIDATES[:, None] * np.abs(q).max((0, 1)).reshape(HEADS, d).max(1) / 7
    weigh = (k**2).sum((0, 1)).reshape(HEADS, 1, d)
    rows = q.reshape(-1, HEADS, d).transpose(1, 0, 2)
    query_errors = [[(weigh[h] * (rows[h] - s * np.clip(np.rint(rows[h] / s), -7, 7)) ** 2).sum() for s in tries[:, h]] for h in range(HEADS)]
    softmax = [
        {"how": {"range": "dynamic", "scheme": "symmetric", "softmax": "uniform"}, "feeds": {"qmax": 7}, "expected": symmetric(maps[1], 4, maps[1].max())},
        {"how": {"range": "dynamic", "scheme": "asymmetric", "softmax": "uniform"}, "feeds": {"qmax": 15}, "expected": asymmetric(maps[1], 4, 0, maps[1].max())},
    ]
    for bits, split in ((4, 2**-2), (6, 2**-5), (8, 2**-3)):
        feeds = {"softmax_scale": split / 2 ** (bits - 1), "softmax_large_scale": 1 / 2 ** (bits - 1), "softmax_levels": 2 ** (bits - 1)}
        softmax.append({"how": {"range": "static", "scheme": "symmetric", "softmax": "twin"}, "feeds": feeds, "expected": twin_softmax(maps[1], bits, split)})
    for bits, scale in ((3, 0.9), (4, 0.31), (8, 1.0)):
        feeds = {"softmax_scale": scale, "softmax_levels": min(2**bits, 252)}
        softmax.append({"how": {"range": "static", "scheme": "asymmetric", "softmax": "log-sqrt2"}, "feeds": feeds, "expected": log_sqrt2(maps[1], bits, scale)})
    return {
        "heads": HEADS,
        "qkv": np.concatenate([q, k, v], 2),
        "softmaxOutputs": maps,
        "operand": {"x": x, "scales": per_head, "static": np.clip(np.rint(x / per_head), -7, 7) * per_head, "dynamic": asymmetric(x, 5, x.min(), x.max())},
        "softmax": softmax,
        "search": {
            "bits": 4,
            "split": splits[np.argmin([split_error(4, s) for s in splits])],
            "logScale": scales[np.argmin([((maps - log_sqrt2(maps, 4, s)) ** 2).sum() for s in scales])],
            "query": [tries[np.argmin(e), h] for h, e in enumerate(query_errors)],
        },
    }


MLP = 16


def batched_block(rng, f32):
    """A whole block on several images at once: every activation range is that over all tokens of all images, the rest is image by image."""
    d = WIDTH // HEADS
    images = rng.normal(0.1, 0.8, (IMAGES, T, WIDTH))
    images[1, 4, 3] = 40  # an outlier in one image, which sets the others' ranges
    images = f32(images)
    linear = lambda out, width: (f32(rng.normal(0, 0.35, (out, width))), f32(rng.normal(0, 0.1, out)))
    norm = lambda: (f32(rng.normal(1, 0.2, WIDTH)), f32(rng.normal(0, 0.2, WIDTH)))
    norms = {"norm1": norm(), "norm2": norm()}
    linears = {"qkv": linear(3 * WIDTH, WIDTH), "proj": linear(WIDTH, WIDTH), "fc1": linear(MLP, WIDTH), "fc2": linear(WIDTH, MLP)}
    linears["fc1"][0][5] *= 4  # a register neuron
    tau, key, value = 2.5, f32(rng.normal(0, 1, WIDTH)), f32(rng.normal(0, 1, WIDTH))

    def run(bits, scheme, attends):
        def quantize(*parts):
            low, high = min(p.min() for p in parts), max(p.max() for p in parts)
            grid = lambda p: symmetric(p, bits, max(-low, high)) if scheme == "symmetric" else asymmetric(p, bits, low, high)
            return [grid(p) for p in parts]

        def layer_norm(x, name):
            gamma, beta = norms[name]
            return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6) * gamma + beta

        def apply(x, name):
            w, b = linears[name]
            return quantize(x)[0] @ symmetric(w, bits, np.abs(w).max()).T + b

        rounded = quantize if attends else lambda *parts: list(parts)
        heads = lambda x: x.reshape(*x.shape[:-1], HEADS, d)
        q, k, v = (heads(part) for part in np.split(apply(layer_norm(images, "norm1"), "qkv"), 3, -1))  # [image, T, H, d]
        (q,), (slot_k, k), (slot_v, v) = rounded(q), rounded(heads(key), k), rounded(heads(value), v)
        logits = np.einsum("ithd,ishd->ihts", q, k) / np.sqrt(d)
        slot = np.einsum("ithd,hd->iht", q, slot_k)[..., None] / np.sqrt(d) + np.log(tau)
        e = np.exp(np.concatenate([slot, logits], -1))
        (weights,) = rounded(e / e.sum(-1, keepdims=True))
        mixed = np.einsum("ihts,ishd->ithd", weights[..., 1:], v) + np.einsum("iht,hd->ithd", weights[..., 0], slot_v)
        middle = images + apply(mixed.reshape(IMAGES, T, WIDTH), "proj")
        hidden = apply(layer_norm(middle, "norm2"), "fc1")
        gelu = hidden * 0.5 * (1 + np.vectorize(math.erf)(hidden / np.sqrt(2)))
        return middle + apply(gelu, "fc2")

    cases = [(8, "symmetric", False), (6, "symmetric", False), (7, "asymmetric", False), (8, "symmetric", True), (6, "asymmetric", True)]
    return {
        "images": images,
        **{name: {"weight": w, "bias": b} for name, (w, b) in {**norms, **linears}.items()},
        "prefix": {"copies": tau, "key": key, "value": value},
        "cases": [{"bits": b, "scheme": s, "attention": a, "expected": run(b, s, a)} for b, s, a in cases],
    }


def integers(x, w, bias):
    """The deployed arithmetic: u8 activations and s8 weights on their levels, products and sums in integers, scaled back at the end."""

    def product(levels, zero, scale, granularity):
        largest = np.abs(w).max(1) if granularity == "per-channel" else np.abs(w).max()
        scales = largest / 127
        weights = np.clip(np.rint(w / (scales[:, None] if granularity == "per-channel" else scales)), -127, 127)
        sums = (levels.astype(np.int64) - int(zero)) @ weights.astype(np.int64).T
        return sums * scale * scales + bias

    def taken(low, high, scheme):
        """Levels of x, zero point, scale; symmetric ones in the unsigned type with zero at 128."""
        if scheme == "symmetric":
            scale, zero = max(-low, high) / 127, 128
        else:
            scale = (max(high, 0) - min(low, 0)) / 255
            zero = np.rint(-min(low, 0) / scale)
        return np.clip(np.rint(x / scale) + zero, 0, 255), zero, scale

    for scheme in ("symmetric", "asymmetric"):
        for granularity in ("per-tensor", "per-channel"):
            levels, zero, scale = taken(x.min(), x.max(), scheme)
            yield {"scheme": scheme, "weights": granularity, "range": "dynamic", "expected": product(levels, zero, scale, granularity)}
            # A range that some activations lie beyond.
            levels, zero, scale = taken(-1.1, 1.9, scheme)
            static = {"scale": scale, "zero": zero}
            yield {"scheme": scheme, "weights": granularity, "range": "static", **static, "expected": product(levels, zero, scale, granularity)}


def main() -> None:
    rng = np.random.default_rng(4)
    f32 = lambda a: a.astype(np.float32).astype(np.float64)
    images = f32(rng.normal(0.2, 0.6, (IMAGES, T, WIDTH)) * rng.uniform(0.3, 2, WIDTH))
    images[:, 4] *= 6  # an outlier token
    images = f32(images)
    x = f32(images[1] * 1.1)
    w = f32(rng.normal(0, 0.3, (OUT, WIDTH)))
    gamma, beta, bias = f32(rng.normal(1, 0.2, WIDTH)), f32(rng.normal(0, 0.2, WIDTH)), f32(rng.normal(0, 0.1, OUT))
    gelu_like = f32(np.where(images > 0, images, np.maximum(0.1 * images, -0.17)))
    act = lambda cases: [{"name": n, "bits": b, "settings": s, "expected": e.ravel().tolist()} for n, b, s, e in cases]
    fixture = {
        "tokens": T,
        "width": WIDTH,
        "out": OUT,
        "x": x.ravel().tolist(),
        "images": [image.ravel().tolist() for image in images],
        "weight": w.ravel().tolist(),
        "norm": {"weight": gamma.tolist(), "bias": beta.tolist()},
        "bias": bias.tolist(),
        "dynamic": act(dynamic_cases(x)),
        "static": act(static_cases(x, images)),
        "weights": [{"granularity": g, "bits": b, "expected": e.ravel().tolist()} for g, b, e in weight_cases(w)],
        "smooth": {"alpha": 0.4, **smooth(images, gamma, beta, w, bias, 0.4)},
        "reparameterised": {"bits": 4, **reparameterise(images, gamma, beta, w, bias, 4)},
        "search": {"bits": 4, "rows": gelu_like.reshape(-1).tolist(), **search(gelu_like.reshape(-1, WIDTH), w, 4)},
        "twin": {"bits": 5, "positive": 0.21, "negative": 0.011, "expected": twin(gelu_like[1], 5, 0.21, 0.011).ravel().tolist(), "x": gelu_like[1].ravel().tolist()},
        "guided": {"bits": 4, **guided_search(gelu_like.reshape(-1, WIDTH), w, f32(np.random.default_rng(6).lognormal(0, 2, (IMAGES * T, OUT))), 4)},
        "attention": attention(np.random.default_rng(5), f32),
        "integers": list(integers(x, w, bias)),
        "batch": batched_block(np.random.default_rng(7), f32),
    }
    rounded = json.loads(json.dumps(fixture, default=lambda a: a.ravel().tolist()), parse_float=lambda t: float(f"{float(t):.9g}"))
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(rounded, separators=(",", ":")) + "\n")
    print(f"{FILE}: {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
