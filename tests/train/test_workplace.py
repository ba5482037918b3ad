"""Where a training keeps its state, and who may touch it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from napari_herbarium.errors import HerbariumError, ModelError, SettingsError
from napari_herbarium.train.files.workplace import Workplace

KILLED = """
import os, signal, sys
from pathlib import Path
from napari_herbarium.train.files.workplace import Workplace

with Workplace(Path(sys.argv[1])).claim(resume=False):
    os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
"""


def model_in(folder, weights=b"weights", config="{}"):
    """Write what stands for a model folder."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "config.json").write_text(config)
    return folder


def begun(out):
    """Give the workplace of a training that can be gone on with."""
    place = Workplace(out)
    place.folder.mkdir()
    place.checkpoint.write_bytes(b"state")
    return place


def test_one_run_at_a_time_has_a_name(tmp_path):
    place = Workplace(tmp_path / "m")
    with place.claim(resume=False):
        place.checkpoint.write_bytes(b"state")
        for resume in (False, True):
            with (
                pytest.raises(SettingsError, match="m is being trained by another run"),
                place.claim(resume=resume),
            ):
                pass
        with pytest.raises(SettingsError, match="being trained"):
            place.discard()
        with place.claim(resume=True, first=False):
            pass  # another process of the same run
        assert place.checkpoint.exists()
    place.discard()
    assert not list(tmp_path.iterdir())


def test_a_killed_run_lets_go_of_its_name(tmp_path):
    out = tmp_path / "m"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(out)], check=False)
    assert killed.returncode != 0
    with Workplace(out).claim(resume=False):
        pass
    assert not list(tmp_path.glob("*lock*"))


@pytest.mark.parametrize("keep_state", [True, False])
def test_a_model_that_was_put_there_meanwhile_is_not_replaced(tmp_path, keep_state):
    place = begun(tmp_path / "m")
    made = model_in(place.folder / "model", b"ours")
    model_in(place.out, b"theirs")
    with pytest.raises(ModelError, match="was put there while this training ran"):
        place.finish(made, keep_state=keep_state)
    assert (place.out / "model.safetensors").read_bytes() == b"theirs"
    assert (made / "model.safetensors").read_bytes() == b"ours"
    assert place.checkpoint.exists()


def test_going_on_replaces_only_what_the_run_itself_wrote(tmp_path):
    place = begun(tmp_path / "m")
    for weights in (b"first", b"second"):
        with place.claim(resume=True):
            made = model_in(place.folder / "model", weights)
            place.finish(made, keep_state=True)
    assert (place.out / "model.safetensors").read_bytes() == b"second"
    place.out.rename(tmp_path / "renamed")
    model_in(place.out, b"second", '{"name": "theirs"}')
    with (
        pytest.raises(ModelError, match="not the model that this training wrote"),
        place.claim(resume=True),
    ):
        pass
    assert "theirs" in (place.out / "config.json").read_text()
    place.out.rename(tmp_path / "another")
    with place.claim(resume=True):
        pass


def test_a_folder_that_cannot_be_written_is_told_before_any_work(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(HerbariumError, match=r"Cannot write .*file .*choose another"),
        Workplace(tmp_path / "file" / "m").claim(resume=False),
    ):
        pass


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no such folder here")
def test_where_nothing_can_be_made_no_other_run_is_blamed():
    with (
        pytest.raises(HerbariumError, match="Cannot write /proc"),
        Workplace(Path("/proc/oaks")).claim(resume=False),
    ):
        pass


def test_an_unfinished_training_is_not_begun_anew_unasked(tmp_path):
    place = Workplace(tmp_path / "m")
    place.folder.mkdir()
    place.checkpoint.touch()
    with (
        pytest.raises(SettingsError, match=r"an unfinished training .*--resume"),
        place.claim(resume=False),
    ):
        pass
    assert place.checkpoint.exists()


def test_a_refused_run_leaves_no_folder(tmp_path):
    place = Workplace(tmp_path / "new" / "m")
    with place.claim(resume=False):
        assert place.folder.is_dir()
    assert not list(tmp_path.iterdir())
