"""The design tokens, as static/css/tokens.css has them, with the contrast of its colours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from django.contrib.staticfiles import finders

TEXT, EDGE = 4.5, 3.0  # the least contrast of words, and of the edges of controls (WCAG 2.2, AA)
ROOT_PX = 16  # px in a rem, for those who have not changed it

#: What lies on what, and the contrast that it needs.
PAIRS: tuple[tuple[str, str, float], ...] = (
    *((ink, on, TEXT) for on in ("paper", "surface", "raised") for ink in ("ink", "ink-2")),
    *((ink, "well", TEXT) for ink in ("ink", "ink-2")),
    *(("accent", on, TEXT) for on in ("paper", "surface", "raised", "accent-soft")),
    ("on-accent", "accent", TEXT),
    ("on-button", "button", TEXT),
    ("on-button", "button-hover", TEXT),
    *((state, f"{state}-soft", TEXT) for state in ("good", "usable", "poor")),
    *(("ink", f"{state}-soft", TEXT) for state in ("good", "usable", "poor")),
    *(("poor", on, TEXT) for on in ("paper", "surface", "raised")),
    *(("paper", state, TEXT) for state in ("good", "poor")),
    *(("edge", on, EDGE) for on in ("paper", "surface", "raised")),
    *((ink, "stage", TEXT) for ink in ("stage-ink", "stage-ink-2", "stage-accent", "stage-usable")),
)


@dataclass(frozen=True)
class Contrast:
    """Two colours of one theme, one on the other."""

    ink: str
    on: str
    ratio: float
    least: float

    @property
    def is_enough(self) -> bool:
        return self.ratio >= self.least


def read(theme: str = "light", css: Path | None = None) -> dict[str, str]:
    """Every token of a theme ("light", "dark") by its name without dashes, in the file's order."""
    css = css or Path(str(finders.find("css/tokens.css")))
    blocks = _blocks(css.read_text())
    tokens = blocks['[data-theme="light"]']
    return tokens if theme == "light" else tokens | blocks[f'[data-theme="{theme}"]']


def colours(tokens: dict[str, str]) -> list[str]:
    """The names of the plain colours among `tokens`."""
    return [name for name, value in tokens.items() if value.startswith(("#", "rgb("))]


def lengths(tokens: dict[str, str], prefix: str) -> list[tuple[str, str, float]]:
    """(name, value, px) of the tokens that begin so and are a plain length."""
    found = []
    for name, value in tokens.items():
        match = re.fullmatch(r"([\d.]+)(rem|px)", value)
        if match and name.startswith(prefix):
            found.append((name, value, float(match[1]) * (ROOT_PX if match[2] == "rem" else 1)))
    return found


def contrasts(tokens: dict[str, str]) -> list[Contrast]:
    return [Contrast(ink, on, contrast(tokens[ink], tokens[on]), least) for ink, on, least in PAIRS]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two opaque #rrggbb colours, 1 to 21, as WCAG defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(weight * s for weight, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _blocks(css: str) -> dict[str, dict[str, str]]:
    """The declarations of custom properties by the last selector in front of them."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    blocks = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        found = re.findall(r"--([\w-]+):\s*([^;]+);", body)
        blocks[selectors.split(",")[-1].strip()] = {
            name: " ".join(value.split()) for name, value in found
        }
    return blocks
