"""Draws the pictures, trains the built-in model and writes ``xueliang_scenes.onnx`` beside this file.

    pip install torch==2.13.0 numpy onnx      # in an environment of its own, with this project's requirements
    python -m models.builtin.train --work FOLDER

The same seed gives the same pictures in the same order, and training runs in one thread. How sums in bfloat16 and
float32 round depends on the processor's instructions, and the rate also falls with time: another machine gives weights
of the same quality, not the same bits.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.builtin.loss import Targets, loss_of
from models.builtin.material import CLASSES, INPUT, TRAINING_SEEDS, Samples, render_all
from models.builtin.net import Exported, Net, grid

TARGET = Path(__file__).parent / "xueliang_scenes.onnx"
PAD = 114
_MIN_VISIBLE, _MIN_INSIDE, _MIN_HEIGHT = 0.3, 0.25, 6.0  # what is less is neither asked for nor held against


@dataclass(frozen=True)
class Stage:
    """``epochs`` or ``minutes``, whichever ends first; the rate falls from ``rate`` with what is used up of either.

    At first every point near an object learns to see it. Then only the best one may say so, which leaves nothing for
    suppression to miss; the stem, which has learnt by then, stays as it is.
    """

    epochs: int
    minutes: float
    rate: float
    single: bool


@dataclass(frozen=True)
class Recipe:
    """Everything that training depends on besides the code."""

    seed: int = 1
    scenes: int = 600
    bursts: int = 4
    batch: int = 16
    decay: float = 0.02
    stages: tuple[Stage, ...] = (
        Stage(14, 39.0, 1.5e-3, single=False),
        Stage(6, 9.0, 8e-4, single=True),
        Stage(6, 14.0, 8e-4, single=True),
    )


def samples_for(recipe: Recipe, work: Path) -> Samples:
    """Training pictures, drawn once into ``work``."""
    names = work / "train_p.npy", work / "train_o.npy"
    if not all(name.exists() for name in names):
        seeds = range(TRAINING_SEEDS, TRAINING_SEEDS + recipe.scenes)
        drawn = render_all(seeds, recipe.bursts, os.cpu_count() or 1)
        work.mkdir(parents=True, exist_ok=True)
        np.save(names[0], drawn.pictures)
        np.save(names[1], drawn.objects)
    return Samples(np.load(names[0], mmap_mode="r"), np.load(names[1]))


def varied(
    picture: NDArray[np.uint8], objects: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A sample on the input's canvas, ``(h, w, 3)`` BGR, changed in place, size, light and noise; mirrored by half."""
    width, height = INPUT
    objects = objects.copy()
    canvas = np.full((height, width, 3), PAD, np.uint8)
    if rng.random() < 0.6:
        scale = float(np.exp(rng.uniform(math.log(0.8), math.log(1.3))))
        dx, dy = (rng.random(2) * (1 - scale) * (width, picture.shape[0])).tolist()
        matrix = np.array([[scale, 0, dx], [0, scale, dy]])
        canvas = cv2.warpAffine(picture, matrix, (width, height), borderValue=(PAD, PAD, PAD)).astype(np.uint8)
        canvas[picture.shape[0] :] = PAD
        objects = _moved(objects, scale, dx, dy, picture.shape[0])
    else:
        canvas[: picture.shape[0]] = picture
    if rng.random() < 0.5:
        canvas = canvas[:, ::-1]
        objects[:, [1, 3]] = width - objects[:, [3, 1]]
    canvas = np.ascontiguousarray(canvas)
    canvas[: picture.shape[0]] = _relit(canvas[: picture.shape[0]], rng)
    return canvas, objects


