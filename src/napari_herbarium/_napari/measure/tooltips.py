"""What every control of "Measure leaves" says about itself: meaning, unit, default."""

from __future__ import annotations

LABELS = (
    "The leaves to measure. Follows the labels layer that is selected in the layer "
    "list; another one can be chosen here."
)
SHEET = (
    "The image of the same size that the leaves were made from; gives the mean "
    "colours, the picture for the overlay and the name of the sheet."
)
MEASURE = (
    "Measure every leaf and put the table into the layer's features. From then on "
    "only leaves that you paint, erase, fill or merge are measured again, by "
    "themselves."
)
CANCEL = "Stop; the table stays as it is."
PROGRESS = "Leaves done, of all leaves to measure."
DRAW_LINE = (
    "Add a layer to draw a line along the ruler on the sheet: click one end, then the "
    "other. Hold Space to move the picture meanwhile. The longer the line, the better."
)
LINE_LENGTH = "What the ruler says is the length of your line, in the unit beside it."
LINE_UNIT = "Unit of the length: mm, cm or inch (25.4 mm). Default: cm."
USE_LINE = "Give sheet and leaves this scale in mm, and remove the line."
DROP_LINE = "Remove the line and leave the scale as it is."
READ_RULER = (
    "Look for a ruler or scale bar on the sheet and read it. Gives no scale rather "
    "than a doubtful one, and says why."
)
USE_RULER = "Give sheet and leaves the scale of the ruler, in mm per px."
JUDGE = (
    "The classifier that says which leaves are whole. Default: whole-leaves, which "
    "came with the plugin. Another one judges the measured leaves anew; what you said "
    "of a leaf counts more."
)
LEARN = (
    "Make a new classifier out of the chosen one and what you said of leaves (whole "
    "or partial) in all open layers. Takes some minutes in the background."
)
LEARN_NAME = (
    "Name of the new classifier: letters, digits, blanks, -, _ and . up to 80. An "
    "existing one is never written over."
)
LEARN_START = "Start; the leaves can be looked at and edited meanwhile."
LEARN_CANCEL = "Stop; there will be no new classifier."
LEARN_DROP = "Make no new classifier."
LEARN_PROGRESS = "Steps of learning done, of all."
THRESHOLD = (
    "A leaf counts as whole from this probability on (0 to 1). Lower accepts more. "
    "Default: the classifier's own. What you said of a leaf counts more. Nothing is "
    "removed."
)
FLIP = (
    "Say the opposite of the selected leaves: whole ones are partial, partial ones "
    "whole. Your word stays when leaves are measured again. Right click on a row "
    "offers more."
)
MERGE = (
    "Make one leaf of the selected ones, as where a strap or a twig lies across it: a "
    "gap that is narrower than the leaf is filled. Shift+click takes more leaves. "
    "Ctrl+Z in the picture undoes it."
)
CUT = (
    "Cut the selected leaf in two where shape and sheet speak most for two leaves. "
    "Click again to go on with the larger one. Ctrl+Z in the picture undoes it."
)
SAY_WHOLE = "Count the selected leaves as single whole leaves, whatever the model says."
SAY_PARTIAL = "Count the selected leaves as partial, whatever the model says."
SAY_NOTHING = "Take back what you said of the selected leaves."
UNITS = (
    "Unit of lengths (mm or px) and areas (mm² or px²) in table, colours and "
    "histogram. mm needs a scale."
)
TRAITS = (
    "Choose the columns of the table. All columns are in the layer's features and in "
    "saved tables, shown or not."
)
TABLE = (
    "One row a leaf. Click a row to go to the leaf, click a leaf to find its row, "
    "click a heading to sort, right click for more. Partial leaves are orange."
)
COLOUR = (
    "Colour the leaves in the picture by what was measured. “Their own” gives back "
    "the colours of before."
)
TRAIT = "The trait that colours and histogram show, with its unit."
LEGEND = "What the colours of the leaves mean, in the unit of the trait."
HISTOGRAM = (
    "How the trait is spread over the leaves, whole and partial apart; x in the unit "
    "of the trait, y in leaves."
)
SAVE = (
    "Save table, outlines, labels or overlay, all of the same leaves and numbers. "
    "Asks before a file is replaced."
)
