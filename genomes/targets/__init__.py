"""What is predicted: one file per kind of target.

A kind says everything that follows from it: the head, loss and metrics of a model, the form of its labels, how the
predictions of several models become one, and how they are judged. A new kind is a subclass of :class:`Target` with a
``task``, the name by which spaces, archives and settings know it.
"""

from genomes.targets.binary import Binary
from genomes.targets.classifier import Classifier, IndependentLabels
from genomes.targets.forecast import Forecast
from genomes.targets.inference import CLASSIFICATION, infer_target
from genomes.targets.mixed import Mixed, Part
from genomes.targets.multiclass import Multiclass
from genomes.targets.multilabel import Multilabel
from genomes.targets.ordinal import Ordinal
from genomes.targets.quantiles import Quantiles
from genomes.targets.regression import Regression
from genomes.targets.target import Target, as_target, tasks

__all__ = [
    "CLASSIFICATION",
    "Binary",
    "Classifier",
    "Forecast",
    "IndependentLabels",
    "Mixed",
    "Multiclass",
    "Multilabel",
    "Ordinal",
    "Part",
    "Quantiles",
    "Regression",
    "Target",
    "as_target",
    "infer_target",
    "tasks",
]
