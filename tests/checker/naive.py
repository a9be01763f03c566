"""A search that anyone can check by reading it: it copies the world, remembers no transition and skips nothing.

It is slow, and so a witness: `paxoskit.worlds.search`, with all its short cuts, must come to the same.
"""

from paxoskit.claims.synod import SYNOD, synod_claims
from paxoskit.protocol.node import After, Announce
from paxoskit.protocol.synod import Accept, Prepare, Propose
from paxoskit.worlds.synod import VALUES, reference
from paxoskit.worlds.world import World


class Naive:
    """All runs of these classes: a state is the nodes, their timers, what was said, and what the claims remember."""

    def __init__(self, acceptor=None, proposer=None, acceptors=3, proposers=2, ballots=2, most=10**9):
        classes = [acceptor or reference("acceptor")] * acceptors + [proposer or reference("proposer")] * proposers
        world = World(classes, peers=range(1, acceptors + 1), clients=0)
        self.ballots, self.most, self.fallen = ballots, most, None
        self.claims = synod_claims()
        for claim in self.claims:
            claim.start(world)
        self.asks = frozenset((None, acceptors + 1 + k, Propose(VALUES[k])) for k in range(proposers))
        self.own = [claim for claim in self.claims if hasattr(claim, "say")]
        memory = tuple((claim.first,) * len(classes) for claim in self.own)
        self.seen, self.node_states, self.nets = set(), set(), set()
        nodes = tuple((node, node.state()) for node in world.nodes.values())
        self.search([(nodes, frozenset(), self.asks, frozenset(), memory)])

    def search(self, queue):
        while queue and self.fallen is None and len(self.seen) < self.most:
            nodes, timers, net, facts, memory = queue.pop()
            key = (tuple(state for _, state in nodes), timers, net, facts, memory)
            if key not in self.seen:
                self.seen.add(key)
                self.node_states |= {(node.name, state) for node, state in nodes}
                self.nets.add(frozenset((s, m) for s, _, m in net if isinstance(m, (Accept, SYNOD.accepted))))
                queue += filter(None, (self.deliver(nodes, timers, net, facts, memory, *f) for f in net))
                queue += filter(None, (self.deliver(nodes, timers - {t}, net, facts, memory, *t) for t in timers))

    def deliver(self, nodes, timers, net, facts, memory, sender, to, message):
        node, before = nodes[to - 1][0].copy(), (net, facts)
        try:
            effects = node.receive(to if sender is None else sender, message)
        except Exception as error:
            self.fallen = f"raised {error}"
            return None
        if sender is None:
            net -= {(sender, to, message)}
        memory = tuple(self.remember(*pair, to, sender, message, effects) for pair in zip(self.own, memory))
        for effect in effects:
            if isinstance(effect, After):
                timers |= {(to, to, effect.message)}
            elif isinstance(effect, Announce):
                facts |= {(to, effect.fact)}
            else:
                net |= {(to, effect.to, effect.message)}
        ballots = {m.ballot for _, _, m in net if isinstance(m, (Prepare, Accept))}
        if len(ballots) > self.ballots:
            return None
        said = {(s or t, m) for s, t, m in net | self.asks} | facts
        for claim in self.claims if (net, facts) != before else ():
            if claim not in self.own and claim.judge([one for one in said if type(one[1]) in claim.kinds]):
                self.fallen = self.fallen or claim.name
        return (*nodes[: to - 1], (node, node.state()), *nodes[to:]), timers, net, facts, memory

    def remember(self, claim, memories, to, sender, message, effects):
        mine = memories[to - 1]
        if sender is not None and type(message) in claim.kinds:
            mine = claim.hear(mine, to, sender, message)
        for effect in effects:
            what = effect.fact if isinstance(effect, Announce) else effect.message
            if not isinstance(effect, After) and type(what) in claim.kinds:
                mine, fault = claim.say(mine, to, what)
                self.fallen = self.fallen or (fault and claim.name)
        return (*memories[: to - 1], mine, *memories[to:])
