"""A server with the most common mistake of all: it counts itself, and never asks its own acceptor.

    python3 -m paxoskit simulate --seeds 10 --server tests/data/counts_its_own_vote.py:Server
"""

import paxoskit.protocol.server
from paxoskit.protocol.messages import Accept, Prepare, Promise


class Server(paxoskit.protocol.server.Server):
    """Takes its own promise and its own vote for granted, so its acceptor remembers neither."""

    def lead(self):
        super().lead()
        self.disk.promised = self.ballot
        self.promises[self.name] = Promise(self.ballot, self.disk.chain.height, None, ())

    def offer(self, block):
        super().offer(block)
        self.votes.add(self.name)

    def broadcast(self, message):
        for peer in self.peers:
            if peer != self.name or not isinstance(message, (Prepare, Accept)):
                self.send(peer, message)
