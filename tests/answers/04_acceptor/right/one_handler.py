# Pattern matching in one handler, strict comparison, an own class of state with its own equality.
from dataclasses import dataclass, replace

from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import BOTTOM, Ballot
from paxoskit.protocol.synod import Accept, Accepted, Nack, Prepare, Promise, Vote


@dataclass(frozen=True)
class Book:
    promised: Ballot = BOTTOM
    vote: Vote | None = None


class Acceptor(Node):
    book = Book()
    count = 0

    def hear(self, sender, message):
        self.count += 1
        match message:
            case Prepare(ballot=ballot) if ballot > self.book.promised:
                self.book = replace(self.book, promised=ballot)
                self.send(sender, Promise(ballot, self.book.vote))
            case Accept(ballot=ballot, value=value) if ballot >= self.book.promised:
                self.book = Book(ballot, Vote(ballot, value))
                self.send(sender, Accepted(ballot, value))
            case _:
                self.send(sender, Nack(message.ballot, self.book.promised))

    on_prepare = on_accept = hear
