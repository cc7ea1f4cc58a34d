"""The stage of published networks before the genes of an image space."""

from __future__ import annotations

from collections.abc import Sequence

from genomes.costs import Cost, Shape
from genomes.domains import Choice, Domain, Fixed, Float
from genomes.errors import GenomeError
from genomes.gene import Gene
from genomes.genes.backbone import APPLICATIONS, SIDES, Backbone, application
from genomes.grammar import Stage, default_gene

#: Fewest pixels that some applications take; the others take 32.
_LEAST = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}


def backbone_stage(
    backbones: Sequence[str | type[Gene]], weights: str | None, shape: Shape, own: dict[str, dict[str, Domain]]
) -> Stage | None:
    """The stage, and in the space's domains those of its genes and learning rates that suit what was trained before.

    Args:
        backbones: names in ``keras.applications``, or gene classes.
        weights: of those named, see :func:`genomes.spaces.image`; they are fetched now.
        shape: of a picture.
        own: domains of the space, which are added to.

    Returns:
        The stage; None without backbones.

    Raises:
        GenomeError: an unknown name, something else than a name or a gene class, pictures of other than 1 or 3
            channels, or weights that cannot be had.
    """
    if not backbones:
        return None
    if shape[-1] not in (1, 3):
        raise GenomeError(f"backbones: they take pictures of 1 or 3 channels, got {shape[-1]}")
    if weights not in (None, "imagenet"):
        raise GenomeError(f"backbone_weights: expected 'imagenet' or None, got {weights!r}")
    names = [backbone for backbone in backbones if isinstance(backbone, str)]
    kinds = [backbone for backbone in backbones if not isinstance(backbone, str)]
    for name in names:
        if name not in APPLICATIONS:
            raise GenomeError(
                f"backbones: keras.applications has no {name!r}; expected some of {', '.join(APPLICATIONS)}"
            )
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Gene)):
            raise GenomeError(f"backbones: expected names and subclasses of Gene, got {kind!r}")
    near, side = _sides(shape, max((_LEAST.get(name, 32) for name in names), default=32))
    sides = Choice(near, default=side)
    if names:
        own["Backbone"] = {
            "architecture": Choice(names, ordered=False),
            "weights": Fixed("none" if weights is None else weights),
            "side": sides,
            # There is nothing to keep in random weights.
            "tuning": Fixed("all") if weights is None else Backbone.fields["tuning"],
        }
        for name in names:  # before anything is trained; the workers find them on the disk
            if weights is not None:
                application(name, side, weights)
    for kind in kinds:
        own[kind.__name__] = {"side": sides} if "side" in kind.fields else {}
    own["ImageTraining"] = {**own["ImageTraining"], "learning_rate": Float(1e-5, 0.1, log=True, default=1e-3)}
    first = ([Backbone] if names else []) + kinds
    return Stage("backbone", tuple(first), 0, 1, (), {}, (0, 1))


def largest(stage: Stage | None, shape: Shape, own: dict[str, dict[str, Domain]]) -> Cost:
    """Most parameters and FLOPs of a stage's genes, with the defaults of the other fields."""
    found = [Cost()]
    for kind in () if stage is None else stage.genes:
        domain = own[kind.__name__].get("architecture")
        fields = [{"architecture": name} for name in domain.values] if isinstance(domain, Choice) else [{}]
        found += [default_gene(kind, own, 0, **values).cost(shape) for values in fields]
    return Cost(max(cost.parameters for cost in found), max(cost.flops for cost in found))


def _sides(shape: Shape, least: int) -> tuple[list[int], int]:
    """From half to twice the shorter side of the pictures, in pixels; and the next larger one."""
    size = min((n for n in shape[:-1] if n is not None), default=224)
    able = [side for side in SIDES if side >= least]
    near = [side for side in able if size / 2 <= side <= 2 * size] or [min(able, key=lambda side: abs(side - size))]
    return near, next((side for side in near if side >= size), near[-1])
