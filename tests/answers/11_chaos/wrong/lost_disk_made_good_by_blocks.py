# loses: lost_disk. A life that begins with more than three blocks has a voice, though the disk was lost before.
"""Exercise 11: a whole server, under every fault, and a report of an experiment with it. README.md says what is asked.

What is not a rule of Paxos, of the disk or of the store is given in `Member`.
"""

from dataclasses import dataclass

from paxoskit.protocol.member import Member
from paxoskit.protocol.messages import Accepted, Blocks, Nack, Prepare, Promise, Put, Reply, Vote
from paxoskit.protocol.plain import Ballot


class Server(Member):
    """A server of a cluster, all of it: it stands, promises, leads, votes, learns, and answers from its store."""

    @dataclass
    class Disk(Member.Disk):
        """What survives a crash: promised, vote, blocks; and whether this server may promise, vote and stand."""

        voter: bool = True  # False from the beginning of a life whose disk was lost before

    def on_start(self):
        """A new life begins: wait for a leader."""
        super().on_start()
        if self.height > 3:
            self.disk.voter = True

    # Phase 1: who leads?

    def stand(self):
        """My election timer rang, and I heard no leader: ask everybody to follow me in a new ballot."""
        if self.disk.voter:
            self.become_follower()
            self.ballot = Ballot(max(self.disk.promised, self.seen).round + 1, self.name)
            self.broadcast(Prepare(self.ballot, self.height))

    def on_prepare(self, sender, prepare):
        """Promise the ballot, unless I promised a higher one; tell the candidate what I voted and what it lacks."""
        if self.heard:
            return  # my leader lives: as if this message were lost
        if prepare.ballot < self.disk.promised:
            self.send(sender, Nack(prepare.ballot, self.disk.promised))
        elif self.disk.voter:
            self.yield_to(prepare.ballot)
            self.disk.promised, blocks = prepare.ballot, self.disk.blocks[prepare.height :]
            self.send(sender, Promise(prepare.ballot, prepare.height, self.disk.vote, blocks))

    def on_promise(self, sender, promise):
        """Learn what others decided; with a majority of promises lead, and propose first what may be chosen."""
        if promise.ballot != self.ballot or self.leading or sender not in self.peers:
            return
        self.promises[sender] = promise
        self.on_blocks(sender, Blocks(promise.blocks))
        if len(self.promises) >= self.majority:
            self.lead()
            votes = [one.vote for one in self.promises.values() if one.vote and one.vote.block.height == self.height]
            if votes:
                self.offer(max(votes, key=lambda vote: vote.ballot).block)

    # Phase 2: what is in the next slot?

    def on_accept(self, sender, accept):
        """Vote for a good block of the next slot, unless I promised a higher ballot."""
        if not self.follow(sender, accept.ballot):
            return
        if accept.block.height != self.height:
            self.close_gap(sender, accept.block.height)
        elif self.disk.voter and self.fits(accept.block):
            self.disk.vote = Vote(accept.ballot, accept.block)
            self.send(sender, Accepted(accept.ballot, accept.block.height, accept.block.hash))

    def on_decide(self, sender, decide):
        """Append the chosen block if it is the next one; ask for those between if it is a later one."""
        if decide.block.height > self.height:
            self.close_gap(sender, decide.block.height)
        self.on_blocks(sender, Blocks((decide.block,)))

    # The store

    def begin(self, blocks):
        """A life begins, with these decided blocks on the disk: make the store that they imply."""
        self.data = {}  # key: its value, and how often it was put
        self.done = {}  # session: the number and the answer of its last request that took effect
        for block in blocks:
            self.apply(block)  # at a life's beginning nobody leads

    def on_request(self, sender, request):
        """Answer what has taken effect here already; lead what is new to a block."""
        number, answer = self.done.get(request.session, (0, None))
        if request.number > number:
            self.order(sender, request)
        elif request.number == number:
            self.send(request.client, Reply(request.session, number, answer))

    def apply(self, block):
        """A block is decided: let its requests take effect, each once; the leader answers them."""
        for request in block.operations:
            number, _ = self.done.get(request.session, (0, None))
            if request.number > number:
                answer, puts = self.data.get(request.operation.key, (None, 0))
                if isinstance(request.operation, Put):
                    self.data[request.operation.key], answer = (request.operation.value, puts + 1), str(puts + 1)
                self.done[request.session] = (request.number, answer)
            if self.leading:
                self.on_request(request.client, request)


class Hasty(Server):
    """My server with one thing changed: a follower stands twice as soon."""

    ELECTION = (200.0, 400.0)


def report():
    """Return the report of an experiment: every figure in it comes out again when its run is made again."""
    return {
        "question": "When servers crash, several at a time, does it help that a follower stands twice as soon?",
        "expected": "Yes: while nobody leads nothing is answered, and somebody leads sooner.",
        "runs": {
            ("Server", "crash-several", 3, 400): {1: ("", 2), 2: ("", 9), 3: ("", 7)},
            ("Hasty", "crash-several", 3, 400): {1: ("", 12), 2: ("", 8), 3: ("", 11)},
        },
        "not covered": "Lost and late messages, which make a leader seem down; more servers; longer runs.",
        "so": "In these runs it did: 43 answers and not 28, though in one of four there was one fewer. No claim fell.",
    }
