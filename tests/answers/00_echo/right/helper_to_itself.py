# A message to itself does the work: it never leaves the server.
from paxoskit.protocol.messages import Get, Put, Reply, Request
from paxoskit.protocol.node import Node

from dataclasses import dataclass
from paxoskit.protocol.plain import Message


@dataclass(frozen=True)
class Job(Message):
    client: str
    request: Request


class Echo(Node):
    def on_request(self, sender, m):
        self.send(self.name, Job(sender, m))

    def on_job(self, sender, job):
        m = job.request
        self.send(job.client, Reply(m.session, m.number, m.operation.words[-1]))
