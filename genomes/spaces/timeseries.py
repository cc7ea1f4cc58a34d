"""Time series: several channels, variable length, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from genomes.checks import axis_lengths, whole_number
from genomes.domains import Domain
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genes.blocks import Residual
from genomes.genes.flatten_steps import FlattenSteps
from genomes.genes.layers import Dropout
from genomes.genes.sequence import SequenceConv, SequenceReduce
from genomes.grammar import GenomeLimits, default_gene, merged_domains
from genomes.spaces import sequences
from genomes.spaces.forecast import ForecastSpace, checked_channels
from genomes.spaces.series import TimeSeriesSpace
from genomes.targets import Forecast, Target

__all__ = ["ForecastSpace", "TimeSeriesSpace", "timeseries"]


def timeseries(
    input_shape: Sequence[int],
    classes: int | None = None,
    *,
    labels: int | None = None,
    outputs: int | None = None,
    task: str | None = None,
    horizon: int | None = None,
    predicted: Sequence[int] | None = None,
    known: Sequence[int] = (),
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

    Give exactly one of ``classes``, ``labels``, ``outputs`` and ``horizon``. Channels are
    standardized as learnt from the training data. Series may be shorter than
    ``input_shape`` says: padding with NaN has no influence.

    Args:
        input_shape: ``(length, channels)``; the length is that of the longest series, or of the window that a
            forecast looks at.
        classes: number of exclusive classes; labels are 0 to classes - 1 (two: binary).
        labels: number of labels that may hold together.
        outputs: number of regression targets.
        task: states the task where the number does not.
        horizon: number of steps after the window that are predicted; :meth:`ForecastSpace.windows` cuts the windows out
            of a long series, :func:`evo.fit` does it all.
        predicted: numbers of the channels that are predicted; by default all that are not known beforehand.
        known: numbers of the channels whose values are known beforehand, such as holidays; windows then have
            ``length + horizon`` steps.
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
    length, channels = shape
    assert length is not None and channels is not None
    options: dict[str, object] = {"mask_value": None if mask_value is None else float(mask_value)}
    if horizon is None:
        if predicted is not None or len(known):
            raise GenomeError("predicted and known: need horizon, the number of steps that are predicted")
        target = Target.infer(classes, outputs, labels, task)
    else:
        if not (classes is None and labels is None and outputs is None and task is None):
            raise GenomeError("horizon: says what is predicted; leave classes, labels, outputs and task out")
        horizon = whole_number(horizon, "horizon", 1)
        ahead = checked_channels(known, "known", channels, ())
        series = checked_channels(predicted, "predicted", channels, [c for c in range(channels) if c not in ahead])
        if not series or set(series) & set(ahead):
            raise GenomeError("predicted: at least one channel, and none that is known beforehand")
        target = Forecast(horizon * len(series), series=len(series))
        options |= {"horizon": horizon, "predicted": series, "known": ahead}
        length += horizon if ahead else 0
        shape = (length, channels)
    own = merged_domains(sequences.domains(target, length, units, recurrent), domains)
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
    reduce = default_gene(SequenceReduce, own, 90, kind="both") if horizon is None else FlattenSteps(innovation=90)
    return (TimeSeriesSpace if horizon is None else ForecastSpace)(
        shape,
        target,
        sequences.stages(
            (), genes, recurrent, (SequenceReduce,) if horizon is None else (SequenceReduce, FlattenSteps)
        ),
        default=sequences.genome(own, [*body, reduce, default_gene(Dropout, own, 91)]),
        smallest=sequences.genome(own, [default_gene(SequenceReduce, own, 90, kind="average")]),
        domains=own,
        limits=GenomeLimits(
            parameters=2_000_000 if parameters is None else int(parameters),
            flops=None if flops is None else int(flops),
            genes=max_genes,
            nesting=1,
        ),
        options=options,
    )
