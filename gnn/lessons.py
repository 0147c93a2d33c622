"""What is learned from: at each cut, the items' side of the graph and blocks of users with pairs to judge."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gnn import hetero_data, moment
from gnn.config import Config
from gnn.held_out import HeldOut
from gnn.history import Scheme
from gnn.model import Tables
from gnn.moment import Moment
from gnn.neighbour_loader import Batches
from gnn.neighbour_sampler import Draws
from gnn.pairs import Block, block, split_users
from gnn.processes import ALONE, Group
from gnn.progress import Progress
from gnn.sampling import Asker
from gnn.validation import learners
from graph.snapshot import Snapshot

FEWEST_USERS = 10
"""Fewer active users than this in every period teach nothing that is not noise."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One cut."""

    tables: Tables
    blocks: tuple[Block, ...] | Batches
    """Laid out once, or made anew for every pass."""

    def __len__(self) -> int:
        return len(self.blocks)

    def of_pass(self, number: int) -> Iterator[Block]:
        """Return the blocks of the pass of this number, one after another."""
        return self.blocks.of_pass(number) if isinstance(self.blocks, Batches) else iter(self.blocks)

    def to(self, device: torch.device) -> "Lesson":
        """Return the lesson on another device; what is made anew is made on the CPU."""
        blocks = self.blocks if isinstance(self.blocks, Batches) else tuple(part.to(device) for part in self.blocks)
        return Lesson(self.tables.to(device), blocks)


class Lessons:
    """Lays out cuts of one snapshot, each once; what is drawn depends on the cut and the seed alone."""

    def __init__(
        self,
        snapshot: Snapshot,
        scheme: Scheme,
        config: Config,
        device: torch.device,
        progress: Progress,
        group: Group = ALONE,
    ) -> None:
        self.snapshot = snapshot
        self.scheme = scheme
        self.config = config
        self.device = device
        self.progress = progress
        self.group = group
        self._known: dict[HeldOut, Lesson | None] = {}
        self._left = {"kept": float("inf"), "sampled": 0.0, "auto": config.kept_gb * 1e9}[config.batches]
        """Bytes of blocks that may yet be kept, over all processes."""

    def at(self, cuts: Sequence[HeldOut]) -> list[Lesson]:
        """Return the lessons of these cuts; those with too few users teach nothing and are left out."""
        for cut in cuts:
            if cut not in self._known:
                lesson = self._lesson(cut)
                self._known[cut] = None if lesson is None else self._placed(lesson)
                self.progress.advance()
        return [lesson for cut in cuts if (lesson := self._known[cut]) is not None]

    def _placed(self, lesson: Lesson) -> Lesson:
        """Take a lesson to the device; where it is full the blocks stay behind, and each step fetches its own."""
        try:
            return lesson.to(self.device)
        except torch.OutOfMemoryError:
            return Lesson(lesson.tables.to(self.device), lesson.blocks)

    def _lesson(self, cut: HeldOut) -> Lesson | None:
        config = self.config
        bits = np.random.PCG64((config.seed, cut.key))
        rng = np.random.Generator(bits)
        there = moment.make(cut.past(self.snapshot, announced=config.announced), config, self.scheme)
        labels = cut.wanted(self.snapshot, config.target)
        users = learners(there, labels)
        if len(users) < FEWEST_USERS:
            return None
        users = np.sort(rng.permutation(users)[: config.users_per_cut])
        groups = list(split_users(rng.permutation(users), -(-len(users) // config.users_per_step)))
        tables = Tables.of(hetero_data.build(there), torch.device("cpu"))
        asker = Asker.of(there, labels, config)
        draws = Draws(config.seed, cut.key, copy.deepcopy(bits))
        blocks = self._kept(there, groups, asker, rng) if self._left > 0 else None
        if blocks is None:
            blocks = Batches.of(there, groups, self._share, asker, draws, config.history_sample)
        return Lesson(tables, blocks)

    @property
    def _share(self) -> slice:
        """Which users of a step fall to this process."""
        return slice(self.group.rank, None, self.group.size)

    def _kept(
        self, there: Moment, groups: Sequence[np.ndarray], asker: Asker, rng: np.random.Generator
    ) -> tuple[Block, ...] | None:
        """Lay out every block of a cut; None when that is more than may be kept."""
        blocks: list[Block] = []
        left = self._left
        for group in groups:
            # Every process draws for all users, so that what is drawn does not depend on how many processes there are.
            pools = asker.pools(group, rng.random((len(group), asker.random)))
            blocks.append(block(there, group[self._share], pools[self._share], asker.labels))
            # All processes add up alike, so they all keep a cut or none does.
            left -= float(self.group.add(torch.tensor(blocks[-1].nbytes, device=self.device)))
            if left < 0:
                return None
        self._left = left
        return tuple(blocks)
