"""What the mutation run makes of its list of survivors, and its share."""

from __future__ import annotations

from collections import Counter

from tests.mutation import BAR, REVIEWED, _share, reviewed


def test_survivors_with_a_reason_are_read_by_module() -> None:
    text = """# What may survive
## Figures
| a table | of numbers |
## evo/a.py
Equal lengths:
```diff
- zip(a, b, strict=True)
+     zip(a, b, strict=False)
- gone()
- two
- lines
+ one
```
## evo/b.py
```diff
- x
+ y
```
"""
    assert reviewed(text) == {
        "evo/a.py": {
            ("- zip(a, b, strict=True)", "+ zip(a, b, strict=False)"),
            ("- gone()", "- two", "- lines", "+ one"),
        },
        "evo/b.py": {("- x", "+ y")},
    }
    assert reviewed("# Nothing\n") == {}


def test_the_list_names_modules_that_are_there() -> None:
    for module in reviewed(REVIEWED.read_text()):
        assert module.startswith("evo/") and module.endswith(".py")


def test_the_share_is_of_those_tried_and_a_timeout_is_caught() -> None:
    assert BAR == 0.85
    assert _share(Counter(total=10, open=2, killed=5, timeout=1, survived=2)) == 0.75
    assert _share(Counter()) == 0
