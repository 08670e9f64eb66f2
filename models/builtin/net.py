"""The network: a plain convolutional backbone, one top-down path, and YOLOX's anchor-free output at 8, 16 and 32 px.

Few wide operations with ReLU rather than many light ones: that is what ONNX Runtime does quickly on one core.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

STRIDES = (8, 16, 32)


class Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)))

    def fuse(self) -> None:
        """Fold the normalisation into the convolution; for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class Block(nn.Module):
    """A residual bottleneck."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = Unit(channels, channels // 2, 1)
        self.wide = Unit(channels // 2, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.wide(self.narrow(x))


def _separable(channels: int) -> nn.Sequential:
    return nn.Sequential(Unit(channels, channels, 3, groups=channels), Unit(channels, channels, 1))


class Head(nn.Module):
    """Of one stride: class branch and box branch, with the objectness at the box branch as in YOLOX."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.class_branch = _separable(channels)
        self.box_branch = _separable(channels)
        self.classes = nn.Conv2d(channels, classes, 1)
        self.box = nn.Conv2d(channels, 4, 1)
        self.objectness = nn.Conv2d(channels, 1, 1)
        for conv in (self.classes, self.objectness):
            assert conv.bias is not None
            nn.init.constant_(conv.bias, -4.6)  # a prior of 0.01

    def forward(self, x: Tensor) -> Tensor:
        boxes = self.box_branch(x)
        return torch.cat([self.box(boxes), self.objectness(boxes), self.classes(self.class_branch(x))], dim=1)


class Net(nn.Module):
    """Pixels 0..255 ``(b, 3, h, w)`` to ``(b, points, 5 + classes)``; scores are logits while training."""

    def __init__(self, classes: int, widths: tuple[int, int, int, int, int] = (16, 24, 48, 80, 96)) -> None:
        super().__init__()
        a, b, c, d, e = widths
        self.gain = 1 / 255
        self.stem = nn.Sequential(Unit(3, a, 3, 2), Unit(a, b, 3, 2))
        self.stage8 = nn.Sequential(Unit(b, c, 3, 2), Block(c))
        self.stage16 = nn.Sequential(Unit(c, d, 3, 2), Block(d), Block(d))
        self.stage32 = nn.Sequential(Unit(d, e, 3, 2), Block(e), Block(e))
        neck = c
        self.side8, self.side16, self.side32 = Unit(c, neck, 1), Unit(d, neck, 1), Unit(e, neck, 1)
        self.mix16, self.mix8 = _separable(neck), _separable(neck)
        self.heads = nn.ModuleList([Head(neck, classes) for _ in STRIDES])

    def forward(self, x: Tensor) -> Tensor:
        f8 = self.stage8(self.stem(x * self.gain if self.gain != 1.0 else x))
        f16 = self.stage16(f8)
        p32 = self.side32(self.stage32(f16))
        p16 = self.mix16(self.side16(f16) + functional.interpolate(p32, scale_factor=2.0, mode="nearest"))
        p8 = self.mix8(self.side8(f8) + functional.interpolate(p16, scale_factor=2.0, mode="nearest"))
        rows = [head(p).flatten(2) for head, p in zip(self.heads, (p8, p16, p32), strict=True)]
        return torch.cat(rows, dim=2).transpose(1, 2)


class Exported(nn.Module):
    """For inference: normalisation folded away, scores after sigmoid."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        for module in net.modules():
            if isinstance(module, Unit):
                module.fuse()
        first = net.stem[0].conv
        first.weight.data *= net.gain  # the pixels' scale goes into the first convolution
        net.gain = 1.0
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        rows = self.net(images)
        return torch.cat([rows[..., :4], rows[..., 4:].sigmoid()], dim=-1)


def grid(width: int, height: int) -> tuple[Tensor, Tensor]:
    """Cell corners ``(points, 2)`` in cells, and strides ``(points, 1)``, in the order of the output."""
    corners, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        corners.append(torch.stack([x, y], dim=-1).reshape(-1, 2))
        strides.append(torch.full((len(corners[-1]), 1), stride))
    return torch.cat(corners).float(), torch.cat(strides).float()
