"""What every control of "Batch review" says about itself."""

from __future__ import annotations

RUN = (
    "Results folder of a run of “Segment a folder” or of the command "
    "“napari-herbarium batch”. It may still be at work."
)
BROWSE_RUN = "Choose the results folder of a run."
RELOAD = "Read the folder again: shows sheets that were done meanwhile."
SHOW = "Which sheets to list. Default: all."
TABLE = (
    "The sheets, the least certain first; those that failed come last. Confidence: "
    "share of the possible leaf that is certainly leaf (0 to 1). Leaves: number in the "
    "labels as they are now, repairs included."
)
PREVIOUS = "Go to the sheet above in the list."
NEXT = "Go to the sheet below in the list."
ACCEPT = (
    "The leaves are good. What you have repaired is saved, with the table of the "
    "leaves made anew; what the model had found is kept beside it."
)
REJECT = (
    "This sheet is not to be used. Its rows stay in the table, marked as rejected; "
    "accepting it later takes that back. What you have repaired is saved, too."
)
RESTORE = (
    "Put the leaves back that the model had found. Nothing is written before you "
    "accept them."
)
GO_ON = "Open the next sheet that nobody has judged, after each verdict. Default: on."
TRAINING = (
    "Folder in which training pairs for “Fine-tune model” are collected. Default: the "
    "one used last, else “training” in the results folder."
)
BROWSE_TRAINING = "Choose a folder for training pairs."
TRAIN = (
    "Copy this sheet and its leaves, with what you have repaired, into the folder of "
    "training pairs. Counts as accepting the sheet."
)
