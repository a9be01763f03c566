# loses: progress. Its life is a generator, with which no copy of it can go on. # loses all
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot, Message
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain, Vote

class Proposer(Node):
    """The life of a proposer as a coroutine: what comes in is sent to it."""

    def __init__(self, name, peers, disk=None):
        super().__init__(name, peers, disk)
        self.life = self.live()
        next(self.life)

    def hear(self, sender, message):
        self.life.send((sender, message))

    on_propose = on_promise = on_accepted = on_nack = on_try_again = hear

    def live(self):
        majority = len(self.peers) // 2 + 1
        _, wish = yield
        ballot, top = BOTTOM, BOTTOM
        while True:
            ballot = Ballot(max(ballot, top).round + 1, self.name)
            promises, voters, value = {}, set(), None
            self.broadcast(Prepare(ballot))
            self.after((300, 900), TryAgain(ballot))
            while True:
                sender, m = yield
                if isinstance(m, Nack):
                    top = max(top, m.promised)
                elif m.ballot != ballot:
                    continue
                elif isinstance(m, TryAgain):
                    break
                elif isinstance(m, Promise) and value is None:
                    promises[sender] = m.vote
                    if len(promises) >= majority:
                        votes = [v for v in promises.values() if v]
                        value = max(votes, key=lambda v: v.ballot).value if votes else wish.value
                        self.broadcast(Accept(ballot, value))
                elif isinstance(m, Accepted):
                    voters.add(sender)
                    if len(voters) >= majority:
                        self.announce(Decided(value))
                        while True:
                            yield
