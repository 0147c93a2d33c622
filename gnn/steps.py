"""The steps of a pass in any order: kept blocks as they lie there, others made when their turn comes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from torch_geometric.data import HeteroData

from gnn.lessons import Lesson
from gnn.loss import Whole, count
from gnn.model import Tables
from gnn.neighbour_loader import Batches, NeighbourLoader, to_block
from gnn.pairs import Block
from gnn.processes import ALONE, Group


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the optimiser looks at."""

    tables: Tables
    part: Block
    whole: Whole | None
    """What the block is a share of; None when it is all."""


class Steps:
    """All blocks of some lessons, numbered through."""

    def __init__(
        self, lessons: Sequence[Lesson], device: torch.device, group: Group = ALONE, *, workers: int = 0
    ) -> None:
        self.lessons, self.device, self.group, self.workers = lessons, device, group, workers
        self._places = [(n, k) for n, lesson in enumerate(lessons) for k in range(len(lesson))]
        self._wholes: dict[tuple[int, int], Whole] = {}
        """By place: what was bought is asked about in every pass, so that these counts stay."""

    def __len__(self) -> int:
        return len(self._places)

    def of_pass(self, number: int, order: Sequence[int]) -> Iterator[Step]:
        """Yield the steps with these numbers; what is drawn for them depends on the pass, and not on their order."""
        places = [self._places[k] for k in order]
        made = iter(
            DataLoader(
                _Made(self.lessons, number),
                batch_size=None,
                sampler=[place for place in places if isinstance(self.lessons[place[0]].blocks, Batches)],
                collate_fn=_as_it_is,
                num_workers=self.workers,
                generator=torch.Generator(),
            )
        )
        for n, k in places:
            blocks = self.lessons[n].blocks
            part = next(made) if isinstance(blocks, Batches) else blocks[k]
            # Where the device had no room for all blocks, they stayed behind.
            part = part if part.label.device.type == self.device.type else part.to(self.device)
            yield Step(self.lessons[n].tables, part, self._whole((n, k), part))

    def _whole(self, place: tuple[int, int], part: Block) -> Whole | None:
        """Return what all processes look at in this step; added up when it comes for the first time."""
        if self.group.size == 1:
            return None
        if place not in self._wholes:
            self._wholes[place] = Whole(*self.group.add(count(part)).tolist())
        return self._wholes[place]


class _Made(Dataset[Block]):
    """Blocks that are made anew, by lesson and number."""

    def __init__(self, lessons: Sequence[Lesson], number: int) -> None:
        self.loaders: dict[int, tuple[NeighbourLoader, Batches]] = {
            n: (lesson.blocks.loader(number), lesson.blocks)
            for n, lesson in enumerate(lessons)
            if isinstance(lesson.blocks, Batches)
        }

    def __getitem__(self, place: tuple[int, int]) -> Block:
        loader, batches = self.loaders[place[0]]
        batch = loader(torch.from_numpy(batches.places[place[1]]))
        assert isinstance(batch, HeteroData)  # noqa: S101 - for the type checker
        return to_block(batch)


def _as_it_is(part: Any) -> Block:  # noqa: ANN401 - torch takes it for a list
    return part
