"""Time series: several channels, variable length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genomes import masks
from genomes.checks import axis_lengths
from genomes.costs import Shape
from genomes.domains import Domain
from genomes.errors import GenomeError, shown
from genomes.gene import Gene
from genomes.genes.blocks import Residual
from genomes.genes.layers import Dropout
from genomes.genes.sequence import SequenceConv, SequenceReduce
from genomes.grammar import GenomeLimits, default_gene, merged_domains
from genomes.spaces import sequences
from genomes.spaces.encoded import EncodedSpace, standardize, standardized
from genomes.targets import Target
from genomes.targets.standardization import positive


class TimeSeriesSpace(EncodedSpace):
    """Networks on time series; :func:`timeseries` makes it."""

    @property
    def mask_value(self) -> float | None:
        """The number that stands for "no value", in addition to NaN."""
        return self.options["mask_value"]

    @property
    def encoded_shape(self) -> Shape:
        """The channels, and whether the step is real."""
        length, channels = self.input_shape
        assert channels is not None
        return (length, channels + 1)

    @property
    def gene_shape(self) -> Shape:
        """Shape that reaches the first gene: the channels alone."""
        return self.input_shape

    # -- data ------------------------------------------------------------------------
    def check_data(self, x: Any, y: Any, role: str = "train") -> None:
        """Check that series have the right channels and are not too long, and the targets."""
        self.check_rows(self._prepared(x, f"x_{role}"), y, role)

    def prepare(self, x: Any) -> np.ndarray:
        """Series of one length: float32, shape (rows, length, channels), NaN where nothing is known.

        Accepts such an array, or a sequence of arrays (steps, channels) of up to ``length`` steps each.
        """
        return self._prepared(x, "x")

    def _prepared(self, x: Any, name: str) -> np.ndarray:
        length, channels = self.input_shape
        assert length is not None and channels is not None
        if isinstance(x, np.ndarray) and x.dtype.kind in "biuf":
            array = x
        elif isinstance(x, (Sequence, np.ndarray)):
            array = self._padded(x, name)
        else:
            array = np.asarray(x)
        if channels == 1 and array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or array.shape[1] > length or array.shape[2] != channels or array.dtype.kind not in "biuf":
            raise GenomeError(
                f"{name}: expected numbers of shape (rows, up to {length}, {channels}), "
                f"got shape {array.shape} of {array.dtype}"
            )
        array = array.astype(np.float32)
        if self.mask_value is not None:
            array = np.where(array == np.float32(self.mask_value), np.float32(np.nan), array)
        if np.isinf(array).any():
            raise GenomeError(f"{name}: holds infinite values, or values too large for float32")
        missing = length - array.shape[1]
        return np.pad(array, [(0, 0), (0, missing), (0, 0)], constant_values=np.nan) if missing else array

    def _padded(self, x: Any, name: str) -> np.ndarray:
        length, channels = self.input_shape
        assert length is not None and channels is not None
        padded = np.full((len(x), length, channels), np.nan, np.float32)
        for row, series in enumerate(x):
            try:
                steps = np.asarray(series, dtype=np.float32)
            except (TypeError, ValueError):
                raise GenomeError(f"{name}[{row}]: expected numbers, got {shown(series)}") from None
            if channels == 1 and steps.ndim == 1:
                steps = steps[:, None]
            if steps.ndim != 2 or steps.shape[0] > length or steps.shape[1] != channels:
                raise GenomeError(f"{name}[{row}]: expected shape (up to {length}, {channels}), got {steps.shape}")
            padded[row, : len(steps)] = steps
        return padded

    def adapt(self, x: Any, y: Any) -> dict[str, np.ndarray]:
        """``mean`` and ``scale`` of each channel over all known values, float32; scale of the targets."""
        flat = np.asarray(x, np.float64).reshape(-1, x.shape[-1])
        known = ~np.isnan(flat)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, flat, 0.0).sum(axis=0) / count
        deviation = np.sqrt(np.where(known, (flat - mean) ** 2, 0.0).sum(axis=0) / count)
        found = super().adapt(x, y)
        found.update(mean=mean.astype(np.float32), scale=positive(deviation, mean).astype(np.float32))
        return found

    def encode(self, x: Any, preprocessing: Mapping[str, np.ndarray]) -> np.ndarray:
        """Scaled channels and the mask: float32, shape (rows, length, channels + 1).

        Standardized channels, 0 where a value is unknown; last 1 for real steps, 0 for steps without any value.
        """
        real = ~np.isnan(x).all(axis=-1, keepdims=True)
        z = standardize(x, preprocessing["mean"], preprocessing["scale"])
        return np.concatenate([z, real.astype(np.float32)], axis=-1)

    # -- model -----------------------------------------------------------------------
    def preprocess(self, inputs: Any, preprocessing: Mapping[str, np.ndarray]) -> Any:
        """What :meth:`encode` computes, by Keras operations."""
        from keras import ops

        if "mean" not in preprocessing:
            raise GenomeError("preprocessing: time series need what adapt() found in the training data; got nothing")
        x = inputs
        if self.mask_value is not None:
            x = ops.where(ops.equal(x, self.mask_value), ops.full_like(x, float("nan")), x)
        real = ops.logical_not(ops.all(ops.isnan(x), axis=-1, keepdims=True))
        z = standardized(x, preprocessing["mean"], preprocessing["scale"])
        return ops.concatenate([z, ops.cast(real, "float32")], axis=-1)

    def enter(self, x: Any) -> Any:
        """The channels; the last number of every step becomes the mask."""
        from keras import ops

        return masks.with_mask(x[:, :, :-1], ops.greater(x[:, :, -1], 0.5))


def timeseries(
    input_shape: Sequence[int],
    classes: int | None = None,
    *,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | None = None,
    mask_value: float | None = None,
    recurrent: bool = True,
    genes: Sequence[type[Gene]] = (),
    domains: Mapping[str, Mapping[str, Domain]] | None = None,
    units: int = 128,
    parameters: int | None = None,
    flops: int | None = None,
    max_genes: int = 30,
) -> TimeSeriesSpace:
    """Convolutional, recurrent and attention networks on time series.

    Give exactly one of ``classes``, ``labels`` and ``outputs``. Channels are
    standardized as learnt from the training data. Series may be shorter than
    ``input_shape`` says: padding with NaN has no influence.

    Args:
        input_shape: ``(length, channels)``; the length is that of the longest series.
        classes: number of exclusive classes; labels are 0 to classes - 1 (two: binary).
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not.
        mask_value: a number that stands for "no value", as NaN does in any case. A step
            without any value is not real; where only some channels have none, those count as the mean.
        recurrent: whether LSTM and GRU may occur; they are slow on long series.
        genes: your own gene classes, which may stand among the layers.
        domains: domains of fields, in place of the space's.
        units: most channels of a layer.
        parameters: most weights of a model; 2 million by default.
        flops: most FLOPs of one series; no limit by default.
        max_genes: most genes of a genome.

    Returns:
        The space.

    Raises:
        GenomeError: a wrong shape, number or domain; the message names the argument.
    """
    shape = axis_lengths(input_shape, "input_shape", ("length", "channels"))
    length = shape[0]
    assert length is not None
    target = Target.infer(classes, outputs, labels, task)
    own = merged_domains(sequences.domains(target, length, units, recurrent), domains)
    reduce = default_gene(SequenceReduce, own, 90, kind="both")
    width = own["SequenceConv"]["filters"].default
    body = [
        default_gene(SequenceConv, own, 1, filters=width),
        default_gene(
            Residual,
            own,
            2,
            body=[default_gene(SequenceConv, own, number, filters=width) for number in (3, 4)],
        ),
        default_gene(SequenceConv, own, 5, filters=width),
    ]
    return TimeSeriesSpace(
        shape,
        target,
        sequences.stages((), genes, recurrent),
        default=sequences.genome(own, [*body, reduce, default_gene(Dropout, own, 91)]),
        smallest=sequences.genome(own, [default_gene(SequenceReduce, own, 90, kind="average")]),
        domains=own,
        limits=GenomeLimits(
            parameters=2_000_000 if parameters is None else int(parameters),
            flops=None if flops is None else int(flops),
            genes=max_genes,
            nesting=1,
        ),
        options={"mask_value": None if mask_value is None else float(mask_value)},
    )
