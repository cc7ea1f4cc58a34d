"""Fixtures of storage tests."""

from __future__ import annotations

import pytest

from evo.storage import layout


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merged files within a few trials."""
    monkeypatch.setattr(layout, "SEGMENT", 5)
