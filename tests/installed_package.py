"""Tries an evo that was installed from its built file: ``make wheel`` runs this in an environment of its own.

Not collected by pytest: in the repository it would try the sources.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata, resources
from pathlib import Path


def main() -> None:
    """Raise unless the installed package is whole and does its main job."""
    import numpy as np
    from sklearn.datasets import load_digits

    import evo
    import genomes

    installed = Path(sysconfig.get_paths()["purelib"])
    for package in (evo, genomes):
        assert installed in Path(package.__file__).parents, f"{package.__file__} is not what was installed"
        assert resources.files(package.__name__).joinpath("py.typed").is_file()
    names = {path.parts[0] for path in metadata.files("evo-keras") or () if path.suffix == ".py"}
    assert names == {"evo", "genomes"}, f"installed beside evo and genomes: {names}"
    program = Path(sysconfig.get_paths()["scripts"]) / ("evo.exe" if sys.platform == "win32" else "evo")
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    assert told.stdout.startswith(f"evo {evo.__version__} ") and metadata.version("evo-keras") == evo.__version__
    assert told.stderr == "", told.stderr

    x, y = load_digits(return_X_y=True)
    x, y = x[:300].reshape(-1, 8, 8, 1).astype("float32") / 16, y[:300]
    space = genomes.spaces.image(input_shape=(8, 8, 1), classes=10)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "campaign"
        budget = evo.Budget(trials=4)
        result = evo.Campaign(space, evo.Data(x, y), directory, budget=budget, epochs=2, verbose=False).run()
        ensemble = result.ensemble(size=2)
        ensemble.save(Path(folder) / "digits.ensemble")
        again = evo.Ensemble.load(Path(folder) / "digits.ensemble")
        np.testing.assert_array_equal(again.predict(x[:50]), ensemble.predict(x[:50]))
        subprocess.run([program, "report", directory], check=True, stdout=subprocess.DEVNULL)
        assert "</html>" in (directory / "report.html").read_text(encoding="utf-8")
    print(f"evo {evo.__version__}, installed in {installed}: 4 trials, an ensemble, a report")


if __name__ == "__main__":
    main()
