"""Which grid point answers for which object, and how wrong it is.

Assignment as in YOLOX's SimOTA (Ge et al. 2021, arXiv:2107.08430): the points near an object's middle compete by class
and overlap, and each object takes as many of the best as its overlaps add up to. Boxes are judged by GIoU (Rezatofighi
et al. 2019, arXiv:1902.09630).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_NEAR = 1.5  # cells
_BEST = 10
_FAR = 1e4


@dataclass(frozen=True)
class Targets:
    """Of a batch, padded: ``boxes`` ``(b, g, 4)`` input px, ``classes`` ``(b, g)``.

    ``kind`` ``(b, g)``: 1 an object, 0 none, -1 one that is too small or too hidden to be asked for or held against.
    """

    boxes: Tensor
    classes: Tensor
    kind: Tensor


@dataclass(frozen=True)
class Assignment:
    """Of points ``(b, a)``: the number of the object each answers for, -1 for none; which is its object's best; which
    lie in an ignored box.
    """

    owner: Tensor
    best: Tensor
    ignored: Tensor


def decode(raw: Tensor, corners: Tensor, strides: Tensor) -> Tensor:
    """YOLOX's rows ``(b, a, 5 + c)`` to boxes x1 y1 x2 y2, input px."""
    middle = (raw[..., :2] + corners) * strides
    half = raw[..., 2:4].clamp(max=8).exp() * strides / 2
    return torch.cat([middle - half, middle + half], dim=-1)


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and GIoU of boxes that broadcast."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    union = area_a + area_b - common + 1e-6
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1) + 1e-6
    iou = common / union
    return iou, iou - (hull - union) / hull


@torch.no_grad()
def assign(boxes: Tensor, scores: Tensor, targets: Targets, corners: Tensor, strides: Tensor) -> Assignment:
    """``boxes`` ``(b, a, 4)``, ``scores`` ``(b, a, c)`` probabilities."""
    middles = (corners + 0.5) * strides
    picture, number = (targets.kind == 1).nonzero(as_tuple=True)  # objects of all pictures in one row: p of them
    wanted = targets.boxes[picture, number]
    gap, within = _inside(middles, wanted)
    candidate = (gap <= _NEAR * strides).all(-1)
    iou = overlap(wanted[:, None], boxes[picture])[0] * candidate
    of_class = scores[picture, :, targets.classes[picture, number]]
    cost = -of_class.clamp(min=1e-6).log() - 3 * (iou + 1e-6).log() + 3 * ~within + _FAR * ~candidate
    count = iou.topk(_BEST, dim=-1).values.sum(-1).round().clamp(min=1)
    ranked, order = cost.topk(_BEST, dim=-1, largest=False)
    takes = (torch.arange(_BEST)[None] < count[:, None]) & (ranked < _FAR)
    # A point that several want goes to the cheapest.
    row, rank = takes.nonzero(as_tuple=True)
    at, point, mine = picture[row].numpy(), order[row, rank].numpy(), number[row].numpy()
    dearest_first = ranked[row, rank].argsort(descending=True, stable=True).numpy()
    owner = np.full(boxes.shape[:2], -1, np.int64)  # numpy keeps the last of several writes to one place
    owner[at[dearest_first], point[dearest_first]] = mine[dearest_first]
    kept = np.flatnonzero(owner[at, point] == mine)
    first = kept[np.unique(row.numpy()[kept], return_index=True)[1]]  # ranks rise within an object
    best = np.zeros(boxes.shape[:2], bool)
    best[at[first], point[first]] = True
    ignored = torch.zeros(boxes.shape[:2], dtype=torch.bool)
    hidden = (targets.kind == -1).nonzero(as_tuple=True)
    for index, inside in zip(hidden[0].tolist(), _inside(middles, targets.boxes[hidden])[1], strict=True):
        ignored[index] |= inside
    return Assignment(torch.from_numpy(owner), torch.from_numpy(best), ignored)


def _inside(middles: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """How far points lie from the boxes' middles ``(p, a, 2)``, and which lie inside ``(p, a)``."""
    gap = (middles[None] - (boxes[:, None, :2] + boxes[:, None, 2:]) / 2).abs()
    return gap, (gap <= (boxes[:, None, 2:] - boxes[:, None, :2]) / 2).all(-1)


def loss_of(raw: Tensor, targets: Targets, corners: Tensor, strides: Tensor, *, single: bool) -> Tensor:
    """Of a batch of logits ``(b, a, 5 + c)``: box, objectness and class, divided by the number of positive points.

    ``single``: only an object's best point is to say that it is there; else each of its points, by its overlap.
    """
    boxes = decode(raw, corners, strides)
    scores = (raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()).sqrt()
    found = assign(boxes.detach(), scores.detach(), targets, corners, strides)
    positive = found.owner >= 0
    number = positive.sum().clamp(min=1)
    picture, point = positive.nonzero(as_tuple=True)
    mine = found.owner[picture, point]
    iou, giou = overlap(boxes[picture, point], targets.boxes[picture, mine])
    box_loss = (1 - giou).sum()
    labels = functional.one_hot(targets.classes[picture, mine], raw.shape[-1] - 5).float()
    class_loss = functional.binary_cross_entropy_with_logits(raw[picture, point, 5:], labels, reduction="sum")
    if single:
        wanted = found.best.float()
    else:
        wanted = torch.zeros_like(raw[..., 4])
        wanted[picture, point] = iou.detach().clamp(min=0.3)
    weight = (~found.ignored | positive).float()
    objectness = functional.binary_cross_entropy_with_logits(raw[..., 4], wanted, weight=weight, reduction="sum")
    total: Tensor = (4 * box_loss + objectness + class_loss) / number
    return total
