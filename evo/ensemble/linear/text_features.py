"""Texts as tf-idf of n-grams of words and characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from evo.ensemble.linear.features import Features
from evo.ensemble.linear.terms import Terms

#: Lengths of n-grams by unit.
ORDERS: Mapping[str, tuple[int, ...]] = {"words": (1, 2), "characters": (2, 3, 4, 5)}


class TextFeatures(Features):
    """Sublinear tf-idf of n-grams; of each input and each unit every text has length 1.

    Args:
        tables: name of the input (None where there is one alone) and its n-grams.
    """

    kind = "texts"

    def __init__(self, tables: Sequence[tuple[str | None, Terms]]) -> None:
        self.tables = tuple(tables)

    @classmethod
    def learn(cls, x: Any, inputs: Sequence[str | None], units: Sequence[str]) -> Self:
        """Learn the n-grams of texts.

        Args:
            x: prepared input: texts (rows,) as bytes, or a mapping that holds such by name.
            inputs: names of the texts in it; ``(None,)`` where ``x`` is the texts.
            units: ``words``, ``characters`` or both.
        """
        return cls([(name, Terms.learn(_texts(x, name), unit, ORDERS[unit])) for name in inputs for unit in units])

    @property
    def width(self) -> int:
        """Number of n-grams."""
        return sum(len(terms.idf) for _, terms in self.tables)

    def of(self, x: Any) -> Any:
        """Sparse matrix in rows, float64 (rows, width)."""
        from scipy import sparse

        texts: dict[str | None, list[str]] = {name: _texts(x, name) for name, _ in self.tables}
        return sparse.hstack([terms.weights(texts[name]) for name, terms in self.tables], format="csr")

    def keras_features(self, inputs: Any) -> Any:
        """:meth:`of` as a dense tensor, float32 (batch, width)."""
        from keras import ops

        parts = [
            terms.keras_weights(inputs if name is None else inputs[name], f"terms_{place}")
            for place, (name, terms) in enumerate(self.tables)
            if len(terms.idf)
        ]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Those of all n-grams."""
        found: dict[str, np.ndarray] = {}
        for place, (_, terms) in enumerate(self.tables):
            found |= {f"{place}/{name}": array for name, array in terms.to_arrays().items()}
        return found

    def to_json(self) -> dict[str, Any]:
        """Inputs and units."""
        return {"tables": [{"input": name, "unit": terms.unit} for name, terms in self.tables]}

    @classmethod
    def from_stored(cls, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> Self:
        """What was stored."""
        tables = []
        for place, table in enumerate(about["tables"]):
            start = f"{place}/"
            own = {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}
            name = table["input"]
            tables.append((None if name is None else str(name), Terms.from_arrays(str(table["unit"]), own)))
        return cls(tables)


def _texts(x: Any, name: str | None) -> list[str]:
    values = np.asarray(x if name is None else x[name]).reshape(-1)
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values.tolist()]
