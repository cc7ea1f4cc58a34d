"""Linear models on a campaign's rows: on which spaces they are fitted, and on which features."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from evo.campaign.judged_rows import JudgedRows
from evo.core.errors import EnsembleError
from evo.ensemble import LibraryModel, linear_candidates
from evo.ensemble.linear.fitting import Recipe, series_recipes, text_recipes
from evo.prepared_data import PreparedData
from genomes.spaces.base import Space
from genomes.spaces.joint import JointSpace
from genomes.spaces.series import TimeSeriesSpace
from genomes.spaces.text import TextSpace


def suit(space: Space) -> bool:
    """Whether linear models are fitted unless it is said: where the space has texts or time series."""
    return bool(recipes_for(space))


def recipes_for(space: Space) -> tuple[Recipe, ...]:
    """What is fitted beside the nets of a space; nothing where it has neither texts nor series.

    Nothing either where estimators of one output do not learn what is predicted: quantiles.
    """
    if space.target is None or not space.target.separable:
        return ()
    if isinstance(space, TextSpace) and space.raw:
        return text_recipes((None,))
    if type(space) is TimeSeriesSpace:  # forecasts are another thing
        return series_recipes(None, space.mask_value)
    if not isinstance(space, JointSpace):
        return ()
    texts = [part.input for part in space.parts if isinstance(part.space, TextSpace) and part.space.raw]
    series = [part for part in space.parts if isinstance(part.space, TimeSeriesSpace)]
    found = text_recipes(texts) if texts else ()
    for part in series:
        assert isinstance(part.space, TimeSeriesSpace)
        found = (*found, *series_recipes(part.input, part.space.mask_value))
    return found


def fitted_linear(
    space: Space,
    data: PreparedData,
    seed: int,
    seconds: float | None = None,
    known: Mapping[int, LibraryModel] | None = None,
    keep: Callable[[LibraryModel], None] | None = None,
) -> list[LibraryModel]:
    """Linear models on the rows that candidates are trained on and judged by, with the same folds.

    Args:
        space: of the campaign.
        data: of the campaign.
        seed: of the campaign.
        seconds: begin no further models after this time; None for no limit.
        known: those that are there already, by number.
        keep: is given each further one as soon as it is there.

    Raises:
        EnsembleError: neither texts nor series, or none could be fitted.
    """
    recipes = recipes_for(space)
    if not recipes:
        raise EnsembleError("linear: there are linear models for texts and time series alone; leave linear out")
    assert space.target is not None
    rows = JudgedRows.of(data)
    return linear_candidates(
        recipes,
        rows.x_train,
        rows.y_train,
        rows.x_validation,
        rows.y_validation,
        space.target.unlabelled,
        outputs=space.target.outputs,
        folds=rows.folds,
        sample_weight=rows.weight,
        seed=seed,
        seconds=seconds,
        data=rows.fingerprint,
        known=known,
        keep=keep,
    )


def in_words(space: Space) -> str:
    """One line: the linear models that are fitted."""
    return f"linear models beside the nets: {', '.join(recipe.name for recipe in recipes_for(space))}"