def _relit(shown: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    gains = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    levels = np.clip(np.arange(256)[:, None] * gains + rng.uniform(-12, 12), 0, 255)
    shown = cv2.LUT(shown, levels[:, None].astype(np.uint8)).astype(np.uint8, copy=False)
    if rng.random() < 0.1:
        shown = cv2.GaussianBlur(shown, (3, 3), float(rng.uniform(0.4, 0.8))).astype(np.uint8, copy=False)
    if rng.random() < 0.3:
        noise = rng.standard_normal((*shown.shape[:2], 1), np.float32) * np.float32(rng.uniform(1, 6))
        shown = np.clip(shown + noise, 0, 255).astype(np.uint8)
    return shown


def _moved(objects: NDArray[np.float32], scale: float, dx: float, dy: float, height: int) -> NDArray[np.float32]:
    moved = objects.copy()
    moved[:, 1:5] = objects[:, 1:5] * scale + np.array([dx, dy, dx, dy], np.float32)
    area = np.maximum((moved[:, 3] - moved[:, 1]) * (moved[:, 4] - moved[:, 2]), 1e-6)
    moved[:, [1, 3]] = np.clip(moved[:, [1, 3]], 0, INPUT[0])
    moved[:, [2, 4]] = np.clip(moved[:, [2, 4]], 0, height)
    moved[:, 6] *= (moved[:, 3] - moved[:, 1]) * (moved[:, 4] - moved[:, 2]) / area
    return moved[(moved[:, 3] > moved[:, 1]) & (moved[:, 4] > moved[:, 2])]


def targets_of(batch: list[NDArray[np.float32]]) -> Targets:
    """Objects of each picture, ``(k, 7)``, padded to one length."""
    longest = max(1, *(len(objects) for objects in batch))
    boxes = torch.zeros(len(batch), longest, 4)
    classes = torch.zeros(len(batch), longest, dtype=torch.long)
    kind = torch.zeros(len(batch), longest, dtype=torch.long)
    for row, objects in enumerate(batch):
        count = len(objects)
        boxes[row, :count] = torch.from_numpy(objects[:, 1:5].copy())
        classes[row, :count] = torch.from_numpy(objects[:, 0].astype(np.int64))
        kind[row, :count] = torch.from_numpy(np.where(_asked_for(objects), 1, -1))
    return Targets(boxes, classes, kind)


def _asked_for(objects: NDArray[np.float32]) -> NDArray[np.bool_]:
    tall = objects[:, 4] - objects[:, 2] >= _MIN_HEIGHT
    asked: NDArray[np.bool_] = tall & (objects[:, 5] >= _MIN_VISIBLE) & (objects[:, 6] >= _MIN_INSIDE)
    return asked


def batches(samples: Samples, recipe: Recipe, epoch: int) -> Iterator[tuple[Tensor, Targets]]:
    """One epoch in an order of its own; the next batch is made while one is learnt from."""
    order = np.random.default_rng((recipe.seed, epoch)).permutation(len(samples.pictures))

    def make(start: int) -> tuple[Tensor, Targets]:
        made = []
        for index in order[start : start + recipe.batch].tolist():
            rng = np.random.default_rng((recipe.seed, epoch, index))
            made.append(varied(samples.pictures[index], samples.of(index), rng))
        pixels = torch.from_numpy(np.stack([picture for picture, _ in made]))
        return pixels.permute(0, 3, 1, 2), targets_of([objects for _, objects in made])

    starts = range(0, len(order) - recipe.batch + 1, recipe.batch)
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(make, starts[0])
        for start in starts:
            ready = ahead.result()
            if start != starts[-1]:
                ahead = pool.submit(make, start + recipe.batch)
            yield ready


def train(samples: Samples, recipe: Recipe, keep: Path) -> Net:
    """All stages; each goes on from the average of the one before, which is written to ``keep``."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(1)  # sums have one order, and threads that wait for each other lose more than they win
    cv2.setNumThreads(1)
    net = Net(len(CLASSES))
    epoch = 0
    for number, stage in enumerate(recipe.stages, 1):
        net = _learn(net, samples, recipe, stage, epoch)
        epoch += stage.epochs
        torch.save(net.state_dict(), keep / f"stage{number}.pt")
    return net


def _learn(start: Net, samples: Samples, recipe: Recipe, stage: Stage, first_epoch: int) -> Net:
    """The average of the weights over the stage's last steps."""
    net = copy.deepcopy(start).to(memory_format=torch.channels_last).train()
    average = copy.deepcopy(net).eval()
    if stage.single:
        net.stem.requires_grad_(False).eval()
    learning = [p for p in net.parameters() if p.requires_grad]
    decayed, rest = [p for p in learning if p.ndim > 1], [p for p in learning if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": recipe.decay}, {"params": rest, "weight_decay": 0.0}], lr=stage.rate
    )
    corners, strides = grid(*INPUT)
    steps, total, began = 0, stage.epochs * (len(samples.pictures) // recipe.batch), time.monotonic()
    for epoch in range(first_epoch, first_epoch + stage.epochs):
        losses: list[float] = []
        for pictures, targets in batches(samples, recipe, epoch):
            used = max(steps / total, (time.monotonic() - began) / 60 / stage.minutes)
            if used >= 1:
                break
            for group in optimiser.param_groups:
                group["lr"] = stage.rate * min(1.0, (steps + 1) / 100) * _falling(used)
            pixels = pictures.float().contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                raw = net(pixels)
            loss = loss_of(raw.float(), targets, corners, strides, single=stage.single)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 20.0)
            optimiser.step()
            steps += 1
            losses.append(float(loss.detach()))
            _follow(average, net, min(0.998, steps / (steps + 20)))
        if not losses:
            break
        seconds = time.monotonic() - began
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {steps} steps, {seconds:.0f} s", flush=True)
    return average


def _falling(used: float) -> float:
    """Half a cosine from 1 to 0.02 (Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    return 0.02 + 0.49 * (1 + math.cos(math.pi * used))


@torch.no_grad()
def _follow(average: Net, net: Net, share: float) -> None:
    for kept, now in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(now, 1 - share)
        else:
            kept.copy_(now)


def export(net: Net, target: Path) -> None:
    """Write the ONNX file (opset 17, batch 1) and hold ONNX Runtime's answer against torch's."""
    import onnxruntime

    model = Exported(copy.deepcopy(net).to(memory_format=torch.contiguous_format)).eval()
    pixels = torch.randint(0, 256, (1, 3, INPUT[1], INPUT[0]), generator=torch.Generator().manual_seed(0)).float()
    torch.onnx.export(
        model, (pixels,), str(target), input_names=["images"], output_names=["output"], opset_version=17, dynamo=False
    )
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        want = model(pixels).numpy()
    apart = float(np.abs(session.run(None, {"images": pixels.numpy()})[0] - want).max())
    if apart > 1e-3:
        raise SystemExit(f"{target}: ONNX Runtime differs from torch by {apart:g}")
    print(f"{target}: {target.stat().st_size} bytes, differs from torch by at most {apart:.1e}")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the drawn pictures, 2 GB")
    parser.add_argument("--output", type=Path, default=TARGET)
    given = parser.parse_args()
    recipe = Recipe()
    export(train(samples_for(recipe, given.work), recipe, given.work), given.output)


if __name__ == "__main__":
    main()
