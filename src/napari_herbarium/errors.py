"""Errors a user may see: each message is one sentence that says what to do."""


class HerbariumError(Exception):
    """Something the user can put right; the message says how."""


class SheetError(HerbariumError):
    """A sheet that cannot be read; the message names the file and the reason."""


class DataError(SheetError):
    """Sheets to learn or score from that are refused before any work."""


class ModelError(HerbariumError):
    """A model that cannot be built, found or loaded."""


class SettingsError(HerbariumError):
    """A setting that makes no sense, alone or for this image."""
