"""The genes that come with the package; importing it registers all of them."""

from genomes.genes.augmentation import augment
from genomes.genes.backbone import Backbone, HubBackbone
from genomes.genes.blocks import Parallel, Repeat, Residual
from genomes.genes.column_attention import ColumnAttention
from genomes.genes.columns import ColumnEmbedding
from genomes.genes.convolutional import Bottleneck, ConvNeXtBlock, InvertedResidual, SqueezeExcite, XceptionBlock
from genomes.genes.dense_residual import DenseResidual
from genomes.genes.flatten_steps import FlattenSteps
from genomes.genes.hyperparameters import Hyperparameters
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
from genomes.genes.members import Members
from genomes.genes.neural_tangent import NeuralTangentDense
from genomes.genes.periodic_embedding import PeriodicEmbedding
from genomes.genes.sequence import (
    Attention,
    PositionEncoding,
    Recurrent,
    SequenceConv,
    SequencePool,
    SequenceReduce,
    TokenEmbedding,
    TransformerEncoder,
)
from genomes.genes.tally import CountedGene, Tally
from genomes.genes.training import (
    AveragedImageTraining,
    AveragedTabularTraining,
    AveragedTraining,
    ImageTraining,
    TabularTraining,
    Training,
)

__all__ = [
    "Activation",
    "Attention",
    "AveragedImageTraining",
    "AveragedTabularTraining",
    "AveragedTraining",
    "Backbone",
    "Bottleneck",
    "ColumnAttention",
    "ColumnEmbedding",
    "Conv",
    "ConvNeXtBlock",
    "CountedGene",
    "Dense",
    "DenseResidual",
    "DepthwiseConv",
    "Dropout",
    "Flatten",
    "FlattenSteps",
    "GlobalPool",
    "HubBackbone",
    "Hyperparameters",
    "ImageTraining",
    "InvertedResidual",
    "Members",
    "NeuralTangentDense",
    "Normalization",
    "Parallel",
    "PeriodicEmbedding",
    "Pool",
    "PositionEncoding",
    "Recurrent",
    "Repeat",
    "Residual",
    "SeparableConv",
    "SequenceConv",
    "SequencePool",
    "SequenceReduce",
    "SpatialDropout",
    "SqueezeExcite",
    "StochasticDepth",
    "TabularTraining",
    "Tally",
    "TokenEmbedding",
    "Training",
    "TransformerEncoder",
    "XceptionBlock",
    "augment",
]
