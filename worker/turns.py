"""Whose turn it is, where tasks of several kinds wait for the worker."""

from kombu.utils.scheduling import priority_cycle

EVERY = 4


class InOrder(priority_cycle):
    """The order in which the worker looks into its queues for the next task: that in which it was told of them.

    Every fourth time it is the other way round. So a time is kept before the texts about earlier ones are sent, and nothing waits for ever.
    """

    def __init__(self, it=None):
        super().__init__(it)
        self.taken = 0

    def consume(self, n):
        in_order = self.items[:n]
        return in_order if self.taken % EVERY else in_order[::-1]

    def rotate(self, last_used):
        self.taken += 1
