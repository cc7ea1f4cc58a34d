"""In a notebook the display is one output of the cell, which is replaced."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from evo.display.progress import Progress
from tests.evo.display.synthetic_history import make_history
from tests.evo.display.test_progress import replay

capture = pytest.importorskip("IPython.utils.capture")


@pytest.fixture
def shell() -> Any:
    from IPython.core.interactiveshell import InteractiveShell

    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_one_output_is_replaced(shell: Any) -> None:
    with capture.capture_output() as caught:
        progress = Progress(Console(force_jupyter=True, width=80))
        assert progress.live
        progress._announced.append("<b>")
        progress.on_end("budget", replay(progress, make_history(40, 0)))
    shown = [one for one in caught.outputs if one.transient]
    assert len({one.transient["display_id"] for one in shown}) == 1
    assert [one.update for one in shown] == [False] + [True] * (len(shown) - 1) and len(shown) > 1
    assert all("trials" in one.data["text/html"] for one in shown)
    assert "<b>" not in "".join(one.data["text/html"] for one in caught.outputs)
