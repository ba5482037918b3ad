"""From stored bytes to upright sRGB."""
