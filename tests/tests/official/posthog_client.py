"""A loopback server that takes requests, and PostHog's official client, which sends it an event by both of its
APIs. Prints the server's port; then, when it has read the event from stdin, sends it and prints every request
that arrived, whoever sent it."""

import datetime
import gzip
import http.server
import json
import socket
import sys
import threading

from posthog import Posthog

resolve = socket.getaddrinfo


def loopback_only(host, *rest, **named):
    """Nothing of a test may reach the vendor, whatever the client's defaults are."""
    assert host == "127.0.0.1", host
    return resolve(host, *rest, **named)


socket.getaddrinfo = loopback_only
arrived = []


class Ingestion(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        arrived.append({"path": self.path, "headers": headers, "body": json.loads(body)})
        answer = b'{"status": 1, "results": {}}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Ingestion)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)

event = json.load(sys.stdin)
# Python's times have microseconds.
time = datetime.datetime.fromisoformat(event["timestamp"][:26] + "+00:00")
for mode in ["v0", "v1"]:
    client = Posthog(
        event["api_key"],
        host=f"http://127.0.0.1:{server.server_port}",
        sync_mode=True,
        capture_mode=mode,
    )
    client.capture(
        event["event"],
        distinct_id=event["distinct_id"],
        uuid=event["uuid"],
        timestamp=time,
        properties=event["properties"],
    )
    client.shutdown()
json.dump(arrived, sys.stdout)
