"""What every control of "Fine-tune model" says about itself."""

from __future__ import annotations

SHEET = (
    "The sheet of the pair. Follows the layer that is selected in the layer list; its "
    "labels are chosen with it."
)
LABELS = (
    "Its leaves, corrected with napari's brush and eraser: every label that is not 0 "
    "is leaf. Label all leaves of the sheet, as the rest counts as no leaf."
)
ADD = (
    "Put this sheet and its labels into the list. Labels that you repair later count "
    "as they are when the training starts, even if the layers were closed meanwhile."
)
SAVE = (
    "Store this sheet and its labels in a training folder (images/ and masks/, TIFF "
    "without loss), so that your collection grows over weeks. Asks before it replaces "
    "anything."
)
REMOVE = "Take this pair out of the list; the layers stay as they are."
ROW = "Name, width x height in px, and number of labelled leaves."
FOLDER = (
    "A folder of training pairs, as “Save as training pair” fills it: images/ with "
    "sheets and masks/ with a PNG or TIFF mask of the same name for each. Empty: only "
    "the pairs above. A sheet that is in both counts as it is above."
)
BROWSE_FOLDER = "Choose a training folder."
BASE = (
    "The model that the training starts from; it is not changed. Default: the bundled "
    "one, or your choice under Preferences."
)
RECIPE = (
    "Few sheets: adapts the base model to 3 to 30 corrected sheets (default). As "
    "published: the paper's own training from ImageNet weights, for hundreds of "
    "sheets; the base model does not count."
)
OTHERS = (
    "A folder of sheets of other plants, without labels; it can be dropped here. What "
    "the base model sees on up to 16 of them is trained on as well, so that the new "
    "model forgets them less. Worth it with many sheets of one kind. Empty: none; only "
    "drawn sheets stand against forgetting."
)
BROWSE_OTHERS = "Choose a folder of sheets of other plants."
LENGTH = (
    "When to stop at the latest, in minutes or in epochs. Default: 10 min for few "
    "sheets, 100 epochs as published. It ends sooner when it gets no better."
)
UNIT = "Bound the training by minutes, or by epochs (rounds between two scorings)."
DEVICE = (
    "Where to train. Automatic takes CUDA, then MPS, then the CPU (default). A "
    "graphics card is much faster."
)
NAME = (
    "Name of the new model, as Segment leaves will list it: up to 80 letters, digits, "
    "blanks, “-”, “_” and “.”. No model is ever replaced."
)
START = "Train a new model on these pairs; nothing that exists is changed."
STOP = "Stop after the step that is running, and keep the best model so far."
PROGRESS = "Steps of the training; how long it still takes is an estimate."
CURVES = (
    "Loss (left; lower is better) on the crops that are trained on and on held-out "
    "crops, and IoU of leaf (right; 0 to 1, higher is better) on the held-out crops, "
    "over training steps."
)
PREVIEW = (
    "The held-out crop in which the base model was most wrong, by the model before and "
    "now. Blue: true outline. Orange: the model's. Red: pixels that are wrong. Dark: "
    "not held out."
)
