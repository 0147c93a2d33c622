"""What is learned from: at each cut, the items' side of the graph and blocks of users with pairs to judge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from gnn import hetero_data, moment, sampling
from gnn.config import Config
from gnn.held_out import HeldOut
from gnn.history import Scheme
from gnn.model import Tables
from gnn.pairs import Block, block, split_users
from gnn.processes import ALONE, Group
from gnn.progress import Progress
from gnn.validation import learners
from graph.snapshot import Snapshot

FEWEST_USERS = 10
"""Fewer active users than this in every period teach nothing that is not noise."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One cut."""

    tables: Tables
    blocks: tuple[Block, ...]

    def to(self, device: torch.device) -> "Lesson":
        """Return the lesson on another device."""
        return Lesson(self.tables.to(device), tuple(part.to(device) for part in self.blocks))


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
        rng = np.random.default_rng((config.seed, cut.key))
        there = moment.make(cut.past(self.snapshot, announced=config.announced), config, self.scheme)
        labels = cut.wanted(self.snapshot, config.target)
        users = learners(there, labels)
        if len(users) < FEWEST_USERS:
            return None
        users = np.sort(rng.permutation(users)[: config.users_per_cut])
        groups = list(split_users(rng.permutation(users), -(-len(users) // config.users_per_step)))
        tables = Tables.of(hetero_data.build(there), torch.device("cpu"))
        # Every process draws for all users, so that what is drawn does not depend on how many processes there are.
        rank, size = self.group.rank, self.group.size
        drawn = ((group, sampling.pools(there, group, labels, config, rng)) for group in groups)
        blocks = tuple(block(there, group[rank::size], pools[rank::size], labels) for group, pools in drawn)
        return Lesson(tables, blocks)
