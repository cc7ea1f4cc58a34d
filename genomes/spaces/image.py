"""Images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes.checks import axis_lengths
from genomes.costs import Cost, elements
from genomes.domains import Choice, Domain, Fixed, Float, Int
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genes.augmentation import augment
from genomes.genes.blocks import Parallel, Repeat, Residual
from genomes.genes.convolutional import Bottleneck, ConvNeXtBlock, InvertedResidual, SqueezeExcite, XceptionBlock
from genomes.genes.layers import (
    Activation,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalPool,
    Normalization,
    Pool,
    SeparableConv,
    SpatialDropout,
    StochasticDepth,
)
from genomes.genes.training import ImageTraining
from genomes.genome import Genome
from genomes.grammar import GenomeLimits, Stage, merged_domains, training_class
from genomes.spaces.layered import LayeredSpace
from genomes.spaces.pretrained import backbone_stage, largest
from genomes.targets import Target
from genomes.targets.labels import row_count
from genomes.targets.standardization import positive
from genomes.variation.repair import nearest


class ImageSpace(LayeredSpace):
    """Convolutional networks on images; :func:`image` makes it."""

    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check shape and dtype of images, that they are finite, and that there is one target for each."""
        name = f"x_{role}"
        self.check_inputs(x, name)
        self.target.check(y, f"y_{role}")
        if row_count(y) != len(np.asarray(x)):
            raise GenomeError(
                f"y_{role}: expected one row per row of {name}, which is {len(np.asarray(x))}, got {row_count(y)}"
            )

    def check_inputs(self, x: Any, name: str) -> None:
        """Check shape and dtype of images, and that they are finite.

        Raises:
            GenomeError: they are not; the message calls them ``name``.
        """
        array = np.asarray(x)
        shape = ("rows", *("any" if n is None else n for n in self.input_shape))
        expected = f"({', '.join(map(str, shape))})"
        if array.dtype.kind not in "biuf":
            raise GenomeError(f"{name}: expected numbers of shape {expected}, got dtype {array.dtype}")
        if not self._fits(array.shape[1:]):
            also = f" or ({', '.join(map(str, shape[:-1]))})" if self.input_shape[-1] == 1 else ""
            raise GenomeError(f"{name}: expected shape {expected}{also}, got {array.shape}{self._hint(array.shape)}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise GenomeError(f"{name}: holds NaN or infinite values; expected finite numbers")

    def _hint(self, shape: tuple[int, ...]) -> str:
        """What to do with pictures of another shape."""
        channels = self.input_shape[-1]
        if self._fits(shape):
            return "; a single picture needs an axis of rows before it: x[None]"
        rest = shape[1:]
        if len(rest) == 3 and self._fits((*rest[1:], rest[0])):
            return "; the channels come last: np.moveaxis(x, 1, -1)"
        if channels == 3 and self._fits((*rest, 3)):
            return "; grey pictures become coloured ones by np.repeat(x[..., None], 3, axis=-1)"
        if len(rest) == 3 and rest[-1] == channels:
            return "; scale them: keras.ops.image.resize(x, (height, width))"
        return ""

    def _fits(self, shape: tuple[int, ...]) -> bool:
        if self.input_shape[-1] == 1 and len(shape) == len(self.input_shape) - 1:
            shape = (*shape, 1)
        return len(shape) == len(self.input_shape) and all(
            wanted is None or wanted == length for wanted, length in zip(self.input_shape, shape, strict=True)
        )

    def prepare(self, x: Any) -> np.ndarray:
        """Images of rank 4; uint8 stays uint8 (a quarter of the memory), all else becomes float32."""
        array = np.asarray(x)
        if array.ndim == len(self.input_shape):
            array = array[..., None]
        return np.ascontiguousarray(array, dtype=np.uint8 if array.dtype == np.uint8 else np.float32)

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """Mean and standard deviation of every channel, float32, shape (channels,); scale of the targets."""
        found = super().adapt(x, y)
        array = np.asarray(x)
        axes = tuple(range(array.ndim - 1))
        mean = array.mean(axis=axes, dtype=np.float64)
        deviation = array.std(axis=axes, dtype=np.float64)
        # A channel that never changes is only centred, whatever its unit.
        deviation = np.where(deviation > 1e-6 * np.abs(mean), positive(deviation, mean), 1.0)
        found.update(mean=mean.astype(np.float32), deviation=deviation.astype(np.float32))
        return found

    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """Bring every channel to mean 0 and deviation 1."""
        import keras

        if not preprocessing:
            return inputs
        # In float32 whatever the precision of the body: raw values may be large.
        deviation = [float(value) for value in preprocessing["deviation"]]
        mean = [float(value) for value in preprocessing["mean"]]
        return keras.layers.Rescaling(
            [1.0 / d for d in deviation],
            [-m / d for m, d in zip(mean, deviation, strict=True)],
            dtype="float32",
            name=f"{self.layer_prefix}normalize",
        )(inputs)

    def input_cost(self) -> Cost:
        """One product and one sum for every number of the image."""
        return Cost(0, 2 * elements(self.input_shape))

    def augment(self, genome: Genome, x: Any, y: Any, seed: Any) -> tuple[Any, Any]:
        """Augment a batch as the training settings say, by :func:`genomes.genes.augmentation.augment`."""
        training = self._settings(genome)
        if not training.augments:
            return x, y
        return augment(training, x, y, seed)


#: Genes of image spaces, by stage.
_BODY = (
    Conv,
    SeparableConv,
    DepthwiseConv,
    Pool,
    Normalization,
    Activation,
    Dropout,
    SpatialDropout,
    Residual,
    Bottleneck,
    InvertedResidual,
    XceptionBlock,
    ConvNeXtBlock,
    SqueezeExcite,
    Parallel,
    Repeat,
)
_INSIDE = (
    Conv,
    SeparableConv,
    DepthwiseConv,
    Normalization,
    Activation,
    Dropout,
    SpatialDropout,
    StochasticDepth,
    SqueezeExcite,
    Residual,
    Bottleneck,
    InvertedResidual,
    Parallel,
    Repeat,
)
_FIRST = (Conv, Residual, XceptionBlock)
_REDUCTION = (GlobalPool, Flatten)
_TAIL = (Dense, Dropout, Normalization, Activation)

#: How often each is sampled, relative to the others: mostly genes with weights.
_WEIGHTS = {
    "Conv": 6.0, "SeparableConv": 2.0, "DepthwiseConv": 0.5, "Pool": 3.0, "Normalization": 0.3, "Activation": 0.3,
    "Dropout": 0.6, "SpatialDropout": 0.4, "StochasticDepth": 0.4, "Residual": 2.5, "Bottleneck": 1.0,
    "InvertedResidual": 1.0, "XceptionBlock": 0.7, "ConvNeXtBlock": 0.7, "SqueezeExcite": 0.6, "Parallel": 0.5,
    "Repeat": 0.4, "GlobalPool": 2.0, "Flatten": 1.0, "Dense": 2.0,
}  # fmt: skip

#: How often a sampled field takes its default: a random genome should be typical in most respects.
_DEFAULT_SHARE = {
    "normalization": 0.7, "activation": 0.4, "kernel": 0.5, "strides": 0.7, "optimizer": 0.5, "schedule": 0.7,
    "warmup": 0.6, "nesterov": 0.5, "batch_size": 0.4, "weight_decay": 0.4, "gradient_clip": 0.7,
    "label_smoothing": 0.6, "times": 0.5,
}  # fmt: skip

_ACTIVATIONS = ["relu", "gelu", "swish", "elu", "leaky_relu"]


def image(
    input_shape: Sequence[int | None],
    classes: int | None = None,
    *,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | None = None,
    genes: Sequence[type[Gene]] = (),
    without: Sequence[type[Gene] | str] = (),
    domains: Mapping[str, Mapping[str, Domain]] | None = None,
    filters: int | None = None,
    flip: bool = True,
    backbones: Sequence[str | type[Gene]] = (),
    backbone_weights: str | None = "imagenet",
    parameters: int | None = None,
    flops: int | None = None,
    max_genes: int = 40,
) -> ImageSpace:
    """Convolutional networks on images.

    Give exactly one of ``classes``, ``labels`` and ``outputs``. The training
    data are normalized per channel inside the model.

    Args:
        input_shape: ``(height, width, channels)``; height and width may be None (no Flatten then).
        classes: number of exclusive classes; labels are 0 to classes - 1 (two: binary).
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not: ``binary``, ``multiclass``, ...
        genes: your own gene classes, which may stand anywhere among the convolutions.
        without: gene classes, or their names, that must not occur.
        domains: domains of fields, in place of the space's: ``{"Conv": {"filters": Int(8, 64)}}``.
        filters: most filters of a convolution; by default 64 to 512, with the image's size.
        flip: whether images may be flipped horizontally in training: no for digits and letters.
        backbones: published networks that may stand first: names in ``keras.applications``, or gene classes such as
            subclasses of :class:`genomes.genes.HubBackbone`. The default genome begins with the first of them.
        backbone_weights: of those named: ``imagenet``, which Keras downloads now unless it has them, or None for
            random ones.
        parameters: most weights of a model; 5 million by default, and those of the largest backbone.
        flops: most FLOPs of one image; by default from 20 million up, with the image's size, and twice those of the
            largest backbone.
        max_genes: most genes of a genome.

    Returns:
        The space.

    Raises:
        GenomeError: a wrong shape, number or domain; the message names the argument.
    """
    shape = axis_lengths(input_shape, "input_shape", ("height", "width", "channels"), unknown=("height", "width"))
    target = Target.infer(classes, outputs, labels, task)
    size = min((n for n in shape[:-1] if n is not None), default=224)
    area = math.prod(224 if n is None else n for n in shape[:-1])
    most = filters if filters is not None else min(512, max(64, 2 ** round(math.log2(area) / 2 + 3)))
    excluded = {kind if isinstance(kind, str) else kind.__name__ for kind in without}
    if any(n is None for n in shape[:-1]):
        excluded.add("Flatten")
    stages = _stages(tuple(genes), excluded, size)
    own = _domains(size, int(most), flip)
    reductions, first = stages[1].genes, backbone_stage(backbones, backbone_weights, shape, own)
    stages = stages if first is None else (first, *stages)
    most_of_it = largest(first, shape, own)
    limits = GenomeLimits(
        parameters=5_000_000 + most_of_it.parameters if parameters is None else int(parameters),
        flops=max(20_000_000, 100_000 * area, 2 * most_of_it.flops) if flops is None else int(flops),
        genes=max_genes,
    )
    known = {kind.__name__ for stage in stages for kind in (*stage.genes, *(stage.inner or ()))}
    own = {name: fields for name, fields in own.items() if name in known or name == "ImageTraining"}
    for name, fields in (domains or {}).items():
        own = merged_domains(own, {"ImageTraining" if name == "Training" else name: fields})
    common: dict[str, Any] = {
        "domains": own,
        "limits": limits,
        "default_share": _DEFAULT_SHARE,
        "smallest": _smallest(own, reductions),
    }
    # The default net is narrowed where the limits ask for it.
    narrow = ImageSpace(shape, target, stages, default=common["smallest"], **common)
    begin = _default(size, int(most), own, reductions) if first is None else _behind(first.genes[0], own, reductions)
    default = narrow.repair(begin, np.random.default_rng(0))
    return ImageSpace(shape, target, stages, default=default, **common)


def _stages(genes: tuple[type[Gene], ...], excluded: set[str], size: int) -> tuple[Stage, ...]:
    for kind in genes:
        if not (isinstance(kind, type) and issubclass(kind, Gene)):
            raise GenomeError(f"genes: expected subclasses of Gene, got {kind!r}")
    names = {kind.__name__ for kind in (*_BODY, *_INSIDE, *_REDUCTION, *_TAIL)}
    unknown = excluded - names
    if unknown:
        raise GenomeError(f"without: no such genes {sorted(unknown)}; expected some of {sorted(names)}")
    if {"GlobalPool", "Flatten"} <= excluded:
        raise GenomeError("without: one of GlobalPool and Flatten is needed before the head")

    def allowed(kinds: tuple[type[Gene], ...]) -> tuple[type[Gene], ...]:
        return tuple(kind for kind in kinds if kind.__name__ not in excluded)

    # User genes are as likely as convolutions.
    weights = {**_WEIGHTS, **{kind.__name__: 6.0 for kind in genes if kind.__name__ not in _WEIGHTS}}
    on_images = tuple(k for k in genes if k.input_ranks is None or 3 in k.input_ranks)
    on_vectors = tuple(k for k in genes if k.input_ranks is not None and 1 in k.input_ranks and 3 not in k.input_ranks)
    longest = 8 if size <= 16 else 12 if size <= 64 else 16
    body, inside = (*allowed(_BODY), *on_images), (*allowed(_INSIDE), *on_images)
    sampled = (2, longest // 2 + 1) if body else (0, 0)
    return (
        Stage("body", body, 0, longest, inside, weights, sampled, allowed(_FIRST)),
        Stage("reduction", allowed(_REDUCTION), 1, 1, (), weights),
        Stage("tail", (*allowed(_TAIL), *on_vectors), 0, 4, (), weights, (0, 2)),
    )


def _domains(size: int, most: int, flip: bool) -> dict[str, dict[str, Domain]]:
    """Domains for images whose shorter side is ``size`` and nets of up to ``most`` filters."""
    low = min(8, most)
    wide = min(most, max(low, 32))
    kernels = [3, 5] if size <= 16 else [3, 5, 7]
    strides = Choice([1, 2])
    activation = Choice(_ACTIVATIONS, ordered=False)
    plain: dict[str, Domain] = {
        "filters": Int(low, most, log=True, default=wide),
        "kernel": Choice([1, *kernels], default=3),
        "strides": strides,
        "normalization": Choice(["batch", "none", "layer", "group"], ordered=False),
        "activation": Choice([*_ACTIVATIONS, "linear"], ordered=False),
    }
    spatial = {**plain, "kernel": Choice(kernels)}
    normalization = Choice(["batch", "layer", "group"], ordered=False)
    block = {**spatial, "normalization": normalization, "activation": activation}
    reach = Choice([2, 3]) if size <= 32 else Choice([2, 3, 4])
    rate = Float(0.0, 0.5, step=0.05, default=0.2)
    return {
        "Conv": plain,
        "SeparableConv": spatial,
        "DepthwiseConv": {k: v for k, v in spatial.items() if k != "filters"},
        "Pool": {"window": reach, "strides": Choice([1, 2], default=2)},
        "Activation": {"function": activation},
        "Dropout": {"rate": rate},
        "SpatialDropout": {"rate": Float(0.0, 0.3, step=0.05, default=0.1)},
        "StochasticDepth": {"rate": Float(0.0, 0.5, step=0.05, default=0.1)},
        "Residual": {"activation": Choice(["linear", "relu", "gelu", "swish"], ordered=False)},
        "Bottleneck": {**block, "reduction": Choice([2, 4])},
        "InvertedResidual": {**block, "expansion": Choice([1, 2, 4, 6], default=4)},
        "XceptionBlock": {**block, "convolutions": Int(1, 3, default=2)},
        "ConvNeXtBlock": {"kernel": Choice(kernels), "expansion": Choice([2, 4], default=4), "activation": activation},
        "SqueezeExcite": {"ratio": Choice([2, 4, 8], default=4)},
        "Repeat": {"times": Int(1, 3, default=2)},
        "Dense": {
            "units": Int(16, max(64, most), log=True, default=64),
            "normalization": Choice(["none", "batch", "layer"], ordered=False),
            "activation": activation,
        },
        "ImageTraining": _training_domains(size <= 16, flip),
    }


def _training_domains(small: bool, flip: bool) -> dict[str, Domain]:
    return {
        "optimizer": Choice(["adam", "nadam", "rmsprop", "sgd"], ordered=False),
        "learning_rate": Float(3e-4, 0.1, log=True, default=3e-3),
        "momentum": Float(0.8, 0.98, default=0.9),
        "warmup": Choice([0.0, 0.5, 1.0]),
        "decay": Fixed("linear"),
        "batch_size": Choice([16, 32, 64] if small else [32, 64, 128], default=32),
        "weight_decay": Choice([0.0, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]),
        "gradient_clip": Choice([0.0, 1.0]),
        "label_smoothing": Choice([0.0, 0.05, 0.1]),
        "flip": Choice(["none", "horizontal"], ordered=True) if flip else Fixed("none"),
        "shift": Float(0.0, 0.2, step=0.025),
        "rotation": Float(0.0, 20.0, step=2.5),
        "zoom": Float(0.0, 0.2, step=0.05),
        "mixup": Float(0.0, 0.4, step=0.1),
        "cutout": Float(0.0, 0.4, step=0.1),
    }


def _made(own: Mapping[str, Mapping[str, Domain]], kind: type[Gene], innovation: int, /, **fields: Any) -> Gene | None:
    """A gene with these fields, each moved into the space's domain; None if the space has no such gene."""
    if kind.__name__ not in own and kind not in (GlobalPool, Flatten, Parallel, Normalization):
        return None
    domains = {**kind.fields, **own.get(kind.__name__, {})}
    values = {name: nearest(domain, fields.pop(name, domain.default)) for name, domain in domains.items()}
    return kind(innovation=innovation, **values, **fields)


def _training(own: Mapping[str, Mapping[str, Domain]]) -> Gene:
    training = _made(own, training_class(ImageTraining, own), 0)
    assert training is not None
    return training


def _default(size: int, most: int, own: Mapping[str, Mapping[str, Domain]], reductions: Sequence[type[Gene]]) -> Genome:
    """A small residual net: its depth and first strides go with the image's size."""
    numbers = iter(range(1, 1000))
    genes: list[Gene | None] = []

    def add(kind: type[Gene], /, **fields: Any) -> None:
        genes.append(_made(own, kind, next(numbers), **fields))

    def residual(width: int) -> None:
        first = _made(own, Conv, next(numbers), filters=width, strides=1)
        second = _made(own, Conv, next(numbers), filters=width, strides=1, activation="linear")
        body = [gene for gene in (first, second) if gene is not None]
        if body:
            add(Residual, activation="relu", body=body)

    width = min(most, 32 if size <= 16 else 16)
    add(Conv, filters=width, strides=2 if size > 64 else 1)
    remaining = -(-size // 2) if size > 64 else size
    residual(width)
    while remaining > 7 and width < most and width < 256:
        add(Pool, kind="max", window=2, strides=2)
        remaining = -(-remaining // 2)
        width = min(most, 2 * width)
        add(Conv, filters=width, strides=1)
        if remaining > 4:
            residual(width)
    genes.append(_made(own, reductions[0], next(numbers)))
    add(Dropout, rate=0.2)
    return Genome([gene for gene in genes if gene is not None], _training(own))


def _behind(backbone: type[Gene], own: Mapping[str, Mapping[str, Domain]], reductions: Sequence[type[Gene]]) -> Genome:
    """A published network and what tells the task's classes apart, as in Keras' guide to transfer learning."""
    genes = [_made(own, backbone, 1), _made(own, reductions[0], 2), _made(own, Dropout, 3, rate=0.2)]
    return Genome([gene for gene in genes if gene is not None], _training(own))


def _smallest(own: Mapping[str, Mapping[str, Domain]], reductions: Sequence[type[Gene]]) -> Genome:
    """The reduction alone: a linear model on the channels' means, or on all points."""
    return Genome([g for g in (_made(own, reductions[0], 1),) if g is not None], _training(own))
