"""What looks at the demo's pictures where the usual model cannot be had."""

from __future__ import annotations

from configs.schema import SCENES_ONLY, ModelSettings
from models.errors import ModelUnavailableError
from models.store import ModelStore


def demo_model(wanted: ModelSettings, store: ModelStore, *, drawn: bool) -> ModelSettings:
    """``wanted``, or the model in the box where that cannot be had and every picture is ``drawn``.

    With a single clip or real camera the settings stand, and what they say of a missing model. Raises
    :class:`models.errors.ModelError` for a file that is there and wrong.
    """
    if not drawn:
        return wanted
    try:
        store.resolve(wanted.id)
    except ModelUnavailableError:
        return wanted.model_copy(update={"id": SCENES_ONLY})
    return wanted
