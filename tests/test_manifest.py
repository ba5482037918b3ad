"""What napari learns of us: one manifest, and nothing in it that it drops."""

from __future__ import annotations

from pathlib import Path

import pytest
from napari._app_model.constants import MenuId
from npe2 import PluginManager, PluginManifest
from npe2.manifest.contributions import ConfigurationContribution

from napari_herbarium.settings import Detail, Device, SegmentSettings

NAME = "napari-herbarium"
ROOT = Path(__file__).parents[1] / "napari.yaml"


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution(NAME)


@pytest.fixture
def preferences(manifest: PluginManifest) -> ConfigurationContribution:
    return manifest.contributions.configurations["segment"]


def test_the_manifest_at_the_root_is_the_installed_one(
    manifest: PluginManifest,
) -> None:
    if "\n" not in ROOT.read_text().strip():
        pytest.skip("this clone has no symbolic links, so napari.yaml is only a path")
    at_root = PluginManifest.from_file(ROOT)
    own = {"package_metadata"}
    assert at_root.model_dump(exclude=own) == manifest.model_dump(exclude=own)


def test_napari_knows_every_menu_we_name(manifest: PluginManifest) -> None:
    menus = set(manifest.contributions.menus or {})
    assert menus
    assert menus <= MenuId.contributables()


def test_the_widget_stands_in_the_segment_menu(manifest: PluginManifest) -> None:
    widgets = {w.display_name: w.command for w in manifest.contributions.widgets}
    in_menu = [
        item.command for item in manifest.contributions.menus[MenuId.LAYERS_SEGMENT]
    ]
    assert widgets["Segment leaves"] in in_menu


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


@pytest.mark.parametrize("name", ["sheet.tif", "SHEET.TIFF", "K000123456.btf"])
def test_tiffs_are_offered_to_our_reader(npe2pm: PluginManager, name: str) -> None:
    with npe2pm.tmp_plugin(manifest=PluginManifest.from_distribution(NAME)):
        readers = [r.command for r in npe2pm.iter_compatible_readers([name])]
    assert readers == [f"{NAME}.read_sheet"]


def test_what_is_not_a_sheet_is_left_to_others(npe2pm: PluginManager) -> None:
    with npe2pm.tmp_plugin(manifest=PluginManifest.from_distribution(NAME)):
        assert not list(npe2pm.iter_compatible_readers(["cells.czi"]))


def test_preferences_offer_what_the_settings_accept(
    preferences: ConfigurationContribution,
) -> None:
    offered = preferences.properties
    defaults = SegmentSettings()
    assert offered["device"].enum == [d.value for d in Device]
    assert offered["device"].default == defaults.device
    assert offered["default_detail"].enum == [d.value for d in Detail]
    assert offered["default_detail"].default == defaults.detail
    assert offered["default_model"].default == defaults.model


@pytest.mark.usefixtures("plugin_settings")
def test_napari_builds_our_page_of_preferences(npe2pm: PluginManager) -> None:
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution(NAME))
    settings = get_plugin_settings(NAME).segment
    assert settings.device == "auto"
    assert settings.default_detail == "full"
    assert settings.default_model == "herbarium-leaves"
    assert settings.model_folder == ""
