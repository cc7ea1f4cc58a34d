"""Several series below each other in one table, as shops keep their sales: a row for each day and each shop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from evo.core.errors import DataError
from evo.fitting.forecasting.series import table_of, times_of
from genomes.targets.labels import in_words

#: Series of one table that are forecast together.
_MOST_SERIES = 200
#: Columns that together tell the series.
_MOST_IDS = 3
#: Columns that are put beside a user's.
_SERIES, _TIME = "(series of a row)", "(time of a row)"
#: Between the parts of a series' name.
BETWEEN = " / "


def ids_in(data: Any, target: Any, time: str | None) -> tuple[tuple[str, ...], str | None]:
    """The columns that tell which series a row belongs to, and that of the times; none where no two rows share one.

    They are words or whole numbers, and the fewest columns that tell the rows of one time apart.

    Args:
        data: what a user gave.
        target: the name of the column to forecast; several, or none, tell that series stand side by side.
        time: the column of times, where a user said it.

    Raises:
        DataError: several rows of one time that nothing tells apart, or more series than are forecast together.
    """
    if not isinstance(target, str) or not (hasattr(data, "columns") or isinstance(data, Mapping)):
        return (), time
    frame = table_of(data)
    if target not in frame.columns:
        return (), time
    times, name = times_of(frame, time, [target])
    if times is None or not times.duplicated().any():
        return (), name
    others = [column for column in frame.columns if column not in (target, name)]
    told = [column for column in others if frame[column].dtype.kind not in "fcmM" and frame[column].nunique() > 1]
    # Words before numbers: a count may by chance differ wherever a shop does.
    told.sort(key=lambda column: frame[column].dtype.kind in "biu")
    keys = frame.assign(**{_TIME: times.to_numpy()})
    for size in range(1, _MOST_IDS + 1):
        for ids in combinations(told, size):
            if not keys.duplicated([_TIME, *ids]).any():
                number = len(frame[list(ids)].drop_duplicates())
                if number > _MOST_SERIES:
                    raise DataError(
                        f"data: {number} series told by {in_words(ids)}; at most {_MOST_SERIES} are forecast together: "
                        "sum up, or fit groups of them"
                    )
                return ids, name
    raise DataError(
        f"time: {times[times.duplicated()].iloc[0]} occurs twice, and no columns tell which series such rows belong "
        "to; sum them up: table.groupby(time).sum(), or give a column for each series"
    )


def side_by_side(data: Any, ids: Sequence[str], time: str | None, value: str) -> Any:
    """A long table as a data frame with a column for each series, indexed by time.

    Args:
        data: the table.
        ids: the columns that tell the series.
        time: the column of times; None for the index.
        value: the column of values.

    Raises:
        DataError: a column is missing, or a series has a time twice.
    """
    frame = table_of(data)
    missing = [name for name in (*ids, value, *([] if time is None else [time])) if name not in frame.columns]
    if missing and not (missing == [time] and frame.index.name == time):
        raise DataError(f"data: there is no column {missing[0]!r}; there are {in_words(list(frame.columns))}")
    times, _ = times_of(frame, time if time in frame.columns else None, [value])
    if times is None:
        raise DataError("data: has no times, which put its series side by side; give their column")
    series = frame[list(ids)].astype(str).agg(BETWEEN.join, axis=1)
    table = frame[[value]].assign(**{_SERIES: series.to_numpy(), _TIME: times.to_numpy()})
    if table.duplicated([_SERIES, _TIME]).any():
        raise DataError(f"data: some time occurs twice in one series of {in_words(list(ids))}")
    wide = table.pivot(index=_TIME, columns=_SERIES, values=value)
    return wide.rename_axis(index=time, columns=None)
