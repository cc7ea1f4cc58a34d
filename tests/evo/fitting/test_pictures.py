"""Folders of pictures as people have them, and datasets that name their classes."""

from __future__ import annotations

import io
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

import evo
from evo.core.given_datasets import with_class_names
from evo.errors import DataError
from evo.fitting.picture_paths import with_pictures
from evo.fitting.pictures import labelled_pictures, pictures_in, read_pictures

image = pytest.importorskip("PIL.Image")


def write(path: Path, value: int, size: tuple[int, int] = (12, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.new("L", size, value).save(path)


def folder_of(place: Path, parts: tuple[str, ...], rows: int = 4) -> Path:
    for part in parts:
        for name, value in (("day", 230), ("night", 20)):
            for number in range(rows):
                write(place / part / name / f"{number}.png", value + number)
    return place


@pytest.mark.parametrize(
    ("parts", "judged", "rows"),
    [
        (("train", "val", "test"), list(range(8, 16)), 16),
        (("Train", "Validation"), list(range(8, 16)), 16),
        (("training", "testing"), None, 8),
    ],
)
def test_folders_of_a_split_are_no_classes(
    tmp_path: Path, parts: tuple[str, ...], judged: list[int] | None, rows: int
) -> None:
    found = labelled_pictures(folder_of(tmp_path, parts))
    assert set(found.labels) == {"day", "night"} and found.pictures.shape == (rows, 8, 12, 1)
    assert (None if found.validation is None else found.validation.tolist()) == judged
    assert (found.pictures.reshape(rows, -1).mean(axis=1) > 128).tolist() == (found.labels == "day").tolist()


def test_a_class_may_be_called_test(tmp_path: Path) -> None:
    for name in ("test", "train"):
        write(tmp_path / name / "a.png", 9)
    assert set(labelled_pictures(tmp_path).labels) == {"test", "train"}
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").mkdir()
    write(tmp_path / "b" / "c" / "a.png", 9)
    assert set(labelled_pictures(tmp_path).labels) == {"test", "train", "b"}


def test_a_picture_stands_as_the_camera_was_held(tmp_path: Path) -> None:
    upright = np.zeros((16, 8), np.uint8)
    upright[:4] = 255  # the sky is above
    turned = image.fromarray(np.rot90(upright).copy())
    exif = image.Exif()
    exif[274] = 6  # a quarter turn clockwise brings it upright
    turned.save(tmp_path / "a.jpg", exif=exif, quality=95)
    shown = read_pictures([tmp_path / "a.jpg"], (16, 8, 1))[0, :, :, 0]
    assert shown[:3].mean() > 200 and shown[8:].mean() < 50
    for name in ("x", "y"):
        (tmp_path / "d" / name).mkdir(parents=True)
        turned.save(tmp_path / "d" / name / "a.jpg", exif=exif)
    assert labelled_pictures(tmp_path / "d").pictures.shape == (2, 16, 8, 1)


def test_a_split_folder_is_fitted_judged_by_its_part_and_evaluated_by_another(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", ("train", "val", "test"), rows=6)
    model = evo.fit(folder, directory=tmp_path / "d", trials=1, epochs=2, workers=0, verbose=False)
    assert "pictures in val are judged by" in model.notes and any("test are left aside" in one for one in model.notes)
    assert model.result.data.get("y_validation").size == 12
    told = model.predict(folder / "test")
    scores = evo.load_fitted(tmp_path / "d").evaluate(folder / "test")
    assert scores["accuracy"] == pytest.approx((told == np.repeat(["day", "night"], 6)).mean())
    with pytest.raises(DataError, match="needs a folder of pictures for each class"):
        model.evaluate(folder / "test" / "day")


@pytest.mark.parametrize("mode", ["int", "categorical", "binary"])
def test_a_dataset_of_keras_keeps_the_names_of_its_classes(tmp_path: Path, mode: str) -> None:
    folder_of(tmp_path, ("p",))
    data = keras.utils.image_dataset_from_directory(
        tmp_path / "p", label_mode=mode, color_mode="grayscale", image_size=(8, 12), batch_size=3, verbose=False
    )
    x, y, weight = with_class_names(data, "data")
    assert weight is None and (x.reshape(8, -1).mean(axis=1) > 128).tolist() == (y == "day").tolist()
    data.class_names = ["only"]
    assert with_class_names(data, "data")[1].dtype.kind == "f" or mode == "int"


def test_evo_fit_tells_the_names_of_a_datasets_classes(tmp_path: Path) -> None:
    folder_of(tmp_path, ("p",), rows=8)

    def dataset(subset: str) -> object:
        return keras.utils.image_dataset_from_directory(
            tmp_path / "p", validation_split=0.25, subset=subset, seed=1, image_size=(8, 12), verbose=False
        )

    model = evo.fit(
        dataset("training"),
        validation=dataset("validation"),
        directory=tmp_path / "d",
        trials=1,
        epochs=1,
        workers=0,
        verbose=False,
    )
    assert model.classes.tolist() == ["day", "night"]
    assert set(model.predict(dataset("validation"))) <= {"day", "night"}
    assert 0 <= model.evaluate(dataset("validation"))["accuracy"] <= 1


def test_a_broken_picture_is_left_out_and_said(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ("train", "val"))
    (folder / "train" / "day" / "00.png").write_bytes(b"no picture")
    whole = (folder / "val" / "day" / "1.png").read_bytes()
    (folder / "val" / "day" / "1.png").write_bytes(whole[: len(whole) // 2])
    found = labelled_pictures(folder)
    assert found.pictures.shape[0] == 15 == len(found.labels) and found.validation is not None
    assert found.validation.tolist() == list(range(8, 15))
    assert "left out: 'train/day/00.png', 'val/day/1.png': cannot be read as pictures" in found.lines


def test_paths_of_pictures_are_pictures(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", ("all",), rows=8) / "all"
    paths = [folder / name / f"{number}.png" for name in ("day", "night") for number in range(8)]
    labels = np.repeat(["day", "night"], 8)
    settings = {"trials": 1, "epochs": 1, "workers": 0, "verbose": False}
    model = evo.fit([str(path) for path in paths], labels, directory=tmp_path / "d", **settings)
    assert model.space.input_shape == (8, 12, 1) and any("each scaled to 12 x 8" in note for note in model.notes)
    pixels = read_pictures(paths, (8, 12, 1))
    assert model.predict([str(path) for path in paths]).tolist() == model.predict(pixels).tolist()

    # In a table, told from its folder, beside another column.
    names = [path.relative_to(tmp_path / "p").as_posix() for path in paths]
    table = pd.DataFrame({"file": names, "size": np.arange(16.0), "light": labels})
    table.to_csv(tmp_path / "p" / "all.csv", index=False)
    model = evo.fit(tmp_path / "p" / "all.csv", "light", directory=tmp_path / "e", **settings)
    assert [part.name for part in model.space.parts] == ["file", "table"]
    again = evo.load_fitted(tmp_path / "e")
    told = again.predict(tmp_path / "p" / "all.csv")
    assert told.tolist() == again.predict({"file": pixels, "size": np.arange(16.0)}).tolist()
    assert again.evaluate(tmp_path / "p" / "all.csv")["accuracy"] == pytest.approx((told == labels).mean())
    table.loc[3, "file"] = "gone.png"
    table.to_csv(tmp_path / "p" / "all.csv", index=False)
    with pytest.raises(DataError, match=r"data\['file'\]: there is no file gone.png, but 15 of 16 are"):
        evo.fit(tmp_path / "p" / "all.csv", "light", directory=tmp_path / "f", **settings)


def test_names_of_pictures_that_are_not_there_are_words() -> None:
    assert pictures_in(["a.png", "b.png"], None, "x") is None and pictures_in(["a", "b"], None, "x") is None


def test_pictures_themselves_are_pictures() -> None:
    """Of Pillow, as bytes of files, as Hugging Face has them; of different sizes, in lists and in tables."""
    pictures = [image.new("L", (12 - number % 2, 8), 60 * number) for number in range(4)]
    encoded = []
    for picture in pictures:
        picture.save(buffer := io.BytesIO(), "PNG")
        encoded.append(buffer.getvalue())
    forms = [pictures, encoded, [{"bytes": content, "path": None} for content in encoded], pd.Series(pictures)]
    for form in forms:
        found, lines = with_pictures(form)
        assert found.shape == (4, 8, 11, 1) and found[:, 0, 0, 0].tolist() == [0, 60, 120, 180] and len(lines) == 1
    table, _ = with_pictures(pd.DataFrame({"shown": pictures, "a": range(4)}))
    assert table["shown"].shape == (4, 8, 11, 1) and list(table) == ["shown", "a"]
    with pytest.raises(DataError, match="data: row 1 holds no picture"):
        with_pictures([pictures[0], None])
    assert pictures[0].getpixel((0, 0)) == 0, "still open"
    cars = np.array([b"BMW", b"RIFFRAFF"])
    assert with_pictures(cars)[0] is cars, "words as bytes are none"


def test_pictures_with_more_than_eight_bits_keep_their_shades(tmp_path: Path) -> None:
    values = np.full((8, 8), 0.5, np.float32)
    image.fromarray(values).save(tmp_path / "f.tif")
    image.fromarray((values * 65535).astype(np.uint16)).save(tmp_path / "i.png")
    image.fromarray((values * 255).astype(np.int32)).save(tmp_path / "b.tif")
    found = read_pictures([tmp_path / name for name in ("f.tif", "i.png", "b.tif")], (8, 8, 1))
    assert found[:, 0, 0, 0].tolist() == [127, 127, 127]


def test_what_programs_keep_for_themselves_is_no_class(tmp_path: Path) -> None:
    folder_of(tmp_path, ("p",))
    for name in (".ipynb_checkpoints", "__MACOSX"):
        write(tmp_path / "p" / name / "a.png", 1)
    assert set(labelled_pictures(tmp_path / "p").labels) == {"day", "night"}
