"""A small DNS server over UDP on the loopback interface: it answers from a table, or is silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Zone = Mapping[tuple[str, str], Sequence[str]]
"""What is said, by name and kind (`TXT`, `CNAME`, `MX`, `A`), as a zone file writes it; an unknown name does not exist."""


def _reply(asked: dns.message.Message, zone: Zone) -> dns.message.Message:
    answer = dns.message.make_response(asked)
    answer.flags |= dns.flags.RA
    question = asked.question[0]
    name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
    text = name.to_text(omit_final_dot=True).lower()
    while (text, "CNAME") in zone and kind != "CNAME":
        (target,) = zone[text, "CNAME"]
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
        name, text = dns.name.from_text(target), target.rstrip(".").lower()
    if (text, kind) in zone:
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *zone[text, kind]))
    elif not any(known == text for known, _ in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer


@contextmanager
def nameserver(zone: Zone, *, silent: bool = False, broken: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Give the port of a server that knows *zone*, and the names that it was asked for; *silent* never answers."""
    asked: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    wire, peer = line.recvfrom(4096)
                except TimeoutError:
                    continue
                question = dns.message.from_wire(wire)
                asked.append(question.question[0].name.to_text(omit_final_dot=True))
                if silent:
                    continue
                answer = _reply(question, zone)
                if broken:
                    answer.set_rcode(dns.rcode.SERVFAIL)
                line.sendto(answer.to_wire(), peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield line.getsockname()[1], asked
        finally:
            stop.set()
            thread.join()
