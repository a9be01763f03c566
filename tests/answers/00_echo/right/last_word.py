# The last word of an operation is its key or its value; extra attributes and helpers harm nobody.
import paxoskit.protocol.messages as m
from paxoskit.protocol.node import Node


class Echo(Node):
    """An echo that counts what it heard, which nobody asked for."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.heard = []

    def on_request(self, who, what):
        self.heard.append(what)
        self.answer(who, what, what.operation.words[-1])

    def answer(self, who, what, text):
        print("echo", text)
        self.send(who, m.Reply(what.session, what.number, text))
