"""What upstreams really count, against what c2o estimates: a factor for each model, which outlives the service.

There are two estimates.  The one by size costs nothing and is made for every request; the one by text costs
some milliseconds and is made when somebody asks, or a context window is near.  Each has its own factor.

Ten answers to one growing conversation bring the estimate by text to within 2 % (tests/proxy/test_calibration.py).
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
from msgspec import Struct, field

from c2o.paths import private_dir
from c2o.proxy.clock import Clock

log = logging.getLogger("c2o.proxy")

LOWEST, HIGHEST = 0.5, 2.0
"""The factors that are used.  Tokenizers differ by a third, and more only over scripts that they don't know."""

ABSURD = 4.0
"""What an upstream counts beyond this factor, or below the lowest, isn't the prompt: uncached tokens alone, or those of
the whole conversation so far."""

KEPT = 0.6
"""How much of what it knew a ratio keeps when it learns."""

MODELS = 256
"""Models that are remembered; the one that has been silent for longest goes first."""

SAVE_EVERY = 30.0
"""Seconds between writes of the file."""


class Ratio(Struct):
    """Tokens that were counted to tokens that were estimated, both fading out with time.

    Two sums rather than a mean of quotients: what a large prompt says weighs more than what a title's does.
    """

    counted: float = 0.0
    estimated: float = 0.0
    answers: int = 0
    """From how many answers it was learned."""

    def learn(self, counted: int, estimated: float) -> None:
        """One more answer."""
        if estimated <= 0 or not LOWEST <= counted / estimated <= ABSURD:
            return
        self.counted = KEPT * self.counted + min(counted, HIGHEST * estimated)
        self.estimated = KEPT * self.estimated + estimated
        self.answers += 1

    @property
    def factor(self) -> float:
        """What to multiply an estimate by."""
        return min(max(self.counted / self.estimated, LOWEST), HIGHEST) if self.estimated > 0 else 1.0


class Factors(Struct):
    """What is known of one model."""

    by_size: Ratio = field(default_factory=Ratio)
    by_text: Ratio = field(default_factory=Ratio)


class _File(Struct, kw_only=True):
    schema: str = "c2o.calibration/1"
    models: dict[str, Factors] = {}
    """By ``upstream/model``, the one that answered last at the end."""


class Calibration:
    """All models' factors.  With a ``path`` they are read from there, and written when they have changed."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self._models = _read(path) if path else {}
        self._saved_at = clock.now()
        self._changed = False

    def of(self, model: str) -> Factors:
        """The factors of ``upstream/model``; 1 as long as nothing has been learned."""
        return self._models.get(model) or Factors()

    def learn(self, model: str, *, counted: int, by_size: float = 0.0, by_text: float = 0.0) -> None:
        """What an upstream counted for a prompt, and what was estimated for it in either way."""
        factors = self.of(model)
        self._models.pop(model, None)
        self._models[model] = factors
        factors.by_size.learn(counted, by_size)
        factors.by_text.learn(counted, by_text)
        while len(self._models) > MODELS:
            del self._models[next(iter(self._models))]
        self._changed = True
        if self._clock.now() - self._saved_at >= SAVE_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, if something was learned since the last time.  What can't be written is only logged."""
        self._saved_at = self._clock.now()
        if self._path is None or not self._changed:
            return
        self._changed = False
        try:
            _write(self._path, msgspec.json.encode(_File(models=self._models)))
        except OSError as error:
            log.warning("%s can't be written (%s); what c2o learned of token counts is forgotten", self._path, error)


def _read(path: Path) -> dict[str, Factors]:
    """What was learned before; nothing where the file is missing, broken or of another make."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        log.warning("%s can't be read (%s); token counts are learned anew", path, error)
        return {}
    return found.models if found.schema == _File().schema else {}


def _write(path: Path, data: bytes) -> None:
    private_dir(path.parent)
    beside = path.with_suffix(".new")
    beside.write_bytes(data)
    beside.chmod(0o600)
    beside.replace(path)
