# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026, the imglib2-cache-python developers.
"""A small network that removes noise, for the page tasks/network.md. It halves the image twice, as larger U-Nets do."""

import functools

import numpy as np
import torch
from torch import nn

# The workers use all cores already.
torch.set_num_threads(1)


def convolutions(before: int, after: int) -> nn.Module:
    """Two convolutions of 3 x 3 pixels."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.Conv2d(after, after, 3, padding=1), nn.ReLU()
    )


class UNet(nn.Module):
    """Finds the noise. Height and width of its input are multiples of 4."""

    def __init__(self, width: int = 8) -> None:
        """Makes an untrained network."""
        super().__init__()
        self.fine = convolutions(1, width)
        self.middle = convolutions(width, 2 * width)
        self.coarse = convolutions(2 * width, 2 * width)
        self.middle_again = convolutions(4 * width, 2 * width)
        self.fine_again = convolutions(3 * width, width)
        self.noise = nn.Conv2d(width, 1, 1)
        self.shrink = nn.MaxPool2d(2)
        self.enlarge = nn.Upsample(scale_factor=2)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns the pixels without noise."""
        fine = self.fine(pixels)
        middle = self.middle(self.shrink(fine))
        coarse = self.coarse(self.shrink(middle))
        middle = self.middle_again(torch.cat([middle, self.enlarge(coarse)], 1))
        fine = self.fine_again(torch.cat([fine, self.enlarge(middle)], 1))
        return pixels - self.noise(fine)


def train(clean: np.ndarray, noise: float, file: str) -> np.ndarray:
    """Writes a trained network into a file, and returns one number: the mean difference that is left."""
    torch.manual_seed(1)
    network = UNet()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    image = torch.tensor(clean / 255, dtype=torch.float32)
    for _ in range(150):
        y, x = (int(torch.randint(size - 95, ())) for size in image.shape)
        target = image[None, None, y : y + 96, x : x + 96]
        difference = (network(target + noise / 255 * torch.randn(target.shape)) - target).abs().mean()
        optimizer.zero_grad()
        difference.backward()
        optimizer.step()
    torch.save(network.state_dict(), file)
    return np.array([255 * difference.item()])


@functools.lru_cache(maxsize=1)
def load(file: str) -> UNet:
    """Reads the network, once per worker."""
    network = UNet()
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


@torch.inference_mode()
def denoise(noisy: np.ndarray, file: str) -> np.ndarray:
    """Applies the network to a block."""
    pixels = torch.tensor(noisy / 255, dtype=torch.float32)
    return 255 * load(file)(pixels[None, None])[0, 0].numpy()
