"""What every control of "Segment a folder" says of itself: meaning, unit, default."""

from __future__ import annotations

from napari_herbarium._napari.segment.tooltips import LEAVES_THAT_TOUCH

SHEETS = (
    "What to segment: a folder, or files (TIFF, JPEG, PNG, JPEG 2000). Several are "
    "divided by “ ; ”. A table (CSV, TSV, Parquet) with a column “path” or “url” will "
    "do, too. The files themselves are never changed."
)
FOLDER = "Choose a folder of sheets."
FILES = "Choose sheets, or a table that lists them."
SUBFOLDERS = "Take the sheets in all subfolders as well. Default: off."
RESULTS = (
    "Folder for the results: labels and tables, with a report. Made when it does not "
    "exist. A run that was stopped goes on when its folder is chosen again."
)
BROWSE_RESULTS = "Choose the folder for the results."
MEASURE = (
    "Measure length, width, outline, colour and the other traits of every leaf; takes "
    "a little longer. Without it the table has area and position only. Default: on."
)
CSV = (
    "Write the table of all leaves as traits.csv, too, which spreadsheets open. "
    "Default: on. (The run always writes it as Parquet.)"
)
OVERLAY = (
    "Write a picture of every sheet with the outlines and numbers of its leaves "
    "(PNG). Default: off."
)
WORKERS = (
    "Sheets are shared out among so many worker processes on this computer. Automatic "
    "(default): one for each NVIDIA card, else as many as there are cores, and free "
    "memory at 3 GB for each."
)
THRESHOLD = (
    "A pixel is leaf where its leaf probability is at least this (0 to 1). Lower "
    "finds more leaf. Default: the model's own."
)
MIN_AREA = (
    "Smaller pieces are dropped; in mm². Default: 4 mm². On a sheet without scale, as "
    "many px as 4 mm² were if the sheet is 420 mm long."
)
FILL_HOLES = (
    "Count holes inside a leaf as leaf. Default: off, so holes made by insects stay "
    "holes."
)
TOUCHING = LEAVES_THAT_TOUCH
ANEW = (
    "Begin a new run in this folder. The earlier one, with all its results, is moved "
    "into the subfolder “earlier”."
)
RETRY = "Do the sheets once more that failed earlier. Default: off."
START = "Segment all sheets. napari can be used meanwhile."
GO_ON = "Do what is missing; what was done earlier stays as it is."
TABLES = (
    "Write sheets.parquet, traits.csv and the report with what was repaired, accepted "
    "and rejected in “Batch review”. No sheet is done again."
)
CANCEL = (
    "Stop. What is done stays, and starting again with the same folders goes on from "
    "there."
)
PROGRESS = "Sheets done, failed or skipped, of all sheets."
DASHBOARD = (
    "Show in the web browser what each worker does. Offered when the Python package "
    "bokeh is installed."
)
FAILURES = "Sheets that failed, with the reason. All other sheets are done regardless."
REPORT = "Open the report of the run in your web browser."
REVIEW = "Look through the sheets in napari, the least certain first."
