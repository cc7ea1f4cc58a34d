"""Why a trial failed, in one line: KerasTuner keeps whole tracebacks, whose last line often says nothing."""

from __future__ import annotations

import re

from genomes.errors import in_one_line

#: Where an exception's name stands in a traceback: at the beginning of a line, which frames never begin with.
_HEADER = re.compile(r"^([A-Za-z_]\w*\.)*([A-Za-z_]\w*)(: |:?$)")
_MOST = 300


def cause(message: str | None) -> str:
    """The exception's name and what it says.

    Keras' list of arguments behind it, and the stack and the node that TensorFlow names, are left out.

    Args:
        message: a traceback as ``traceback.format_exc`` gives it, or any other text; None for none.

    Returns:
        At most 300 characters; empty if there is nothing.
    """
    lines = [line.rstrip() for line in (message or "").strip().splitlines()]
    if not lines:
        return ""
    headers = [n for n, line in enumerate(lines) if _HEADER.match(line)]
    frames = [n for n, line in enumerate(lines) if line.startswith("  File ")]
    if not headers or not frames:
        return in_one_line(lines[-1])[:_MOST]
    first_frame = frames[0]
    # The last exception of a chain; what it says may have frames of its own, which TensorFlow adds.
    starts = [n for n, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    start = starts[-1] if starts else first_frame
    header = next((n for n in headers if n > start), headers[-1])
    name = _HEADER.match(lines[header]).group(2)  # type: ignore[union-attr]
    text = "\n".join([_HEADER.sub("", lines[header], count=1), *lines[header + 1 :]])
    return f"{name}: {in_one_line(text)}"[:_MOST].rstrip(": ")
