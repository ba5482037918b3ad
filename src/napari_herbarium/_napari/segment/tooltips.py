"""What every control says about itself: meaning, unit, default."""

from __future__ import annotations

SHEET = (
    "The image to segment. Follows the layer that is selected in the layer list; "
    "another one can be chosen here."
)
SCALE = "Size of a pixel, from the scale and units of the image layer."
USE_SCALE = (
    "Believe the resolution that the file states, and give the layers this scale "
    "in mm. Check it on the ruler of the sheet."
)
MODEL = (
    "The network that tells leaf from everything else. Default: the bundled one, "
    "or your choice under Preferences."
)
BROWSE_MODEL = "Choose a model folder (with config.json and model.safetensors)."
DETAIL = (
    "How closely to look. Full: several working sizes of the sheet, then full "
    "resolution along the outlines (default). Thorough: the same with the sheet "
    "seen from four sides; a little better on small leaves, slower. Fast: one pass at "
    "a working size. As published: the whole sheet squashed to 512 x 512 px."
)
DEVICE = (
    "Where the network runs. Automatic takes CUDA, then MPS, then the CPU (default)."
)
ADVANCED = (
    "Show or hide what is rarely changed: threshold, smallest leaf, touching leaves, "
    "memory."
)
THRESHOLD = (
    "A pixel is leaf where its leaf probability is at least this (0 to 1). Lower "
    "finds more leaf. Default: the model's own. Acts at once after a run."
)
MIN_AREA_MM2 = (
    "Smaller pieces are dropped; in mm², as the sheet has a scale. Default: 4 mm². "
    "Acts at once after a run."
)
MIN_AREA_PX = (
    "Smaller pieces are dropped; in px, as the sheet has no scale in mm. Default: by "
    "sheet size, 4 mm² if the sheet is 420 mm long. Acts at once after a run."
)
FILL_HOLES = (
    "Count holes inside a leaf as leaf. Default: off, so holes made by insects stay "
    "holes. Acts at once after a run."
)
LEAVES_THAT_TOUCH = (
    "What becomes of leaves that touch. Cut where leaves meet: where their shape, "
    "a network that sees where leaves meet, and the classifier of whole leaves speak "
    "for it (default). Cut at narrow necks: by shape alone. Keep as one: one label, as "
    "published."
)
TOUCHING = f"{LEAVES_THAT_TOUCH} Acts at once after a run."
METHOD = (
    "Threshold: threshold, holes and minimum area as set here (default). As published: "
    "Otsu threshold, filling and dilation, pieces over 1000 px; the settings above "
    "then do not count."
)
TILE = (
    "Side of the square tiles that are looked at in one go, in px. Default: 512. "
    "Smaller needs less memory."
)
BATCH = "Tiles per forward pass. Default: 4. Smaller needs less memory."
RUN = "Find the leaves of this sheet and add them as a labels layer to edit."
CANCEL = "Stop; nothing is added and nothing is changed."
PROGRESS = "Tiles done, of all tiles of this sheet."
