"""SVG as PNG: drawn by resvg, in a font that comes with it, so that it looks alike everywhere.

Fonts of the system are not looked at: a picture would depend on where it was drawn, and where
there are none, letters would be left out without a word. Both packages are the extra `png`.
"""

from importlib.util import find_spec
from pathlib import Path

from headgate.economics.pictures import FONT

try:
    import resvg_py
except ModuleNotFoundError:  # The extra `png` is not installed: see `missing_for_png`.
    CAN_DRAW = False
else:
    CAN_DRAW = True

FONT_PACKAGE = "fontpkg_arimo"
FONT_FILE = "Arimo[wght].ttf"
SCALE = 2
"""Pixels of the picture for one of the drawing, so that it is sharp on a dense screen."""


def missing_for_png() -> str | None:
    """Return which package is missing for pictures, None when none is."""
    if not CAN_DRAW:
        return "resvg-py"
    return "fontpkg-arimo" if _font() is None else None


def png_of(svg: str) -> bytes:
    """Return a picture of a document; what the font has no letter for is drawn as a box.

    Only to be called when nothing is missing.
    """
    font = _font()
    assert CAN_DRAW
    assert font is not None
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=SCALE,
            skip_system_fonts=True,
            font_files=[str(font)],
            font_family=FONT,
        )
    )


def _font() -> Path | None:
    """Return where the font lies; its package is not imported, for it has nothing but files."""
    spec = find_spec(FONT_PACKAGE)
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [Path(folder) / "files" / FONT_FILE for folder in folders]
    return next((file for file in files if file.is_file()), None)
