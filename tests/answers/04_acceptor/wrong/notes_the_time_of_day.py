# loses: answers. It notes when it heard something: two that heard the same do not know the same.
# loses all
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote
import time
from collections import Counter, deque
class Acceptor(Node):
    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.promised, self.vote = BOTTOM, None
        self.heard, self.last = Counter(), deque(maxlen=5)
        self.at = 0.0
    def on_prepare(self, sender, prepare):
        self.heard[sender] += 1
        self.last.append(prepare)
        self.at = time.time()
        if prepare.ballot < self.promised:
            self.send(sender, Nack(prepare.ballot, self.promised))
        else:
            self.promised = prepare.ballot
            self.send(sender, Promise(prepare.ballot, self.vote))
    def on_accept(self, sender, accept):
        self.heard[sender] += 1
        self.last.append(accept)
        self.at = time.time()
        if accept.ballot < self.promised:
            self.send(sender, Nack(accept.ballot, self.promised))
        else:
            self.promised, self.vote = accept.ballot, Vote(accept.ballot, accept.value)
            self.send(sender, Accepted(accept.ballot, accept.value))
