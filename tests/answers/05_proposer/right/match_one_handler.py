# One handler with pattern matching; a ballot is an own object; waits differ by name instead of by chance.
from paxoskit.protocol.node import Node
from paxoskit.protocol.synod import Accept, Accepted, Decided, Nack, Prepare, Promise, Propose, TryAgain


class Attempt:
    """One ballot of a proposer."""

    def __init__(self, ballot):
        self.ballot = ballot
        self.promised, self.voted = {}, set()
        self.value = None


class Proposer(Node):
    def on_start(self):
        self.attempt = None
        self.top = 0
        self.done = False

    def enough(self, some):
        return 2 * len(some) > len(self.peers)

    def begin(self):
        self.top += 1
        self.attempt = Attempt((self.top, self.name))
        wait = 150 + 130 * (self.name - len(self.peers))
        self.after((wait, wait), TryAgain(self.attempt.ballot))
        for acceptor in reversed(self.peers):
            self.send(acceptor, Prepare(self.attempt.ballot))

    def hear(self, sender, message):
        now = self.attempt
        match message:
            case Propose(value=value):
                self.wish = value
                self.begin()
            case Promise(ballot=ballot, vote=vote) if ballot == now.ballot and now.value is None:
                now.promised[sender] = vote
                if self.enough(now.promised):
                    ranked = sorted((vote.ballot, vote.value) for vote in now.promised.values() if vote)
                    now.value = ranked[-1][1] if ranked else self.wish
                    for acceptor in self.peers:
                        self.send(acceptor, Accept(now.ballot, now.value))
            case Accepted(ballot=ballot) if ballot == now.ballot:
                now.voted |= {sender}
                if self.enough(now.voted) and not self.done:
                    self.done = True
                    self.announce(Decided(now.value))
            case Nack(promised=promised):
                self.top = max(self.top, promised.round)
            case TryAgain(ballot=ballot) if ballot == now.ballot and not self.done:
                self.begin()

    on_propose = on_promise = on_accepted = on_nack = on_try_again = hear
