"""Fixtures of campaigns' tests."""

from __future__ import annotations

import pytest

import evo
from tests.evo.simulated_campaigns import campaign, files_of


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[evo.Result, dict[str, bytes]]:
    """A simulated campaign that nothing disturbed: its result, and its files."""
    directory = tmp_path_factory.mktemp("undisturbed") / "campaign"
    result = campaign(directory).run()
    return result, files_of(directory)
