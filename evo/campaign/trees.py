"""Trees on a campaign's rows: when they are grown, and from what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evo.campaign.judged_rows import JudgedRows
from evo.core.errors import EnsembleError
from evo.ensemble import LibraryModel, tree_candidates
from evo.ensemble.trees import KINDS
from evo.prepared_data import PreparedData
from genomes.spaces.base import Space
from genomes.spaces.tabular import TabularSpace


def suit(space: Space) -> bool:
    """Whether trees are grown unless it is said: in premade spaces of tables, where they learn what is predicted."""
    return isinstance(space, TabularSpace) and space.target.separable


def grown_trees(
    space: Space,
    data: PreparedData,
    seed: int,
    seconds: float | None = None,
    known: Mapping[int, LibraryModel] | None = None,
    keep: Callable[[LibraryModel], None] | None = None,
) -> list[LibraryModel]:
    """Trees on the rows that candidates are trained on and judged by, with the same folds.

    Args:
        space: of the campaign.
        data: of the campaign.
        seed: of the campaign.
        seconds: begin no further trees after this time; None for no limit.
        known: those that are there already, by number.
        keep: is given each further one as soon as it is there.

    Raises:
        EnsembleError: no table, or none could be grown.
    """
    if space.target is None:
        raise EnsembleError("trees: this campaign's space does not say what it predicts; leave trees out")
    if not space.target.separable:
        raise EnsembleError(f"trees: they do not learn a {space.target.task} target; leave trees out")
    rows = JudgedRows.of(data)
    return tree_candidates(
        rows.x_train,
        rows.y_train,
        rows.x_validation,
        rows.y_validation,
        space.target.unlabelled,
        outputs=space.target.outputs,
        categorical=[c.input_name for c in getattr(space, "columns", ()) if c.kind == "integer"],
        folds=rows.folds,
        sample_weight=rows.weight,
        seed=seed,
        seconds=seconds,
        data=rows.fingerprint,
        known=known,
        keep=keep,
    )


def kinds_in_words() -> str:
    """One line: the kinds of trees that are grown, and those whose packages are not installed."""
    names = [name for name, kind in KINDS.items() if kind.is_installed]
    missing = [name for name, kind in KINDS.items() if not kind.is_installed]
    without = f" (not installed: {', '.join(missing)})" if missing else ""
    return f"trees beside the nets: {', '.join(names)}{without}"
