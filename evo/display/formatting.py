"""Numbers, times and settings as people read them, in the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

#: Nesting of a setting that is shown.
_DEEPEST = 20


def short_number(value: float | None) -> str:
    """``1234567`` as ``1.2M``; three digits at least are kept below 1000."""
    if value is None or not math.isfinite(value):
        return "–"
    for factor, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            scaled = value / factor
            return f"{scaled:.0f}{unit}" if scaled >= 100 else f"{scaled:.3g}{unit}"
    return f"{value:.0f}"


def short_value(value: float | None) -> str:
    """A score in four significant decimals, without exponents where they are not needed."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 100 or value == 0 else f"{value:.4g}"


def counted(count: int, unit: str) -> str:
    """``1 trial``, ``2 trials``."""
    return f"{count} {unit}{'s' if count != 1 else ''}"


def with_error(value: Any) -> str:
    """An estimate, ``{"value": ..., "error": ...}`` or a number, with its standard error where that is known."""
    if isinstance(value, Mapping):
        mean, error = value.get("mean", value.get("value")), value.get("error", value.get("standard_error"))
        shown = short_value(mean)
        return shown if error is None else f"{shown} ± {short_value(error)}"
    return short_value(value) if isinstance(value, (int, float)) else "–"


def expected(report: Mapping[str, Any]) -> str:
    """What is to be expected of an ensemble on new rows, by its report; empty where that says nothing."""
    estimates = report.get("estimate") or {}
    # What members are weighed by is no quantity that people know.
    found = {name: with_error(value) for name, value in estimates.items() if "calibrated" not in name}
    if isinstance(estimates.get("error"), Mapping) and estimates["error"].get("value") == 0:
        found["error"] = "0 (no row was wrong)"
    return ", ".join(f"{name} {shown}" for name, shown in found.items())


def short_bytes(value: float) -> str:
    """``123456`` as ``121 KB``."""
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1024 or unit == "GB":
            return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError


def clock(minutes: float) -> str:
    """Minutes as ``m:ss`` or ``h:mm:ss``."""
    seconds = max(0, round(minutes * 60))
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def sparkline(values: Sequence[float], width: int, characters: str = "▁▂▃▄▅▆▇█") -> str:
    """Values as a row of bars, lowest to highest; at most ``width`` characters, later values win within one."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite or width < 1:
        return ""
    if len(finite) > width:
        finite = [finite[(i + 1) * len(finite) // width - 1] for i in range(width)]
    low, high = min(finite), max(finite)
    top = len(characters) - 1
    return "".join(characters[top if high == low else round((v - low) / (high - low) * top)] for v in finite)


def cut(text: str, length: int) -> str:
    """Text of at most ``length`` characters, with a mark where something is left out."""
    return text if len(text) <= length else text[: length - 1] + "…"


def plain(value: Any, depth: int = 0) -> str:
    """A setting as people read it; what is nested deeper than any setting is left out."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        inner = {k: v for k, v in value.items() if v is not None and v != [] and v != {}}
        name = inner.pop("algorithm", None)
        text = ", ".join(f"{k}={plain(v, depth + 1)}" for k, v in inner.items())
        return f"{name}({text})" if name is not None else text or "–"
    if isinstance(value, (list, tuple)):
        return ", ".join(plain(v, depth + 1) for v in value) or "–"
    return "–" if value is None else str(value)
